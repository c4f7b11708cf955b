# SPDX-License-Identifier: Apache-2.0
#
# What one does with Evener's tree. `make help` lists it; .ci/ has the longer
# scripts. Nothing here needs root but `make lab`, and the setting-up of a bare machine.

SHELL := /bin/bash
.DEFAULT_GOAL := build

# The version is stamped into the program; a tree without git has none.
VERSION := $(shell .ci/version)

# Static, the same from every directory, without what only a debugger reads.
# RELEASE=1 refuses to build programs without the console's pages.
GOBUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false $(if $(RELEASE),-tags release) -ldflags "-s -w -X main.version=$(VERSION)"

# What `make run` starts; its state survives in build/state.
EVENER_RUN_ARGS ?= --board sim --state build/state --config examples/shop.hcl

# Pinned, so that a new check never breaks an old commit.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The console's pages: built when a source is newer, or a folder, which one left. Without npm the
# programs get a page that says how to build them; CI and releases need the real ones.
WEBUI_SOURCES := $(shell find webui/src) webui/build.mjs webui/plugins.mjs

.PHONY: webui
webui: ## write webui/dist, the console's pages (needs npm)
	@if command -v npm >/dev/null; then $(MAKE) -s --no-print-directory webui/dist/manifest.json; \
	elif [ "$$CI" = true ]; then echo "npm is missing: the console's pages cannot be built"; exit 1; \
	else echo "npm is missing: the console will only show how to build its pages"; fi

webui/dist/manifest.json: webui/node_modules/.installed $(WEBUI_SOURCES)
	cd webui && node build.mjs --check-budget

webui/node_modules/.installed: webui/package.json webui/package-lock.json webui/.npmrc
	cd webui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: run
run: build ## start the box on the simulated board (EVENER_RUN_ARGS=...)
	@mkdir -p build
	build/evener run $(EVENER_RUN_ARGS)

.PHONY: build
build: webui ## write build/evener and build/evener-linux-amd64, -arm64 (RELEASE=1: never without the console's pages)
	@mkdir -p build
	GOOS=linux GOARCH=amd64 $(GOBUILD) -o build/evener-linux-amd64 ./firmware/cmd/evener
	GOOS=linux GOARCH=arm64 $(GOBUILD) -o build/evener-linux-arm64 ./firmware/cmd/evener
	$(GOBUILD) -o build/evener ./firmware/cmd/evener

# An image is for a board; those of one architecture share the bundle. It takes the pages of a
# release, and the time of the last commit for everything in it, so that it can be built again.
BOARD ?= qemu-x86_64
FORMATS ?= img

.PHONY: image
image: ## the disk to flash and the update, in build (BOARD=qemu-x86_64 FORMATS=img,qcow2,vhdx,vmdk EVENER_SIGNING_KEY=FILE)
	.ci/setup
	$(MAKE) --no-print-directory build RELEASE=1 VERSION=$(VERSION)
	@for arch in amd64 arm64; do for p in init modprobe; do \
		GOOS=linux GOARCH=$$arch $(GOBUILD) -o build/$$p-linux-$$arch ./image/cmd/$$p || exit 1; done; done
	CGO_ENABLED=0 go build -trimpath -o build/mkimage ./image/cmd/mkimage
	@$(MAKE) --no-print-directory image-of BOARD=$(BOARD) VERSION=$(VERSION)

# What follows the programs, for one board.
.PHONY: image-of
image-of:
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} build/mkimage -board $(BOARD) -version $(VERSION) \
		-formats "$(FORMATS)" $(if $(EVENER_SIGNING_KEY),-key "$(EVENER_SIGNING_KEY)") $(IMAGE_ARGS)

.PHONY: image-all
image-all: image ## the images of all kinds of machines: generic and QEMU, x86-64 and arm64
	@for b in qemu-x86_64 generic-x86_64 qemu-aarch64 generic-arm64; do \
		$(MAKE) --no-print-directory image-of BOARD=$$b VERSION=$(VERSION) || exit 1; done

.PHONY: boot
boot: ## the image in QEMU, with its serial console on this terminal (BOOT_ARGS="-arch arm64 -firmware uefi -fresh")
	@CGO_ENABLED=0 go build -trimpath -o build/boot ./image/cmd/boot
	@build/boot $(BOOT_ARGS)

.PHONY: test
test: ## everything that must hold: lint, policy, race tests, fuzzing (FUZZTIME=10s)
	.ci/setup
	$(MAKE) --no-print-directory lint
	go test ./firmware/policy/
	.ci/test
	.ci/fuzz

.PHONY: bench
bench: ## compare with HAProxy and nginx, as root with keepalived too (CASE=name ROUNDS=5 DURATION=5s); writes build/bench.json
	.ci/setup
	@mkdir -p build
	$(GOBUILD) -o build/evener ./firmware/cmd/evener
	CGO_ENABLED=0 go build -trimpath -o build/bench ./firmware/cmd/bench
	@case "$(CASE)" in ""|console-page) $(MAKE) --no-print-directory webui;; esac
	@case "$(CASE)" in ""|boot-*|image-*|*-appliance|update) for b in qemu-x86_64 qemu-aarch64; do \
		$(MAKE) --no-print-directory image BOARD=$$b || echo "no image for $$b: what is measured of it is skipped"; done;; esac
	build/bench -evener build/evener -out build/bench.json

.PHONY: lab
lab: ## as root: a pair of boxes with clients and servers in network namespaces (LAB_ARGS="-boxes 3")
	.ci/setup
	@mkdir -p build
	$(GOBUILD) -o build/evener ./firmware/cmd/evener
	CGO_ENABLED=0 go build -trimpath -o build/lab ./firmware/cmd/lab
	build/lab $(LAB_ARGS)

.PHONY: pair
pair: build ## two boxes that stand in for each other, on a simulated network; no root (PAIR_ARGS="-console 9443")
	CGO_ENABLED=0 go build -trimpath -o build/lab ./firmware/cmd/lab
	build/lab sim $(PAIR_ARGS)

.PHONY: fmt
fmt: ## format the Go files
	gofmt -s -w $(GODIRS)

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@bad=$$(gofmt -s -l $(GODIRS)); if [ -n "$$bad" ]; then \
		echo "not formatted, run make fmt:"; echo "$$bad"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) -checks all ./...

.PHONY: generate
generate: ## write the generated files anew; they are committed
	go generate ./...

.PHONY: fuzz
fuzz: ## run every fuzz target (FUZZTIME=10s each, two at a time)
	.ci/fuzz

# Those of the Go parts that exist.
GODIRS = $(wildcard firmware webui board hal ha image)
