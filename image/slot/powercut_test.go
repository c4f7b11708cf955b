// SPDX-License-Identifier: Apache-2.0

package slot_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"evener/image/slot"
	"evener/image/slottest"
)

// A factory is a disk with 1.0.0 in slot A, which is good, and what is in B.
func factory(t *testing.T, s slot.State, b string) *slottest.Disk {
	t.Helper()
	d := slottest.New(t, s)
	m, payload := slottest.Manifest("1.0.0", 40_000)
	d.Put(t, slot.A, slottest.Header(t, m), payload)
	if b != "" {
		m, payload := slottest.Manifest(b, 50_000)
		d.Put(t, slot.B, slottest.Header(t, m), payload)
	}
	return d
}

// update writes an image into n and arms it.
func update(dev slot.Device, n slot.Name, h slot.Header, payload []byte) error {
	d, err := slot.New(dev)
	if err != nil {
		return err
	}
	w, err := d.Writer(n, h)
	if err != nil {
		return err
	}
	for len(payload) > 0 {
		k := min(7000, len(payload))
		if _, err := w.Write(payload[:k]); err != nil {
			return errors.Join(err, w.Abort())
		}
		payload = payload[k:]
	}
	if err := w.Commit(context.Background(), nil); err != nil {
		return err
	}
	return d.Arm(n)
}

// starts plays the boot loader and what checks a slot before its root is
// mounted, until a slot starts, and returns its version. Slots that do not
// verify are an error: nothing half may ever be chosen.
func starts(dev *slottest.Disk) (string, error) {
	d, err := slot.New(dev)
	if err != nil {
		return "", err
	}
	s, err := d.Boot()
	if err != nil {
		return "", fmt.Errorf("boot state: %w", err)
	}
	c, _ := s.Choose()
	if c.Slot == "" {
		return "", errors.New("the rescue system was chosen")
	}
	if err := d.Verify(context.Background(), c.Slot, slottest.Keys(1), nil); err != nil {
		return "", fmt.Errorf("state %+v chose %s: %w", s, c.Slot, err)
	}
	h, err := d.Slot(c.Slot)
	return h.Manifest.Version, err
}

// A cut is what a loss of power left: all that was durable, and of the rest the
// ops that keep says.
func cut(base *slottest.Disk, ops []slottest.Op, keep func(i int) []byte) *slottest.Disk {
	d := base.Copy()
	last := len(ops)
	for last > 0 && ops[last-1].Data != nil {
		last--
	}
	for i, op := range ops {
		switch {
		case op.Data == nil:
		case i < last || op.Durable:
			d.Apply(op)
		default:
			op.Data = keep(i)
			d.Apply(op)
		}
	}
	return d
}

// spares are the states of a box whose slot A runs.
var spares = []struct {
	name  string
	state slot.State
	b     string // in slot B
}{
	{"B empty", slot.State{First: slot.A}.With(slot.A, true, 0).With(slot.B, false, 3), ""},
	{"B good", slot.State{First: slot.A}.With(slot.A, true, 0).With(slot.B, true, 0), "0.9.0"},
	{"B was given up", slot.State{First: slot.A}.With(slot.A, true, 0).With(slot.B, false, 2), "0.9.0"},
	{"both usable, none good", slot.State{First: slot.A}, "0.9.0"},
	{"B asked for once", slot.State{First: slot.A, Once: "B"}.With(slot.A, true, 0).With(slot.B, true, 0), "0.9.0"},
	{"in recovery", slot.State{First: slot.A}.With(slot.A, false, 3).With(slot.B, false, 3), "0.9.0"},
}

func TestPowerCutAtEveryWriteLeavesTheOldOrTheNew(t *testing.T) {
	for _, tt := range spares {
		t.Run(tt.name, func(t *testing.T) {
			base := factory(t, tt.state, tt.b)
			work := base.Copy()
			work.Record()
			m, payload := slottest.Manifest("2.0.0", 60_100) // no whole sectors
			if err := update(work, slot.B, slottest.Header(t, m), payload); err != nil {
				t.Fatal(err)
			}
			if v, err := starts(work.Copy()); v != "2.0.0" || err != nil {
				t.Fatalf("after the update %q starts, %v", v, err)
			}
			seen := map[string]int{}
			look := func(what string, d *slottest.Disk) {
				t.Helper()
				v, err := starts(d)
				seen[v]++
				if err != nil || v != "1.0.0" && v != "2.0.0" && (v != "0.9.0" || tt.state.Once == "") {
					t.Fatalf("%s: %q starts, %v", what, v, err)
				}
			}
			for n := range len(work.Ops) + 1 {
				cutsAt(t, base, work.Ops[:n], look)
			}
			if seen["1.0.0"] == 0 || seen["2.0.0"] == 0 {
				t.Errorf("%v: the cuts do not show both", seen)
			}
		})
	}
}

