// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"evener/image/slot"
	"evener/image/slottest"
)

func TestAVersionIsTakenArmedAndStartedOnTrial(t *testing.T) {
	x := newBox(t)
	if got := x.states(); got != "good empty" {
		t.Fatalf("at first: %s", got)
	}
	if err := x.take("1.1.0"); err != nil {
		t.Fatal(err)
	}
	if got := x.states(); got != "good spare" {
		t.Errorf("taken: %s", got)
	}
	if c, _ := x.u.boot.Choose(); c.Slot != slot.A {
		t.Error("a version that was only taken starts next")
	}
	if err := x.u.Activate(t.Context(), slot.B, Order{By: "anna"}); err != nil {
		t.Fatal(err)
	}
	if got := x.states(); got != "good trying" || !x.u.Show().Slots[1].Next {
		t.Errorf("armed: %s", got)
	}
	if c := x.start(); c.Try != 1 {
		t.Errorf("try %d", c.Try)
	}
	x.runs(slot.B, "1.1.0")
	if s := x.u.Show(); s.Trial == nil || s.Running.OK || s.Running.Try != 1 {
		t.Errorf("on trial: %+v", s)
	}
	if err := x.u.Good("anna", "it works"); err != nil {
		t.Fatal(err)
	}
	if got := x.states(); got != "good good" || x.u.Show().Trial != nil {
		t.Errorf("kept: %s", got)
	}
	x.start()
	x.runs(slot.B, "1.1.0")
	if want := "written armed started good"; x.events() != want {
		t.Errorf("journal: %s, want %s", x.events(), want)
	}
	if err := x.take("1.2.0"); err != nil || x.states() != "spare good" {
		t.Errorf("the next one goes to slot A: %v, %s", err, x.states())
	}
}

func TestAVersionThatNeverGetsToItsSelfTest(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	for try := 1; try <= 3; try++ {
		if c := x.choose(); c.Slot != slot.B || c.Try != try {
			t.Fatalf("start %d: %+v", try, c)
		}
	}
	x.cfg.Cause = func() string { return "kernel panic: no init" }
	x.start()
	x.runs(slot.A, "1.0.0")
	want := "slot B (1.1.0) was started 3 times and never got as far as its self-test; the last start ended so: kernel panic: no init"
	if e := x.last(EventFellBack); e.Reason != want || e.Version != "1.1.0" {
		t.Errorf("fell back: %+v, want %s", e, want)
	}
	if s := x.u.Show().Slots[1]; s.State != StateBad || s.Reason != want {
		t.Errorf("slot B: %s, %s", s.State, s.Reason)
	}
	if s, err := x.disk().Boot(); err != nil || s.First != slot.A || !s.Good(slot.A) || s.Usable(slot.B) {
		t.Errorf("boot state: %+v, %v", s, err)
	}
	x.start()
	if n := strings.Count(x.events(), EventFellBack); n != 1 {
		t.Errorf("told %d times: %s", n, x.events())
	}
}

func TestAVersionThatRestartsDuringItsSelfTest(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	for range 3 {
		x.start()
		x.runs(slot.B, "1.1.0")
		x.open(slot.Choice{Slot: slot.B}) // its engine crashed and came back
	}
	x.start()
	x.runs(slot.A, "1.0.0")
	if e := x.last(EventFellBack); !strings.Contains(e.Reason, "started 3 times, and each time the box restarted before its self-test had passed") {
		t.Errorf("fell back: %s", e.Reason)
	}
	if want := "written armed started started started fell_back"; x.events() != want {
		t.Errorf("journal: %s, want %s", x.events(), want)
	}
}

func TestASlotThatTheBootLoaderCannotRead(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	p, _ := x.disk().Partition(slot.LabelB)
	x.dev.Apply(slottest.Op{Off: p.Start, Data: make([]byte, 4096)})
	s, _ := x.disk().Boot() // it gives up at the first try
	if err := x.disk().SetBoot(s.With(slot.B, false, slot.MaxTries)); err != nil {
		t.Fatal(err)
	}
	x.start()
	x.runs(slot.A, "1.0.0")
	if e := x.last(EventFellBack); !strings.Contains(e.Reason, "could not be started: slot B: the content is damaged") {
		t.Errorf("fell back: %s", e.Reason)
	}
}

func TestASlotThatTheEarlyStartRefuses(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	p, _ := x.disk().Partition(slot.LabelB)
	x.dev.Apply(slottest.Op{Off: p.Start + 20_000, Data: []byte("bit rot")})
	x.start()
	x.runs(slot.A, "1.0.0")
	if e := x.last(EventFellBack); !strings.Contains(e.Reason, "damaged") {
		t.Errorf("fell back: %s", e.Reason)
	}
}

func TestABundleIsJudgedBeforeAnythingIsWritten(t *testing.T) {
	m, payload := slottest.Manifest("1.1.0", 60_000)
	stranger, err := slot.NewHeader(m, slottest.Key(9))
	if err != nil {
		t.Fatal(err)
	}
	var unsigned bytes.Buffer
	if err := slot.WriteBundle(&unsigned, stranger, bytes.NewReader(payload)); err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(slottest.Bundle(t, m, payload), []byte(`"qemu-x86_64"`), []byte(`"other-x86_64"`), 1)
	other := m
	other.Boards = []string{"nsa-5130"}
	later := m
	later.MinVersion = "1.0.5"
	for name, tt := range map[string]struct {
		bundle []byte
		want   string
	}{
		"stranger":    {unsigned.Bytes(), "is not known here"},
		"forged":      {forged, "checksum does not match"},
		"board":       {slottest.Bundle(t, other, payload), "the update is for nsa-5130; this box is sim"},
		"min version": {slottest.Bundle(t, later, payload), "version 1.0.5 and later; 1.0.0 runs here"},
		"text":        {[]byte("hello"), "not an update of Evener"},
		"nothing":     {nil, "not an update of Evener"},
	} {
		x := newBox(t)
		x.dev.Record()
		_, err := x.u.Take(t.Context(), bytes.NewReader(tt.bundle), Order{By: "anna", Source: "upload"}, nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want ...%s", name, err, tt.want)
		}
		if len(x.dev.Ops) > 0 {
			t.Errorf("%s: %d writes", name, len(x.dev.Ops))
		}
		if e := x.last(EventRefused); e.Reason == "" || e.Actor != "anna" {
			t.Errorf("%s: journal has %+v", name, e)
		}
	}
}

