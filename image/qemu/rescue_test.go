// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"evener/image/slot"
)

// changed returns a copy of an image on whose disk f was run.
func changed(t testing.TB, image string, f func(*slot.Disk) error) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "changed.img")
	if err := qemuImg(t.Context(), "convert", "-f", "raw", "-O", "raw", image, copied); err != nil { // keeps holes
		t.Fatal(err)
	}
	d, err := slot.Open(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := f(d); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestRescueSystemShowsTheSlotsAndLeadsBack(t *testing.T) {
	t.Parallel()
	needs(t, "qemu-img")
	image := changed(t, imageOf(t, "qemu-x86_64", ".img"), func(d *slot.Disk) error {
		s, err := d.Boot()
		s.Once = "rescue"
		if err != nil {
			return err
		}
		return d.SetBoot(s)
	})
	b := boot(t, nil, Config{Disk: image})
	b.expect("rescue system on")
	b.answer("Press Enter for the menu", "")
	b.answer("number, Enter for the menu|Number, Enter for the menu", "1")
	b.expect(`slot A +good +\S+ +starts next`)
	b.expect(`slot B +empty`)
	b.answer("umber, Enter for the menu", "10")
	b.expect("evener-state: nothing is wrong|evener-state: errors were mended")
	b.answer("umber, Enter for the menu", "12")
	b.answer("Which", "1")
	if err := b.WaitReset(b.ctx, 1); err != nil {
		t.Fatal(err)
	}
	b.expect("Evener: slot A")
	b.enter()
}

func TestBoxWithoutAGoodSlotComesUpInTheRescueSystem(t *testing.T) {
	t.Parallel()
	needs(t, "qemu-img")
	var place int64
	image := changed(t, imageOf(t, "qemu-x86_64", ".img"), func(d *slot.Disk) error {
		h, err := d.Slot(slot.A)
		p, _ := d.Partition(slot.LabelA)
		place = p.Start + h.Manifest.Size/2
		return err
	})
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("this was not signed"), place); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b := boot(t, nil, Config{Disk: image, Firmware: UEFI})
	b.expect("rescue system on")
	b.expect("slot A +bad")
	b.expect("Press Enter for the menu")
}

func TestBoxWithGarbageForABootStateComesUp(t *testing.T) {
	t.Parallel()
	needs(t, "qemu-img")
	image := changed(t, imageOf(t, "qemu-x86_64", ".img"), func(d *slot.Disk) error { return nil })
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := overwrite(f, slot.State{}.With(slot.A, true, 0).With(slot.B, false, slot.MaxTries).Encode()[:slot.SectorSize]); err != nil {
		t.Fatal(err)
	}
	b := boot(t, nil, Config{Disk: image})
	b.enter()
}

// TestBoxThatHangsIsStartedAgainByItsWatchdog has a version in slot B, at its last try,
// that never says that it lives.
func TestBoxThatHangsIsStartedAgainByItsWatchdog(t *testing.T) {
	t.Parallel()
	needs(t, "qemu-img")
	r := releaseOf(t, "amd64")
	payload := r.with(t, "hangs")
	image := changed(t, imageOf(t, "qemu-x86_64", ".img"), func(d *slot.Disk) error {
		w, err := d.Writer(slot.B, r.head(t, "9.3.0", payload, r.key, nil))
		if err != nil {
			return err
		}
		if _, err := w.Write(payload); err != nil {
			return err
		}
		if err := w.Commit(t.Context(), nil); err != nil {
			return err
		}
		return d.SetBoot(slot.State{First: slot.B}.With(slot.A, true, 0).With(slot.B, false, slot.MaxTries-1))
	})
	b := boot(t, nil, Config{Disk: image, Watchdog: true})
	b.expect("Evener: slot B")
	if err := b.WaitEvent(b.ctx, "WATCHDOG", 1); err != nil {
		t.Fatal(err)
	}
	b.expect("Evener: slot A")
	b.enter()
}

// overwrite finds a sector on the ESP of an image and writes garbage over it.
func overwrite(f *os.File, sector []byte) error {
	buf := make([]byte, slot.SectorSize)
	for at := int64(slot.Alignment + slot.BIOSSize); at < slot.Alignment+slot.BIOSSize+slot.ESPSize; at += slot.SectorSize {
		if _, err := f.ReadAt(buf, at); err != nil {
			return err
		}
		if bytes.Equal(buf, sector) {
			_, err := f.WriteAt(bytes.Repeat([]byte{0xa5, '=', '\n', 0}, slot.SectorSize/4), at)
			return err
		}
	}
	return errors.New("the boot state was not found on the ESP")
}
