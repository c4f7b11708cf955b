// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// must ends the test at an unexpected error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// started returns a world with an open store in which the texts given are
// revisions 1, 2, ….
func started(t *testing.T, texts ...string) *world {
	t.Helper()
	w := newWorld(newMemDisk())
	must(t, w.open())
	for _, text := range texts {
		must(t, w.draft("alice", text))
		must(t, w.commitDraft("alice", 0))
	}
	return w
}

// running is the number and the text of what runs.
func running(t *testing.T, s *Store) string {
	t.Helper()
	n := s.Running().Number
	b, err := s.Text(n)
	must(t, err)
	return fmt.Sprintf("%d %s", n, b)
}

// kinds lists the events after since, such as "confirming 2>2".
func kinds(s *Store, since uint64) (ks []string) {
	for _, e := range s.Events(since) {
		ks = append(ks, fmt.Sprintf("%s %d>%d", e.Kind, e.Revision, e.Running))
	}
	return ks
}

func TestStaleCommitSaysWhoAndWhen(t *testing.T) {
	w := started(t, "one")
	must(t, w.draft("bob", "bob's"))
	must(t, w.draft("alice", "two"))
	_, err := w.s.Commit(CommitOptions{Author: "alice", Origin: CLI, Comment: "add web2"})
	must(t, err)
	_, err = w.s.Commit(CommitOptions{Author: "bob", Origin: Console})
	var c *ConflictError
	if !errors.As(err, &c) || c.Base != 1 || c.Running.Number != 2 || c.Running.Author != "alice" || !c.Running.Time.Equal(w.now) {
		t.Fatalf("Commit = %v, want a conflict with alice's revision 2", err)
	}
	want := `the change is based on revision 1, but revision 2 runs, by alice at 2026-11-21T12:00:00Z ("add web2")`
	if err.Error() != want {
		t.Errorf("error = %s\nwant    %s", err, want)
	}
	if _, text, err := w.s.Candidate("bob"); err != nil || string(text) != "bob's" {
		t.Errorf("bob's draft = %q %v, want it kept", text, err)
	}
	r, err := w.s.Commit(CommitOptions{Author: "bob", Origin: Console, Base: 2})
	if err != nil || r.Number != 3 {
		t.Errorf("Commit over revision 2 = %v %v, want 3", r, err)
	}
}

func TestCommitRefusals(t *testing.T) {
	w := started(t, "one")
	as := CommitOptions{Author: "alice", Origin: CLI, Base: 1}
	set := func(f func(*CommitOptions)) CommitOptions { o := as; f(&o); return o }
	for _, c := range []struct {
		name string
		text string
		opts CommitOptions
		want string
	}{
		{"same text", "one", as, ErrUnchanged.Error()},
		{"no base", "two", set(func(o *CommitOptions) { o.Base = 0 }), "the change is based on revision 0, but revision 1 runs, by alice at 2026-11-21T12:00:00Z"},
		{"no author", "two", set(func(o *CommitOptions) { o.Author = "" }), "author must be 1 to 128 bytes of text without control characters"},
		{"no origin", "two", set(func(o *CommitOptions) { o.Origin = "" }), `origin must be cli, api, console, web, panel, serial, boot or mirror, not ""`},
		{"origin of the store", "two", set(func(o *CommitOptions) { o.Origin = ConfirmTimeout }), `origin must be cli, api, console, web, panel, serial, boot or mirror, not "confirm-timeout"`},
		{"long comment", "two", set(func(o *CommitOptions) { o.Comment = strings.Repeat("x", 4097) }), "comment must be at most 4096 bytes of text"},
		{"negative confirm", "two", set(func(o *CommitOptions) { o.Confirm = -1 }), "confirm must be 0s to 24h"},
		{"long confirm", "two", set(func(o *CommitOptions) { o.Confirm = 25 * time.Hour }), "confirm must be 0s to 24h"},
		{"long text", strings.Repeat("x", MaxText+1), as, "text has 16777217 bytes; 16777216 are taken"},
	} {
		before, ops := digest(w.s), len(w.disk.names)
		_, err := w.s.CommitText([]byte(c.text), c.opts)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: CommitText = %v, want %s", c.name, err, c.want)
		}
		if digest(w.s) != before || len(w.disk.names) != ops {
			t.Errorf("%s: the refused commit changed something", c.name)
		}
	}
	if _, err := w.s.Commit(as); err != ErrNoCandidate {
		t.Errorf("Commit without a draft = %v, want %v", err, ErrNoCandidate)
	}
	if err := w.rollback(7); err == nil || err.Error() != "there is no revision 7 in the history" {
		t.Errorf("Rollback(7) = %v", err)
	}
	if _, err := w.s.SetCandidate("bob", []byte("x"), 7); err == nil {
		t.Error("a draft on revision 7 was taken")
	}
	empty := newWorld(newMemDisk())
	must(t, empty.open())
	must(t, empty.draft("alice", "one"))
	if err := empty.commitDraft("alice", time.Minute); err != ErrNothingRuns {
		t.Errorf("timed first commit = %v, want %v", err, ErrNothingRuns)
	}
}

