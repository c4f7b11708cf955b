// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"evener/image/slot"
	"evener/image/slottest"
)

// A box is one whose boot loader and early start are played by the test.
type box struct {
	t     *testing.T
	dev   *slottest.Disk
	dir   string
	cfg   Config // of the next start
	boots int
	u     *Upgrades
	told  []string
}

// newBox returns one that runs 1.0.0 from slot A, which is good; B is empty.
func newBox(t *testing.T) *box {
	t.Helper()
	x := &box{t: t, dir: t.TempDir()}
	x.dev = slottest.New(t, slot.State{First: slot.A}.With(slot.A, true, 0).With(slot.B, false, 3))
	m, payload := slottest.Manifest("1.0.0", 40_000)
	x.dev.Put(t, slot.A, slottest.Header(t, m), payload)
	x.cfg = Config{Board: "sim", Arch: "amd64", Keys: slottest.Keys(1), Format: "1"}
	x.start()
	return x
}

// disk opens the disk anew, as another process would.
func (x *box) disk() *slot.Disk {
	x.t.Helper()
	d, err := slot.New(x.dev)
	if err != nil {
		x.t.Fatal(err)
	}
	return d
}

// choose plays the boot loader.
func (x *box) choose() slot.Choice {
	x.t.Helper()
	x.boots++
	d := x.disk()
	s, damage := d.Boot()
	c, after := s.Choose()
	if after != s && damage == nil { // GRUB writes nothing into a block that is none
		if err := d.SetBoot(after); err != nil {
			x.t.Fatal(err)
		}
	}
	return c
}

// start plays the boot loader and what comes between it and Open: a slot that
// does not verify is marked bad, and the box starts again.
func (x *box) start() slot.Choice {
	x.t.Helper()
	for range 10 {
		c := x.choose()
		d := x.disk()
		if err := d.Verify(context.Background(), c.Slot, slottest.Keys(1), nil); err != nil {
			if err := d.MarkBad(c.Slot, slot.Fault{Reason: err.Error(), By: "early"}); err != nil {
				x.t.Fatal(err)
			}
			continue
		}
		x.open(c)
		return c
	}
	x.t.Fatal("no slot starts")
	return slot.Choice{}
}

// open starts the engine, within one start of the machine.
func (x *box) open(c slot.Choice) {
	x.t.Helper()
	d := x.disk()
	h, err := d.Slot(c.Slot)
	if err != nil {
		x.t.Fatal(err)
	}
	cfg := x.cfg
	cfg.Dir, cfg.Slot, cfg.Recovery, cfg.Version = filepath.Join(x.dir, "upgrade"), c.Slot, c.Recovery, h.Manifest.Version
	cfg.BootID = strconv.Itoa(x.boots)
	cfg.Told = func(e Entry, _ map[string]any) { x.told = append(x.told, e.Event) }
	x.u = Open(OnDisk(d), cfg, slog.New(slog.DiscardHandler))
}

// take brings a version into the spare slot.
func (x *box) take(version string, edit ...func(*slot.Manifest)) error {
	x.t.Helper()
	m, payload := slottest.Manifest(version, 60_000)
	for _, f := range edit {
		f(&m)
	}
	_, err := x.u.Take(context.Background(), bytes.NewReader(slottest.Bundle(x.t, m, payload)), Order{By: "anna", Source: "upload"}, nil)
	return err
}

// arm brings a version and has it started next.
func (x *box) arm(version string, edit ...func(*slot.Manifest)) {
	x.t.Helper()
	if err := x.take(version, edit...); err != nil {
		x.t.Fatal(err)
	}
	if err := x.u.Activate(context.Background(), x.u.cfg.Slot.Other(), Order{By: "anna"}); err != nil {
		x.t.Fatal(err)
	}
}

// runs fails the test unless this version runs from this slot.
func (x *box) runs(n slot.Name, version string) {
	x.t.Helper()
	if s := x.u.Show(); s.Running.Slot != n || s.Running.Version != version {
		x.t.Fatalf("%s runs from slot %s, want %s from %s", s.Running.Version, s.Running.Slot, version, n)
	}
}

// last returns the newest line of the journal with that event.
func (x *box) last(event string) Entry {
	x.t.Helper()
	for _, e := range x.u.Show().Journal {
		if e.Event == event {
			return e
		}
	}
	x.t.Fatalf("the journal has no %s:\n%s", event, x.events())
	return Entry{}
}

// events are those of the journal, the oldest first.
func (x *box) events() string {
	var list []string
	for _, e := range x.u.Show().Journal {
		list = append(list, e.Event)
	}
	slices.Reverse(list)
	return strings.Join(list, " ")
}

func (x *box) states() string {
	var list []string
	for _, s := range x.u.Show().Slots {
		list = append(list, s.State)
	}
	return strings.Join(list, " ")
}

func (x *box) write(name, text string) {
	x.t.Helper()
	name = filepath.Join(x.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		x.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		x.t.Fatal(err)
	}
}

func (x *box) read(name string) string {
	b, err := os.ReadFile(filepath.Join(x.dir, name))
	if err != nil {
		return err.Error()
	}
	return string(b)
}
