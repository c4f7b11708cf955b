// SPDX-License-Identifier: Apache-2.0

package flash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"evener/image/gpt"
	"evener/image/slot"
)

// chunk is how much is copied at a time, in bytes.
const chunk = 1 << 20

// bootCode is how much of the first sector belongs to the BIOS's boot code, in bytes.
const bootCode = 440

// A region is a piece of the target: a copy of a place of the source, or zeros.
type region struct {
	at, length int64
	from       int64 // in the source; below 0: zeros
}

// A Step is what Write does just now: "erase", "write", "check" or "finish".
type Step string

// Progress is told how far Write is with a step, in bytes.
type Progress func(step Step, done, total int64)

// A target is a disk that is written.
type target struct {
	slot.Device
	claim *os.File // keeps others from using the disk
	block bool
}

// openTarget opens a disk for us alone: the kernel refuses one that is mounted or
// otherwise used.
func openTarget(d Disk) (*target, error) {
	info, err := os.Stat(d.Path)
	if err != nil {
		return nil, err
	}
	t := &target{block: info.Mode()&fs.ModeDevice != 0}
	flag := os.O_RDWR
	if t.block {
		flag |= unix.O_EXCL
	}
	if t.claim, err = os.OpenFile(d.Path, flag, 0); errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("%s is used by the system: unmount what is on it", d.Path)
	} else if err != nil {
		return nil, err
	}
	if t.Device, err = slot.OpenDevice(d.Path, os.O_RDWR); err != nil {
		t.claim.Close()
		return nil, err
	}
	if t.Size() != d.Size {
		t.Close()
		return nil, fmt.Errorf("%s has %d bytes now, and had %d when it was looked at: another disk was plugged in", d.Path, t.Size(), d.Size)
	}
	return t, nil
}

func (t *target) Close() error { return errors.Join(t.Device.Close(), t.claim.Close()) }

// zero makes a piece of the disk zeros, if possible without sending them.
func (t *target) zero(at, length int64) error {
	err := unix.Fallocate(int(t.claim.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, length)
	if err == nil {
		return nil
	}
	for none := make([]byte, chunk); length > 0; {
		n := min(length, chunk)
		if _, err := t.WriteAt(none[:n], at); err != nil {
			return err
		}
		at, length = at+n, length-n
	}
	return nil
}

// Write makes d, which must be one that Find or Disks has returned just now, a disk of
// the appliance, and reads back what it has written. After an error the disk starts
// nothing.
func (s *Source) Write(ctx context.Context, d Disk, progress Progress) error {
	if d.Used != "" {
		return fmt.Errorf("%s is not written: %s", d.Path, d.Used)
	}
	if from, err := os.Stat(s.path); err != nil {
		return err
	} else if to, err := os.Stat(d.Path); err != nil || os.SameFile(from, to) {
		return errors.Join(fmt.Errorf("%s would be written onto itself", d.Path), err)
	}
	table, err := s.layout(d.Size)
	if err != nil {
		return fmt.Errorf("%s: %w", d.Path, err)
	}
	t, err := openTarget(d)
	if err != nil {
		return err
	}
	defer t.Close()
	w := &writing{source: s, target: t, table: table, progress: progress}
	if w.progress == nil {
		w.progress = func(Step, int64, int64) {}
	}
	if err := w.run(ctx); err != nil {
		return fmt.Errorf("write %s: %w; the disk does not start now: write it again", d.Path, err)
	}
	return t.finish(d.Path, s.Signer)
}

// A writing is a disk on its way.
type writing struct {
	source   *Source
	target   *target
	table    *gpt.Table
	progress Progress
}

func (w *writing) run(ctx context.Context) error {
	regions, err := w.regions()
	if err != nil {
		return err
	}
	if err := w.erase(); err != nil {
		return err
	}
	if err := w.each(ctx, "write", regions, w.put); err != nil {
		return err
	}
	if err := w.target.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if err := w.each(ctx, "check", regions, w.compare); err != nil {
		return err
	}
	return w.start()
}

// regions lists all that is written besides the table.
func (w *writing) regions() ([]region, error) {
	var list []region
	src := func(label string) slot.Partition {
		p, _ := w.source.disk.Partition(label)
		return p
	}
	for _, p := range w.table.Partitions {
		switch p.Label {
		case slot.LabelBIOS, slot.LabelESP:
			list = append(list, region{p.Offset(), p.Size(), src(p.Label).Start})
		case slot.LabelA:
			from := src(w.source.from.Label())
			n := (w.source.Header.Manifest.Size + slot.BackUnit - 1) / slot.BackUnit * slot.BackUnit
			list = append(list, region{p.Offset(), n, from.Start},
				region{p.Offset() + p.Size() - slot.HeaderSize, slot.HeaderSize, from.Start + from.Size - slot.HeaderSize})
		case slot.LabelB:
			list = append(list, region{p.Offset(), slot.BackUnit, -1},
				region{p.Offset() + p.Size() - slot.HeaderSize, slot.HeaderSize, -1})
		case slot.LabelState, slot.LabelData: // the box makes their file systems
			list = append(list, region{p.Offset(), chunk, -1})
		default:
			return nil, fmt.Errorf("the image has a partition %q, which this version does not know", p.Label)
		}
	}
	return list, nil
}

// erase takes what is on the disk away: both of its tables.
func (w *writing) erase() error {
	w.progress("erase", 0, 1)
	for _, at := range []int64{0, (w.target.Size() - chunk) / slot.BackUnit * slot.BackUnit} {
		if err := w.target.zero(at, min(chunk, w.target.Size()-at)); err != nil {
			return fmt.Errorf("erase: %w", err)
		}
	}
	if err := w.target.Sync(); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	w.progress("erase", 1, 1)
	return nil
}

// each goes through the regions, a chunk at a time. want is what belongs at the place.
func (w *writing) each(ctx context.Context, step Step, list []region, do func(want []byte, at int64) error) error {
	var done, total int64
	for _, r := range list {
		total += r.length
	}
	buf := make([]byte, chunk)
	for _, r := range list {
		for off := int64(0); off < r.length; {
			if err := ctx.Err(); err != nil {
				return err
			}
			want := buf[:min(chunk, r.length-off)]
			if r.from < 0 {
				clear(want)
			} else if _, err := w.source.dev.ReadAt(want, r.from+off); err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("read the image: %w", err)
			}
			if err := do(want, r.at+off); err != nil {
				return err
			}
			off += int64(len(want))
			done += int64(len(want))
			w.progress(step, done, total)
		}
	}
	return nil
}

