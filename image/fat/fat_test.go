// SPDX-License-Identifier: Apache-2.0

package fat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const mib = 1 << 20

var testTime = time.Date(2026, 11, 21, 12, 34, 56, 0, time.UTC)

// sampleFiles has names of every kind, an empty file, one of many clusters and a
// folder of more than one.
func sampleFiles() []File {
	files := []File{
		{"EFI/BOOT/BOOTX64.EFI", bytes.Repeat([]byte("efi!"), 50_000)},
		{"evener/grubenv", bytes.Repeat([]byte("#"), 1024)},
		{"evener/grub.cfg", []byte("menu\n")},
		{"evener/empty", nil},
		{"Read me first, please.text", []byte("long\n")},
		{"Read me later, please.text", []byte("long too\n")},
		{"größe 🙂.txt", []byte("unicode\n")},
		{"exactly 13 ch", []byte("13\n")},
		{"MixedCas.txt", []byte("mixed\n")},
	}
	for i := range 60 {
		files = append(files, File{fmt.Sprintf("many/a file with a long name, number %d", i), fmt.Appendf(nil, "%d", i)})
	}
	return files
}

// written makes a file system of size bytes in a sparse file.
func written(t testing.TB, size int64, files []File) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "fat"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Size: size, Label: "EVENER", VolumeID: 0x12345678, Hidden: 4096, Time: testTime}
	if err := Write(f, cfg, files); err != nil {
		t.Fatal(err)
	}
	return f
}

