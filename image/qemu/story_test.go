// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"crypto/ed25519"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/hal/lcd/lcdtest"
	"evener/image/slot"
)

// TestNewBoxIsSetUpPublishesAndSurvivesABadUpdate is what a new user does, and what
// may go wrong then, on one box, whose state it carries along.
func TestNewBoxIsSetUpPublishesAndSurvivesABadUpdate(t *testing.T) {
	r := releaseOf(t, "amd64")
	u := &update{image: imageOf(t, "qemu-x86_64", ".img"), new: "9.1.0"}
	writes := filepath.Join(t.TempDir(), "writes")
	b := boot(t, nil, oneNIC(Config{Disk: u.image, WriteLog: writes, Watchdog: true, Panel: true}))
	t.Parallel() // only now: it takes longest and shall not be the last to begin
	g := &glass{emu: lcdtest.NewCFA("cfa635")}
	go g.serve(b.Panel())
	p := setUp(b)
	t.Logf("set up %.0f s after the reset", time.Since(b.Began()).Seconds())
	g.shows(b, "lb1", "10.0.2.15")
	p.publish("", anOrigin(t, "hello from an origin"))
	b.serves("hello from an origin")

	begun := time.Now()
	if err := b.Reset(b.ctx); err != nil {
		t.Fatal(err)
	}
	if err := b.WaitReset(b.ctx, 1); err != nil {
		t.Fatal(err)
	}
	b.serves("hello from an origin")
	t.Logf("first balanced answer %.1f s after a reset", time.Since(begun).Seconds())

	refusedUpdates(t, p, r)
	_, u.begin = logged(t, writes)
	goodUpdate(t, p, r)
	u.log, u.end = logged(t, writes)
	p = badVersion(t, p, r)
	p = p.again(func(s slot.State) slot.State {
		s.Once = slot.OnceRescue
		return s
	})
	forgottenPassword(p)
	factoryReset(p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.places.Free()
	powerCuts(t, u)
}

// refusedUpdates tries bundles that no box may take. All are small: their heads are
// wrong, or they end early.
func refusedUpdates(t *testing.T, p *person, r release) {
	_, other, _ := ed25519.GenerateKey(nil) // crypto/rand does not fail
	small := bytes.Repeat([]byte("x"), 200_000)
	board := func(m *slot.Manifest) { m.Boards = []string{"pcengines-apu2"} }
	whole := r.bundle(t, "9.0.0", small, r.Key, nil)
	bad := map[string]struct {
		bundle []byte
		want   string
	}{
		"signature": {r.bundle(t, "9.0.0", small, other, nil), "not trusted"},
		"board":     {r.bundle(t, "9.0.0", small, r.Key, board), "this box is qemu-x86_64"},
		"no bundle": {[]byte("<html>not found</html>"), "not an update"},
		"damaged":   {append(bytes.Clone(whole[:len(whole)-1]), 'y'), "damaged"},
	}
	for name, c := range bad {
		if got := p.take(c.bundle); !strings.Contains(got, c.want) {
			t.Errorf("%s: refused because %q, want %q", name, got, c.want)
		}
	}
	for tenth := 1; tenth < 10; tenth++ {
		if got := p.take(whole[:len(whole)*tenth/10]); got == "" {
			t.Errorf("a bundle of which %d tenths came was taken", tenth)
		}
	}
	if s := p.upgrades(); s.Running.Slot != "A" || s.Slots[1].State != "empty" {
		t.Errorf("afterwards: %+v", s)
	}
}

// goodUpdate goes to slot B with what runs, under another version.
func goodUpdate(t *testing.T, p *person, r release) {
	begun := time.Now()
	if got := p.take(r.bundle(t, "9.1.0", r.Payload, r.Key, nil)); got != "" {
		t.Fatalf("the update is refused: %s", got)
	}
	t.Logf("the update was written in %.0f s", time.Since(begun).Seconds())
	p.restartInto("B")
	p.await("slot B is good", func() error {
		var s Upgrades
		if err := p.ask("upgrade.show", nil, &s); err != nil {
			return err
		}
		if s.Running.Slot != "B" || !s.Running.OK {
			return errNotYet
		}
		return nil
	})
	p.serves("hello from an origin")
}

// badVersion writes a version into slot A that crashes. The power fails when it is armed;
// then it is at its last try, and the box is back on B and says why.
func badVersion(t *testing.T, p *person, r release) *person {
	t.Helper()
	if got := p.take(r.bundle(t, "9.2.0", r.with(t, "panics"), r.Key, nil)); got != "" {
		t.Fatalf("the update is refused: %s", got)
	}
	p.sudo()
	p.must("upgrade.activate", map[string]any{"slot": "A", "reboot": false}, nil)
	p = p.again(func(s slot.State) slot.State {
		if s.First != slot.A || s.Good(slot.A) || s.Tries(slot.A) != 0 {
			t.Errorf("armed, the boot state is %+v; want A first and untried", s)
		}
		return s.With(slot.A, false, slot.MaxTries-1)
	})
	p.expect("Evener: slot A")
	p.expect("Evener: slot B")
	p.serves("hello from an origin")
	s := p.upgrades()
	if got := s.Reason("fell_back"); s.Running.Slot != "B" || !strings.Contains(got, "started 3 times and never got as far as its self-test") {
		t.Errorf("slot %s runs, because %q; want B, because A never got far", s.Running.Slot, got)
	}
	return p
}

// forgottenPassword gives the administrator another password in the rescue system, and
// logs in there.
func forgottenPassword(p *person) {
	p.t.Helper()
	p.expect("rescue system on lb1")
	p.answer("Press Enter for the menu", "")
	p.answer(menu, "6") // Reset an administrator's password
	p.expect("1 admin")
	p.answer("Whose password", "1")
	p.answer("New password of admin", "another horse's staple")
	p.answer("Once more", "another horse's staple")
	p.answer("second factor", "n")
	p.expect("The password of admin is changed")
	logIn := func(password string) {
		p.answer(menu, "l")
		p.answer("Administrator", "admin")
		p.answer("Password", password)
	}
	logIn(p.user.Password)
	p.expect("wrong")
	logIn("another horse's staple")
	p.expect("admin: number")
}

// factoryReset makes a new box of it, in the rescue system.
func factoryReset(p *person) {
	p.t.Helper()
	p.send("11\r") // Factory reset; the prompt was there
	p.answer("Type erase", "erase")
	p.answer(menu, "12") // Reboot or power off
	p.answer("Which", "1")
	p.expect("factory reset: configuration, users, keys and records are removed")
	p.enter() // no administrator any more
}
