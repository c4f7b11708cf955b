// SPDX-License-Identifier: Apache-2.0

// Package flash puts an image onto a disk: the first thing that happens to an
// appliance. A [Source] is an image's file, or the medium that a running system was
// started from; [Find] and [Disks] tell which disks there are and why one is not to
// be written; [Source.Write] makes a disk of the appliance out of one.
//
// What arrives is a new box, not a copy: one slot with the image, in place A, the
// other one empty, no state, no data, and identifiers of its own, so that a box never
// takes another disk for its own. Whatever was on the disk before is made unusable
// first, so that one that was written half does not start.
//
// The package asks nobody. Who calls it has shown the disk to a person and got a yes.
package flash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"evener/image/gpt"
	"evener/image/slot"
)

// A Source is what is put onto disks.
type Source struct {
	Header slot.Header // of the image
	// Signer is the key that signed it; Trusted says that it is one of those given
	// to Open, and not only of those that the image itself names.
	Signer  slot.Key
	Trusted bool

	path  string
	dev   slot.Device
	disk  *slot.Disk
	table *gpt.Table
	from  slot.Name // whose payload is taken
}

// Open opens an image. Keys are those whose signature counts; if there is none, the
// keys that the image itself names do, which finds damage, but no fraud.
func Open(path string, keys slot.Keys) (*Source, error) { return open(path, slot.A, keys) }

// OpenRunning opens the disk that the system was started from, to copy the slot that
// runs.
func OpenRunning(path string, running slot.Name, keys slot.Keys) (*Source, error) {
	return open(path, running, keys)
}

func open(path string, from slot.Name, keys slot.Keys) (*Source, error) {
	if err := refuse(path); err != nil {
		return nil, err
	}
	dev, err := slot.OpenDevice(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	s := &Source{path: path, dev: dev, from: from}
	if err := s.read(keys); err != nil {
		dev.Close()
		return nil, fmt.Errorf("%s is no image of Evener that can be used: %w", path, err)
	}
	return s, nil
}

// otherForms are files that hold an image in another form.
var otherForms = []struct{ magic, is, do string }{
	{"QFI\xfb", "an image for QEMU", "take the file that ends in .img, or qemu-img convert -O raw"},
	{"KDMV", "an image for VMware", "take the file that ends in .img"},
	{"vhdxfile", "an image for Hyper-V", "take the file that ends in .img"},
	{"\x1f\x8b", "compressed", "unpack it with gunzip"},
	{"\xfd7zXZ", "compressed", "unpack it with xz -d"},
	{"\x28\xb5\x2f\xfd", "compressed", "unpack it with zstd -d"},
	{"EVENER BUNDLE", "an update for a box that runs", "take the file that ends in .img"},
}

// refuse says of files of other forms what they are.
func refuse(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, o := range otherForms {
		if n >= len(o.magic) && string(head[:len(o.magic)]) == o.magic {
			return fmt.Errorf("%s is %s: %s", path, o.is, o.do)
		}
	}
	return nil
}

// read finds the partitions and checks who signed the image.
func (s *Source) read(keys slot.Keys) (err error) {
	if s.disk, err = slot.New(s.dev); err != nil {
		return err
	}
	if s.table, err = gpt.Parse(s.dev, s.dev.Size()); err != nil {
		return err
	}
	if s.Header, err = s.disk.Slot(s.from); err != nil {
		return err
	}
	if s.Trusted = len(keys.List) > 0; !s.Trusted {
		if keys, err = ownKeys(s.Header.Manifest); err != nil {
			return err
		}
	}
	s.Signer, err = s.Header.Verify(keys)
	return err
}

// ownKeys are those that an image names itself.
func ownKeys(m slot.Manifest) (slot.Keys, error) {
	text := ""
	for _, line := range m.Keys {
		text += line + "\n"
	}
	keys, err := slot.ParseKeys([]byte(text))
	if err == nil && len(keys.List) == 0 {
		err = errors.New("it names no keys: say whose signature counts")
	}
	return keys, err
}

// Check reads all of the image and compares it with what was signed. Progress, which
// may be nil, is told bytes.
func (s *Source) Check(ctx context.Context, progress func(done, total int64)) error {
	keys := slot.Keys{List: []slot.Key{s.Signer}}
	return s.disk.Verify(ctx, s.from, keys, progress)
}

// Close closes the image.
func (s *Source) Close() error { return s.disk.Close() }

// layout returns the table of a disk of size bytes: that of the image, with data up
// to the end and new identifiers.
func (s *Source) layout(size int64) (*gpt.Table, error) {
	t, err := gpt.New(size)
	if err != nil {
		return nil, err
	}
	last := -1
	for i, p := range s.table.Partitions {
		if last < 0 || p.First > s.table.Partitions[last].First {
			last = i
		}
	}
	t.Partitions = append(t.Partitions, s.table.Partitions...)
	data := &t.Partitions[last]
	const unit = slot.Alignment / slot.SectorSize
	if data.Label != slot.LabelData {
		return nil, fmt.Errorf("the last partition of the image is %q, not %s", data.Label, slot.LabelData)
	}
	data.Last = data.First // for the room that there is
	end := (t.LastUsable() + 1) / unit * unit
	if least := data.First + slot.MinData/slot.SectorSize; end < least {
		return nil, fmt.Errorf("the disk is too small: it has %s, and at least %s are needed",
			Bytes(size), Bytes(minDisk))
	}
	data.Last = end - 1
	t.NewGUIDs()
	return t, t.Check()
}
