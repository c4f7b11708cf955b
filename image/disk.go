// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"evener/image/gpt"
	"evener/image/slot"
)

// A Disk is what goes onto the disk of an image. All but Size is required.
type Disk struct {
	Arch string // amd64 or arm64
	Size int64  // bytes; 0: slot.ImageSize
	GRUB GRUB

	Kernel, Initrd string // files of the rescue system

	Payload string      // the squashfs for slot A
	Header  slot.Header // of slot A, for that payload

	Time time.Time // of the files on the ESP; the years 1980 to 2107
}

// WriteDisk makes the whole disk in a sparse file at path, which it replaces when all
// is done. Slot A holds the payload and is good, slot B is empty, and state and data
// hold nothing: the box makes their file systems at its first start. GUIDs are derived
// from the image, so that the same Disk gives the same bytes; each copy of it needs
// new ones (gpt.Table.NewGUIDs).
func WriteDisk(ctx context.Context, path string, d Disk) error {
	if d.Size == 0 {
		d.Size = slot.ImageSize
	}
	parts, err := slot.Layout(d.Arch, d.Size)
	if err != nil {
		return err
	}
	tmp := path + ".part"
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) // after the renaming it is not there any more
	err = d.write(ctx, f, parts)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("write disk %s: %w", path, err)
	}
	return nil
}

func (d Disk) write(ctx context.Context, f *os.File, parts []slot.Partition) error {
	if err := f.Truncate(d.Size); err != nil {
		return err
	}
	t, err := d.table(parts)
	if err != nil {
		return err
	}
	for _, p := range parts {
		at := io.NewOffsetWriter(f, p.Start)
		switch p.Label {
		case slot.LabelBIOS:
			err = d.writeBIOS(ctx, f, p)
		case slot.LabelESP:
			gp, _ := t.Partition(p.Number)
			err = d.writeESP(ctx, at, p, gp.ID)
		case slot.LabelA:
			err = d.writeSlot(ctx, at, p)
		}
		if err != nil {
			return err
		}
	}
	return t.Write(f)
}

// table makes the partition table. Its GUIDs come from the manifest, in which the
// payload's digest stands, and the labels.
func (d Disk) table(parts []slot.Partition) (*gpt.Table, error) {
	t, err := gpt.New(d.Size)
	if err != nil {
		return nil, err
	}
	name := func(label string) gpt.GUID {
		return gpt.DeriveGUID("evener image", d.Arch, string(d.Header.Raw), label)
	}
	t.ID = name("disk")
	for _, p := range parts {
		kind, err := gpt.ParseGUID(p.Type)
		if err != nil {
			return nil, err
		}
		t.Partitions = append(t.Partitions, gpt.Partition{
			Number: p.Number, Type: kind, ID: name(p.Label), Label: p.Label,
			First: uint64(p.Start) / gpt.SectorSize, Last: uint64(p.Start+p.Size)/gpt.SectorSize - 1,
		})
	}
	return t, nil
}

// writeBIOS writes GRUB's core image, and the code of the disk's first sector that
// loads it.
func (d Disk) writeBIOS(ctx context.Context, f *os.File, part slot.Partition) error {
	for _, p := range grubPlatforms[d.Arch] {
		if p.output != "" {
			continue
		}
		b, err := d.GRUB.biosBoot(ctx, p, uint64(part.Start)/slot.SectorSize, part.Size)
		if err != nil {
			return err
		}
		if _, err := f.WriteAt(b.core, part.Start); err != nil {
			return err
		}
		if _, err := f.WriteAt(b.code, 0); err != nil {
			return err
		}
	}
	return nil
}

// writeSlot copies the payload, which must be the one that the header tells of, and
// writes the header into the last slot.HeaderSize bytes.
func (d Disk) writeSlot(ctx context.Context, w io.WriterAt, part slot.Partition) error {
	m := d.Header.Manifest
	if m.Arch != d.Arch {
		return fmt.Errorf("slot A: its manifest is for %s, the disk for %s", m.Arch, d.Arch)
	}
	header, err := d.Header.Encode()
	if err != nil {
		return err
	}
	payload, err := os.Open(d.Payload)
	if err != nil {
		return fmt.Errorf("slot A: %w", err)
	}
	defer payload.Close()
	room := part.Size - slot.HeaderSize
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(io.NewOffsetWriter(w, 0), sum), io.LimitReader(reader{ctx, payload}, room+1))
	if err != nil {
		return fmt.Errorf("slot A: %w", err)
	}
	if n > room {
		return fmt.Errorf("slot A: %s is larger than a slot's %d bytes", d.Payload, room)
	}
	if n != m.Size || hex.EncodeToString(sum.Sum(nil)) != m.SHA256 {
		return errors.New("slot A: the payload is not the one of its manifest")
	}
	_, err = w.WriteAt(header, room)
	return err
}

// A reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
