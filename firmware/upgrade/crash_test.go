// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evener/image/slot"
	"evener/image/slottest"
)

// cutAfter has the disk die after n writes; died tells whether it came to that.
func (x *box) cutAfter(n int) (died *bool) {
	died = new(bool)
	x.dev.Fail = func(slottest.Op) error {
		if n--; n < 0 {
			*died = true
			return errors.New("input/output error")
		}
		return nil
	}
	return died
}

// plausible fails the test if the journal tells of what did not happen.
func (x *box) plausible(what string) {
	x.t.Helper()
	if strings.Contains(x.events(), EventFellBack) {
		x.t.Errorf("%s: a fall back is told of a version that never ran: %s", what, x.last(EventFellBack).Reason)
	}
	if x.u.journal.Armed != nil && x.u.Show().Running.Slot == slot.A && x.u.boot.First == slot.A {
		x.t.Errorf("%s: a version is said to be armed, and is not", what)
	}
}

func TestPowerCutWhileAVersionIsTakenAndArmed(t *testing.T) {
	both := map[slot.Name]bool{}
	for n := 0; ; n++ {
		x := newBox(t)
		x.cutAfter(n)
		err := x.take("1.1.0")
		if err == nil {
			err = x.u.Activate(t.Context(), slot.B, Order{By: "anna"})
		}
		x.dev.Fail = nil
		x.start()
		runs := x.u.Show().Running
		both[runs.Slot] = true
		if want := map[slot.Name]string{slot.A: "1.0.0", slot.B: "1.1.0"}[runs.Slot]; runs.Version != want {
			t.Fatalf("cut after %d writes: %s runs from %s", n, runs.Version, runs.Slot)
		}
		x.plausible("cut after writes")
		if err == nil {
			break
		}
	}
	if !both[slot.A] || !both[slot.B] {
		t.Errorf("the cuts do not show both slots: %v", both)
	}
}

func TestPowerCutWhileATrialIsEnded(t *testing.T) {
	for name, end := range map[string]func(u *Upgrades) error{
		"good":    func(u *Upgrades) error { return u.Good("", "passed") },
		"give up": func(u *Upgrades) error { return u.GiveUp("", "failed") },
	} {
		for n := 0; ; n++ {
			x := newBox(t)
			x.arm("1.1.0")
			x.start()
			died := x.cutAfter(n)
			if err := end(x.u); err == nil && !*died {
				break
			}
			x.dev.Fail = nil
			c := x.start()
			s := x.u.Show()
			switch {
			case s.Running.Slot == slot.B && s.Trial != nil && c.Try == 2: // still on trial
			case name == "give up" && s.Running.Slot == slot.A && x.last(EventFellBack).Reason == "failed":
			case name == "good" && s.Running.Slot == slot.B && s.Running.OK:
			default:
				t.Errorf("%s, cut after %d writes: %+v", name, n, s.Running)
			}
		}
	}
}

func TestAJournalThatTheDiskHasButNotTheBootState(t *testing.T) {
	// The power goes between the journal and the boot state, in both orders.
	x := newBox(t)
	x.arm("1.1.0")
	x.start()
	old := x.copyJournal()
	if err := x.u.Good("", "passed"); err != nil {
		t.Fatal(err)
	}
	x.putJournal(old)
	x.start()
	if s := x.u.Show(); !s.Running.OK || s.Trial != nil {
		t.Errorf("marked good, and the journal does not know: %+v", s)
	}
	if e := x.last(EventGood); !strings.Contains(e.Reason, "before the power was lost") {
		t.Errorf("%+v", e)
	}
}

func (x *box) copyJournal() map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"journal.0", "journal.1"} {
		if b, err := os.ReadFile(filepath.Join(x.dir, "upgrade", name)); err == nil {
			files[name] = b
		}
	}
	return files
}

