// SPDX-License-Identifier: Apache-2.0

package slot

import "fmt"

// SectorSize is the size of a sector in bytes, the unit that a disk writes
// whole or not at all.
const SectorSize = 512

// Sizes in bytes.
const (
	MiB = 1 << 20

	Alignment  = MiB        // of every partition, and kept free at both ends of the disk
	BIOSSize   = 1 * MiB    // GRUB's core image
	ESPSize    = 128 * MiB  // boot loader, boot state, rescue system
	SlotSize   = 256 * MiB  // one slot, its header included
	StateSize  = 256 * MiB  // configurations, keys, the journal
	MinData    = 256 * MiB  // of the data partition; the disk may not be smaller
	ImageSize  = 2048 * MiB // of the disk in an image; the box grows it
	HeaderSize = 64 << 10   // at the end of a slot
	// MaxPayload is what fits into a slot beside its header.
	MaxPayload = SlotSize - HeaderSize
)

// Labels of the partitions: names in the partition table.
const (
	LabelBIOS  = "evener-bios"
	LabelESP   = "evener-esp"
	LabelA     = "evener-a"
	LabelB     = "evener-b"
	LabelState = "evener-state"
	LabelData  = "evener-data"
)

// Types of partitions, as the UEFI specification and the Discoverable
// Partitions Specification write them.
const (
	TypeBIOS  = "21686148-6449-6e6f-744e-656564454649"
	TypeESP   = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	TypeLinux = "0fc63daf-8483-4772-8e79-3d69d8477de4"
)

// A Partition is a piece of the disk.
type Partition struct {
	Number int    // in the table, from 1
	Label  string // one of the Label constants
	Type   string // one of the Type constants
	UUID   string // its own, in lower case; empty in a Layout
	Start  int64  // in bytes, a multiple of Alignment
	Size   int64  // in bytes, a multiple of Alignment
}

// Arches are the architectures that there are images for, as Go calls them.
var Arches = []string{"amd64", "arm64"}

// Layout returns the partitions of a disk of size bytes for arch, "amd64" or
// "arm64", in the order of their places. On arm64 there is no number 1 and its
// place stays free, so that everything else lies at one place on both.
func Layout(arch string, size int64) ([]Partition, error) {
	if arch != "amd64" && arch != "arm64" {
		return nil, fmt.Errorf("lay out a disk: no architecture %q; there are amd64 and arm64", arch)
	}
	parts := []Partition{
		{Number: 1, Label: LabelBIOS, Type: TypeBIOS, Size: BIOSSize},
		{Number: 2, Label: LabelESP, Type: TypeESP, Size: ESPSize},
		{Number: 3, Label: LabelA, Type: TypeLinux, Size: SlotSize},
		{Number: 4, Label: LabelB, Type: TypeLinux, Size: SlotSize},
		{Number: 5, Label: LabelState, Type: TypeLinux, Size: StateSize},
		{Number: 6, Label: LabelData, Type: TypeLinux},
	}
	at := int64(Alignment)
	for i := range parts {
		parts[i].Start = at
		at += parts[i].Size
	}
	data := &parts[len(parts)-1]
	data.Size = (size-Alignment)/Alignment*Alignment - data.Start
	if data.Size < MinData {
		return nil, fmt.Errorf("lay out a disk: %d MiB are too few, it needs %d MiB or more",
			size/MiB, (data.Start+MinData+Alignment)/MiB)
	}
	if arch == "arm64" {
		parts = parts[1:]
	}
	return parts, nil
}
