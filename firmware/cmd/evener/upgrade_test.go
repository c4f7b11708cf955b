// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// upgradeText makes trials short. The limit is what a good version may take on a slow
// machine; the tests of failing ones wait for it.
const upgradeText = `
upgrade {
  soak  = "1s"
  limit = "%s"
}
`

// startSim starts a simulated box.
func startSim(t *testing.T, config, limit string, flags ...string) *liveBox {
	t.Helper()
	return startLive(t, config+fmt.Sprintf(upgradeText, limit), append([]string{"--board", "sim", "--no-demo-servers"}, flags...)...)
}

// demoBundle makes a bundle for the simulated board.
func demoBundle(t *testing.T, b *liveBox, flags ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "demo.evb")
	b.must(append([]string{"upgrade", "demo-bundle", name, "--size", "2"}, flags...)...)
	return name
}

// upgrade shows the slots; of a box that is away nothing.
func (b *liveBox) upgrade() (u manage.UpgradeShow) {
	if b.ask(api.EngineSocket, "upgrade.show", struct{}{}, &u) != nil {
		return manage.UpgradeShow{}
	}
	return u
}

func (b *liveBox) slot(name string) manage.UpgradeSlot {
	for _, s := range b.upgrade().Slots {
		if s.Slot == name {
			return s
		}
	}
	return manage.UpgradeSlot{}
}

