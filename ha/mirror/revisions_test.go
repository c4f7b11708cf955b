// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// shelved makes boxes with texts that run and are connected.
func shelved(t *testing.T, auto bool, texts ...string) (boxes []*box, shelves []*shelf) {
	t.Helper()
	for i, text := range texts {
		s := newShelf(text)
		shelves = append(shelves, s)
		boxes = append(boxes, newBox(t, string(rune('a'+i)), func(c *Config) {
			c.Revisions = &Revisions{Repository: s, Objects: s, Bases: s, Auto: auto}
		}))
	}
	meet(t, boxes...)
	for _, b := range boxes {
		b.start(t)
	}
	connected(t, boxes...)
	return boxes, shelves
}

func state(t *testing.T, b *box, peer string, want SyncState) SyncStatus {
	t.Helper()
	eventually(t, fmt.Sprintf("%s says %q of %s", b.cfg.Node, want, peer), func() bool {
		return b.peerOf(peer).Sync.State == want
	})
	return b.peerOf(peer).Sync
}

func inStep(t *testing.T, boxes ...*box) {
	t.Helper()
	for _, b := range boxes {
		for _, o := range boxes {
			if o != b {
				state(t, b, o.cfg.Node, InSync)
			}
		}
	}
}

// based waits until a box remembers a text as common with a peer.
func based(t *testing.T, s *shelf, peer, want string) {
	t.Helper()
	eventually(t, "the common text with "+peer+" is kept", func() bool {
		text, _, _ := s.Load(peer)
		return text == want
	})
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name                               string
		mine, mineBase, theirs, theirsBase string
		want                               SyncState
	}{
		{"equal", "x", "x", "x", "x", InSync},
		{"equal, never noted", "x", "", "x", "", InSync},
		{"equal, changed alike", "y", "x", "y", "x", InSync},
		{"I changed", "y", "x", "x", "x", MineNewer},
		{"they changed", "x", "x", "y", "x", TheirsNewer},
		{"both changed", "y", "x", "z", "x", Conflict},
		{"never met", "y", "", "z", "", Conflict},
		{"they noted, I stopped before", "y", "x", "z", "y", TheirsNewer},
		{"I noted, they stopped before", "z", "y", "y", "x", MineNewer},
		{"both think they are ahead", "x", "y", "y", "x", Conflict},
		{"I know nothing, they changed since", "x", "", "y", "x", TheirsNewer},
		{"their base is foreign", "x", "x", "y", "w", Conflict},
		{"I went back", "x", "x", "y", "x", TheirsNewer},
	} {
		if got := compare(tt.mine, tt.mineBase, tt.theirs, tt.theirsBase); got != tt.want {
			t.Errorf("%s: compare = %q, want %q", tt.name, got, tt.want)
		}
		turned := map[SyncState]SyncState{MineNewer: TheirsNewer, TheirsNewer: MineNewer, InSync: InSync, Conflict: Conflict}
		if got := compare(tt.theirs, tt.theirsBase, tt.mine, tt.mineBase); got != turned[tt.want] {
			t.Errorf("%s: from the other side %q, want %q", tt.name, got, turned[tt.want])
		}
	}
}

func TestNewerTextIsTakenByItself(t *testing.T) {
	boxes, s := shelved(t, true, "p=1", "p=1", "p=1")
	inStep(t, boxes...)
	based(t, s[0], "b", "p=1")
	based(t, s[1], "a", "p=1")
	s[0].edit(boxes[0], "p=2", "alice")
	for i := range boxes {
		eventually(t, "all have it", func() bool { return s[i].text() == "p=2" })
	}
	inStep(t, boxes...)
	s[2].edit(boxes[2], "p=3", "carol")
	for i := range boxes {
		eventually(t, "all have it", func() bool { return s[i].text() == "p=3" })
	}
	if r, _ := s[1].Current(t.Context()); r.Who != "carol" {
		t.Errorf("the revision taken is by %q, want carol", r.Who)
	}
}

