// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"evener/image/fat"
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

// TestBoxWithoutAGoodSlotIsMendedInTheRescueSystem gets new versions into both slots, one
// from a web server and one from a USB stick, and starts one of them.
func TestBoxWithoutAGoodSlotIsMendedInTheRescueSystem(t *testing.T) {
	t.Parallel()
	needs(t, "qemu-img")
	r := releaseOf(t, "amd64")
	image := changed(t, imageOf(t, "qemu-x86_64", ".img"), func(d *slot.Disk) error { return nil })
	spoil(t, image)
	_, other, _ := ed25519.GenerateKey(nil) // crypto/rand does not fail
	stick := aStick(t, map[string][]byte{
		"evener/old.evb":    r.bundle(t, "9.4.0", bytes.Repeat([]byte("o"), 4096), r.Key, nil),
		"evener/NEWEST.EVB": r.bundle(t, "9.5.0", r.Payload, r.Key, nil),
		"forged.evb":        r.bundle(t, "9.9.0", bytes.Repeat([]byte("n"), 4096), other, nil),
		"holiday.jpg":       []byte("no bundle"),
	})
	web := httptest.NewServer(http.FileServerFS(fstest.MapFS{"9.6.0.evb": {Data: r.bundle(t, "9.6.0", r.Payload, r.Key, nil)}}))
	defer web.Close()
	b := boot(t, nil, oneNIC(Config{Disk: image, Firmware: UEFI, Sticks: []string{stick}}))
	b.expect("rescue system on")
	b.expect("slot A +bad")
	b.answer("Press Enter for the menu", "")

	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	fetch := func(name string) string {
		b.answer(menu, "4") // Install an update
		b.answer("Which", "2")
		b.answer("Address of the bundle", "http://10.0.2.2:"+port+"/"+name)
		b.answer("Enter for DHCP", "")
		return b.installs("2")
	}
	if got := fetch("missing.evb"); !strings.Contains(got, "404 Not Found") {
		t.Errorf("what the server does not have: %s", got)
	}
	if got := fetch("9.6.0.evb"); got != "9.6.0 B" {
		t.Fatalf("from the web server: %s", got)
	}
	b.answer(menu, "4")
	b.answer("Which", "1")
	if got := b.installs("1"); got != "9.5.0 A" {
		t.Fatalf("from the stick: %s", got)
	}
	b.answer(menu, "1") // Status of the slots
	b.expect(`slot A +\S+ +9\.5\.0 +starts next`)
	b.expect(`slot B +\S+ +9\.6\.0`)
	b.answer(menu, "12") // Reboot or power off
	b.answer("Which", "1")
	b.expect(`evener: version 9\.5\.0, slot A, try 1 of 3`)
	b.expect("Press Enter for the menu")
}

// installs chooses a slot to be written over, by its number, and tells the version and
// the slot that come of it, or the refusal.
func (b *box) installs(n string) string {
	b.t.Helper()
	b.answer("Over which slot", n)
	_, m := b.expect("Type ([AB]) to write")
	b.send(m[1] + "\r")
	which, m := b.expect(`Version (\S+) is in slot ([AB])`, `(?s)It was not done: (.*?)\n\n`)
	if which == 0 {
		return m[1] + " " + m[2]
	}
	return strings.Join(strings.Fields(m[1]), " ")
}

// spoil changes a byte of the only version in an image.
func spoil(t *testing.T, image string) {
	t.Helper()
	d, err := slot.View(image)
	if err != nil {
		t.Fatal(err)
	}
	h, err := d.Slot(slot.A)
	p, _ := d.Partition(slot.LabelA)
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("this was not signed"), p.Start+h.Manifest.Size/2)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// aStick makes a USB stick as it is bought: one partition with FAT.
func aStick(t testing.TB, files map[string][]byte) string {
	t.Helper()
	const start, size = slot.MiB, 256 * slot.MiB
	name := emptyDisk(t, "stick.img", start+size)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []fat.File
	for path, data := range files {
		list = append(list, fat.File{Path: path, Data: data})
	}
	cfg := fat.Config{Size: size, Label: "STICK", Hidden: start / slot.SectorSize, Time: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
	err = fat.Write(io.NewOffsetWriter(f, start), cfg, list)
	table := make([]byte, 66) // of a master boot record, from byte 446 on
	table[4] = 0x0c           // FAT32 with sector numbers
	binary.LittleEndian.PutUint32(table[8:], start/slot.SectorSize)
	binary.LittleEndian.PutUint32(table[12:], size/slot.SectorSize)
	table[64], table[65] = 0x55, 0xaa
	_, e := f.WriteAt(table, 446)
	if err := errors.Join(err, e, f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
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
		w, err := d.Writer(slot.B, r.head(t, "9.3.0", payload, r.Key, nil))
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
