// SPDX-License-Identifier: Apache-2.0

// Package slot knows how an appliance's disk is laid out, which of its two
// slots starts, and how a slot is written so that no loss of power leaves the
// box without one that works. It parses what comes from outside: manifests,
// signatures, bundles, the boot state. It knows no network and no user; who may
// update what and when is decided by package upgrade.
//
// # A slot
//
// A slot is a partition. It begins with a squashfs, the payload, and its last
// 64 KiB are the header area:
//
//	0                        size                 end-64Ki          end-512
//	├── payload (squashfs) ───┤ …unused…           ├── header ──┤ …  ├ fault ┤
//
// The header holds the manifest, the exact bytes that were signed, and the
// signatures. The last sector of all holds the reason for which the slot was
// given up, if it was: a [Fault].
//
// # The boot state
//
// The boot loader counts. Its variables lie in the file /evener/grubenv of the
// EFI system partition, in the form of GRUB's environment block, and all of
// them in its first 512 bytes, so that every change is one sector. [State]
// says what they mean and [State.Choose] what the boot loader makes of them.
//
// # Order of writes of an update
//
//	boot state: the spare slot is not good and may not be tried
//	header and first sector of the payload zeroed, sync
//	payload from its second sector on, sync
//	first sector of the payload, sync
//	payload read back past the page cache, SHA-256 compared
//	header, sync, read back and compared
//	boot state: the spare slot first, not good, no tries yet      ([Disk.Arm])
//
// The slot that runs is never touched.
package slot