var zeros [chunk]byte

func (w *writing) put(want []byte, at int64) error {
	if bytes.Equal(want, zeros[:len(want)]) {
		return w.target.zero(at, int64(len(want)))
	}
	_, err := w.target.WriteAt(want, at)
	return err
}

func (w *writing) compare(want []byte, at int64) error {
	got := make([]byte, len(want))
	if err := w.target.ReadBack(got, at); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if !bytes.Equal(got, want) {
		i := 0
		for got[i] == want[i] {
			i++
		}
		return fmt.Errorf("the disk does not keep what is written: another byte comes back at %d; do not use this disk", at+int64(i))
	}
	return nil
}

// start writes what makes the disk one that starts: boot code and table.
func (w *writing) start() error {
	w.progress("finish", 0, 1)
	code := make([]byte, bootCode)
	if _, err := w.source.dev.ReadAt(code, 0); err != nil {
		return fmt.Errorf("read the image: %w", err)
	}
	if err := w.table.Write(w.target); err != nil {
		return fmt.Errorf("write the partition table: %w", err)
	}
	if _, err := w.target.WriteAt(code, 0); err != nil {
		return fmt.Errorf("write the boot code: %w", err)
	}
	if err := w.target.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	first := make([]byte, slot.BackUnit)
	if err := w.target.ReadBack(first, 0); err != nil || !bytes.Equal(first[:bootCode], code) {
		return errors.Join(errors.New("the disk does not keep its first sector"), err)
	}
	return nil
}

// finish gives the disk a new boot state, checks the slot as a box would, and tells
// the kernel of the partitions.
func (t *target) finish(path string, signer slot.Key) error {
	d, err := slot.New(t.Device)
	if err != nil {
		return fmt.Errorf("%s: what was written is not found again: %w", path, err)
	}
	// As a new image has it: what is in slot A has to work, there is nothing else.
	state := slot.State{}.With(slot.A, true, 0).With(slot.B, false, slot.MaxTries)
	if err := d.SetBoot(state); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := d.Verify(context.Background(), slot.A, slot.Keys{List: []slot.Key{signer}}, nil); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := t.Sync(); err != nil {
		return fmt.Errorf("%s: sync: %w", path, err)
	}
	if t.block {
		if err := unix.IoctlSetInt(int(t.claim.Fd()), unix.BLKRRPART, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("%s is written; the kernel does not look at its partitions anew: %w", path, err)
		}
	}
	return nil
}
