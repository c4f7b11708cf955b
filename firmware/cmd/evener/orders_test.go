// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"evener/firmware/api"
	"evener/firmware/upgrade"
	"evener/image/early"
	"evener/image/slot"
	"evener/image/slottest"
)

// An ordering is a process 1 with a disk in a file, and the way of an engine to it. What
// runs is version 1.0.0 in slot A.
type ordering struct {
	t     *testing.T
	disk  string
	slots slotOrders
}

func newOrdering(t *testing.T) *ordering {
	t.Helper()
	d := slottest.New(t, slot.State{First: slot.A}.With(slot.A, true, 0).With(slot.B, false, slot.MaxTries))
	m, payload := slottest.Manifest("1.0.0", slot.MiB)
	m.Boards = []string{"qemu-x86_64"}
	d.Put(t, slot.A, slottest.Header(t, m), payload)
	dir := t.TempDir()
	x := &ordering{t: t, disk: filepath.Join(dir, "disk")}
	if err := d.Save(x.disk); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	engine := &syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())}
	k := newSlotKeeper("qemu-x86_64", dir, engine, log)
	k.boot = func() (early.Boot, error) { return early.Boot{Disk: x.disk, Slot: "A"}, nil }
	k.keys = func() (slot.Keys, error) { return slottest.Keys(1), nil }
	super := newSuperAPI(dir, nil, log)
	super.engine = engine
	super.add(k.add)
	super.add(addHost)
	super.add((&stickKeeper{dir: filepath.Join(dir, "sticks"), log: log}).add)
	super.add(func(reg *api.Registry) { // of the machine, the panel and the power
		for _, name := range append([]string{"led.locate", "panel.press", "power.reboot", "power.halt"}, shown...) {
			api.Add(reg, api.Method{Name: name, Purpose: "Stands in.", Role: api.Viewer}, func(context.Context, api.Call, struct{}) (struct{}, error) { return struct{}{}, nil })
		}
	})
	t.Cleanup(super.start())
	x.slots = slotOrders{superLink{filepath.Join(dir, ordersSocket)}, filepath.Join(dir, imageSocket)}
	return x
}

// header describes an image for this box, signed by the key of that number.
func (x *ordering) header(version string, key byte, payload []byte, edit ...func(*slot.Manifest)) slot.Header {
	x.t.Helper()
	m, _ := slottest.Manifest(version, len(payload))
	m.Boards = []string{"qemu-x86_64"}
	for _, f := range edit {
		f(&m)
	}
	h, err := slot.NewHeader(m, slottest.Key(key))
	if err != nil {
		x.t.Fatal(err)
	}
	return h
}

// onDisk has f look at the disk, and change it, behind the back of process 1.
func (x *ordering) onDisk(f func(*slot.Disk)) {
	x.t.Helper()
	d, err := slot.Open(x.disk)
	if err != nil {
		x.t.Fatal(err)
	}
	defer d.Close()
	f(d)
}

func (x *ordering) boot() (s slot.State) {
	x.t.Helper()
	x.onDisk(func(d *slot.Disk) { s, _ = d.Boot() })
	return s
}

// refused fails the test unless err says so.
func (x *ordering) refused(what string, err error, want string) {
	x.t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		x.t.Errorf("%s: %v, want %q", what, err, want)
	}
}