func TestNewerTextWaitsToBeTaken(t *testing.T) {
	boxes, s := shelved(t, false, "p=1 q=1", "p=1 q=1")
	a, b := boxes[0], boxes[1]
	inStep(t, a, b)
	based(t, s[0], "b", "p=1 q=1")
	based(t, s[1], "a", "p=1 q=1")
	s[0].edit(a, "p=2 q=1", "alice")
	state(t, a, "b", MineNewer)
	st := state(t, b, "a", TheirsNewer)
	if st.Theirs.Who != "alice" || st.Theirs.Number != 2 || st.Mine.Number != 1 {
		t.Errorf("b says %+v", st)
	}
	eventually(t, "the object is listed", func() bool {
		l := b.peerOf("a").Sync.Objects
		return len(l) == 1 && l[0] == Difference{Object: Object{"line", "p"}, Who: "theirs"}
	})
	if got := s[1].text(); got != "p=1 q=1" {
		t.Errorf("b has %q without being asked", got)
	}
	if err := b.Resolve(t.Context(), "a", Resolution{Take: "theirs", Who: "bob"}); err != nil {
		t.Fatal(err)
	}
	inStep(t, a, b)
	if r, _ := s[1].Current(t.Context()); r.Text != "p=2 q=1" || r.Who != "bob" || !strings.Contains(r.Comment, "revision 2, of alice") {
		t.Errorf("b has %+v", r)
	}
}

func TestConflictIsShownAndResolvedByObjects(t *testing.T) {
	boxes, s := shelved(t, true, "p=1 q=1 r=1", "p=1 q=1 r=1")
	a, b := boxes[0], boxes[1]
	inStep(t, a, b)
	based(t, s[0], "b", "p=1 q=1 r=1")
	based(t, s[1], "a", "p=1 q=1 r=1")
	// Apart: stop a's voice by ending both streams is not needed, both change at once.
	s[0].mu.Lock()
	s[1].mu.Lock()
	s[0].commit("p=2 q=2 r=1", "alice", "")
	s[1].commit("p=3 q=1 r=3", "bob", "")
	s[1].mu.Unlock()
	s[0].mu.Unlock()
	a.RevisionChanged()
	state(t, a, "b", Conflict)
	state(t, b, "a", Conflict)
	c, err := a.Compare(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	want := []Difference{
		{Object{"line", "p"}, "2", "3", "both"},
		{Object{"line", "q"}, "2", "1", "mine"},
		{Object{"line", "r"}, "1", "3", "theirs"},
	}
	if c.State != Conflict || !slices.Equal(c.Objects, want) {
		t.Errorf("Compare = %+v, want a conflict of %+v", c, want)
	}
	take := func(r Resolution) {
		t.Helper()
		r.Who = "carol"
		if err := a.Resolve(t.Context(), "b", r); err != nil {
			t.Fatal(err)
		}
	}
	take(Resolution{Take: "theirs", Objects: []Object{{"line", "p"}}, Theirs: c.Theirs})
	if got := s[0].text(); got != "p=3 q=2 r=1" {
		t.Errorf("a has %q after taking p", got)
	}
	take(Resolution{Take: "mine", Objects: []Object{{"line", "q"}}})
	if got := s[1].text(); got != "p=3 q=2 r=3" {
		t.Errorf("b has %q after being given q", got)
	}
	take(Resolution{Take: "theirs", Objects: []Object{{"line", "r"}}})
	inStep(t, a, b)
	for i := range s {
		if got := s[i].text(); got != "p=3 q=2 r=3" {
			t.Errorf("box %d has %q in the end", i, got)
		}
	}
	if !slices.Contains(s[0].history, "p=2 q=2 r=1") || !slices.Contains(s[1].history, "p=3 q=1 r=3") {
		t.Error("an accepted configuration is in no history")
	}
}

func TestConflictIsResolvedWhole(t *testing.T) {
	for _, take := range []string{"mine", "theirs"} {
		boxes, s := shelved(t, true, "p=2", "p=3") // never equal
		state(t, boxes[0], "b", Conflict)
		if err := boxes[0].Resolve(t.Context(), "b", Resolution{Take: take, Who: "carol"}); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"mine": "p=2", "theirs": "p=3"}[take]
		inStep(t, boxes...)
		if s[0].text() != want || s[1].text() != want {
			t.Errorf("take %s: %q and %q", take, s[0].text(), s[1].text())
		}
	}
}

