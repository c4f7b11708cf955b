// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"evener/board"
	"evener/firmware/api"
	"evener/image/early"
	"evener/image/slot"
	"evener/image/slottest"
)

// A mended is a rescue system with a disk in a file.
type mended struct {
	*rescuer
	t     *testing.T
	disk  string
	super *superAPI
	stick fstest.MapFS
}

// newMended has versions in the slots, "" for an empty one.
func newMended(t *testing.T, a, b string) *mended {
	t.Helper()
	d := slottest.New(t, slot.State{}.With(slot.A, false, slot.MaxTries).With(slot.B, false, slot.MaxTries))
	for n, v := range map[slot.Name]string{slot.A: a, slot.B: b} {
		if v != "" {
			m, payload := slottest.Manifest(v, slot.MiB+99)
			m.Boards = []string{"qemu-x86_64"}
			d.Put(t, n, slottest.Header(t, m), payload)
		}
	}
	x := &mended{t: t, disk: filepath.Join(t.TempDir(), "disk"), stick: fstest.MapFS{}}
	if err := d.Save(x.disk); err != nil {
		t.Fatal(err)
	}
	found, err := board.ByName("qemu-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	x.rescuer = &rescuer{appliance: &appliance{log: log, boot: early.Boot{Disk: x.disk}}, board: found, state: t.TempDir(),
		keys: func() (slot.Keys, error) { return slottest.Keys(1), nil },
		sticks: func(_ context.Context, each func(string, fs.FS) error) error {
			return each("sdb1", x.stick)
		}}
	x.super = stateAlone(x.state, log)
	x.super.add(x.add)
	return x
}

// bundle puts one on the stick, signed by the key of that number.
func (x *mended) bundle(name, version string, key byte, board string) {
	x.t.Helper()
	m, payload := slottest.Manifest(version, slot.MiB+7)
	m.Boards = []string{board}
	h, err := slot.NewHeader(m, slottest.Key(key))
	if err != nil {
		x.t.Fatal(err)
	}
	var b strings.Builder
	if err := slot.WriteBundle(&b, h, strings.NewReader(string(payload))); err != nil {
		x.t.Fatal(err)
	}
	x.stick[name] = &fstest.MapFile{Data: []byte(b.String())}
}

func (x *mended) call(method string, params, result any) error {
	return x.super.call(x.t.Context(), "serial", method, params, result)
}

func (x *mended) look(f func(*slot.Disk)) {
	x.t.Helper()
	d, err := slot.View(x.disk)
	if err != nil {
		x.t.Fatal(err)
	}
	defer d.Close()
	f(d)
}

func TestRescueStartsAndKeepsSlots(t *testing.T) {
	x := newMended(t, "1.3.0", "")
	if err := x.call("rescue.start", args{"slot": "B"}, nil); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty slot is started: %v", err)
	}
	if err := x.call("rescue.start", args{"slot": "C"}, nil); err == nil {
		t.Error("slot C is started")
	}
	if err := x.call("rescue.start", args{"slot": "A"}, nil); err != nil {
		t.Fatal(err)
	}
	x.look(func(d *slot.Disk) {
		if s, _ := d.Boot(); s.Once != "A" || s.Good(slot.A) {
			t.Errorf("boot state %+v; want slot A once", s)
		}
	})
	if err := x.call("rescue.good", args{"slot": "A"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := x.call("rescue.reset", args{}, nil); err != nil {
		t.Fatal(err)
	}
	x.look(func(d *slot.Disk) {
		if s, _ := d.Boot(); !s.Good(slot.A) || s.Reset != "factory" {
			t.Errorf("boot state %+v; want slot A good, and a reset", s)
		}
	})
	var out rescueSlots
	if err := x.call("rescue.slots", args{}, &out); err != nil || len(out.Slots) != 2 || out.Slots[0].Version != "1.3.0" || !out.Slots[0].Next || out.Slots[1].State != "empty" {
		t.Errorf("rescue.slots = %+v, %v", out, err)
	}
	if boot, err := x.source(); err != nil || boot.Slot != "A" {
		t.Errorf("source = %+v, %v", boot, err)
	}
}

func TestRescueInstallsTheNewestBundleThatIsTrusted(t *testing.T) {
	x := newMended(t, "", "") // nothing can be started any more
	if err := x.call("rescue.usb", args{"slot": "B"}, nil); err == nil || !strings.Contains(err.Error(), "no bundle is on a USB stick") {
		t.Errorf("an empty stick: %v", err)
	}
	x.bundle("evener/forged.evb", "9.0.0", 2, "qemu-x86_64")
	x.bundle("other.evb", "8.0.0", 1, "pcengines-apu2")
	x.stick["cut.evb"] = &fstest.MapFile{Data: []byte("EVENER BUNDLE 1\n")}
	err := x.call("rescue.usb", args{"slot": "B"}, nil)
	for _, want := range []string{"not trusted", "is for pcengines-apu2", "cut.evb"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("bad bundles alone: %v; want %q", err, want)
		}
	}
	x.bundle("a.evb", "1.4.0", 1, "qemu-x86_64")
	x.bundle("evener/b.EVB", "1.10.0", 1, "qemu-x86_64")
	x.bundle("c.evb", "1.9.0", 1, "qemu-x86_64")
	var out rescueDone
	if err := x.call("rescue.usb", args{"slot": "B"}, &out); err != nil || out.Version != "1.10.0" || out.Slot != "B" {
		t.Fatalf("rescue.usb = %+v, %v", out, err)
	}
	x.look(func(d *slot.Disk) {
		if err := d.Verify(t.Context(), slot.B, slottest.Keys(1), nil); err != nil {
			t.Error(err)
		}
		s, _ := d.Boot()
		if c, _ := s.Choose(); c.Slot != slot.B || c.Try != 1 {
			t.Errorf("boot state %+v starts %+v; want slot B on trial", s, c)
		}
	})
	var list rescueSlots
	if err := x.call("rescue.slots", args{}, &list); err != nil || !slices.ContainsFunc(list.Journal, func(l string) bool {
		return strings.Contains(l, "written") && strings.Contains(l, "1.10.0") && strings.Contains(l, "rescue system")
	}) {
		t.Errorf("the journal says %q, %v", list.Journal, err)
	}
}