func TestABundleThatIsCutOffLeavesTheOldVersion(t *testing.T) {
	m, payload := slottest.Manifest("1.1.0", 60_000)
	whole := slottest.Bundle(t, m, payload)
	for tenth := range 10 {
		x := newBox(t)
		_, err := x.u.Take(t.Context(), bytes.NewReader(whole[:len(whole)*tenth/10]), Order{Source: "upload"}, nil)
		if err == nil || x.states() != "good empty" {
			t.Errorf("cut at %d/10: %v, %s", tenth, err, x.states())
		}
		if err := x.u.Activate(t.Context(), slot.B, Order{}); err == nil {
			t.Errorf("cut at %d/10: half a version is armed", tenth)
		}
		x.start()
		x.runs(slot.A, "1.0.0")
	}
}

func TestTakingIsOneAtATimeAndCanBeCancelled(t *testing.T) {
	x := newBox(t)
	m, payload := slottest.Manifest("1.1.0", 600_000)
	whole := slottest.Bundle(t, m, payload)
	pr, pw := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	wrote := make(chan struct{})
	var once bool
	done := make(chan error)
	go func() {
		_, err := x.u.Take(ctx, pr, Order{By: "anna", Source: "upload"}, func(p Progress) {
			if p.Done > 0 && !once {
				once = true
				close(wrote)
			}
		})
		done <- err
	}()
	if _, err := pw.Write(whole[:400_000]); err != nil {
		t.Fatal(err)
	}
	<-wrote
	if err := x.take("1.2.0"); !errors.Is(err, ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	if err := x.u.Activate(t.Context(), slot.B, Order{}); !errors.Is(err, ErrBusy) {
		t.Errorf("activated meanwhile: %v", err)
	}
	if x.states() != "good empty" {
		t.Errorf("shown meanwhile: %s", x.states())
	}
	cancel()
	pw.CloseWithError(context.Canceled)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if x.last(EventCancelled); x.states() != "good empty" {
		t.Errorf("afterwards: %s", x.states())
	}
	if err := x.take("1.2.0"); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestNothingIsTakenWhileTheWayBackIsNeeded(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	x.start()
	if err := x.take("1.2.0"); !errors.Is(err, ErrTrial) {
		t.Errorf("taken on trial: %v", err)
	}
	if err := x.u.Activate(t.Context(), slot.A, Order{}); !errors.Is(err, ErrTrial) {
		t.Errorf("activated on trial: %v", err)
	}
	if err := x.u.GiveUp("anna", "anna has ordered to go back"); err != nil {
		t.Fatal(err)
	}
	x.start()
	x.runs(slot.A, "1.0.0")
	if e := x.last(EventFellBack); e.Reason != "anna has ordered to go back" {
		t.Errorf("%+v", e)
	}
}

func TestAnOldVersionIsAGuardedDowngrade(t *testing.T) {
	index := func(n int) func(*slot.Manifest) { return func(m *slot.Manifest) { m.RollbackIndex = n } }
	x := newBox(t)
	x.arm("1.1.0", index(3))
	x.start()
	if got := x.u.Show().Rollback; got != 0 {
		t.Errorf("the index counts before the version is good: %d", got)
	}
	if err := x.u.Good("", "x"); err != nil {
		t.Fatal(err)
	}
	x.start()
	var r *slot.Refusal
	if err := x.u.Activate(t.Context(), slot.A, Order{}); !errors.As(err, &r) || r.Code != "rollback" {
		t.Errorf("back to 1.0.0: %v", err)
	}
	if err := x.take("1.0.9", index(2)); !errors.As(err, &r) || r.Code != "rollback" {
		t.Errorf("1.0.9: %v", err)
	}
	if err := x.u.Activate(t.Context(), slot.A, Order{By: "anna", Downgrade: true}); err != nil {
		t.Errorf("back to 1.0.0, meant: %v", err)
	}
}

func TestRevocationsAreRememberedOnceAVersionIsGood(t *testing.T) {
	x := newBox(t)
	x.cfg.Keys = slottest.Keys(1, 2)
	x.start()
	id := slottest.Keys(2).List[0].ID
	x.arm("1.1.0", func(m *slot.Manifest) { m.Revoked = []string{id} })
	second, payload := slottest.Manifest("1.2.0", 50_000)
	h, err := slot.NewHeader(second, slottest.Key(2))
	if err != nil {
		t.Fatal(err)
	}
	x.start()
	if err := x.u.Good("", "x"); err != nil {
		t.Fatal(err)
	}
	x.start()
	var b bytes.Buffer
	if err := slot.WriteBundle(&b, h, bytes.NewReader(payload)); err != nil {
		t.Fatal(err)
	}
	if _, err := x.u.Take(t.Context(), &b, Order{}, nil); err == nil || !strings.Contains(err.Error(), id+" is revoked") {
		t.Errorf("signed by a revoked key: %v", err)
	}
	if ks := x.u.Show().Keys; len(ks) != 2 || ks[0].Revoked || !ks[1].Revoked {
		t.Errorf("keys: %+v", ks)
	}
}