// write brings an image into slot B.
func (x *ordering) write(version string, payload []byte) {
	x.t.Helper()
	w, err := x.slots.Writer(slot.B, x.header(version, 1, payload))
	if err == nil {
		_, err = w.Write(payload)
	}
	if err == nil {
		err = w.Commit(x.t.Context(), nil)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// imageOf is the payload of a version.
func imageOf(version string, size int) []byte {
	_, payload := slottest.Manifest(version, size)
	return payload
}

func TestEngineUpgradesThroughProcessOne(t *testing.T) {
	x := newOrdering(t)
	open := func() *upgrade.Upgrades {
		return upgrade.Open(x.slots, upgrade.Config{Dir: t.TempDir(), Board: "qemu-x86_64", Arch: "amd64", Version: "1.0.0", Slot: slot.A,
			Keys: slottest.Keys(1), BootID: "x"}, slog.New(slog.DiscardHandler))
	}
	u := open()
	if s := u.Show(); s.Problem != "" || s.Slots[0].State != upgrade.StateGood || s.Slots[1].State != upgrade.StateEmpty {
		t.Fatalf("shown before: %+v", s)
	}
	payload := imageOf("1.1.0", 2*slot.MiB+77)
	var bundle bytes.Buffer
	if err := slot.WriteBundle(&bundle, x.header("1.1.0", 1, payload), bytes.NewReader(payload)); err != nil {
		t.Fatal(err)
	}
	whole := bundle.Bytes()
	var last upgrade.Progress
	if _, err := u.Take(t.Context(), bytes.NewReader(whole), upgrade.Order{By: "ann", Source: "upload"}, func(p upgrade.Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	if last.Step != upgrade.StepVerify || last.Done != int64(len(payload)) {
		t.Errorf("the last that was told of the writing is %+v", last)
	}
	r, size, err := u.Bundle(slot.B)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || size != int64(len(whole)) || !bytes.Equal(got, whole) {
		t.Errorf("the slot reads as %d bytes, %v; want the bundle of %d", len(got), err, len(whole))
	}
	if err := u.Activate(t.Context(), slot.B, upgrade.Order{By: "ann"}); err != nil {
		t.Fatal(err)
	}
	if s := x.boot(); s.First != slot.B || s.Good(slot.B) || s.Tries(slot.B) != 0 || !s.Good(slot.A) {
		t.Errorf("armed: %+v", s)
	}
	if err := u.Activate(t.Context(), slot.A, upgrade.Order{By: "ann"}); err != nil {
		t.Fatal(err)
	}
	if err := u.FactoryReset("ann"); err != nil {
		t.Fatal(err)
	}
	if s := x.boot(); s.First != slot.A || s.Usable(slot.B) || s.Reset != slot.ResetFactory {
		t.Errorf("taken back, and to be reset: %+v", s)
	}
}

func TestProcessOneWritesOnlyWhatIsSigned(t *testing.T) {
	x := newOrdering(t)
	payload := imageOf("2.0.0", slot.MiB)
	for what, c := range map[string]struct {
		slot slot.Name
		h    slot.Header
		want string
	}{
		"an unknown key":     {slot.B, x.header("2.0.0", 2, payload), "not trusted"},
		"another board":      {slot.B, x.header("2.0.0", 1, payload, func(m *slot.Manifest) { m.Boards = []string{"other"} }), "this box is qemu-x86_64"},
		"the slot that runs": {slot.A, x.header("2.0.0", 1, payload), "slot A runs"},
	} {
		_, err := x.slots.Writer(c.slot, c.h)
		x.refused(what, err, c.want)
	}
	x.onDisk(func(d *slot.Disk) {
		if err := d.Verify(t.Context(), slot.A, slottest.Keys(1), nil); err != nil {
			t.Errorf("slot A afterwards: %v", err)
		}
	})
	w, err := x.slots.Writer(slot.B, x.header("2.0.0", 1, payload))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(append([]byte("x"), payload[1:]...)); err != nil {
		t.Fatal(err)
	}
	x.refused("another payload", w.Commit(t.Context(), nil), "damaged")
	if _, err := x.slots.Slot(slot.B); !errors.Is(err, slot.ErrEmpty) {
		t.Errorf("slot B afterwards: %v, want it empty", err)
	}
	x.refused("arming what is not there", x.slots.Arm(slot.B), "empty")
}

func TestWriteThatWasLeftEndsWithTheNext(t *testing.T) {
	x := newOrdering(t)
	payload := imageOf("2.0.0", slot.MiB)
	left, err := x.slots.Writer(slot.B, x.header("1.9.0", 1, payload))
	if err != nil {
		t.Fatal(err)
	}
	x.write("2.0.0", payload)
	x.refused("the one that was left", left.Commit(t.Context(), nil), "begin another one")
	if err := left.Abort(); err != nil {
		t.Error(err)
	}
	if h, err := x.slots.Slot(slot.B); err != nil || h.Manifest.Version != "2.0.0" {
		t.Errorf("slot B = %s, %v", h.Manifest.Version, err)
	}
}

// TestProcessOneStartsOnlyWhatIsSigned: the disk was changed behind its back, by whatever way.
func TestProcessOneStartsOnlyWhatIsSigned(t *testing.T) {
	x := newOrdering(t)
	x.write("2.0.0", imageOf("2.0.0", slot.MiB))
	before := x.boot()
	x.onDisk(func(d *slot.Disk) {
		p, _ := d.Partition(slot.LabelB)
		f, err := os.OpenFile(x.disk, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt([]byte("another kernel"), p.Start+70_000); err != nil {
			t.Fatal(err)
		}
	})
	x.refused("arming", x.slots.Arm(slot.B), "damaged")
	for what, s := range map[string]slot.State{
		"trying": before.With(slot.B, false, 0),
		"good":   before.With(slot.B, true, 0),
	} {
		x.refused(what, x.slots.SetBoot(s), "damaged")
	}
	once := before
	once.Once = "B"
	x.refused("once", x.slots.SetBoot(once), "started once")
	x.refused("keeping the spare one", x.slots.MarkGood(slot.B), "does not run")
	x.refused("arming what runs", x.slots.Arm(slot.A), "slot A runs")
	x.refused("no boot state", x.slots.order("slot.set_boot", slotBlock{Block: []byte("once=B\n")}, nil), "no boot state")
	if after := x.boot(); after != before {
		t.Errorf("the boot state was %+v, and is %+v", before, after)
	}
}

// TestEngineMayOrderWhatItsMethodsNeed: what package manage asks the supervisor for is
// among the orders.
func TestEngineMayOrderWhatItsMethodsNeed(t *testing.T) {
	files, err := filepath.Glob("../../manage/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	asks, seen := regexp.MustCompile(`(?:askMachine|Machine\.Call)\(ctx, "([a-z_.]+)"`), 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asks.FindAllStringSubmatch(string(text), -1) {
			seen++
			if !strings.HasSuffix(name, "_test.go") && !slices.Contains(orders, m[1]) {
				t.Errorf("%s asks for %s, which is no order", name, m[1])
			}
		}
	}
	if seen < 5 {
		t.Errorf("%d methods were found in package manage: the test looks for the wrong words", seen)
	}
}

func TestEngineMayOrderNothingElse(t *testing.T) {
	x := newOrdering(t)
	for _, method := range []string{"role.list", "role.restart"} {
		x.refused(method, x.slots.order(method, superRole{Role: "console"}, nil), "there is no method")
	}
	x.refused("a name", x.slots.order("host.name", hostName{"lb 1\n"}, nil), "letters, digits")
	if err := x.slots.order("power.reboot", struct{}{}, nil); err != nil {
		t.Error(err)
	}
}