func TestRescueLeavesNothingToStartOfABundleThatIsCut(t *testing.T) {
	x := newMended(t, "1.3.0", "1.4.0")
	x.bundle("a.evb", "1.5.0", 1, "qemu-x86_64")
	f := x.stick["a.evb"]
	f.Data = f.Data[:len(f.Data)-1000]
	if err := x.call("rescue.usb", args{"slot": "A"}, nil); err == nil {
		t.Fatal("a cut bundle is installed")
	}
	x.look(func(d *slot.Disk) {
		if _, err := d.Slot(slot.A); !errors.Is(err, slot.ErrEmpty) {
			t.Errorf("slot A: %v, want that it is empty", err)
		}
		if h, err := d.Slot(slot.B); err != nil || h.Manifest.Version != "1.4.0" {
			t.Errorf("slot B: %+v, %v", h.Manifest, err)
		}
	})
}

func TestRescueRefusesNetworksAndServersThatCannotBe(t *testing.T) {
	x := newMended(t, "1.3.0", "")
	for _, c := range []struct {
		p    rescueFetch
		want string
	}{
		{rescueFetch{Method: "magic"}, "dhcp or static"},
		{rescueFetch{Method: "static"}, "not \"\""},
		{rescueFetch{Method: "static", Address: "192.0.2.1"}, "length of its network"},
		{rescueFetch{Method: "static", Address: "192.0.2.1/24", Gateway: "x"}, "no address"},
	} {
		if _, err := x.network(t.Context(), c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("network(%+v) = %v, want %q", c.p, err, c.want)
		}
	}
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	d, err := slot.Open(x.disk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := x.install(t.Context(), d, "B", strings.NewReader("<html>"), web.URL, "test"); !errors.Is(err, slot.ErrNotBundle) {
		t.Errorf("a page of a web server: %v", err)
	}
}

func TestLastLinesBeginWithAWholeOne(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	if out, err := lastLines(name, 100); err != nil || len(out.Lines) != 0 {
		t.Errorf("no file: %v, %v", out, err)
	}
	if err := os.WriteFile(name, []byte("one\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int64]string{100: "one,two,three", 14: "one,two,three", 13: "two,three", 8: "three"} {
		if out, err := lastLines(name, n); err != nil || strings.Join(out.Lines, ",") != want {
			t.Errorf("the last %d bytes: %q, %v; want %s", n, out.Lines, err, want)
		}
	}
}

func TestRescueSaysWhatACheckOfAFileSystemMeans(t *testing.T) {
	for status, want := range map[int]string{0: "nothing is wrong", 1: "mended", 4: "without losing", 12: "without losing", 8: "ended with 8"} {
		if got := fsckWords(status, nil); !strings.Contains(got, want) {
			t.Errorf("fsckWords(%d) = %q, want %q", status, got, want)
		}
	}
}

func TestInstallerRefusesADiskThatHasChanged(t *testing.T) {
	x := newMended(t, "1.3.0", "")
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(target, 2<<30); err != nil {
		t.Fatal(err)
	}
	i := &installer{root: "/", boot: x.source, log: x.log}
	x.super = stateAlone(x.state, x.log)
	x.super.add(i.add)
	p := installWrite{Disk: target, Name: "target", Line: "target, 1.0 GB: nothing at its beginning"}
	if err := x.call("install.write", p, nil); err == nil || api.AsError(err).Kind != "install.changed" {
		t.Errorf("another disk: %v", err)
	}
	p.Line = "target, 2.1 GB: nothing at its beginning"
	err := x.call("install.write", p, nil)
	if err == nil || !strings.Contains(err.Error(), "names no keys") { // the image of this test, on a machine without keys
		t.Errorf("an image whose signature says nothing: %v", err)
	}
	i.boot = func() (early.Boot, error) { return early.Boot{}, os.ErrNotExist }
	if err := x.call("install.disks", args{}, nil); err == nil || api.AsError(err).Kind != "install.host" {
		t.Errorf("a box on another system: %v", err)
	}
}

// args are the parameters of a method.
type args = map[string]any
