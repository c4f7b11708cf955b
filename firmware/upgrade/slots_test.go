// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"evener/image/slot"
	"evener/image/slottest"
)

func TestASlotComesBackAsTheBundleThatItWas(t *testing.T) {
	x := newBox(t)
	m, payload := slottest.Manifest("1.1.0", 70_001)
	whole := slottest.Bundle(t, m, payload)
	if _, err := x.u.Take(t.Context(), bytes.NewReader(whole), Order{}, nil); err != nil {
		t.Fatal(err)
	}
	r, size, err := x.u.Bundle(slot.B)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || size != int64(len(whole)) || !bytes.Equal(got, whole) {
		t.Errorf("%d bytes of %d, size %d, %v", len(got), len(whole), size, err)
	}
	if _, _, err := newBox(t).u.Bundle(slot.B); !errors.Is(err, slot.ErrEmpty) {
		t.Errorf("an empty slot: %v", err)
	}
}

func TestASlotIsLookedAtOnceMoreBeforeItIsArmed(t *testing.T) {
	x := newBox(t)
	if err := x.take("1.1.0"); err != nil {
		t.Fatal(err)
	}
	p, _ := x.disk().Partition(slot.LabelB)
	x.dev.Apply(slottest.Op{Off: p.Start + 20_000, Data: []byte("bit rot")})
	if err := x.u.Activate(t.Context(), slot.B, Order{}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("armed: %v", err)
	}
	for name, end := range map[string]func(by, reason string) error{"Good": x.u.Good, "GiveUp": x.u.GiveUp} {
		if err := end("anna", "x"); !errors.Is(err, ErrNoTrial) {
			t.Errorf("%s without a trial: %v", name, err)
		}
	}
}

func TestArmingCanBeTakenBack(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	if err := x.u.Activate(t.Context(), slot.A, Order{By: "anna"}); err != nil {
		t.Fatal(err)
	}
	if x.states() != "good spare" {
		t.Errorf("states: %s", x.states())
	}
	x.start()
	x.runs(slot.A, "1.0.0")
	if err := x.u.Activate(t.Context(), slot.A, Order{}); err == nil {
		t.Error("taken back twice")
	}
}

func TestAnotherSlotStartedByHandIsNoFallBack(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	s, err := x.disk().Boot()
	if err != nil {
		t.Fatal(err)
	}
	s.Once = "A"
	if err := x.disk().SetBoot(s); err != nil {
		t.Fatal(err)
	}
	x.start()
	x.runs(slot.A, "1.0.0")
	x.last(EventOther)
	if x.states() != "good trying" {
		t.Errorf("states: %s", x.states())
	}
	x.start()
	x.runs(slot.B, "1.1.0")
}

func TestABoxWithoutSlotsSaysSo(t *testing.T) {
	u := Open(nil, Config{Dir: t.TempDir(), Why: "it runs on board sim"}, slog.New(slog.DiscardHandler))
	if s := u.Show(); s.Available || s.Why != "it runs on board sim" || s.Trial != nil {
		t.Errorf("%+v", s)
	}
	for name, err := range map[string]error{
		"Take": func() error { _, err := u.Take(t.Context(), nil, Order{}, nil); return err }(),
		"Arm":  u.Activate(t.Context(), slot.A, Order{}), "Reset": u.FactoryReset("x"),
	} {
		if err == nil || !strings.Contains(err.Error(), "it runs on board sim") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := u.Good("", ""); !errors.Is(err, ErrNoTrial) {
		t.Errorf("Good: %v", err)
	}
}

func TestFactoryResetIsLeftToTheNextStart(t *testing.T) {
	x := newBox(t)
	if err := x.u.FactoryReset("anna"); err != nil {
		t.Fatal(err)
	}
	if c := x.choose(); !c.Reset || c.Slot != slot.A {
		t.Errorf("%+v", c)
	}
	if c := x.choose(); !c.Reset {
		t.Error("an order that nobody carried out is forgotten")
	}
}
