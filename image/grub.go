// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"evener/image/slot"
)

// grubConfig is the boot menu. It is static: nothing in it depends on the image.
//
//go:embed grub.cfg
var grubConfig []byte

// A GRUB says where GRUB 2's program and modules are found.
type GRUB struct {
	Program string            // grub-mkimage; empty: the one in PATH
	Modules map[string]string // folder of the modules of each platform, such as i386-pc
}

// A grubPlatform is one firmware of an architecture.
type grubPlatform struct {
	name    string // as GRUB calls it
	pkg     string // Debian's package with its modules
	output  string // where its program lies on the ESP; empty: in the BIOS boot partition
	prefix  string
	modules []string // besides those that all have
}

// The prefix of EFI programs has no disk: they are told which one they came from. On
// a BIOS only the number of the disk is known, hence the partition's.
var grubPlatforms = map[string][]grubPlatform{
	"amd64": {
		{name: "i386-pc", pkg: "grub-pc-bin", prefix: "(,gpt2)/evener", modules: []string{"biosdisk", "serial", "linux16"}},
		{name: "x86_64-efi", pkg: "grub-efi-amd64-bin", prefix: "/evener", output: "EFI/BOOT/BOOTX64.EFI", modules: []string{"serial", "linux"}},
	},
	"arm64": {
		{name: "arm64-efi", pkg: "grub-efi-arm64-bin", prefix: "/evener", output: "EFI/BOOT/BOOTAA64.EFI", modules: []string{"linux"}},
	},
}

// grubModules is what grub.cfg needs on every platform; no others are read at boot.
var grubModules = []string{"part_gpt", "fat", "squash4", "gzio", "normal", "configfile", "loadenv",
	"boot", "test", "echo", "regexp", "probe", "read", "sleep", "reboot", "terminal", "minicmd"}

// GRUBPackages lists Debian's packages that hold GRUB's modules for images of an
// architecture; they are of that architecture themselves.
func GRUBPackages(arch string) []string {
	var list []string
	for _, p := range grubPlatforms[arch] {
		list = append(list, p.pkg)
	}
	return list
}

// GRUBFrom finds the modules in unpacked packages; others among them do not matter.
func GRUBFrom(packages []Package) GRUB {
	g := GRUB{Modules: map[string]string{}}
	for _, pkg := range packages {
		for _, platforms := range grubPlatforms {
			for _, p := range platforms {
				if p.pkg == pkg.Name {
					g.Modules[p.name] = filepath.Join(pkg.Root, "usr/lib/grub", p.name)
				}
			}
		}
	}
	return g
}

// build makes the boot loader's program for a platform.
func (g GRUB) build(ctx context.Context, p grubPlatform) ([]byte, error) {
	dir, err := g.modules(p)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "evener-grub-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	program := g.Program
	if program == "" {
		program = "grub-mkimage"
	}
	out := filepath.Join(tmp, "core")
	args := append([]string{"-O", p.name, "-d", dir, "-o", out, "-p", p.prefix}, grubModules...)
	cmd := exec.CommandContext(ctx, program, append(args, p.modules...)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make boot loader %s (with grub-mkimage, Debian's package grub-common): %w: %s",
			p.name, err, strings.TrimSpace(string(text)))
	}
	return os.ReadFile(out)
}

// modules returns the folder with a platform's modules.
func (g GRUB) modules(p grubPlatform) (string, error) {
	dir, ok := g.Modules[p.name]
	if !ok {
		return "", fmt.Errorf("make boot loader: no modules for %s are given (Debian's package %s)", p.name, p.pkg)
	}
	if _, err := os.Stat(filepath.Join(dir, "normal.mod")); err != nil {
		return "", fmt.Errorf("make boot loader: modules for %s (Debian's package %s): %w", p.name, p.pkg, err)
	}
	return dir, nil
}

// Places in GRUB's boot.img and diskboot.img, which core.img begins with (the labels
// of boot/i386/pc/boot.S and diskboot.S).
const (
	bootCodeSize  = 440  // of the first sector; what follows is the partition table's
	bootKernel    = 0x5c // 8 bytes: the sector of core.img
	bootDrive     = 0x64 // 0xff: the drive that the BIOS booted from
	bootDriveJump = 0x66 // two bytes: a jump for floppies that is taken out
	blockList     = slot.SectorSize - 12
	coreSegment   = 0x0820 // where the second sector of core.img is loaded to
)

// A biosBoot is what a PC's BIOS starts from: the code of the first sector, and
// GRUB's core image for the BIOS boot partition.
type biosBoot struct {
	code, core []byte
}

// biosBoot makes both for a BIOS boot partition of size bytes at sector.
func (g GRUB) biosBoot(ctx context.Context, p grubPlatform, sector uint64, size int64) (biosBoot, error) {
	core, err := g.build(ctx, p)
	if err != nil {
		return biosBoot{}, err
	}
	boot, err := os.ReadFile(filepath.Join(g.Modules[p.name], "boot.img"))
	if err != nil {
		return biosBoot{}, fmt.Errorf("make boot loader: %w", err)
	}
	return patch(boot, core, sector, size)
}

// patch tells boot.img where core.img is, and core.img where its rest is.
func patch(boot, core []byte, sector uint64, size int64) (biosBoot, error) {
	if len(boot) != slot.SectorSize || len(core) < 2*slot.SectorSize {
		return biosBoot{}, fmt.Errorf("make boot loader: boot.img has %d bytes and core.img %d", len(boot), len(core))
	}
	if int64(len(core)) > size {
		return biosBoot{}, fmt.Errorf("make boot loader: core.img has %d bytes, its partition only %d", len(core), size)
	}
	le := binary.LittleEndian
	boot = bytes.Clone(boot[:bootCodeSize])
	le.PutUint64(boot[bootKernel:], sector)
	boot[bootDrive] = 0xff
	boot[bootDriveJump], boot[bootDriveJump+1] = 0x90, 0x90
	sectors := (len(core) + slot.SectorSize - 1) / slot.SectorSize
	core = append(bytes.Clone(core), make([]byte, sectors*slot.SectorSize-len(core))...)
	le.PutUint64(core[blockList:], sector+1)
	le.PutUint16(core[blockList+8:], uint16(sectors-1))
	le.PutUint16(core[blockList+10:], coreSegment)
	return biosBoot{code: boot, core: core}, nil
}
