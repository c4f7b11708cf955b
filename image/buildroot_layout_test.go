// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evener/image/gpt"
	"evener/image/slot"
)

// genimageOf names the configurations of buildroot/board/evener.
var genimageOf = map[string]string{"amd64": "genimage-x86_64.cfg", "arm64": "genimage-aarch64.cfg"}

// TestGenimageMakesTheSameDisk cuts a disk of the builder into its parts, has
// genimage put them together as in a build with Buildroot, and compares.
func TestGenimageMakesTheSameDisk(t *testing.T) {
	if _, err := exec.LookPath("genimage"); err != nil {
		t.Skip("needs genimage: apt-get install genimage")
	}
	for _, arch := range slot.Arches {
		t.Run(arch, func(t *testing.T) {
			raw, want := standIn(t, arch)
			dir := t.TempDir()
			if err := WriteParts(raw, filepath.Join(dir, "parts")); err != nil {
				t.Fatal(err)
			}
			got := parseDisk(t, genimage(t, dir, genimageOf[arch]))
			if arch == "arm64" {
				withoutPlaceholder(t, got)
			}
			sameTable(t, got, want)
			sameContent(t, filepath.Join(dir, "disk.img"), raw, want)
		})
	}
}

// standIn makes the disk of an image with noise in the partitions that an image
// fills, and returns its table.
func standIn(t *testing.T, arch string) (string, *gpt.Table) {
	t.Helper()
	parts, err := slot.Layout(arch, slot.ImageSize)
	if err != nil {
		t.Fatal(err)
	}
	table, err := Disk{Arch: arch, Size: slot.ImageSize}.table(parts)
	if err != nil {
		t.Fatal(err)
	}
	raw := filepath.Join(t.TempDir(), "raw.img")
	f, err := os.Create(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(slot.ImageSize); err != nil {
		t.Fatal(err)
	}
	noise := rand.New(rand.NewPCG(1, 2))
	fill := func(at int64, n int) {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(noise.Uint32())
		}
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range parts {
		switch p.Label {
		case slot.LabelBIOS:
			fill(0, bootCodeSize)
			fill(p.Start, 100_000)
		case slot.LabelESP, slot.LabelA:
			fill(p.Start, 3*slot.MiB+7)
			fill(p.Start+p.Size-slot.HeaderSize, slot.HeaderSize)
		}
	}
	if err := table.Write(f); err != nil {
		t.Fatal(err)
	}
	return raw, parseDisk(t, raw)
}

// genimage runs it as buildroot/board/evener/post-image.sh does.
func genimage(t *testing.T, dir, config string) string {
	t.Helper()
	guids, err := os.ReadFile(filepath.Join(dir, "parts", PartsGUIDs))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("genimage", "--config", filepath.Join("../buildroot/board/evener", config),
		"--rootpath", filepath.Join(dir, "root"), "--tmppath", filepath.Join(dir, "tmp"),
		"--inputpath", filepath.Join(dir, "parts"), "--outputpath", dir)
	cmd.Env = append(os.Environ(), strings.Fields(string(guids))...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("genimage: %v\n%s", err, out)
	}
	return filepath.Join(dir, "disk.img")
}

func parseDisk(t *testing.T, file string) *gpt.Table {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	table, err := gpt.Parse(f, st.Size())
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(file), err)
	}
	return table
}

// withoutPlaceholder takes out the partition that stands for number 1 on arm64, so
// that the others have their numbers.
func withoutPlaceholder(t *testing.T, table *gpt.Table) {
	t.Helper()
	amd64, err := slot.Layout("amd64", slot.ImageSize)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := table.Labelled(slot.LabelBIOS)
	if !ok || p.Number != 1 || p.Offset() != amd64[0].Start || p.Size() != amd64[0].Size {
		t.Errorf("the placeholder is %+v, want number 1 where amd64 has %+v", p, amd64[0])
	}
	table.Partitions = slices.DeleteFunc(table.Partitions, func(p gpt.Partition) bool { return p.Number == 1 })
}

func sameTable(t *testing.T, got, want *gpt.Table) {
	t.Helper()
	if got.ID != want.ID || got.Sectors != want.Sectors {
		t.Errorf("the disk is %s with %d sectors, want %s with %d", got.ID, got.Sectors, want.ID, want.Sectors)
	}
	if len(got.Partitions) != len(want.Partitions) {
		t.Fatalf("there are %d partitions, want %d", len(got.Partitions), len(want.Partitions))
	}
	for i, w := range want.Partitions {
		if g := got.Partitions[i]; g != w {
			t.Errorf("genimage has partition\n\t%+v, the builder\n\t%+v", g, w)
		}
	}
}

// sameContent compares the code for the BIOS and all partitions.
func sameContent(t *testing.T, file, raw string, table *gpt.Table) {
	t.Helper()
	a, b := openFile(t, file), openFile(t, raw)
	x, y := make([]byte, slot.MiB), make([]byte, slot.MiB)
	same := func(what string, at, size int64) {
		for end := at + size; at < end; at += int64(len(x)) {
			if at = min(nextData(a, at, end), nextData(b, at, end)); at >= end {
				return
			}
			x, y = x[:min(slot.MiB, end-at)], y[:min(slot.MiB, end-at)]
			_, err1 := a.ReadAt(x, at)
			_, err2 := b.ReadAt(y, at)
			if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
				t.Errorf("%s differs (%v, %v)", what, err1, err2)
				return
			}
		}
	}
	same("the code for the BIOS", 0, bootCodeSize)
	for _, p := range table.Partitions {
		same(p.Label, p.Offset(), p.Size())
	}
}

func openFile(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestBuildrootHasTheUsersOfAnImage compares its table with the numbers that files on
// state and data belong to.
func TestBuildrootHasTheUsersOfAnImage(t *testing.T) {
	text, err := os.ReadFile("../buildroot/board/evener/users.txt")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for row := range strings.Lines(string(text)) {
		if f := strings.Fields(row); len(f) > 3 && f[0] != "#" {
			got[f[0]] = strings.Join(f[1:4], " ")
		}
	}
	for _, u := range users {
		if want := fmt.Sprint(u.id, " ", u.name, " ", u.id); got[u.name] != want {
			t.Errorf("users.txt has %s as %q, images as %q", u.name, got[u.name], want)
		}
		delete(got, u.name)
	}
	for name := range got {
		t.Errorf("users.txt has %s, whom images do not know", name)
	}
}