// content reads a file by way of its extents.
func content(t *testing.T, f *os.File, path string) []byte {
	t.Helper()
	list, err := Locate(f, path)
	if err != nil {
		t.Fatalf("Locate(%q): %v", path, err)
	}
	var out []byte
	for _, x := range list {
		b := make([]byte, x.Length)
		if _, err := f.ReadAt(b, x.Offset); err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

func TestLocateFindsWhatWasWritten(t *testing.T) {
	files := sampleFiles()
	f := written(t, 40*mib, files)
	for _, want := range files {
		for _, path := range []string{want.Path, strings.ToUpper(want.Path)} {
			if got := content(t, f, path); !bytes.Equal(got, want.Data) {
				t.Errorf("%q holds %.20q, want %.20q", path, got, want.Data)
			}
		}
	}
	if got := content(t, f, "README~2.TEX"); string(got) != "long too\n" {
		t.Errorf("by its short name: %q", got)
	}
	list, err := Locate(f, "evener/grubenv")
	if err != nil || len(list) != 1 || list[0].Length != 1024 || list[0].Offset%512 != 0 {
		t.Errorf("Locate(grubenv) = %v, %v, want one run of 1024 bytes", list, err)
	}
	for _, missing := range []string{"evener/nothing", "nothing/grubenv", "evener/grubenv/x", "", "evener/", "EVENER"} {
		if _, err := Locate(f, missing); missing != "EVENER" && !errors.Is(err, fs.ErrNotExist) || err == nil {
			t.Errorf("Locate(%q) = %v, want ErrNotExist", missing, err)
		}
	}
}

func TestCheckersFindNothingWrong(t *testing.T) {
	fsck := program(t, "fsck.vfat", "dosfstools")
	for _, size := range []int64{33 * mib, 40 * mib, 64 * mib, 64*mib + 512, 100 * mib, 128 * mib, 256 * mib, 300 * mib, 520 * mib, 1024 * mib} {
		f := written(t, size, sampleFiles())
		out, err := exec.Command(fsck, "-n", "-v", f.Name()).CombinedOutput()
		if err != nil {
			t.Errorf("fsck.vfat of %d bytes: %v\n%s", size, err, out)
		}
	}
}

func TestMtoolsReadsTheSame(t *testing.T) {
	mcopy, mdir := program(t, "mcopy", "mtools"), program(t, "mdir", "mtools")
	files := sampleFiles()
	f := written(t, 128*mib, files)
	out := t.TempDir()
	if text, err := exec.Command(mcopy, "-s", "-m", "-i", f.Name(), "::/", out).CombinedOutput(); err != nil {
		t.Fatalf("mcopy: %v\n%s", err, text)
	}
	for _, want := range files {
		if strings.Contains(want.Path, "ö") {
			continue // mtools asks the locale how to write it
		}
		if got, err := os.ReadFile(filepath.Join(out, want.Path)); err != nil || !bytes.Equal(got, want.Data) {
			t.Errorf("%q = %.20q, %v, want %.20q", want.Path, got, err, want.Data)
		}
	}
	text, err := exec.Command(mdir, "-i", f.Name(), "::/evener").CombinedOutput()
	if err != nil || !strings.Contains(string(text), "2026-11-21  12:34") || !strings.Contains(string(text), "1234-5678") {
		t.Errorf("mdir tells no time or serial number: %v\n%s", err, text)
	}
}

// Clusters that do not follow each other are found too: mtools fills holes.
func TestLocateFollowsFragments(t *testing.T) {
	mcopy, mdel := program(t, "mcopy", "mtools"), program(t, "mdel", "mtools")
	f := written(t, 40*mib, sampleFiles())
	big := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	path := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(path, big, 0o600); err != nil {
		t.Fatal(err)
	}
	var holes []string
	for i := 1; i < 60; i += 2 {
		holes = append(holes, fmt.Sprintf("::/many/a file with a long name, number %d", i))
	}
	if text, err := exec.Command(mdel, append([]string{"-i", f.Name()}, holes...)...).CombinedOutput(); err != nil {
		t.Fatalf("mdel: %v\n%s", err, text)
	}
	// The hint says where free clusters begin; without it mtools looks from the start.
	if _, err := f.WriteAt([]byte{0xff, 0xff, 0xff, 0xff}, 512+492); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(mcopy, "-i", f.Name(), path, "::/many/big").CombinedOutput(); err != nil {
		t.Fatalf("mcopy: %v\n%s", err, text)
	}
	list, err := Locate(f, "many/big")
	if err != nil || len(list) < 2 {
		t.Fatalf("Locate = %v, %v, want several runs", list, err)
	}
	if !bytes.Equal(content(t, f, "many/big"), big) {
		t.Error("the runs do not hold the file")
	}
}

func TestLocateLeavesACircle(t *testing.T) {
	f := written(t, 33*mib, []File{{"a", make([]byte, 5000)}})
	g, err := readGeometry(f)
	if err != nil {
		t.Fatal(err)
	}
	// Behind the label in the root folder: the file ends nowhere, and its second
	// cluster leads to the first, which is number 3.
	for off, n := range map[int64]uint32{g.offset(2) + 32 + 28: 0xffffffff, g.fatOffset() + 4*4: 3} {
		if _, err := f.WriteAt(binary.LittleEndian.AppendUint32(nil, n), off); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := Locate(f, "a"); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("Locate = %d runs, %v, want an error of a circle", len(list), err)
	}
}

func TestWriteIsReproducible(t *testing.T) {
	sum := func(files []File) []byte {
		b, err := os.ReadFile(written(t, 40*mib, files).Name())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a, b := sampleFiles(), sampleFiles()
	b[0], b[1], b[4], b[5] = b[1], b[0], b[5], b[4]
	if !bytes.Equal(sum(a), sum(b)) {
		t.Error("the order in which files are given changes the bytes")
	}
}

func TestWriteRefuses(t *testing.T) {
	good := Config{Size: 40 * mib, Time: testTime}
	for _, c := range []struct {
		want  string
		cfg   Config
		paths string
	}{
		{"at least 33 MiB", Config{Size: 32 * mib, Time: testTime}, "a"},
		{"1980 to 2107", Config{Size: 40 * mib}, "a"},
		{"capital letters", Config{Size: 40 * mib, Time: testTime, Label: "small"}, "a"},
		{"longer than 11", Config{Size: 40 * mib, Time: testTime, Label: "TWELVE BYTES"}, "a"},
		{"must not hold", good, "a:b"},
		{"is none", good, "a//b"},
		{"is none", good, "/a"},
		{"is none", good, "../a"},
		{"not end in a dot", good, "a."},
		{"already", good, "a A"},
		{"already", good, "a a/b"},
		{"do not fit", good, "huge"},
	} {
		var files []File
		for p := range strings.FieldsSeq(c.paths) {
			files = append(files, File{Path: p})
			if p == "huge" {
				files[0].Data = make([]byte, 40*mib)
			}
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "fat"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := Write(f, c.cfg, files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Write(%q) = %v, want an error with %q", c.paths, err, c.want)
		}
		if st, err := f.Stat(); err != nil || st.Size() != 0 {
			t.Errorf("Write(%q) wrote before it refused", c.paths)
		}
	}
}

// program finds a program that checks ours; without it the test is skipped.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		if p, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			t.Skipf("%s is missing (Debian's package %s)", name, pkg)
		}
	}
	return p
}

// FuzzLocate searches file systems whose boot sector, start of the FAT and root
// folder are the fuzzer's.
func FuzzLocate(f *testing.F) {
	img, err := os.ReadFile(written(f, 33*mib, sampleFiles()[:9]).Name())
	if err != nil {
		f.Fatal(err)
	}
	g, err := readGeometry(bytes.NewReader(img))
	if err != nil {
		f.Fatal(err)
	}
	root := g.offset(2)
	f.Add(bytes.Clone(img[11:90]), bytes.Clone(img[g.fatOffset():][:256]), bytes.Clone(img[root:][:512]), "evener/grubenv")
	f.Add([]byte{}, []byte{0, 0, 0, 0, 0, 0, 0, 0, 2}, []byte{}, "Read me first, please.text")
	img = img[:root+64*1024]
	f.Fuzz(func(t *testing.T, bpb, table, folder []byte, path string) {
		img := bytes.Clone(img)
		copy(img[11:90], bpb)
		copy(img[g.fatOffset():root], table)
		copy(img[root:], folder)
		list, err := Locate(bytes.NewReader(img), path)
		if err != nil {
			return
		}
		size := int64(binary.LittleEndian.Uint32(img[32:])) * 512
		for i, x := range list {
			if x.Length <= 0 || x.Offset < 0 || x.Offset+x.Length > size {
				t.Errorf("run %d of %q: %+v lies outside of %d bytes", i, path, x, size)
			}
		}
	})
}
