// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"evener/image/slot"
)

// TestNewBoxIsSetUpPublishesAndSurvivesBadUpdates is what a new user does, and what
// may go wrong then, on one box, whose state it carries along.
func TestNewBoxIsSetUpPublishesAndSurvivesBadUpdates(t *testing.T) {
	cfg := oneNIC(Config{Disk: imageOf(t, "qemu-x86_64", ".img"), Watchdog: true})
	r := releaseOf(t, "amd64")
	b := boot(t, nil, cfg)
	p := setUp(b)
	t.Logf("set up %.0f s after the reset", time.Since(b.Began()).Seconds())
	p.publish(anOrigin(t, "hello from an origin"))
	b.serves("hello from an origin")

	begun := time.Now()
	if err := b.Reset(b.ctx); err != nil {
		t.Fatal(err)
	}
	b.serves("hello from an origin")
	t.Logf("first balanced answer %.1f s after a reset", time.Since(begun).Seconds())

	t.Run("refused updates", func(t *testing.T) { refusedUpdates(t, p.in(t), r) })
	t.Run("good update", func(t *testing.T) { goodUpdate(t, p.in(t), r) })
	t.Run("bad versions", func(t *testing.T) { badVersions(t, p.in(t), r) })
	b.serves("hello from an origin")
}

// refusedUpdates tries bundles that no box may take. All are small: their heads are
// wrong, or they end early.
func refusedUpdates(t *testing.T, p *person, r release) {
	_, other, _ := ed25519.GenerateKey(nil) // crypto/rand does not fail
	small := bytes.Repeat([]byte("x"), 200_000)
	board := func(m *slot.Manifest) { m.Boards = []string{"pcengines-apu2"} }
	whole := r.bundle(t, "9.0.0", small, r.key, nil)
	bad := map[string]struct {
		bundle []byte
		want   string
	}{
		"signature": {r.bundle(t, "9.0.0", small, other, nil), "not trusted"},
		"board":     {r.bundle(t, "9.0.0", small, r.key, board), "this box is qemu-x86_64"},
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
	if got := p.take(r.bundle(t, "9.1.0", r.payload, r.key, nil)); got != "" {
		t.Fatalf("the update is refused: %s", got)
	}
	t.Logf("the update was written in %.0f s", time.Since(begun).Seconds())
	p.restartInto("B")
	if err := p.WaitReset(p.ctx, 2); err != nil {
		t.Fatal(err)
	}
	p.await("slot B is good", func() error {
		var s shown
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

// badVersions writes versions into slot A that are not what they should be. The box is
// back on B each time, and says why.
func badVersions(t *testing.T, p *person, r release) {
	for _, c := range []struct{ name, want string }{
		{"panics", "never got as far as its self-test"},
		{"hangs", "never got as far as its self-test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p.in(t)
			if got := p.take(r.bundle(t, "9.2.0", r.with(t, c.name), r.key, nil)); got != "" {
				t.Fatalf("the update is refused: %s", got)
			}
			before := len(resets(p.Guest))
			p.restartInto("A")
			if err := p.WaitReset(p.ctx, before+4); err != nil { // into it, and three times out of it
				t.Fatal(err)
			}
			s := p.upgrades()
			if s.Running.Slot != "B" || !strings.Contains(s.reason("fell_back"), c.want) {
				t.Errorf("slot %s runs, because %q; want B, because A %s", s.Running.Slot, s.reason("fell_back"), c.want)
			}
		})
	}
}

func resets(g *Guest) (list []Event) {
	for _, e := range g.Events() {
		if e.Name == "RESET" {
			list = append(list, e)
		}
	}
	return list
}