// cutsAt looks at what a loss of power right after the last of ops may leave.
func cutsAt(t *testing.T, base *slottest.Disk, ops []slottest.Op, look func(string, *slottest.Disk)) {
	n := len(ops)
	all := func(i int) []byte { return ops[i].Data }
	look(fmt.Sprintf("after %d ops", n), cut(base, ops, all))
	if n == 0 || ops[n-1].Data == nil {
		return
	}
	last := ops[n-1].Data
	for torn := 0; torn < len(last); torn += slot.SectorSize {
		torn := torn
		d := cut(base, ops[:n-1], all)
		d.Apply(slottest.Op{Off: ops[n-1].Off, Data: last[:torn]})
		look(fmt.Sprintf("op %d torn at %d", n, torn), d)
	}
	for seed := range uint64(8) { // any subset of what was not synced, in pieces of sectors
		r := rand.New(rand.NewPCG(uint64(n), seed))
		look(fmt.Sprintf("after %d ops, subset %d", n, seed), cut(base, ops, func(i int) []byte {
			if r.IntN(2) == 0 {
				return nil
			}
			k := r.IntN(len(ops[i].Data)/slot.SectorSize + 1)
			return ops[i].Data[:min(k*slot.SectorSize+r.IntN(2)*slot.SectorSize, len(ops[i].Data))]
		}))
	}
}

func TestPowerCutWhileASlotIsMarked(t *testing.T) {
	marks := map[string]func(d *slot.Disk) error{
		"good": func(d *slot.Disk) error { return d.MarkGood(slot.B) },
		"bad":  func(d *slot.Disk) error { return d.MarkBad(slot.B, slot.Fault{Reason: "x", By: "self-test"}) },
		"arm":  func(d *slot.Disk) error { return d.Arm(slot.B) },
	}
	for name, mark := range marks {
		base := factory(t, slot.State{First: slot.B}.With(slot.A, true, 0).With(slot.B, false, 1), "2.0.0")
		work := base.Copy()
		work.Record()
		d, err := slot.New(work)
		if err != nil {
			t.Fatal(err)
		}
		if err := mark(d); err != nil {
			t.Fatal(err)
		}
		for n := range len(work.Ops) + 1 {
			cutsAt(t, base, work.Ops[:n], func(what string, d *slottest.Disk) {
				if v, err := starts(d); err != nil {
					t.Errorf("%s, %s: %q, %v", name, what, v, err)
				}
			})
		}
	}
}

func TestEveryFailingWriteLeavesTheOldSlot(t *testing.T) {
	m, payload := slottest.Manifest("2.0.0", 3<<20)
	h := slottest.Header(t, m)
	for n := 0; ; n++ {
		d := factory(t, spares[1].state, spares[1].b)
		left := n
		d.Fail = func(slottest.Op) error {
			if left--; left < 0 {
				return errors.New("input/output error")
			}
			return nil
		}
		err := update(d, slot.B, h, payload)
		d.Fail = nil
		v, bad := starts(d)
		if bad != nil {
			t.Fatalf("write %d failed: %v", n, bad)
		}
		if err == nil {
			if v != "2.0.0" || n < 10 {
				t.Fatalf("no error after %d writes, and %s starts", n, v)
			}
			return
		}
		if v != "1.0.0" {
			t.Fatalf("write %d failed, and %s starts", n, v)
		}
	}
}

func TestADiskThatLiesIsFoundOut(t *testing.T) {
	d := factory(t, spares[0].state, "")
	disk, err := slot.New(d)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := disk.Partition(slot.LabelB)
	d.Lie = func(p []byte, off int64) {
		if off == b.Start { // a sector in the middle of the payload came out differently
			p[3*slot.SectorSize] ^= 0x10
		}
	}
	m, payload := slottest.Manifest("2.0.0", 50_000)
	if err := update(d, slot.B, slottest.Header(t, m), payload); err == nil {
		t.Fatal("a slot that reads back differently was armed")
	}
	d.Lie = nil
	if _, err := disk.Slot(slot.B); !errors.Is(err, slot.ErrEmpty) {
		t.Errorf("the slot afterwards: %v", err)
	}
	if v, err := starts(d); v != "1.0.0" || err != nil {
		t.Errorf("%q starts, %v", v, err)
	}
}

