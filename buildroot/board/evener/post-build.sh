#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# post-build.sh TARGET: takes out of the root what no part of the firmware runs, and
# refuses one in which something is missing. Programs are started by these paths:
# /sbin/evener, /sbin/modprobe, /usr/sbin/mke2fs, /usr/sbin/e2fsck.
set -eu
target=${1:?the folder of the root, as Buildroot gives it}

fail() {
	echo "post-build.sh: $*" >&2
	exit 1
}

# Buildroot has the two in /sbin.
mkdir -p "$target/usr/sbin"
for program in mke2fs e2fsck; do
	if [ -f "$target/sbin/$program" ] && [ ! -e "$target/usr/sbin/$program" ]; then
		mv "$target/sbin/$program" "$target/usr/sbin/$program"
	fi
done

# Every other program is one more thing that can be misused: no shell, no login.
for dir in bin sbin usr/bin usr/sbin; do
	for file in "$target/$dir"/*; do
		case ${file#"$target"/} in
		sbin/evener | sbin/modprobe | usr/sbin/mke2fs | usr/sbin/e2fsck) ;;
		*) rm -rf "$file" ;;
		esac
	done
done
rm -rf "$target/etc/init.d" "$target/etc/profile" "$target/etc/profile.d" "$target/etc/shells" "$target/etc/issue"
rm -f "$target"/lib/modules/*/build "$target"/lib/modules/*/source

for file in sbin/evener sbin/modprobe usr/sbin/mke2fs usr/sbin/e2fsck; do
	[ -x "$target/$file" ] || fail "the root has no /$file"
done
for file in etc/mke2fs.conf etc/ssl/certs/ca-certificates.crt usr/share/zoneinfo/UTC; do
	[ -s "$target/$file" ] || fail "the root has no /$file"
done
set -- "$target"/lib/modules/*/modules.builtin
[ -s "$1" ] || fail "the root has no kernel modules"