func TestDecisionAboutWhatHasChangedIsRefused(t *testing.T) {
	boxes, s := shelved(t, false, "p=2", "p=3")
	a := boxes[0]
	state(t, a, "b", Conflict)
	c, err := a.Compare(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	s[1].edit(boxes[1], "p=4", "bob")
	for _, take := range []string{"mine", "theirs"} {
		err := a.Resolve(t.Context(), "b", Resolution{Take: take, Theirs: c.Theirs})
		if !errors.Is(err, ErrChanged) {
			t.Errorf("Resolve(%s) of what b had before = %v, want ErrChanged", take, err)
		}
	}
	if s[0].text() != "p=2" || s[1].text() != "p=4" {
		t.Errorf("texts %q and %q have changed", s[0].text(), s[1].text())
	}
	if err := a.Resolve(t.Context(), "b", Resolution{Take: "both"}); err == nil {
		t.Error(`Resolve(take "both") is accepted`)
	}
	if err := a.Resolve(t.Context(), "b", Resolution{Take: "mine", Objects: []Object{{"pool", "x"}}}); err == nil {
		t.Error("Resolve with an object that Merge refuses is accepted")
	}
}

// An answer that comes after a later statement of the same box changes nothing.
func TestStatementsThatWereOvertakenDoNotCount(t *testing.T) {
	s := newShelf("p=1")
	b := newBox(t, "a", func(c *Config) { c.Revisions = &Revisions{Repository: s, Objects: s, Bases: s} })
	say := func(text string, boot, serial uint64) statement {
		return statement{Hash: TextHash(text), Boot: boot, Serial: serial}
	}
	for _, tt := range []struct {
		mine, theirs statement
		want         SyncState
	}{
		{say("p=1", 1, 2), say("p=2", 2, 5), Conflict},
		{say("p=1", 1, 3), say("p=1", 2, 4), Conflict}, // theirs is old
		{say("p=2", 1, 1), say("p=2", 2, 6), Conflict}, // mine is old
		{say("p=1", 1, 4), say("p=1", 3, 1), InSync},   // the other has restarted
	} {
		if err := b.sync.judge("b", view{Revision{Text: "p=1"}, tt.mine, tt.theirs}); err != nil {
			t.Fatal(err)
		}
		if got := b.sync.status("b").State; got != tt.want {
			t.Errorf("after %+v the state is %q, want %q", tt, got, tt.want)
		}
	}
}

// The other box changes between the look and the commit.
func TestCommitOnTheOtherBoxChecksWhatItReplaces(t *testing.T) {
	boxes, s := shelved(t, false, "p=2", "p=3")
	state(t, boxes[0], "b", Conflict)
	head := encode(put{Expect: TextHash("p=1"), Hash: TextHash("p=2"), Author: "x"})
	_, err := boxes[0].call(t.Context(), "b", methodPut, append(append(head, '\n'), "p=2"...))
	if err == nil || !strings.Contains(err.Error(), ErrChanged.Error()) {
		t.Errorf("put over another text = %v", err)
	}
	head = encode(put{Expect: TextHash("p=3"), Hash: TextHash("p=2"), Author: "x"})
	if _, err = boxes[0].call(t.Context(), "b", methodPut, append(append(head, '\n'), "p=9"...)); err == nil {
		t.Error("a text that is not the one of the hash is committed")
	}
	if s[1].text() != "p=3" {
		t.Errorf("b has %q", s[1].text())
	}
}

func TestRefusalIsShownOnBothAndNotRepeated(t *testing.T) {
	boxes, s := shelved(t, true, "p=1", "p=1")
	a, b := boxes[0], boxes[1]
	inStep(t, a, b)
	based(t, s[0], "b", "p=1")
	based(t, s[1], "a", "p=1")
	s[1].mu.Lock()
	s[1].refuse = errors.New("port lan9 is not on this box")
	s[1].mu.Unlock()
	s[0].edit(a, "p=2", "alice")
	eventually(t, "b shows its refusal", func() bool { return strings.Contains(b.peerOf("a").Sync.RefusedHere, "lan9") })
	eventually(t, "a shows it", func() bool { return strings.Contains(a.peerOf("b").Sync.RefusedThere, "lan9") })
	s[1].mu.Lock()
	s[1].refuse = nil
	s[1].mu.Unlock()
	if s[1].text() != "p=1" {
		t.Errorf("b has %q", s[1].text())
	}
	// A local change on b (its number grows, its shared text stays) makes it try again.
	s[1].edit(b, "p=1", "bob")
	eventually(t, "b takes it now", func() bool { return s[1].text() == "p=2" })
	eventually(t, "the refusal is gone", func() bool {
		return b.peerOf("a").Sync.RefusedHere == "" && a.peerOf("b").Sync.RefusedThere == ""
	})
}

// A box stops after the commit and before it has noted that both are equal.
func TestCrashBetweenCommitAndNoteIsHealed(t *testing.T) {
	boxes, s := shelved(t, true, "p=1", "p=1")
	a, b := boxes[0], boxes[1]
	inStep(t, a, b)
	based(t, s[0], "b", "p=1")
	based(t, s[1], "a", "p=1")
	broken := errors.New("the disk is full")
	for i := range s {
		s[i].mu.Lock()
		s[i].stop = func(string, string) error { return broken }
		s[i].mu.Unlock()
	}
	s[0].edit(a, "p=2", "alice")
	eventually(t, "b takes it", func() bool { return s[1].text() == "p=2" })
	eventually(t, "the trouble is shown", func() bool {
		return strings.Contains(a.peerOf("b").Sync.Problem+b.peerOf("a").Sync.Problem, "disk is full")
	})
	a.end()
	b.end()
	// Only b gets to note it; then it is changed again while a is away.
	s[0].stop, s[1].stop = nil, nil
	s[1].bases["a"] = "p=2"
	s[1].commit("p=3", "bob", "")
	for i, x := range boxes {
		x.make(t, x.cfg.Node, x.addr, func(c *Config) {
			c.Revisions = &Revisions{Repository: s[i], Objects: s[i], Bases: s[i], Auto: true}
		})
	}
	meet(t, a, b)
	a.start(t)
	b.start(t)
	inStep(t, a, b)
	if s[0].text() != "p=3" || s[1].text() != "p=3" {
		t.Errorf("texts %q and %q, want the newer on both", s[0].text(), s[1].text())
	}
}

// Both boxes change while they are apart: nothing is taken by itself.
func TestChangesWhileApartConflict(t *testing.T) {
	boxes, s := shelved(t, true, "p=1", "p=1")
	a, b := boxes[0], boxes[1]
	inStep(t, a, b)
	based(t, s[0], "b", "p=1")
	based(t, s[1], "a", "p=1")
	b.end()
	eventually(t, "a sees that b is away", func() bool { return !a.peerOf("b").Connected })
	s[0].edit(a, "p=2", "alice")
	s[1].commit("p=3", "bob", "")
	b.make(t, "b", b.addr, func(c *Config) {
		c.Revisions = &Revisions{Repository: s[1], Objects: s[1], Bases: s[1], Auto: true}
	})
	if err := b.SetPeers([]Peer{a.as()}); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	state(t, a, "b", Conflict)
	state(t, b, "a", Conflict)
	if s[0].text() != "p=2" || s[1].text() != "p=3" {
		t.Errorf("texts %q and %q: one was replaced", s[0].text(), s[1].text())
	}
}

func TestCompareNeedsThePeer(t *testing.T) {
	s := newShelf("p=1")
	a := newBox(t, "a", func(c *Config) { c.Revisions = &Revisions{Repository: s, Objects: s, Bases: s} })
	if err := a.SetPeers([]Peer{{Name: "b", Address: "127.0.0.1:9"}}); err != nil {
		t.Fatal(err)
	}
	a.start(t)
	eventually(t, "b is known", func() bool { return a.peer("b") != nil })
	if _, err := a.Compare(t.Context(), "b"); !errors.Is(err, ErrAway) {
		t.Errorf("Compare with a box that is away = %v, want ErrAway", err)
	}
	if err := a.Resolve(t.Context(), "b", Resolution{Take: "mine"}); !errors.Is(err, ErrAway) {
		t.Errorf("Resolve with a box that is away = %v, want ErrAway", err)
	}
	none := newBox(t, "none", nil)
	if _, err := none.Compare(t.Context(), "b"); err == nil {
		t.Error("a box without revisions compares")
	}
}

func TestBoxWithoutRevisionsSaysSo(t *testing.T) {
	s := newShelf("p=1")
	a := newBox(t, "a", func(c *Config) { c.Revisions = &Revisions{Repository: s, Objects: s, Bases: s} })
	b := newBox(t, "b", nil)
	meet(t, a, b)
	a.start(t)
	b.start(t)
	eventually(t, "a says why nothing is compared", func() bool {
		return strings.Contains(a.peerOf("b").Sync.Problem, "compares no configurations")
	})
}
