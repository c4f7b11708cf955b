// SPDX-License-Identifier: Apache-2.0

// Package image builds what is flashed onto an appliance: the root's tree and the
// squashfs of it, the initrd, the boot loader with its menu, the rescue system and
// the whole disk. It needs no root, no loop device and no mount, and the same input
// gives the same bytes.
//
//	kernel, modules, our program  →  [Tree]  →  squashfs  ┐
//	GRUB's modules, grub.cfg                   →  ESP      ├→  disk  →  qcow2, vhdx, vmdk
//	rescue kernel and initrd                   →           ┘
//
// It runs on the machine that builds. How the disk is divided and what a slot, its
// header and the boot state look like is package slot's; the boot loader's script,
// grub.cfg, is slot.State.Choose in GRUB's language.
package image
