// SPDX-License-Identifier: Apache-2.0

package gpt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const mib = 1 << 20

// A disk is one in memory.
type disk []byte

func (d disk) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(d).ReadAt(p, off) }

func (d disk) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(d)) {
		return 0, errors.New("write past the end")
	}
	return copy(d[off:], p), nil
}

// sample is a table with two partitions.
func sample(t testing.TB, size int64) *Table {
	t.Helper()
	tab, err := New(size)
	if err != nil {
		t.Fatal(err)
	}
	tab.ID = DeriveGUID("disk")
	tab.Partitions = []Partition{
		{Number: 2, Type: EFISystem, ID: DeriveGUID("a"), First: 2048, Last: 4095, Label: "größe 🙂"},
		{Number: 5, Type: LinuxData, ID: DeriveGUID("b"), First: 4096, Last: 8191, Attributes: 1<<63 | 4, Label: strings.Repeat("x", 36)},
	}
	return tab
}

// written is a disk in memory with the sample on it.
func written(t testing.TB, size int) disk {
	t.Helper()
	d := make(disk, size)
	if err := sample(t, int64(size)).Write(d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseReturnsWhatWasWritten(t *testing.T) {
	d := make(disk, 8*mib)
	code := bytes.Repeat([]byte{0xc3}, 512)
	copy(d, code)
	want := sample(t, int64(len(d)))
	if err := want.Write(d); err != nil {
		t.Fatal(err)
	}
	got, err := Parse(d, int64(len(d)))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse = %+v, %v, want %+v", got, err, want)
	}
	if !bytes.Equal(d[:440], code[:440]) {
		t.Error("Write changed the boot code")
	}
}

func TestParseFallsBackToTheBackup(t *testing.T) {
	for name, at := range map[string]int{"header": 512 + 60, "entries": 1024 + 130, "magic": 512} {
		d := written(t, 8*mib)
		d[at] ^= 1
		got, err := Parse(d, int64(len(d)))
		if err != nil || len(got.Partitions) != 2 || got.Recovered == "" {
			t.Errorf("%s: Parse = %+v, %v, want the backup and a reason", name, got, err)
			continue
		}
		if err := got.Write(d); err != nil {
			t.Fatal(err)
		}
		if got, err = Parse(d, int64(len(d))); err != nil || got.Recovered != "" {
			t.Errorf("%s: Write did not mend the primary table: %+v, %v", name, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	broken := written(t, 8*mib)
	broken[512+60] ^= 1
	broken[len(broken)-512+60] ^= 1
	large := make(disk, 8*mib)
	copy(large[4096:], "EFI PART")
	for name, c := range map[string]struct {
		d    disk
		want string
	}{
		"empty":         {make(disk, 8*mib), "no GUID partition table"},
		"tiny":          {make(disk, 1024), "too small"},
		"both damaged":  {broken, "wrong checksum"},
		"cut off":       {written(t, 8*mib)[:4*mib], "has only 4194304"},
		"4096":          {large, "they must have 512"},
		"short to read": {written(t, 8*mib)[:700], "too small"},
	} {
		got, err := Parse(c.d, int64(len(c.d)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Parse = %+v, %v, want an error with %q", name, got, err, c.want)
		}
	}
	if _, err := Parse(make(disk, 8*mib), 8*mib); !errors.Is(err, ErrNoTable) {
		t.Errorf("Parse(empty) = %v, want ErrNoTable", err)
	}
}

// A cut of power after any sector leaves the old table or the new one.
func TestWriteIsNeverWithoutATable(t *testing.T) {
	old := written(t, 6*mib)
	grown := make(disk, 7*mib)
	copy(grown, old)
	tab, err := Parse(grown, int64(len(grown)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tab.Grow(int64(len(grown))); err != nil {
		t.Fatal(err)
	}
	for cut := 0; ; cut++ {
		d := &cutting{disk: bytes.Clone(grown), left: cut}
		werr := tab.Write(d)
		got, err := Parse(d.disk, int64(len(d.disk)))
		if err != nil || len(got.Partitions) != 2 {
			t.Fatalf("cut after %d sectors: Parse = %+v, %v", cut, got, err)
		}
		if werr == nil {
			return
		}
	}
}

// A cutting disk writes only so many more sectors.
type cutting struct {
	disk
	left int
}

func (c *cutting) WriteAt(p []byte, off int64) (int, error) {
	for i := 0; i < len(p); i += SectorSize {
		if c.left == 0 {
			return i, errors.New("power lost")
		}
		c.left--
		if _, err := c.disk.WriteAt(p[i:i+SectorSize], off+int64(i)); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestGrowEnlargesTheLastPartition(t *testing.T) {
	tab := sample(t, 8*mib)
	grew, err := tab.Grow(64*mib + 511)
	if err != nil || !grew {
		t.Fatalf("Grow = %v, %v", grew, err)
	}
	if p, _ := tab.Partition(5); p.Offset()+p.Size() != 63*mib {
		t.Errorf("Grow: the last partition ends at %d, want %d", p.Offset()+p.Size(), 63*mib)
	}
	if p, _ := tab.Partition(2); p.Last != 4095 {
		t.Errorf("Grow changed partition 2: %+v", p)
	}
	if grew, err := tab.Grow(64 * mib); grew || err != nil {
		t.Errorf("a second Grow = %v, %v, want nothing to do", grew, err)
	}
	if _, err := tab.Grow(32 * mib); err == nil {
		t.Error("Grow to a smaller disk: no error")
	}
}

func TestWriteRefuses(t *testing.T) {
	for want, change := range map[string]func(*Table){
		"overlap":        func(t *Table) { t.Partitions[1].First = 4095 },
		"must lie in 34": func(t *Table) { t.Partitions[0].First = 33 },
		"before its":     func(t *Table) { t.Partitions[0].Last = 5 },
		"no type":        func(t *Table) { t.Partitions[0].Type = GUID{} },
		"1 to 128":       func(t *Table) { t.Partitions[1].Number = 129 },
		"stands after":   func(t *Table) { t.Partitions[1].Number = 2 },
		"longer than 36": func(t *Table) { t.Partitions[1].Label += "x" },
		"zero character": func(t *Table) { t.Partitions[1].Label = "a\x00" },
	} {
		tab := sample(t, 8*mib)
		change(tab)
		d := make(disk, 8*mib)
		if err := tab.Write(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Write = %v, want an error with %q", err, want)
		}
		if !bytes.Equal(d, make(disk, 8*mib)) {
			t.Errorf("Write wrote a table that is wrong (%s)", want)
		}
	}
}

func TestGUIDText(t *testing.T) {
	const text = "00112233-4455-6677-8899-aabbccddeeff"
	g, err := ParseGUID(strings.ToUpper(text))
	want := GUID{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	if err != nil || g != want || g.String() != text {
		t.Errorf("ParseGUID = %x (%s), %v, want %x", g[:], g, err, want[:])
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.Replace(text, "-", "0", 1), strings.Replace(text, "a", "g", 1)} {
		if _, err := ParseGUID(bad); err == nil {
			t.Errorf("ParseGUID(%q): no error", bad)
		}
	}
	one, two := NewGUID(), NewGUID()
	if DeriveGUID("a", "bc") == DeriveGUID("ab", "c") || one == two {
		t.Error("two GUIDs are the same")
	}
	if v := DeriveGUID("a").String()[14]; v != '8' {
		t.Errorf("a derived GUID has version %c, want 8", v)
	}
}

// Other programs agree with ours, in both directions.
func TestSgdiskAgrees(t *testing.T) {
	program, err := exec.LookPath("sgdisk")
	if err != nil {
		t.Skip("sgdisk is missing (Debian's package gdisk)")
	}
	run := func(args ...string) string {
		out, err := exec.Command(program, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("sgdisk %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	path := filepath.Join(t.TempDir(), "disk")
	d := written(t, 8*mib)
	tab, _ := Parse(d, 8*mib)
	d = append(d, make(disk, 8*mib)...)
	if _, err := tab.Grow(int64(len(d))); err != nil {
		t.Fatal(err)
	}
	tab.NewGUIDs()
	if err := tab.Write(d); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, d, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run("-v", path); !strings.Contains(out, "No problems found") {
		t.Errorf("sgdisk -v:\n%s", out)
	}
	id := tab.Partitions[1].ID.String()
	if out := run("-i", "5", path); !strings.Contains(strings.ToLower(out), id) {
		t.Errorf("sgdisk -i 5 does not tell GUID %s:\n%s", id, out)
	}
	run("-n", "7:0:+512K", "-t", "7:ef02", "-c", "7:made elsewhere", "-d", "5", path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(disk(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := got.Labelled("made elsewhere"); !ok || p.Number != 7 || p.Type != BIOSBoot || p.Size() != mib/2 {
		t.Errorf("Parse of sgdisk's table: %+v", got)
	}
}

// fuzzSectors is the size of the fuzzer's disk.
const fuzzSectors = 256

// sealed puts the right checksums into a primary header, so that the fuzzer gets
// past them.
func sealed(d disk) {
	le := binary.LittleEndian
	h := d[512:1024]
	at, n := le.Uint64(h[72:]), uint64(le.Uint32(h[80:]))*uint64(le.Uint32(h[84:]))
	if at < fuzzSectors && n <= (fuzzSectors-at)*512 {
		le.PutUint32(h[88:], crc32.ChecksumIEEE(d[at*512:][:n]))
	}
	if size := le.Uint32(h[12:]); size >= 92 && size <= 512 {
		clear(h[16:20])
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:size]))
	}
}

func FuzzParse(f *testing.F) {
	d := make(disk, fuzzSectors*512)
	tab, err := New(int64(len(d)))
	if err != nil {
		f.Fatal(err)
	}
	tab.Partitions = []Partition{{Number: 1, Type: LinuxData, First: 40, Last: 99, Label: "one"}, {Number: 3, Type: LinuxData, First: 100, Last: 120}}
	if err := tab.Write(d); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(d[512:2048]), []byte(d[len(d)-512:]))
	f.Add([]byte(d[512:2048]), []byte{})
	f.Add([]byte{}, []byte(d[len(d)-512:]))
	f.Fuzz(func(t *testing.T, head, tail []byte) {
		d := disk(bytes.Clone(d))
		copy(d[512:], head)
		if len(tail) <= 33*512 {
			copy(d[len(d)-33*512:], tail)
		}
		sealed(d)
		got, err := Parse(d, int64(len(d)))
		if err != nil {
			return
		}
		got.Recovered = ""
		if _, err := got.Grow(int64(len(d))); err != nil {
			t.Fatalf("Grow after Parse: %v", err)
		}
		if err := got.Write(d); err != nil {
			t.Fatalf("Write after Parse: %v", err)
		}
		again, err := Parse(d, int64(len(d)))
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("Parse after Write = %+v, %v, want %+v", again, err, got)
		}
	})
}