func TestWriterTakesWhatTheManifestSaysAndNothingElse(t *testing.T) {
	m, payload := slottest.Manifest("2.0.0", 50_000)
	other := append([]byte{payload[0] ^ 1}, payload[1:]...)
	for name, p := range map[string][]byte{"short": payload[1:], "long": append(payload[:len(payload):len(payload)], 0), "other": other} {
		d := factory(t, spares[1].state, spares[1].b)
		if err := update(d, slot.B, slottest.Header(t, m), p); !errors.Is(err, slot.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if v, err := starts(d); v != "1.0.0" || err != nil {
			t.Errorf("%s: %q starts, %v", name, v, err)
		}
	}
}

func TestWriterKeepsTheLastImageThereIs(t *testing.T) {
	d := factory(t, spares[0].state, "")
	m, payload := slottest.Manifest("2.0.0", 50_000)
	d.Record()
	if err := update(d, slot.A, slottest.Header(t, m), payload); !errors.Is(err, slot.ErrEmpty) {
		t.Errorf("slot A was written while B is empty: %v", err)
	}
	if len(d.Ops) > 0 {
		t.Errorf("%d writes before that was noticed", len(d.Ops))
	}
}

func TestMarkBadKeepsTheReasonAndNeverPutsAnEmptySlotFirst(t *testing.T) {
	for _, b := range []string{"", "0.9.0"} {
		dev := factory(t, slot.State{First: slot.A}.With(slot.A, true, 0), b)
		d, err := slot.New(dev)
		if err != nil {
			t.Fatal(err)
		}
		want := slot.Fault{Reason: "its content is damaged", By: "early", Version: "1.0.0"}
		if err := d.MarkBad(slot.A, want); err != nil {
			t.Fatal(err)
		}
		if f, ok := d.Fault(slot.A); !ok || f != want {
			t.Errorf("Fault = %+v, %t", f, ok)
		}
		s, err := d.Boot()
		if err != nil {
			t.Fatal(err)
		}
		if wantFirst := map[string]slot.Name{"": slot.A, "0.9.0": slot.B}[b]; s.First != wantFirst || s.Usable(slot.A) {
			t.Errorf("B has %q: %+v", b, s)
		}
		if err := d.MarkGood(slot.A); err != nil {
			t.Fatal(err)
		}
		if _, ok := d.Fault(slot.A); ok {
			t.Error("the reason is still there when the slot is good")
		}
		if s, err := d.Boot(); err != nil || s.First != slot.A || !s.Good(slot.A) || s.Tries(slot.A) != 0 {
			t.Errorf("after MarkGood: %+v, %v", s, err)
		}
	}
}

func TestSetBootMendsAGarbledBlock(t *testing.T) {
	d := factory(t, slot.State{}, "")
	disk, err := slot.New(d)
	if err != nil {
		t.Fatal(err)
	}
	d.Record()
	want := slot.State{First: slot.A}.With(slot.A, true, 0)
	if err := disk.SetBoot(want); err != nil {
		t.Fatal(err)
	}
	if len(d.Ops) != 1 || !d.Ops[0].Durable || len(d.Ops[0].Data) != slot.SectorSize {
		t.Fatalf("a change is not one sector: %d ops", len(d.Ops))
	}
	at := d.Ops[0].Off
	d.Apply(slottest.Op{Off: at, Data: []byte("garbage")}, slottest.Op{Off: at + 700, Data: []byte("\norder=BA\n")})
	if s, err := disk.Boot(); err == nil || s != (slot.State{First: slot.A}) {
		t.Errorf("garbage is %+v, %v", s, err)
	}
	if err := disk.SetBoot(want); err != nil {
		t.Fatal(err)
	}
	if s, err := disk.Boot(); err != nil || s != want {
		t.Errorf("mended to %+v, %v", s, err)
	}
	d.Record()
	if err := disk.SetBoot(want); err != nil || len(d.Ops) > 0 {
		t.Errorf("a state that is there was written again: %d ops, %v", len(d.Ops), err)
	}
}

func TestPayloadIsWhatWasWritten(t *testing.T) {
	d := factory(t, spares[0].state, "")
	m, payload := slottest.Manifest("2.0.0", 50_001)
	if err := update(d, slot.B, slottest.Header(t, m), payload); err != nil {
		t.Fatal(err)
	}
	disk, err := slot.New(d)
	if err != nil {
		t.Fatal(err)
	}
	r, err := disk.Payload(slot.B)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || string(got) != string(payload) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
