// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sample is a journal with one of everything.
func sample(t testing.TB) journal {
	t.Helper()
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	e := newEntry(Config{Interface: "lan1", Family: IPv4, MAC: mac(IPv4, 10)})
	e.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24")}
	return journal{Version: journalVersion, Boot: boot, Table: "evener_ha_0123abcd", Stations: []entry{e},
		Settings: []setting{{Name: "net/ipv4/conf/lan1/arp_ignore", Was: "0", Is: "1"}}}
}

func TestJournalComesBackAsItWasWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ha.addresses")
	j := sample(t)
	must(t, j.write(file))
	got, err := readJournal(file)
	must(t, err)
	a, _ := json.Marshal(j)
	b, _ := json.Marshal(got)
	if string(a) != string(b) {
		t.Errorf("read %s, want %s", b, a)
	}
	j.Boot = "another start"
	must(t, j.write(file))
	if got, err := readJournal(file); err != nil || len(got.Stations)+len(got.Settings) != 0 {
		t.Errorf("of another start of the machine is left %+v, %v", got, err)
	}
	if err := j.write(filepath.Join(t.TempDir(), "none", "ha.addresses")); err == nil || !strings.Contains(err.Error(), "without which none is taken") {
		t.Errorf("written into a folder that is not there: %v", err)
	}
}

// A process with few rights writes the journal, and one with all cleans up by it.
func TestJournalBelievesOnlyWhatThisPackageWrites(t *testing.T) {
	for what, f := range map[string]func(*journal){
		"another setting":        func(j *journal) { j.Settings[0].Name = "net/ipv4/conf/lan1/forwarding" },
		"a setting elsewhere":    func(j *journal) { j.Settings[0].Name = "net/ipv4/conf/../../../kernel/core_pattern/arp_ignore" },
		"a file elsewhere":       func(j *journal) { j.Settings[0].Name = "net/ipv4/conf/../arp_ignore" },
		"a value of text":        func(j *journal) { j.Settings[0].Was = "|/bin/sh" },
		"another table":          func(j *journal) { j.Table = "filter" },
		"another interface":      func(j *journal) { j.Stations[0].Virtual = "eth0" },
		"a folder as interface":  func(j *journal) { j.Stations[0].Interface = ".." },
		"the wrong family":       func(j *journal) { j.Stations[0].Family = IPv6 },
		"no family":              func(j *journal) { j.Stations[0].Family, j.Stations[0].Addresses = 7, nil },
		"an address of loopback": func(j *journal) { j.Stations[0].Addresses[0] = netip.MustParsePrefix("127.0.0.1/8") },
		"a later version":        func(j *journal) { j.Version++ },
	} {
		j := sample(t)
		f(&j)
		file := filepath.Join(t.TempDir(), "ha.addresses")
		must(t, j.write(file))
		if _, err := readJournal(file); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s was believed: %v", what, err)
		}
		if err := Clean(file); err == nil {
			t.Errorf("%s was cleaned up", what)
		}
		if _, err := OpenLinux(LinuxConfig{Journal: file}, quiet); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%s: OpenLinux says %v", what, err)
		}
	}
}

// A disk that somebody's log has filled keeps no box from taking addresses.
func TestJournalIsWrittenOnAFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a small disk needs root")
	}
	dir := t.TempDir()
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	file := filepath.Join(dir, "addresses")
	j := sample(t)
	must(t, j.write(file))
	fill := func() {
		if err := os.WriteFile(filepath.Join(dir, "log"), make([]byte, 1<<20), 0o644); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("the disk takes more than it has: %v", err)
		}
	}
	fill()
	for _, settings := range []int{5, 1} { // longer than before, and shorter
		j.Settings = slices.Repeat(sample(t).Settings, settings)
		must(t, j.write(file))
		if got, err := readJournal(file); err != nil || len(got.Settings) != settings {
			t.Errorf("of %d settings %d are read, %v", settings, len(got.Settings), err)
		}
	}
	j.Settings = slices.Repeat(sample(t).Settings, 1000)
	if err := j.write(file); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("more than there is room for: %v", err)
	}
	if got, err := readJournal(file); err != nil || len(got.Settings) != 1 {
		t.Errorf("of what was there %d settings are left, %v", len(got.Settings), err)
	}
}

// Nobody waits for the journal to be on the disk. When the power goes first, its name
// may be there without its text, and of the kernel's state nothing is left.
func TestJournalThatDidNotReachTheDiskIsEmpty(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("\x00", 4096)} {
		file := filepath.Join(t.TempDir(), "ha.addresses")
		must(t, os.WriteFile(file, []byte(text), 0o644))
		if j, err := readJournal(file); err != nil || len(j.Stations)+len(j.Settings) != 0 || j.Boot == "" {
			t.Errorf("of %d zero bytes %+v is read, %v", len(text), j, err)
		}
		if err := Clean(file); err != nil {
			t.Errorf("Clean says %v", err)
		}
	}
}

func TestJournalIsReadFromAPlainFileOnly(t *testing.T) {
	dir := t.TempDir()
	j := sample(t)
	must(t, j.write(filepath.Join(dir, "real")))
	must(t, os.Symlink("real", filepath.Join(dir, "link")))
	if _, err := readJournal(filepath.Join(dir, "link")); err == nil {
		t.Error("a link was followed")
	}
	if err := Clean(filepath.Join(dir, "none")); err != nil {
		t.Errorf("without a file Clean says %v", err)
	}
}

func FuzzParseJournal(f *testing.F) {
	text, err := json.Marshal(sample(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"stations":[{"interface":"lan1","family":6,"addresses":["fe80::1/64"]}]}`))
	f.Add([]byte(`{"version":1,"settings":[{"name":"net/ipv4/conf/all/rp_filter","was":"1","is":"0"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := parseJournal(b)
		if err != nil {
			return
		}
		for _, s := range j.Settings {
			if strings.Contains(s.Name, "..") && filepath.Clean(s.Name) != s.Name || !strings.HasPrefix(filepath.Clean(s.Name), "net/ipv4/conf/") {
				t.Errorf("%q would be set", s.Name)
			}
		}
		text, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseJournal(text); err != nil {
			t.Errorf("%s is refused: %v", text, err)
		}
	})
}

func FuzzParse4(f *testing.F) {
	f.Add(packet4(netip.MustParseAddr("192.0.2.1"), Group(IPv4), payload(1)))
	f.Add([]byte{0x46, 0, 0, 24, 0, 0, 0, 0, 255, 112, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		src, dst, _, data, ok := parse4(b)
		if ok && (!src.Is4() || !dst.Is4() || len(data) > len(b)-header4) {
			t.Errorf("%x is from %v to %v with %x", b, src, dst, data)
		}
	})
}

func TestNamesOfVirtualMACsFitTheKernel(t *testing.T) {
	seen := make(map[string]string)
	for _, parent := range []string{"lan1", "enp3s0f1", "enp129s0f1np1", "enp129s0f1np2", "a23456789", "a234567890"} {
		name := virtualName(parent, mac(IPv4, 10))
		if len(name) > 15 || !ourLink(name) || seen[name] != "" {
			t.Errorf("above %s it is called %q, as above %q", parent, name, seen[name])
		}
		seen[name] = parent
	}
	if ourLink("lan1") || ourLink("vlan10-x") {
		t.Error("names of others are taken for ours")
	}
}
