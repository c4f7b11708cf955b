// SPDX-License-Identifier: Apache-2.0

// Package slottest imitates the disk of an appliance in memory, with a real
// partition table and a real EFI system partition. It remembers every write, so
// that a test can see the disk as a loss of power at any moment leaves it.
package slottest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"evener/image/fat"
	"evener/image/gpt"
	"evener/image/slot"
)

// pageSize is how the content is kept, in bytes; a multiple of slot.BackUnit.
const pageSize = 16 << 10

// Size is that of the disk in bytes.
const Size = 1200 * slot.MiB

// An Op is one write, or a sync if Data is nil.
type Op struct {
	Off     int64
	Data    []byte
	Durable bool // on the medium when it returned; others are after the next sync
}

// A Disk is one in memory. Where nothing was written it holds zeros.
type Disk struct {
	Ops  []Op                      // since Record
	Fail func(op Op) error         // asked before each write and sync; nil: none fails
	Lie  func(p []byte, off int64) // may change what is read back; nil: nothing

	pages  map[int64][]byte // shared with copies: never changed in place
	below  io.ReaderAt      // what is there where no page is; nil: zeros
	size   int64
	record bool
}

var _ slot.Device = (*Disk)(nil)

// New returns a disk with our partitions and the boot state s.
func New(t testing.TB, s slot.State) *Disk {
	t.Helper()
	d := &Disk{pages: map[int64][]byte{}, size: Size}
	parts, err := slot.Layout("amd64", Size)
	if err != nil {
		t.Fatal(err)
	}
	table, err := gpt.New(Size)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		kind, err := gpt.ParseGUID(p.Type)
		if err != nil {
			t.Fatal(err)
		}
		table.Partitions = append(table.Partitions, gpt.Partition{Number: p.Number, Label: p.Label, Type: kind,
			ID:    gpt.DeriveGUID("slottest", p.Label),
			First: uint64(p.Start / slot.SectorSize), Last: uint64((p.Start+p.Size)/slot.SectorSize - 1)})
		if p.Label == slot.LabelESP {
			files := []fat.File{{Path: "EFI/BOOT/BOOTX64.EFI", Data: make([]byte, 3000)},
				{Path: slot.BlockPath[1:], Data: s.Encode()}}
			cfg := fat.Config{Size: p.Size, Label: "EVENER-ESP", Hidden: uint32(p.Start / slot.SectorSize),
				Time: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
			if err := fat.Write(io.NewOffsetWriter(d, p.Start), cfg, files); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := table.Write(d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Over returns a disk of size bytes that begins with the content of an image, which
// is only read and must not change.
func Over(image io.ReaderAt, size int64) *Disk {
	return &Disk{pages: map[int64][]byte{}, below: image, size: size}
}

// Record forgets what was written so far and remembers all that follows.
func (d *Disk) Record() { d.Ops, d.record = nil, true }

// Copy returns a disk with the same content that records nothing.
func (d *Disk) Copy() *Disk {
	return &Disk{pages: maps.Clone(d.pages), below: d.below, size: d.size}
}

// Apply writes the ops. It panics if what lies below a disk cannot be read.
func (d *Disk) Apply(ops ...Op) {
	for _, op := range ops {
		if err := d.put(op.Data, op.Off); err != nil {
			panic(err)
		}
	}
}

func (d *Disk) put(p []byte, off int64) error {
	for len(p) > 0 {
		in := off % pageSize
		page := make([]byte, pageSize)
		if in > 0 || len(p) < pageSize {
			if err := d.page(page, off-in); err != nil {
				return err
			}
		}
		n := copy(page[in:], p)
		d.pages[off-in] = page
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// page reads the page at off.
func (d *Disk) page(p []byte, off int64) error {
	if page := d.pages[off]; page != nil || d.below == nil {
		copy(p, page)
		return nil
	}
	n := min(pageSize, d.size-off)
	if k, err := d.below.ReadAt(p[:n], off); int64(k) < n {
		return fmt.Errorf("read what lies below the disk: %w", err)
	}
	return nil
}

// ReadAt implements slot.Device.
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	all := len(p)
	if off < 0 || off+int64(all) > d.size {
		return 0, io.ErrUnexpectedEOF
	}
	for len(p) > 0 {
		in := off % pageSize
		n := min(len(p), int(pageSize-in))
		page := d.pages[off-in]
		switch {
		case page != nil:
			copy(p[:n], page[in:])
		case d.below == nil:
			clear(p[:n])
		default:
			if k, err := d.below.ReadAt(p[:n], off); k < n {
				return all - len(p) + k, err
			}
		}
		p, off = p[n:], off+int64(n)
	}
	return all, nil
}

// ReadBack implements slot.Device.
func (d *Disk) ReadBack(p []byte, off int64) error {
	if off%slot.BackUnit != 0 || len(p)%slot.BackUnit != 0 {
		return fmt.Errorf("read back: %d bytes at %d are not aligned", len(p), off)
	}
	_, err := d.ReadAt(p, off)
	if d.Lie != nil {
		d.Lie(p, off)
	}
	return err
}

// WriteAt implements slot.Device.
func (d *Disk) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > d.size {
		return 0, errors.New("write outside of the disk")
	}
	return len(p), d.write(Op{Off: off, Data: slices.Clone(p)})
}

func (d *Disk) write(op Op) error {
	if err := d.note(op); err != nil {
		return err
	}
	return d.put(op.Data, op.Off)
}

// WriteSector implements slot.Device. What was written before may still not be
// on the medium.
func (d *Disk) WriteSector(p []byte, off int64) error {
	if len(p) != slot.SectorSize || off%slot.SectorSize != 0 {
		return fmt.Errorf("write a sector: %d bytes at %d are none", len(p), off)
	}
	return d.write(Op{Off: off, Data: slices.Clone(p), Durable: true})
}

// Sync implements slot.Device.
func (d *Disk) Sync() error { return d.note(Op{}) }

func (d *Disk) note(op Op) error {
	if d.Fail != nil {
		if err := d.Fail(op); err != nil {
			return err
		}
	}
	if d.record {
		d.Ops = append(d.Ops, op)
	}
	return nil
}

// Size implements slot.Device.
func (d *Disk) Size() int64 { return d.size }

// Close implements slot.Device. The disk can be used again.
func (d *Disk) Close() error { return nil }

// Save writes the disk to a file with holes, without what lies below it.
func (d *Disk) Save(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(d.size); err != nil {
		return err
	}
	for off, page := range d.pages {
		if _, err := f.WriteAt(page, off); err != nil {
			return err
		}
	}
	return nil
}