func TestCandidateIsGivenAway(t *testing.T) {
	w := started(t, "one")
	for _, author := range []string{"alice", "carl"} {
		must(t, w.draft(author, "of "+author))
	}
	before, _, err := w.s.Candidate("alice")
	must(t, err)
	if _, err := w.s.GiveCandidate("alice", "carl"); err != ErrCandidate {
		t.Errorf("GiveCandidate to one who has a draft = %v, want %v", err, ErrCandidate)
	}
	if _, err := w.s.GiveCandidate("dora", "bob"); err != ErrNoCandidate {
		t.Errorf("GiveCandidate of none = %v, want %v", err, ErrNoCandidate)
	}
	if _, err := w.s.GiveCandidate("alice", ""); err == nil {
		t.Error("a draft was given to nobody")
	}
	got, err := w.s.GiveCandidate("alice", "bob")
	if before.Author = "bob"; err != nil || got != before {
		t.Errorf("GiveCandidate = %+v, %v, want %+v", got, err, before)
	}
	if kept, text, err := w.s.Candidate("bob"); err != nil || kept != before || string(text) != "of alice" {
		t.Errorf("bob has %+v %q, %v", kept, text, err)
	}
	if _, _, err := w.s.Candidate("alice"); err != ErrNoCandidate {
		t.Errorf("alice has a draft yet: %v", err)
	}
}

func TestRollbackIsANewRevision(t *testing.T) {
	w := started(t, "one", "two", "three")
	must(t, w.rollback(1))
	r := w.s.Running()
	if r.Number != 4 || r.Source != 1 || r.Origin != RolledBack || r.Parent != 3 || running(t, w.s) != "4 one" {
		t.Errorf("after Rollback(1): %+v", r)
	}
	if es := w.s.Events(3); len(es) != 1 || es[0].Origin != Serial {
		t.Errorf("event = %+v, want the way it came by", es)
	}
}

func TestHistoryIsPrunedButNeverWhatCounts(t *testing.T) {
	w := started(t, "one", "two")
	must(t, w.draft("bob", "on two"))
	for i := range 8 {
		must(t, w.draft("alice", fmt.Sprintf("text %d", i)))
		must(t, w.commitDraft("alice", 0))
	}
	must(t, w.draft("alice", "timed"))
	must(t, w.commitDraft("alice", time.Minute))
	var got []uint64
	for _, r := range w.s.History() {
		got = append(got, r.Number)
	}
	if want := []uint64{11, 10, 9, 2}; !slices.Equal(got, want) { // Keep is 4
		t.Errorf("history = %v, want %v", got, want)
	}
	if _, err := w.s.Text(1); !errors.As(err, new(*NotFoundError)) {
		t.Errorf("Text(1) = %v, want a NotFoundError", err)
	}
	// The texts of the history, of the draft, and those of the copy before.
	if names, _ := w.disk.List("texts"); len(names) > 4+1+2 {
		t.Errorf("%d texts are left", len(names))
	}
}

func TestKeepOneHoldsWhatRunsAndWhatIsGoneBackTo(t *testing.T) {
	s, err := open(newMemDisk(), Config{Keep: 1, Boot: "b"})
	must(t, err)
	for i, confirm := range []time.Duration{0, 0, time.Minute} {
		_, err := s.CommitText(fmt.Append(nil, i), CommitOptions{Author: "a", Origin: CLI, Base: s.Running().Number, Confirm: confirm})
		must(t, err)
	}
	if h := s.History(); len(h) != 2 || h[1].Number != 2 {
		t.Errorf("history = %v, want 3 and 2", h)
	}
}

func TestCandidatesAreLimited(t *testing.T) {
	w := started(t)
	for i := range MaxCandidates {
		must(t, w.draft(fmt.Sprint("author", i), "x"))
	}
	if err := w.draft("one more", "x"); !errors.As(err, new(*LimitError)) {
		t.Errorf("draft 65 = %v, want a LimitError", err)
	}
	must(t, w.draft("author0", "y"))
}

// On the real disk: the lock, the modes, the files.
func TestOpenIsExclusiveAndPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := Open(Config{Dir: dir})
	must(t, err)
	_, err = s.Secret("cookie")
	must(t, err)
	_, err = s.CommitText([]byte("one\n"), CommitOptions{Author: "alice", Origin: Boot})
	must(t, err)
	_, err = Open(Config{Dir: dir})
	want := fmt.Sprintf("open store: state %s is in use by process %d", dir, os.Getpid())
	if !errors.As(err, new(*LockedError)) || err.Error() != want {
		t.Errorf("second Open = %v, want %s", err, want)
	}
	must(t, filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, st.Mode())
		}
		return err
	}))
	must(t, s.Handover())
	if _, err := s.SetCandidate("alice", nil, 1); err != ErrClosed {
		t.Errorf("SetCandidate after Handover = %v, want %v", err, ErrClosed)
	}
	s, err = Open(Config{Dir: dir})
	must(t, err)
	defer s.Close()
	if got := running(t, s); got != "1 one\n" {
		t.Errorf("running = %q, want 1 one", got)
	}
}

func TestReadersSeeWholeStates(t *testing.T) {
	w := started(t, "0")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if r := w.s.Running(); r.Status != Confirmed || len(w.s.History()) == 0 {
					t.Errorf("running = %+v", r)
				}
				w.s.Pending()
				w.s.Events(0)
				w.s.Keys()
				w.s.Candidates()
			}
		})
	}
	for i := range 50 {
		must(t, w.draft("alice", fmt.Sprint("text ", i)))
		must(t, w.commitDraft("alice", 0))
		must(t, w.s.Put("k", i))
	}
	close(stop)
	wg.Wait()
}
