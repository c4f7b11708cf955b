// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"evener/image/fat"
	"evener/image/slot"
)

// testTime is that of every file in the images of tests.
var testTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// testGRUB fetches GRUB's modules once for all tests of the repository.
func testGRUB(t *testing.T, arch string) GRUB {
	t.Helper()
	list, err := Fetch(t.Context(), arch, GRUBPackages(arch), filepath.Join("..", "build", "image", "debian", arch))
	if err != nil {
		t.Fatal(err)
	}
	return GRUBFrom(list)
}

// testHeader signs a manifest of the payload.
func testHeader(t *testing.T, arch string, payload []byte) slot.Header {
	t.Helper()
	sum := sha256.Sum256(payload)
	h, err := slot.NewHeader(slot.Manifest{
		Product: slot.Product, Version: "1.0.0", Boards: []string{"qemu"}, Arch: arch,
		Created: testTime.Format(time.RFC3339), Size: int64(len(payload)), SHA256: hex.EncodeToString(sum[:]),
	}, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// testDisk describes a disk whose rescue system and payload are these bytes.
func testDisk(t *testing.T, arch string, kernel, initrd, payload []byte) Disk {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	return Disk{
		Arch: arch, GRUB: testGRUB(t, arch), Time: testTime,
		Kernel: file("vmlinuz", kernel), Initrd: file("initrd", initrd),
		Payload: file("payload", payload), Header: testHeader(t, arch, payload),
	}
}

// smallDisk is a disk description as small as they get, with a payload of no
// meaning.
func smallDisk(t *testing.T, arch string) Disk {
	t.Helper()
	d := testDisk(t, arch, []byte("kernel"), bytes.Repeat([]byte("initrd"), 9999), bytes.Repeat([]byte("payload!"), 9999))
	d.Size = 1200 << 20
	return d
}

func TestDiskHoldsItsParts(t *testing.T) {
	for _, arch := range slot.Arches {
		path := filepath.Join(t.TempDir(), "disk")
		want := smallDisk(t, arch)
		if err := WriteDisk(t.Context(), path, want); err != nil {
			t.Fatal(err)
		}
		checkWithSgdisk(t, path)
		d, err := slot.View(path)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
		keys := slot.Keys{List: []slot.Key{{ID: slot.KeyID(key), Public: key}}}
		if err := d.Verify(t.Context(), slot.A, keys, nil); err != nil {
			t.Errorf("%s: slot A: %v", arch, err)
		}
		if _, err := d.Slot(slot.B); !errors.Is(err, slot.ErrEmpty) {
			t.Errorf("%s: slot B: %v, want it empty", arch, err)
		}
		if s, err := d.Boot(); err != nil || s != firstState() {
			t.Errorf("%s: boot state %+v, %v, want %+v", arch, s, err, firstState())
		}
		if c, after := firstState().Choose(); c != (slot.Choice{Slot: slot.A}) || after != firstState() {
			t.Errorf("a new disk starts with %+v", c)
		}
		esp, _ := d.Partition(slot.LabelESP)
		checkESP(t, path, esp, want)
		for _, label := range []string{slot.LabelB, slot.LabelState, slot.LabelData} {
			p, _ := d.Partition(label)
			if b := readAt(t, path, p.Start, 1<<16); !bytes.Equal(b, make([]byte, len(b))) {
				t.Errorf("%s: %s is not empty", arch, label)
			}
		}
		code := readAt(t, path, 0, 440)
		if got, want := !bytes.Equal(code, make([]byte, 440)), arch == "amd64"; got != want {
			t.Errorf("%s: boot code is there: %v, want %v", arch, got, want)
		}
		var st syscall.Stat_t
		if err := syscall.Stat(path, &st); err != nil || st.Blocks*512 > 32<<20 {
			t.Errorf("%s: the file takes %d bytes, %v: it is not sparse", arch, st.Blocks*512, err)
		}
	}
}

func checkWithSgdisk(t *testing.T, path string) {
	t.Helper()
	out, err := exec.Command("sgdisk", "-v", path).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("sgdisk is missing (Debian's package gdisk)")
	}
	if err != nil || !strings.Contains(string(out), "No problems found") {
		t.Errorf("sgdisk -v: %v\n%s", err, out)
	}
}

// checkESP looks at the file system with another program, and at what is in it.
func checkESP(t *testing.T, path string, esp slot.Partition, d Disk) {
	t.Helper()
	b := readAt(t, path, esp.Start, int(esp.Size))
	copied := filepath.Join(t.TempDir(), "esp")
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("fsck.vfat", "-n", copied).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("fsck.vfat is missing (Debian's package dosfstools)")
	}
	if err != nil {
		t.Errorf("fsck.vfat: %v\n%s", err, out)
	}
	if hidden := binary.LittleEndian.Uint32(b[28:]); int64(hidden)*slot.SectorSize != esp.Start {
		t.Errorf("the ESP says that %d sectors lie before it, want %d", hidden, esp.Start/slot.SectorSize)
	}
	program := map[string]string{"amd64": "EFI/BOOT/BOOTX64.EFI", "arm64": "EFI/BOOT/BOOTAA64.EFI"}[d.Arch]
	for name, begin := range map[string]string{
		program: "MZ", pathConfig: string(grubConfig), pathRescueKernel: "kernel", pathRescueInitrd: "initrdinitrd",
		slot.BlockPath[1:]: string(firstState().Encode()),
	} {
		list, err := fat.Locate(bytes.NewReader(b), name)
		if err != nil || len(list) != 1 || !bytes.HasPrefix(b[list[0].Offset:], []byte(begin)) {
			t.Errorf("%s on the ESP: %v, %v", name, list, err)
		}
	}
}