func TestASimulatedBoxIsUpgradedAndComesBack(t *testing.T) {
	b := startSim(t, "", "10s")
	if u := b.upgrade(); !u.Available || !u.Simulated || u.Running.Slot != "A" || u.Running.Version != simFirst || !u.Running.OK {
		t.Fatalf("a new box shows %+v, want a good slot A with version %s", u, simFirst)
	}
	good := demoBundle(t, b, "--version", "1.0.1", "--rollback-index", "2")
	if out := b.must("upgrade", "install", good); !strings.Contains(out, "version 1.0.1 is in slot B") {
		t.Fatalf("install printed %q", out)
	}
	if s := b.slot("B"); s.State != manage.SlotSpare || s.Next {
		t.Fatalf("slot B is %+v, want a spare one that is not started next", s)
	}
	b.must("upgrade", "activate", "b", "--reboot")
	b.await("1.0.1 is good", func() bool { u := b.upgrade(); return u.Running.Version == "1.0.1" && u.Running.OK && u.Trial == nil })

	// What hangs is started three times, and the version before runs again.
	b.must("upgrade", "install", demoBundle(t, b, "--version", "1.0.2", "--rollback-index", "2", "--behave", simHangs), "--start")
	b.await("the version that hangs is given up", func() bool { return b.slot("A").State == manage.SlotBad })
	if s, u := b.slot("A"), b.upgrade(); u.Running.Version != "1.0.1" || !strings.Contains(s.Reason, "started 3 times and never got as far") {
		t.Errorf("%s runs, and slot A is %+v, want 1.0.1 and why 1.0.2 was given up", u.Running.Version, s)
	}

	// What fails its self-test locks the configuration, and is given up by itself.
	b.must("upgrade", "install", demoBundle(t, b, "--version", "1.0.3", "--rollback-index", "2", "--behave", simFails), "--start")
	b.await("1.0.3 is on trial", func() bool { u := b.upgrade(); return u.Running.Version == "1.0.3" && u.Trial != nil })
	b.candidate("# another text\n" + b.running())
	if o := b.cli("config", "commit"); o.code == 0 || !strings.Contains(o.stderr, "locked by upgrade") {
		t.Errorf("a commit during the trial gave %+v, want that it is locked", o)
	}
	b.await("the version that fails is given up", func() bool {
		u := b.upgrade()
		return u.Running.Version == "1.0.1" && len(u.Journal) > 0 && u.Journal[0].Event == "fell_back"
	})
	if s := b.slot("A"); s.State != manage.SlotBad || !strings.Contains(s.Reason, "made to fail") {
		t.Errorf("slot A is %+v, want bad, with what did not pass", s)
	}
	b.must("config", "commit")
	if o := b.cli("status"); !strings.Contains(o.stdout, "1.0.3 in slot A was given up") {
		t.Errorf("the status does not say what was given up:\n%s", o.stdout)
	}
	kinds := b.must("events", "--limit", "100")
	for _, k := range []string{"upgrade.written", "upgrade.armed", "upgrade.trial", "upgrade.good", "upgrade.fell_back"} {
		if !strings.Contains(kinds, k) {
			t.Errorf("there is no event %s:\n%s", k, kinds)
		}
	}

	// An older rollback index needs a typed word, and a bundle that is cut leaves nothing.
	old := demoBundle(t, b, "--version", "0.9.0")
	if o := b.cli("upgrade", "install", old); o.code == 0 || !strings.Contains(o.stderr, "rollback index") {
		t.Errorf("a lower rollback index gave %+v, want that it is refused", o)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for tenth := 1; tenth < 10; tenth++ {
		cut := filepath.Join(t.TempDir(), "cut.evb")
		if err := os.WriteFile(cut, text[:len(text)*tenth/10], 0o600); err != nil {
			t.Fatal(err)
		}
		if o := b.cli("upgrade", "install", cut); o.code == 0 || !strings.Contains(o.stderr, "ends too early") {
			t.Errorf("a bundle cut at %d/10 gave %+v, want that it ends too early", tenth, o)
		}
		if s := b.slot("A"); s.State != manage.SlotEmpty {
			t.Errorf("slot A is %+v after a bundle that was cut, want empty", s)
		}
	}
}

// pairText is a simulated box of a pair, of which left is the group's first choice.
const pairText = `node {
  name   = "%[1]s"
  listen = "%[2]s"
  peer "%[3]s" { address = "%[4]s" }
}

group "front" {
  homes    = ["left", "right"]
  interval = "100ms"
  router "a" {
    port      = "1"
    vrid      = 10
    addresses = ["192.0.2.10/24"]
  }
}
`

// simPair starts two simulated boxes on one network and pairs them.
func simPair(t *testing.T) (left, right *liveBox) {
	t.Helper()
	lan, at := t.TempDir(), [2]string{loopback(t), loopback(t)}
	left = startSim(t, fmt.Sprintf(pairText, "left", at[0], "right", at[1]), "20s", "--lan", lan)
	right = startSim(t, fmt.Sprintf(pairText, "right", at[1], "left", at[0]), "20s", "--lan", lan)
	pairUp(t, left, right, at[0])
	left.peerIs("the boxes are in sync", inSync)
	right.peerIs("so sees the other", inSync)
	left.await("left is active", func() bool {
		a, _ := left.standby()
		b, _ := right.standby()
		return a == manage.HAActive && b == manage.HABackup
	})
	return left, right
}

// pairEnds waits for the end of an upgrade of the pair, which restarts the box that is
// asked too.
func pairEnds(b *liveBox) *manage.UpgradePair {
	b.t.Helper()
	var last *manage.UpgradePair
	for end := time.Now().Add(4 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if u := b.upgrade(); u.Pair != nil {
			last = u.Pair
			if last.Step == manage.PairDone || last.Step == manage.PairStopped {
				return last
			}
		}
		if time.Now().After(end) {
			b.t.Fatalf("the upgrade of the pair does not end: %+v", last)
		}
	}
}

func TestAPairIsUpgradedWithOneOrder(t *testing.T) {
	left, right := simPair(t)
	left.must("upgrade", "install", demoBundle(t, left, "--version", "2.0.0"))
	left.must("upgrade", "pair", "begin", "--soak", "1s")
	left.candidate("# another text\n" + left.running())
	if o := left.cli("config", "commit"); o.code == 0 || !strings.Contains(o.stderr, "locked by upgrade") {
		t.Errorf("a commit meanwhile gave %+v, want that it is locked", o)
	}
	p := pairEnds(left)
	if p.Step != manage.PairDone || p.First != "right" || p.Second != "left" {
		t.Fatalf("the upgrade ended so: %+v, want right first, and done", p)
	}
	for _, b := range []*liveBox{left, right} {
		if u := b.upgrade(); u.Running.Version != "2.0.0" || !u.Running.OK {
			t.Errorf("a box runs %+v, want 2.0.0, good", u.Running)
		}
	}
	left.await("left is active again", func() bool { s, _ := left.standby(); return s == manage.HAActive })
	right.await("right shows the end too", func() bool { u := right.upgrade(); return u.Pair != nil && u.Pair.Step == manage.PairDone })
	if o := left.cli("upgrade", "pair", "begin"); o.code == 0 || !strings.Contains(o.stderr, "already") {
		t.Errorf("beginning again gave %+v, want that both boxes run it already", o)
	}

	// A version that fails on the first box stops there; the other one is not touched.
	right.must("upgrade", "install", demoBundle(t, right, "--version", "2.0.1", "--behave", simHangs))
	right.must("upgrade", "pair", "begin", "--soak", "1s")
	p = pairEnds(right)
	if p.Step != manage.PairStopped || p.At != manage.PairPeer || !strings.Contains(p.Why, "right went back to version 2.0.0") || !strings.Contains(p.Why, "never got as far") {
		t.Errorf("the upgrade to a version that hangs ended so: %+v, want stopped at the first box, with the reason", p)
	}
	if u := left.upgrade(); u.Running.Version != "2.0.0" || u.Running.Slot != "B" {
		t.Errorf("left runs %+v, want what it ran before", u.Running)
	}
	if s, _ := left.standby(); s != manage.HAActive {
		t.Errorf("left is %s for the group, want active", s)
	}
}
