// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestConfirmKeepsAndSilenceReverts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := open(newMemDisk(), Config{Boot: "b"})
		must(t, err)
		commit := func(text string, confirm time.Duration) {
			t.Helper()
			_, err := s.CommitText([]byte(text), CommitOptions{Author: "alice", Origin: CLI,
				Base: s.Running().Number, Confirm: confirm})
			must(t, err)
		}
		commit("one", 0)
		commit("two", 2*time.Minute)
		time.Sleep(time.Minute)
		if p, ok := s.Pending(); !ok || p.Left != time.Minute || !p.Deadline.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("Pending() = %v %v, want a minute left", p, ok)
		}
		must(t, s.Confirm(2, By{"bob", Panel}))
		time.Sleep(time.Hour)
		if e, ok := s.Tick(time.Now()); ok {
			t.Errorf("Tick after a confirm = %v, want nothing", e)
		}
		commit("three", 2*time.Minute)
		time.Sleep(2*time.Minute - 1)
		if e, ok := s.Tick(time.Now()); ok {
			t.Errorf("Tick before the deadline = %v, want nothing", e)
		}
		time.Sleep(time.Nanosecond)
		e, ok := s.Tick(time.Now())
		if !ok || e.Kind != WentBack || e.Revision != 3 || e.Running != 2 || e.Origin != ConfirmTimeout {
			t.Errorf("Tick at the deadline = %+v %v, want 3 reverted to 2", e, ok)
		}
		if got := running(t, s); got != "2 two" {
			t.Errorf("running = %q, want 2 two", got)
		}
		r, err := s.Revision(3)
		must(t, err)
		if r.Status != Reverted || r.Settled == nil || r.Settled.Origin != ConfirmTimeout {
			t.Errorf("revision 3 = %+v, want reverted by confirm-timeout", r)
		}
		commit("four", 0)
		if r := s.Running(); r.Number != 4 || r.Parent != 2 {
			t.Errorf("next revision = %d on %d, want 4 on 2", r.Number, r.Parent)
		}
		want := []string{"committed 1>1", "confirming 2>2", "confirmed 2>2", "confirming 3>3", "reverted 3>2", "committed 4>4"}
		if got := kinds(s, 0); !slices.Equal(got, want) {
			t.Errorf("events = %q, want %q", got, want)
		}
	})
}

func TestRestartWithinTheWindow(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    func(w *world) // of the first process, and what comes after
		want   string
		events []string
		left   time.Duration
	}{
		{"killed", func(w *world) { w.disk = w.disk.asSeen() }, "1 one", []string{"reverted 2>1"}, 0},
		{"power cut", func(w *world) { w.disk = w.disk.afterCrash(nil) }, "1 one", []string{"reverted 2>1"}, 0},
		{"closed", func(w *world) { w.s.Close() }, "1 one", []string{"reverted 2>1"}, 0},
		{"handed over", func(w *world) {
			w.s.Handover()
			w.now = w.now.Add(10 * time.Second)
		}, "2 two", nil, 20 * time.Second},
		{"handed over, clock set back", func(w *world) {
			w.s.Handover()
			w.now = w.now.Add(-time.Hour)
		}, "2 two", nil, 30 * time.Second},
		{"handed over too slowly", func(w *world) {
			w.s.Handover()
			w.now = w.now.Add(30 * time.Second)
		}, "1 one", []string{"reverted 2>1"}, 0},
		{"handed over, then the machine restarted", func(w *world) {
			w.s.Handover()
			w.boot = "b2"
		}, "1 one", []string{"reverted 2>1"}, 0},
		{"handed over, then killed", func(w *world) {
			w.s.Handover()
			w.open()
			w.disk = w.disk.asSeen()
		}, "1 one", []string{"reverted 2>1"}, 0},
		{"killed, and the disk is full", func(w *world) {
			w.disk = w.disk.asSeen()
			w.disk.fault = func(_ int, op string) outcome {
				if op == "create" {
					return noSpace
				}
				return fine
			}
		}, "1 one", []string{"reverted 2>1"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := started(t, "one")
			must(t, w.draft("alice", "two"))
			must(t, w.commitDraft("alice", time.Minute))
			w.now = w.now.Add(30 * time.Second)
			c.end(w)
			must(t, w.open())
			if got := running(t, w.s); got != c.want {
				t.Errorf("running = %q, want %q", got, c.want)
			}
			if got := kinds(w.s, 0); !slices.Equal(got, c.events) {
				t.Errorf("events = %q, want %q", got, c.events)
			}
			if p, _ := w.s.Pending(); p.Left != c.left {
				t.Errorf("left = %v, want %v", p.Left, c.left)
			}
		})
	}
}

