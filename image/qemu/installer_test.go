// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"evener/image/slot"
)

// menu is the prompt of the serial dialogue.
const menu = "umber, Enter for the menu"

// emptyDisk makes a file with holes for a disk of that many bytes.
func emptyDisk(t testing.TB, name string, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInstallerOnAUSBStickMakesABoxOfTheMachine boots the image from a stick, and then
// what it has installed without the stick.
func TestInstallerOnAUSBStickMakesABoxOfTheMachine(t *testing.T) {
	t.Parallel()
	for _, firmware := range []Firmware{BIOS, UEFI} {
		t.Run("stick-"+string(firmware), func(t *testing.T) {
			t.Parallel()
			needs(t, "qemu-img")
			image := imageOf(t, "qemu-x86_64", ".img")
			disk := emptyDisk(t, "disk.img", 3<<30)
			b := boot(t, nil, Config{Firmware: firmware, Sticks: []string{image}, Spares: []string{emptyDisk(t, "small.img", 1<<30), disk}})
			install(t, b)
			b = boot(t, b.places, Config{Firmware: firmware, Disk: disk})
			b.enter()
			b.answer("Set it up now", "n")
			b.answer(menu, "17") // Install on another disk
			b.expect("There is no other disk that could be written")
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			newBoxOf(t, image, disk)
		})
	}
}

// install goes through the installer's dialogue, and does wrong what can be done wrong.
func install(t *testing.T, b *box) {
	t.Helper()
	b.expect(`evener: version \S+, slot A`)
	b.expect("Press Enter for the menu")
	for {
		b.send("\r")
		if which, _ := b.expect(`This box runs from the USB disk /dev/sda\.`, menu); which == 0 {
			break
		}
		b.send("0\r") // it does not know yet whose it is
		b.expect("Press Enter for the menu")
		b.pause()
	}
	b.answer("Install it on a disk of the machine", "y")
	b.expect(`(?s)sda, 2\.1 GB.*?USB.*?Evener`)
	b.expect("not for writing: this system was started from it")
	b.expect(`vda, 1\.1 GB[^\n]*nothing at its`)
	b.expect(`not\s+for writing: it is too small: it has 1\.1 GB, and at least 1\.2 GB are\s+needed`)
	b.expect(` 1 vdb, 3\.2 GB[^\n]*serial evener-spare1: nothing at its`)
	b.answer("Which", "2")
	b.expect("There is no 2 here")
	b.answer("Which", "1")
	b.expect("Everything on /dev/vdb will be lost")
	b.answer("Type vdb", "vda")
	b.expect("Nothing was done")
	b.answer("Set it up now", "n")
	b.answer(menu, "17")
	b.answer("Which", "1")
	b.answer("Type vdb", "vdb")
	if which, m := b.expect(`/dev/vdb has version (\S+)\. Switch the box off`, "It was not done[^\n]*"); which != 0 {
		t.Fatal(m[0])
	}
	b.answer(menu, "15") // Reboot or power off
	b.answer("Which", "2")
	b.answer("Type off", "off")
	if err := b.Wait(b.ctx); err != nil {
		t.Fatal(err)
	}
}

// newBoxOf looks at an installed disk: it is a new box with the version of the image, and
// not a copy of the image.
func newBoxOf(t *testing.T, image, disk string) {
	t.Helper()
	d, err := slot.View(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	from, err := slot.View(image)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	h, err := d.Slot(slot.A)
	want, e := from.Slot(slot.A)
	if err != nil || e != nil || string(h.Raw) != string(want.Raw) {
		t.Errorf("slot A holds %+v, %v; want what the image holds, %v", h.Manifest, err, e)
	}
	if _, err := d.Slot(slot.B); err == nil {
		t.Error("slot B is not empty")
	}
	for i, p := range d.Partitions() {
		if p.UUID == from.Partitions()[i].UUID {
			t.Errorf("%s has the identifier of the image's", p.Label)
		}
	}
	data, _ := d.Partition(slot.LabelData)
	if end := data.Start + data.Size; end < 3<<30-2*slot.MiB {
		t.Errorf("the data end at %d, before the disk's end", end)
	}
	if !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(data.UUID) {
		t.Errorf("the data's identifier is %q", data.UUID)
	}
}