func (x *box) putJournal(files map[string][]byte) {
	x.t.Helper()
	for _, name := range []string{"journal.0", "journal.1"} {
		if err := os.Remove(filepath.Join(x.dir, "upgrade", name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			x.t.Fatal(err)
		}
		if b, ok := files[name]; ok {
			x.write("upgrade/"+name, string(b))
		}
	}
}

func TestADamagedCopyOfTheJournalCostsOneChange(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	whole, seq := x.copyJournal(), x.u.journal.seq
	newest := map[uint64]string{0: "journal.0", 1: "journal.1"}[seq%2]
	for name, b := range map[string][]byte{"empty": nil, "cut": whole[newest][:200], "flipped": bytes.Replace(whole[newest], []byte("anna"), []byte("otto"), 1)} {
		x.putJournal(map[string][]byte{newest: b, "journal.0": pick(newest == "journal.0", b, whole["journal.0"]),
			"journal.1": pick(newest == "journal.1", b, whole["journal.1"])})
		j, err := openJournal(filepath.Join(x.dir, "upgrade"))
		if err == nil || j.seq != seq-1 {
			t.Errorf("%s: number %d, %v; want %d and the damage", name, j.seq, err, seq-1)
		}
	}
	x.putJournal(map[string][]byte{"journal.0": []byte("x"), "journal.1": []byte("y")})
	x.start()
	x.runs(slot.B, "1.1.0")
	if s := x.u.Show(); s.Trial == nil || !strings.Contains(s.Problem, "journal.0") || !strings.Contains(s.Problem, "journal.1") {
		t.Errorf("no journal at all: %+v", s)
	}
	if err := x.u.Good("", "x"); err != nil {
		t.Error(err)
	}
}

// garble spoils the boot state.
func (x *box) garble() {
	x.t.Helper()
	probe := x.dev.Copy()
	probe.Record()
	d, err := slot.New(probe)
	if err != nil {
		x.t.Fatal(err)
	}
	if err := d.SetBoot(slot.State{Once: slot.OnceRescue}); err != nil {
		x.t.Fatal(err)
	}
	x.dev.Apply(slottest.Op{Off: probe.Ops[0].Off, Data: []byte("garbage")})
}

func TestADamagedBootStateIsWrittenAnewFromTheJournal(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	x.start()
	if err := x.u.Good("", "passed"); err != nil {
		t.Fatal(err)
	}
	x.garble()
	x.choose() // makes A of garbage; B is started by hand
	x.open(slot.Choice{Slot: slot.B})
	if s := x.u.Show(); s.Trial != nil || s.Problem != "" || x.states() != "good good" || !s.Slots[1].Next {
		t.Errorf("mended to %s: %+v", x.states(), s)
	}
	x.last(EventMended)

	x.garble() // and without a journal
	if err := os.RemoveAll(filepath.Join(x.dir, "upgrade")); err != nil {
		t.Fatal(err)
	}
	x.start()
	x.runs(slot.A, "1.0.0")
	if s := x.u.Show(); s.Trial == nil || !strings.Contains(s.Problem, "boot state") {
		t.Errorf("nothing is known: %+v", s)
	}
	if err := x.u.Good("", "passed"); err != nil || x.u.Show().Problem != "" {
		t.Errorf("a version that is good: %v, %s", err, x.u.Show().Problem)
	}
}

func pick(cond bool, a, b []byte) []byte {
	if cond {
		return a
	}
	return b
}

func TestAJournalThatCannotBeWrittenStopsNoTrial(t *testing.T) {
	x := newBox(t)
	x.arm("1.1.0")
	if err := os.RemoveAll(filepath.Join(x.dir, "upgrade")); err != nil {
		t.Fatal(err)
	}
	x.write("upgrade", "a file where the folder should be")
	x.start()
	if err := x.u.GiveUp("", "failed"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(x.u.Show().Problem, "journal of upgrades") {
		t.Errorf("problem: %q", x.u.Show().Problem)
	}
	x.start()
	x.runs(slot.A, "1.0.0")
	if s := x.u.Show().Slots[1]; s.State != StateBad || s.Reason != "failed" {
		t.Errorf("the slot itself keeps the reason: %+v", s)
	}
}

func TestWithoutAJournalNothingIsArmed(t *testing.T) {
	x := newBox(t)
	if err := x.take("1.1.0"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(x.dir, "upgrade")); err != nil {
		t.Fatal(err)
	}
	x.write("upgrade", "a file where the folder should be")
	if err := x.u.Activate(t.Context(), slot.B, Order{}); err == nil || !strings.Contains(err.Error(), "journal") {
		t.Errorf("armed: %v", err)
	}
	if c, _ := x.u.boot.Choose(); c.Slot != slot.A || x.states() != "good spare" {
		t.Errorf("%s starts next, %s", c.Slot, x.states())
	}
}

// withStore gives the box a store with a text and a folder.
func withStore(t *testing.T) *box {
	x := newBox(t)
	x.cfg.Store = filepath.Join(x.dir, "store")
	x.write("store/state.0", "old form")
	x.write("store/texts/abc", "cluster")
	x.start()
	x.arm("1.1.0")
	x.cfg.Format = "2"
	x.start() // copies the store, before the new version changes it
	x.write("store/state.0", "new form")
	x.write("store/more", "of the new version")
	x.cfg.Format = "1"
	if err := x.u.GiveUp("", "failed"); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *box) oldStore() bool {
	_, err := os.Stat(filepath.Join(x.dir, "store/more"))
	return x.read("store/state.0") == "old form" && x.read("store/texts/abc") == "cluster" && errors.Is(err, os.ErrNotExist)
}

func TestTheOldVersionFindsItsConfigurationAgain(t *testing.T) {
	x := withStore(t)
	x.start()
	x.runs(slot.A, "1.0.0")
	if !x.oldStore() || x.read("upgrade/store.left/more") != "of the new version" {
		t.Errorf("store has %q", x.read("store/state.0"))
	}
	x.last(EventRestored)
	x.write("store/state.0", "newer")
	x.start()
	if x.read("store/state.0") != "newer" {
		t.Error("it is put back at every start")
	}
}

func TestAConfigurationOfTheSameFormIsKeptAsItIs(t *testing.T) {
	x := withStore(t)
	x.cfg.Format = "2"
	x.start()
	x.runs(slot.A, "1.0.0")
	if x.read("store/state.0") != "new form" {
		t.Errorf("store has %q", x.read("store/state.0"))
	}
}

func TestPowerCutWhileTheConfigurationIsPutBack(t *testing.T) {
	at := func(x *box, name string) string { return filepath.Join(x.dir, name) }
	for name, spoil := range map[string]func(x *box) error{
		"half a copy": func(x *box) error { return os.MkdirAll(at(x, "store.restore/texts"), 0o700) },
		"between the two renames": func(x *box) error {
			return errors.Join(copyInto(at(x, "upgrade/store.A"), at(x, "store.restore")), os.Rename(at(x, "store"), at(x, "upgrade/store.left")))
		},
		"before the journal knew": func(x *box) error {
			return restoreTree(at(x, "upgrade/store.A"), at(x, "store"), at(x, "upgrade"))
		},
	} {
		x := withStore(t)
		j, err := openJournal(at(x, "upgrade"))
		if err != nil {
			t.Fatal(err)
		}
		j.Restore = slot.A
		if err := errors.Join(j.save(), spoil(x)); err != nil {
			t.Fatal(err)
		}
		x.start()
		if !x.oldStore() || x.u.journal.Restore != "" {
			t.Errorf("%s: store has %q", name, x.read("store/state.0"))
		}
		if _, err := os.Stat(at(x, "store.restore")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something is left: %v", name, err)
		}
	}
}

func TestACopyIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.MkdirAll(filepath.Join(from, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(from, "sub", "link")); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(from, to); err == nil {
		t.Error("a link was copied")
	}
	for _, name := range []string{to, to + ".tmp"} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

func FuzzParseJournal(f *testing.F) {
	f.Add(formatCopy(7, []byte(`{"entries":[{"event":"good"}],"armed":{"slot":"B"}}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		seq, _, err := parseCopy(b)
		_, text, _ := bytes.Cut(b, []byte("\n"))
		if err == nil && !bytes.Equal(formatCopy(seq, text), b) {
			t.Fatal("another journal comes out")
		}
	})
}