// A revert that the disk refuses takes effect, and is written when it can be.
func TestRevertOnFullDiskIsSavedLater(t *testing.T) {
	w := started(t, "one")
	must(t, w.draft("alice", "two"))
	must(t, w.commitDraft("alice", time.Minute))
	w.disk.fault = func(_ int, op string) outcome {
		if op == "write" {
			return noSpace
		}
		return fine
	}
	w.now = w.now.Add(time.Hour)
	if _, ok := w.s.Tick(w.now); !ok || w.s.Running().Number != 1 {
		t.Fatalf("running = %d, want 1 in spite of the disk", w.s.Running().Number)
	}
	if err := w.s.Unsaved(); !errors.Is(err, errFull) {
		t.Errorf("Unsaved() = %v, want %v", err, errFull)
	}
	w.disk.fault = nil
	w.s.Tick(w.now)
	w.disk = w.disk.asSeen()
	must(t, w.open())
	if got := kinds(w.s, 0); got != nil {
		t.Errorf("events of the next process = %q, want none: it was saved", got)
	}
}

// Without a monotonic clock, a step back does not prolong the window.
func TestClockSetBackDoesNotProlong(t *testing.T) {
	w := started(t, "one")
	must(t, w.draft("alice", "two"))
	must(t, w.commitDraft("alice", time.Minute))
	w.now = w.now.Add(50 * time.Second)
	w.s.Tick(w.now)
	w.now = w.now.Add(-24 * time.Hour)
	w.s.Tick(w.now)
	w.now = w.now.Add(10 * time.Second)
	if _, ok := w.s.Tick(w.now); !ok {
		t.Error("60 s after the commit it still is pending")
	}
}

func TestPendingRefusesOtherCommits(t *testing.T) {
	w := started(t, "one")
	must(t, w.draft("alice", "two"))
	must(t, w.commitDraft("alice", time.Minute))
	must(t, w.draft("bob", "three"))
	err := w.commitDraft("bob", 0)
	var p *PendingError
	if !errors.As(err, &p) || err.Error() != "revision 2 waits for alice to confirm it, 1m0s left" {
		t.Errorf("Commit = %v, want a PendingError", err)
	}
	if err := w.rollback(1); !errors.As(err, &p) {
		t.Errorf("Rollback = %v, want a PendingError", err)
	}
	if err := w.s.Confirm(1, alice); err != ErrNotPending {
		t.Errorf("Confirm(1) = %v, want %v", err, ErrNotPending)
	}
	must(t, w.s.Extend(2, time.Hour, alice))
	w.now = w.now.Add(30 * time.Minute)
	if _, ok := w.s.Tick(w.now); ok {
		t.Error("an extended window ended early")
	}
	e, err := w.s.Revert(By{"bob", Serial})
	if err != nil || e.Running != 1 || e.Author != "bob" || e.Why != "bob took the commit back" {
		t.Errorf("Revert = %+v %v", e, err)
	}
	if _, err := w.s.Revert(alice); err != ErrNotPending {
		t.Errorf("Revert again = %v, want %v", err, ErrNotPending)
	}
	if c := w.s.Candidates(); len(c) != 1 || c[0].Author != "bob" {
		t.Errorf("drafts = %v, want bob's", c)
	}
}
