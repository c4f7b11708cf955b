#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# post-image.sh IMAGES BOARD: from kernel, root and GRUB makes with mkimage the
# disk's image and the update bundle, and has genimage put the parts of the disk
# together once more by genimage.cfg, the place for what a board needs beside them.
#
#   EVENER_SIGNING_KEY   private key that signs (a development key if empty)
#   EVENER_TRUST         more keys that the image trusts
#   EVENER_MKIMAGE_ARGS  more flags of mkimage
set -eu
images=${1:?the folder of images, as Buildroot gives it}
board=${2:?the name of a board, from BR2_ROOTFS_POST_IMAGE_SCRIPT_ARGS}
tree=${BR2_EXTERNAL_EVENER_PATH:?run by Buildroot}
work=${BUILD_DIR:?run by Buildroot}/evener-image

case $board in
*x86_64) config=genimage-x86_64.cfg platforms="i386-pc x86_64-efi" ;;
*arm64) config=genimage-aarch64.cfg platforms=arm64-efi ;;
*)
	echo "post-image.sh: no boot loader is known for the board $board" >&2
	exit 1
	;;
esac

# mkimage makes GRUB's programs itself, from the modules that Buildroot compiled.
rm -rf "$work" "$images/parts"
mkdir -p "$work/grub"
for platform in $platforms; do
	set -- "$BUILD_DIR"/grub2-*/build-"$platform"/grub-core
	if [ $# -ne 1 ] || [ ! -f "$1/normal.mod" ]; then
		echo "post-image.sh: there is not one GRUB for $platform: $*" >&2
		exit 1
	fi
	ln -s "$1" "$work/grub/$platform"
done

# Everything in the image is as old as the tree's last commit.
created=$(git -C "$tree" log -1 --format=%ct 2>/dev/null || echo "${SOURCE_DATE_EPOCH:?set it: the tree has no git history}")

# The last word is split on purpose: it holds flags.
mkimage -source "buildroot=$images" -board "$board" -version "$(cat "$images/evener.version")" -created "$created" \
	-grub "$work/grub" -out "$images" -work "$work" -parts "$images/parts" \
	${EVENER_SIGNING_KEY:+-key "$EVENER_SIGNING_KEY"} ${EVENER_TRUST:+-trust "$EVENER_TRUST"} ${EVENER_MKIMAGE_ARGS:-}

# The GUIDs of partitions, so that both disks are the same.
set -a
. "$images/parts/guids"
set +a
mkdir -p "$work/root" "$work/tmp"
genimage --config "$tree/board/evener/$config" --rootpath "$work/root" --tmppath "$work/tmp/genimage" \
	--inputpath "$images/parts" --outputpath "$images"
