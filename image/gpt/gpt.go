// SPDX-License-Identifier: Apache-2.0

// Package gpt reads and writes GUID partition tables (UEFI 2.10 section 5) of disks
// with sectors of 512 bytes. It knows nothing of what partitions are for, and of the
// disk only how to read and write bytes at a place; package slot says how a disk of
// an appliance is divided.
//
//	sector 0        protective MBR, boot code of a BIOS in its first 440 bytes
//	sector 1        header            sectors 2 to 33   128 entries of 128 bytes
//	                … partitions …
//	the last 33     entries again, and the backup of the header in the last sector
package gpt

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// SectorSize is the unit of every address in a table, in bytes.
const SectorSize = 512

const (
	entries      = 128 // partitions that a table of ours has room for
	entrySize    = 128
	tableSectors = entries * entrySize / SectorSize
	firstUsable  = 2 + tableSectors
	tailSectors  = tableSectors + 1 // backup of entries and header
	minSectors   = firstUsable + tailSectors + 1
	labelUnits   = 36 // UTF-16 code units of a label
)

// growAlign is what Grow rounds an end down to, and leaves free behind it: 1 MiB, in
// sectors.
const growAlign = 1 << 20 / SectorSize

// A Partition is one entry of a table.
type Partition struct {
	Number     int // 1 to 128, its place in the table
	Type       GUID
	ID         GUID   // its own, the PARTUUID of Linux
	First      uint64 // first sector
	Last       uint64 // last sector, which belongs to it
	Attributes uint64 // UEFI 2.10 table 5-8
	Label      string // at most 36 UTF-16 code units
}

// Offset is where the partition begins, in bytes.
func (p Partition) Offset() int64 { return int64(p.First) * SectorSize }

// Size is the partition's length in bytes.
func (p Partition) Size() int64 { return int64(p.Last-p.First+1) * SectorSize }

// A Table is a disk's division.
type Table struct {
	ID         GUID
	Sectors    uint64      // of the whole disk
	Partitions []Partition // ordered by number

	// Recovered says why the table was taken from the backup at the disk's end;
	// empty if the primary one was sound. Writing the table mends that.
	Recovered string
}

// A Device is what Write needs of a disk.
type Device interface {
	io.ReaderAt
	io.WriterAt
}

// New returns an empty table with a random GUID for a disk of size bytes.
func New(size int64) (*Table, error) {
	t := &Table{ID: NewGUID()}
	return t, t.resize(size)
}

// Partition returns the entry with that number.
func (t *Table) Partition(number int) (Partition, bool) {
	for _, p := range t.Partitions {
		if p.Number == number {
			return p, true
		}
	}
	return Partition{}, false
}

// Labelled returns the first partition with that label.
func (t *Table) Labelled(label string) (Partition, bool) {
	for _, p := range t.Partitions {
		if p.Label == label {
			return p, true
		}
	}
	return Partition{}, false
}

// WithID returns the partition with that GUID of its own.
func (t *Table) WithID(id GUID) (Partition, bool) {
	for _, p := range t.Partitions {
		if p.ID == id {
			return p, true
		}
	}
	return Partition{}, false
}

// LastUsable is the last sector that a partition may have.
func (t *Table) LastUsable() uint64 { return t.Sectors - tailSectors - 1 }

// NewGUIDs gives the disk and every partition a random GUID. Every copy of an image
// needs that before two of them meet in one machine.
func (t *Table) NewGUIDs() {
	t.ID = NewGUID()
	for i := range t.Partitions {
		t.Partitions[i].ID = NewGUID()
	}
}

// Grow fits the table to a disk of size bytes, which is as large as before or
// larger: the backup belongs at the new end, and the partition that lies last takes
// the new room but for the last 1 to 2 MiB. It reports whether that partition grew.
func (t *Table) Grow(size int64) (bool, error) {
	was := t.Sectors
	if uint64(max(size, 0))/SectorSize < was {
		return false, fmt.Errorf("grow table: disk has %d bytes, its table says %d", size, was*SectorSize)
	}
	if err := t.resize(size); err != nil {
		return false, err
	}
	if len(t.Partitions) == 0 {
		return false, nil
	}
	last := &t.Partitions[0]
	for i := range t.Partitions {
		if t.Partitions[i].First > last.First {
			last = &t.Partitions[i]
		}
	}
	end := (t.Sectors/growAlign-1)*growAlign - 1 // wraps on a disk below 1 MiB
	if end <= last.Last || end > t.LastUsable() {
		return false, nil
	}
	last.Last = end
	return true, nil
}

func (t *Table) resize(size int64) error {
	sectors := uint64(max(size, 0)) / SectorSize
	if sectors < minSectors {
		return fmt.Errorf("disk of %d bytes: a partition table needs at least %d", size, minSectors*SectorSize)
	}
	t.Sectors = sectors
	return nil
}

// Check reports every rule that the table breaks, such as partitions that overlap or
// lie outside of the disk.
func (t *Table) Check() error {
	if t.Sectors < minSectors {
		return fmt.Errorf("disk of %d sectors: a partition table needs at least %d", t.Sectors, minSectors)
	}
	var errs []error
	for i, p := range t.Partitions {
		if err := t.checkOne(p); err != nil {
			errs = append(errs, fmt.Errorf("partition %d: %w", p.Number, err))
		}
		if i > 0 && t.Partitions[i-1].Number >= p.Number {
			errs = append(errs, fmt.Errorf("partition %d: stands after number %d", p.Number, t.Partitions[i-1].Number))
		}
	}
	byPlace := slices.Clone(t.Partitions)
	slices.SortStableFunc(byPlace, func(a, b Partition) int {
		if a.First < b.First {
			return -1
		}
		return 1
	})
	for i := 1; i < len(byPlace); i++ {
		if a, b := byPlace[i-1], byPlace[i]; b.First <= a.Last {
			errs = append(errs, fmt.Errorf("partitions %d and %d overlap", a.Number, b.Number))
		}
	}
	return errors.Join(errs...)
}

func (t *Table) checkOne(p Partition) error {
	switch {
	case p.Number < 1 || p.Number > entries:
		return fmt.Errorf("its number must be 1 to %d", entries)
	case p.Type == GUID{}:
		return errors.New("has no type")
	case p.Last < p.First:
		return fmt.Errorf("ends in sector %d, before its begin %d", p.Last, p.First)
	case p.First < firstUsable || p.Last > t.LastUsable():
		return fmt.Errorf("has sectors %d to %d, must lie in %d to %d", p.First, p.Last, firstUsable, t.LastUsable())
	case !utf8.ValidString(p.Label):
		return errors.New("its label is not valid UTF-8")
	case len(utf16.Encode([]rune(p.Label))) > labelUnits:
		return fmt.Errorf("label %q is longer than %d characters", p.Label, labelUnits)
	}
	for _, r := range p.Label {
		if r == 0 {
			return errors.New("its label holds a zero character")
		}
	}
	return nil
}
