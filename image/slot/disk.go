// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"evener/image/gpt"
)

// A Disk is one with our partitions. Its methods may not be called at the same
// time.
type Disk struct {
	dev   Device
	parts []Partition
}

// Open opens the disk or image at path and finds our partitions on it.
func Open(path string) (*Disk, error) { return open(path, os.O_RDWR) }

// View opens the disk or image at path for reading only.
func View(path string) (*Disk, error) { return open(path, os.O_RDONLY) }

func open(path string, flag int) (*Disk, error) {
	dev, err := openDevice(path, flag)
	if err != nil {
		return nil, err
	}
	d, err := New(dev)
	if err != nil {
		dev.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// New finds our partitions on dev. It fails if one is missing that a box cannot
// start without, or there twice.
func New(dev Device) (*Disk, error) {
	table, err := gpt.Parse(dev, dev.Size())
	if err != nil {
		return nil, err
	}
	d := &Disk{dev: dev}
	for _, p := range table.Partitions {
		if !strings.HasPrefix(p.Label, "evener-") {
			continue
		}
		if _, twice := d.Partition(p.Label); twice {
			return nil, fmt.Errorf("there are two partitions %s", p.Label)
		}
		d.parts = append(d.parts, Partition{Number: p.Number, Label: p.Label, Type: p.Type.String(),
			UUID: p.ID.String(), Start: p.Offset(), Size: p.Size()})
	}
	for _, label := range []string{LabelESP, LabelA, LabelB} {
		p, ok := d.Partition(label)
		if !ok {
			return nil, fmt.Errorf("there is no partition %s: this is not a disk of Evener", label)
		}
		if p.Start%BackUnit != 0 || p.Size%BackUnit != 0 || p.Size <= HeaderSize {
			return nil, fmt.Errorf("the partition %s has %d bytes at %d: multiples of %d are needed, and more than %d bytes",
				label, p.Size, p.Start, BackUnit, HeaderSize)
		}
	}
	return d, nil
}

// OpenPart opens the disk that has the partition with this UUID: see [FindPart].
func OpenPart(root, partUUID string) (*Disk, error) {
	path, err := FindPart(root, partUUID)
	if err != nil {
		return nil, err
	}
	return Open(path)
}

// FindPart returns the path of the disk that has the partition with this UUID. It looks
// through sys/class/block and dev under root, "/" on a running system.
func FindPart(root, partUUID string) (string, error) {
	want, err := gpt.ParseGUID(partUUID)
	if err != nil {
		return "", err
	}
	names, err := os.ReadDir(filepath.Join(root, "sys/class/block"))
	if err != nil {
		return "", err
	}
	var seen []string
	for _, e := range names {
		if _, err := os.Stat(filepath.Join(root, "sys/class/block", e.Name(), "partition")); err == nil {
			continue
		}
		path := filepath.Join(root, "dev", strings.ReplaceAll(e.Name(), "!", "/"))
		if hasPart(path, want) {
			return path, nil
		}
		seen = append(seen, e.Name())
	}
	if len(seen) == 0 {
		return "", fmt.Errorf("no disk has the partition %s: there is none at all", partUUID)
	}
	return "", fmt.Errorf("no disk has the partition %s; looked at %s", partUUID, strings.Join(seen, ", "))
}

// hasPart reports whether the disk at path has the partition. Disks that cannot
// be read, empty card readers and the like, do not.
func hasPart(path string, id gpt.GUID) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false
	}
	table, err := gpt.Parse(f, size)
	if err != nil {
		return false
	}
	_, ok := table.WithID(id)
	return ok
}

// Close closes the device.
func (d *Disk) Close() error { return d.dev.Close() }

// Partitions returns the partitions of ours on the disk, with their UUIDs.
func (d *Disk) Partitions() []Partition { return d.parts }

// Partition returns the one with this label.
func (d *Disk) Partition(label string) (Partition, bool) {
	for _, p := range d.parts {
		if p.Label == label {
			return p, true
		}
	}
	return Partition{}, false
}

// part returns the partition of a slot, which New has found.
func (d *Disk) part(n Name) Partition {
	p, _ := d.Partition(n.Label())
	return p
}

// SlotOf returns the slot whose partition has this UUID.
func (d *Disk) SlotOf(partUUID string) (Name, error) {
	for _, n := range []Name{A, B} {
		if strings.EqualFold(d.part(n).UUID, partUUID) {
			return n, nil
		}
	}
	return "", fmt.Errorf("the partition %s is that of no slot", clip(partUUID))
}

// header returns where the header area of n begins on the disk.
func (d *Disk) header(n Name) int64 {
	p := d.part(n)
	return p.Start + p.Size - HeaderSize
}

// Slot reads the header of a slot: ErrEmpty if it has none. The signatures are
// not verified: see [Header.Verify] and [Disk.Verify].
func (d *Disk) Slot(n Name) (Header, error) {
	b := make([]byte, HeaderSize)
	if err := d.dev.ReadBack(b, d.header(n)); err != nil {
		return Header{}, fmt.Errorf("slot %s: read the header: %w", n, err)
	}
	h, err := ParseHeader(b[:maxHeader])
	if err != nil {
		return Header{}, fmt.Errorf("slot %s: %w", n, err)
	}
	if room := d.part(n).Size - HeaderSize; h.Manifest.Size > room {
		return Header{}, fmt.Errorf("slot %s: the manifest says %d bytes, and it has room for %d", n, h.Manifest.Size, room)
	}
	return h, nil
}

// Payload returns the payload of a slot.
func (d *Disk) Payload(n Name) (*io.SectionReader, error) {
	h, err := d.Slot(n)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(d.dev, d.part(n).Start, h.Manifest.Size), nil
}

// Verify checks the signature of a slot and the SHA-256 of all of its payload,
// past the memory of the kernel. progress, which may be nil, is told bytes.
func (d *Disk) Verify(ctx context.Context, n Name, ks Keys, progress func(done, total int64)) error {
	h, err := d.Slot(n)
	if err != nil {
		return err
	}
	if _, err := h.Verify(ks); err != nil {
		return fmt.Errorf("slot %s: %w", n, err)
	}
	return d.verifyPayload(ctx, n, h.Manifest, progress)
}

// errPayload is of a slot whose payload is not the one of its manifest.
var errPayload = errors.New("the content is damaged: its SHA-256 is not that of its manifest")

func (d *Disk) verifyPayload(ctx context.Context, n Name, m Manifest, progress func(done, total int64)) error {
	sum, buf, start := sha256.New(), aligned(directSize), d.part(n).Start
	for done := int64(0); done < m.Size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n64 := min(m.Size-done, directSize)
		back := buf[:(n64+BackUnit-1)/BackUnit*BackUnit]
		if err := d.dev.ReadBack(back, start+done); err != nil {
			return fmt.Errorf("slot %s: read back: %w", n, err)
		}
		sum.Write(back[:n64])
		done += n64
		if progress != nil {
			progress(done, m.Size)
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != m.SHA256 {
		return fmt.Errorf("slot %s: %w", n, errPayload)
	}
	return nil
}
