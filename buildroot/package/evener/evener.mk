# SPDX-License-Identifier: Apache-2.0
################################################################################
#
# evener
#
################################################################################

# The tree that this folder lies in. Buildroot copies it once: changes, and commits, need
# evener-rebuild and host-evener-rebuild.
EVENER_SITE = $(realpath $(BR2_EXTERNAL_EVENER_PATH)/..)
EVENER_SITE_METHOD = local
EVENER_VERSION := $(or $(shell $(BR2_EXTERNAL_EVENER_PATH)/../.ci/version),unknown)
EVENER_LICENSE = Apache-2.0

# Once the modules are there: the licence of each of them too.
evener-licenses = LICENSE $(patsubst $(1)/%,%,$(sort $(shell find $(1)/vendor -type f \
	\( -iname 'LICEN[CS]E*' -o -iname 'COPYING*' -o -iname 'NOTICE*' -o -iname 'PATENTS*' \) 2>/dev/null)))
EVENER_LICENSE_FILES = $(call evener-licenses,$(EVENER_DIR))
HOST_EVENER_LICENSE_FILES = $(call evener-licenses,$(HOST_EVENER_DIR))

# The archive of sources that legal-info would make is the tree with all of its
# output, this build's too. Who has to hand the sources on makes it with git archive.
EVENER_REDISTRIBUTE = NO
HOST_EVENER_REDISTRIBUTE = NO

EVENER_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude=/build --exclude=/vendor --exclude=node_modules
HOST_EVENER_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = $(EVENER_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS)

EVENER_GOMOD = evener
EVENER_GO_ENV = CGO_ENABLED=0
EVENER_TAGS = release
EVENER_LDFLAGS = -s -w -X main.version=$(EVENER_VERSION)
EVENER_BUILD_TARGETS = firmware/cmd/evener image/cmd/init image/cmd/modprobe

HOST_EVENER_GOMOD = evener
HOST_EVENER_GO_ENV = CGO_ENABLED=0
HOST_EVENER_LDFLAGS = -s -w -X main.version=$(EVENER_VERSION)
HOST_EVENER_BUILD_TARGETS = image/cmd/mkimage

# A local package is not downloaded, so nothing fetches its Go modules: that is done
# here, once Go is there, with the GOPROXY of who builds. go.sum says what must come.
define EVENER_VENDOR
	cd $(@D) && $(HOST_GO_COMMON_ENV) GOFLAGS= GOPROXY="$(or $(GOPROXY),direct)" $(GO_BIN) mod vendor -modcacherw
endef
EVENER_PRE_CONFIGURE_HOOKS += EVENER_VENDOR
HOST_EVENER_PRE_CONFIGURE_HOOKS += EVENER_VENDOR

define EVENER_CHECK_PAGES
	test -f $(@D)/webui/dist/index.html || { echo "the console's pages are missing: run \"make webui\" in $(EVENER_SITE)" >&2; exit 1; }
endef
EVENER_POST_RSYNC_HOOKS += EVENER_CHECK_PAGES

define EVENER_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/bin/evener $(TARGET_DIR)/sbin/evener
	$(INSTALL) -D -m 0755 $(@D)/bin/modprobe $(TARGET_DIR)/sbin/modprobe
endef

# The first program after the kernel is not in the root but in the initrds; the image
# is called by the version that the program tells.
EVENER_INSTALL_IMAGES = YES
define EVENER_INSTALL_IMAGES_CMDS
	$(INSTALL) -D -m 0755 $(@D)/bin/init $(BINARIES_DIR)/init
	echo "$(EVENER_VERSION)" >$(BINARIES_DIR)/evener.version
endef

# mkimage runs in post-image.sh, so the target's package brings the host's.
EVENER_DEPENDENCIES = host-evener

$(eval $(golang-package))
$(eval $(host-golang-package))
