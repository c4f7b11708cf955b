// SPDX-License-Identifier: Apache-2.0

package slot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evener/image/gpt"
	"evener/image/slot"
	"evener/image/slottest"
)

// imageFile writes the disk into a file with holes.
func imageFile(t *testing.T, d *slottest.Disk, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(path); err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsADisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk.img")
	imageFile(t, factory(t, spares[0].state, ""), path)
	d, err := slot.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m, payload := slottest.Manifest("2.0.0", 5<<20+100)
	w, err := d.Writer(slot.B, slottest.Header(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(payload); err != nil {
		t.Fatal(err)
	}
	var told int64
	if err := w.Commit(t.Context(), func(done, total int64) { told = done - total }); err != nil || told != 0 {
		t.Fatalf("Commit: %v; progress ended at %d of the end", err, told)
	}
	if err := d.Arm(slot.B); err != nil {
		t.Fatal(err)
	}
	again, err := slot.View(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Verify(t.Context(), slot.B, slottest.Keys(1), nil); err != nil {
		t.Error(err)
	}
	s, err := again.Boot()
	if c, _ := s.Choose(); err != nil || c.Slot != slot.B || c.Try != 1 {
		t.Errorf("%+v starts, %v", c, err)
	}
	if err := again.SetBoot(slot.State{}); err == nil {
		t.Error("a disk that is only looked at was written")
	}
}

func TestVerifyFindsOneFlippedBit(t *testing.T) {
	dev := factory(t, spares[0].state, "")
	d, err := slot.New(dev)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Verify(t.Context(), slot.A, slottest.Keys(1), nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Verify(t.Context(), slot.A, slottest.Keys(2), nil); !errors.Is(err, slot.ErrNotSigned) {
		t.Errorf("a stranger's keys: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Verify(ctx, slot.A, slottest.Keys(1), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	a, _ := d.Partition(slot.LabelA)
	b := make([]byte, 1)
	if _, err := dev.ReadAt(b, a.Start+39_999); err != nil {
		t.Fatal(err)
	}
	dev.Apply(slottest.Op{Off: a.Start + 39_999, Data: []byte{b[0] ^ 0x80}})
	if err := d.Verify(t.Context(), slot.A, slottest.Keys(1), nil); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("one bit flipped: %v", err)
	}
}

func TestADiskIsFoundByItsPartition(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"loop0", "vda", "vda3", "sr0"} {
		if err := os.MkdirAll(filepath.Join(root, "sys/class/block", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "sys/class/block/vda3/partition"), []byte("3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	imageFile(t, factory(t, spares[0].state, ""), filepath.Join(root, "dev/vda"))
	if err := os.WriteFile(filepath.Join(root, "dev/loop0"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	id := gpt.DeriveGUID("slottest", slot.LabelB).String()
	d, err := slot.OpenPart(root, strings.ToUpper(id))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if n, err := d.SlotOf(id); n != slot.B || err != nil {
		t.Errorf("SlotOf = %s, %v", n, err)
	}
	if _, err := slot.OpenPart(root, gpt.NewGUID().String()); err == nil || !strings.Contains(err.Error(), "looked at loop0, sr0, vda") {
		t.Errorf("a partition that nobody has: %v", err)
	}
}

func TestLayoutFitsTheDisk(t *testing.T) {
	for _, arch := range slot.Arches {
		for _, size := range []int64{1200 * slot.MiB, slot.ImageSize, 100_000*slot.MiB + 12345} {
			parts, err := slot.Layout(arch, size)
			if err != nil {
				t.Fatal(err)
			}
			at, last := int64(slot.Alignment), 0
			if arch == "arm64" {
				at += slot.BIOSSize
			}
			for _, p := range parts {
				if p.Start != at || p.Start%slot.Alignment != 0 || p.Size%slot.Alignment != 0 || p.Number <= last {
					t.Errorf("%s, %d: %+v, want start %d", arch, size, p, at)
				}
				at, last = p.Start+p.Size, p.Number
			}
			if last != 6 || at > size-slot.Alignment || at < size-3*slot.Alignment {
				t.Errorf("%s, %d: the last partition is %d and ends at %d", arch, size, last, at)
			}
		}
	}
	if _, err := slot.Layout("amd64", 1000*slot.MiB); err == nil || !strings.Contains(err.Error(), "1155 MiB or more") {
		t.Errorf("a small disk: %v", err)
	}
	if _, err := slot.Layout("mips", slot.ImageSize); err == nil {
		t.Error("an architecture that we have no image for")
	}
}