func readAt(t *testing.T, path string, off int64, n int) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, n)
	if _, err := f.ReadAt(b, off); err != nil {
		t.Fatal(err)
	}
	return b
}

// Two builds of the same give the same bytes.
func TestDiskIsReproducible(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "disk"), filepath.Join(t.TempDir(), "disk")
	for _, path := range []string{one, two} {
		if err := WriteDisk(t.Context(), path, smallDisk(t, "amd64")); err != nil {
			t.Fatal(err)
		}
	}
	wantSameDisk(t, one, two, "raw")
}

// wantSameDisk compares what two images hold; holes in files are skipped.
func wantSameDisk(t *testing.T, raw, other, format string) {
	t.Helper()
	text, err := exec.Command("qemu-img", "compare", "-f", "raw", "-F", format, raw, other).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("qemu-img is missing (Debian's package qemu-utils)")
	}
	if err != nil {
		t.Errorf("qemu-img compare with %s: %v\n%s", format, err, text)
	}
}

// Each format holds the disk, and is reproducible.
func TestConvertedDisksAreTheSame(t *testing.T) {
	dir := t.TempDir()
	raw := filepath.Join(dir, "disk.img")
	random := make([]byte, 5<<20)
	rand.Read(random)
	if err := os.WriteFile(raw, append(random, make([]byte, 25<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range Formats {
		var sums []string
		for range 2 {
			out := filepath.Join(dir, "disk."+f.Name)
			if err := Convert(t.Context(), raw, out, f.Name); errors.Is(err, exec.ErrNotFound) {
				t.Skip("qemu-img is missing (Debian's package qemu-utils)")
			} else if err != nil {
				t.Fatal(err)
			}
			wantSameDisk(t, raw, out, f.Name)
			sum, err := fileSHA256(out)
			if err != nil {
				t.Fatal(err)
			}
			sums = append(sums, sum)
		}
		if sums[0] != sums[1] {
			t.Errorf("two %s of one disk differ", f.Name)
		}
	}
}

func TestConvertNamesItsFormats(t *testing.T) {
	err := Convert(t.Context(), "a", "b", "iso")
	if err == nil || !strings.Contains(err.Error(), "qcow2, vhdx, vmdk") {
		t.Errorf("Convert to iso: %v, want the formats there are", err)
	}
}

// A disk that cannot be written leaves what was there.
func TestWriteDiskRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "disk")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Disk){
		"not the one of its manifest": func(d *Disk) { d.Payload = d.Initrd },
		"its manifest is for arm64":   func(d *Disk) { d.Header.Manifest.Arch = "arm64" },
		"are too few":                 func(d *Disk) { d.Size = 1 << 30 },
		"no architecture":             func(d *Disk) { d.Arch = "mips" },
		"rescue system":               func(d *Disk) { d.Kernel = filepath.Join(dir, "none") },
		"grub-pc-bin":                 func(d *Disk) { d.GRUB.Modules = nil },
		"1980 to 2107":                func(d *Disk) { d.Time = time.Time{} },
	} {
		d := smallDisk(t, "amd64")
		change(&d)
		if err := WriteDisk(t.Context(), path, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("WriteDisk: %v, want an error with %q", err, want)
		}
		if list, _ := os.ReadDir(dir); len(list) != 1 {
			t.Errorf("WriteDisk (%s) left %v behind", want, list)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
			t.Errorf("WriteDisk (%s) changed the old file: %q, %v", want, b, err)
		}
	}
}
