// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A world is a disk, the store on it and a clock: what a script acts on.
type world struct {
	disk *memDisk
	s    *Store
	now  time.Time
	boot string
}

func newWorld(d *memDisk) *world {
	return &world{disk: d, boot: "b1", now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
}

func (w *world) open() (err error) {
	w.s, err = open(w.disk, Config{Keep: 4, Boot: w.boot, Now: func() time.Time { return w.now }})
	return err
}

var alice = By{"alice", CLI}

// script touches every kind of write. Each step is one change, so that after a
// failure in it the disk must hold the state before or after that step.
var script = []struct {
	name string
	do   func(w *world) error
}{
	{"open", func(w *world) error { return w.open() }},
	{"draft 1", func(w *world) error { return w.draft("alice", "one\n") }},
	{"commit 1", func(w *world) error { return w.commitDraft("alice", 0) }},
	{"draft of bob", func(w *world) error { return w.draft("bob", "bob's\n") }},
	{"draft 2", func(w *world) error { return w.draft("alice", "two\n") }},
	{"commit 2, timed", func(w *world) error { return w.commitDraft("alice", time.Minute) }},
	{"extend 2", func(w *world) error { return w.s.Extend(2, time.Hour, alice) }},
	{"confirm 2", func(w *world) error { return w.s.Confirm(2, alice) }},
	{"put", func(w *world) error { return w.s.Put("shop/web1", map[string]int{"weight": 3}) }},
	{"put again", func(w *world) error { return w.s.Put("shop/web1", map[string]int{"weight": 4}) }},
	{"secret", func(w *world) error { _, err := w.s.Secret("cookie"); return err }},
	{"vault", func(w *world) error { return w.s.Vault().Save("certificate/shop", []byte("key 1")) }},
	{"vault again", func(w *world) error { return w.s.Vault().Save("certificate/shop", []byte("key 2")) }},
	{"vault, another", func(w *world) error { return w.s.Vault().Save("certificate/api", []byte("key 3")) }},
	{"vault, many", func(w *world) error {
		return w.s.Vault().SaveAll(map[string][]byte{"certificate/shop": []byte("key 4"), "certificate/new": []byte("key 5"), "trust/corp": []byte("ca")})
	}},
	{"vault, gone", func(w *world) error { return w.s.Vault().Delete("certificate/api") }},
	{"rotate", func(w *world) error { return w.s.Rotate("cookie") }},
	{"discard", func(w *world) error { return w.s.Discard("bob") }},
	{"draft 3", func(w *world) error { return w.draft("alice", "three\n") }},
	{"commit 3, timed", func(w *world) error { return w.commitDraft("alice", time.Minute) }},
	{"time out", func(w *world) error {
		w.now = w.now.Add(2 * time.Minute)
		if _, ok := w.s.Tick(w.now); !ok {
			return errors.New("no event")
		}
		return nil
	}},
	{"rollback", func(w *world) error { return w.rollback(1) }},
	{"close", func(w *world) error { return w.s.Close() }},
	{"reopen", func(w *world) error { return w.open() }},
	{"commit text, pruned", func(w *world) error {
		_, err := w.s.CommitText([]byte("five\n"), CommitOptions{Author: "bob", Origin: API, Base: w.s.Running().Number})
		return err
	}},
	{"commit text, timed", func(w *world) error {
		_, err := w.s.CommitText([]byte("six\n"), CommitOptions{Author: "bob", Origin: API,
			Base: w.s.Running().Number, Confirm: time.Minute})
		return err
	}},
	{"revert", func(w *world) error { _, err := w.s.Revert(alice); return err }},
	{"delete", func(w *world) error { return w.s.Delete("shop/web1") }},
}

func (w *world) draft(author, text string) error {
	_, err := w.s.SetCandidate(author, []byte(text), w.s.Running().Number)
	return err
}

func (w *world) commitDraft(author string, confirm time.Duration) error {
	_, err := w.s.Commit(CommitOptions{Author: author, Origin: CLI, Confirm: confirm})
	return err
}

func (w *world) rollback(n uint64) error {
	_, err := w.s.Rollback(n, CommitOptions{Author: "alice", Origin: Serial, Base: w.s.Running().Number})
	return err
}

// digest is all that a user can see of a store, as text. Times and reasons are
// left out; a missing text is in it as its error.
func digest(s *Store) string {
	var b strings.Builder
	_, pending := s.Pending()
	fmt.Fprintf(&b, "running %d pending %v\n", s.Running().Number, pending)
	for _, r := range s.History() {
		text, err := s.Text(r.Number)
		fmt.Fprintf(&b, "%d<%d %s %s %s %q %v\n", r.Number, r.Parent, r.Author, r.Origin, r.Status, text, err)
	}
	for _, c := range s.Candidates() {
		_, text, err := s.Candidate(c.Author)
		fmt.Fprintf(&b, "candidate %s on %d %q %v\n", c.Author, c.Base, text, err)
	}
	for _, k := range s.Keys() {
		var v any
		_, err := s.Get(k, &v)
		fmt.Fprintf(&b, "%s = %v %v\n", k, v, err)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Vault().Items(""))) {
		data, err := s.Vault().Load(name)
		fmt.Fprintf(&b, "vault %s = %q %v\n", name, data, err)
	}
	fmt.Fprintf(&b, "%d secrets\n", len(s.keys["cookie"]))
	return b.String()
}

// reopened is the digest of what the next process finds on d.
func reopened(t *testing.T, d *memDisk) string {
	t.Helper()
	w := newWorld(d)
	if err := w.open(); err != nil {
		return "open: " + err.Error()
	}
	for _, e := range w.s.Events(0) {
		if e.Kind == Damaged {
			t.Errorf("a copy was damaged: %s", e.Why)
		}
	}
	return digest(w.s)
}

// goldens runs the script without a fault. goldens[i] is what the next process
// finds when the power is cut after i steps, with nothing but synced data left.
func goldens(t *testing.T) []string {
	t.Helper()
	w := newWorld(newMemDisk())
	gs := []string{reopened(t, newMemDisk())}
	for _, step := range script {
		if err := step.do(w); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		gs = append(gs, reopened(t, w.disk.afterCrash(nil)))
		if seen := reopened(t, w.disk.asSeen()); seen != gs[len(gs)-1] {
			t.Errorf("%s: after a power cut\n%swith the power on\n%s", step.name, gs[len(gs)-1], seen)
		}
	}
	return gs
}

// play runs the script until a step fails or loses power, and returns its index
// (len(script) if all went well) and error. before is what a user saw before
// the step.
func (w *world) play() (i int, before string, err error) {
	defer func() {
		if v := recover(); v != nil {
			if v != errPower {
				panic(v)
			}
			err = errPower
		}
	}()
	for i = range script {
		if w.s != nil {
			fault := w.disk.fault
			w.disk.fault = nil
			ops := w.disk.ops
			before = digest(w.s)
			w.disk.fault, w.disk.ops = fault, ops
		}
		if err := script[i].do(w); err != nil {
			return i, before, err
		}
	}
	return len(script), before, nil
}

// everyOp calls f for n = 1, 2, … until the script has no n-th operation.
func everyOp(t *testing.T, f func(t *testing.T, n int, d *memDisk) (hit bool)) {
	for n := 1; f(t, n, newMemDisk()); n++ {
		if t.Failed() {
			t.Fatalf("operation %d", n)
		}
		if n > 5000 {
			t.Fatal("the script never ends")
		}
	}
}

func TestPowerCutAtEveryOperationLeavesOldOrNew(t *testing.T) {
	want := goldens(t)
	everyOp(t, func(t *testing.T, n int, d *memDisk) bool {
		d.fault = func(op int, _ string) outcome {
			if op == n {
				return powerLost
			}
			return fine
		}
		w := newWorld(d)
		i, _, err := w.play()
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			if seed == 0 {
				rng = nil
			}
			got := reopened(t, d.afterCrash(rng))
			if i == len(script) {
				if got != want[i] {
					t.Errorf("all done, seed %d: got\n%swant\n%s", seed, got, want[i])
				}
			} else if got != want[i] && got != want[i+1] {
				t.Errorf("power cut in %q, seed %d: got\n%swant\n%sor\n%s", script[i].name, seed, got, want[i], want[i+1])
			}
		}
		return err != nil
	})
}

func TestFailureOfEveryOperationChangesNothing(t *testing.T) {
	want := goldens(t)
	for _, o := range []outcome{refused, lied, noSpace} {
		everyOp(t, func(t *testing.T, n int, d *memDisk) bool {
			hit := false
			d.fault = func(op int, _ string) outcome {
				if op == n {
					hit = true
					return o
				}
				return fine
			}
			w := newWorld(d)
			i, before, err := w.play()
			checkRefused(t, w, want, i, before, err)
			return hit
		})
	}
}

// A disk that fills up or dies stays so; then what was refused works after all.
func TestLastingFailureChangesNothing(t *testing.T) {
	want := goldens(t)
	for name, fails := range map[string]func(op string) outcome{
		"full": func(op string) outcome {
			if op == "create" || op == "write" {
				return noSpace
			}
			return fine
		},
		"dead":  func(string) outcome { return refused },
		"dying": func(string) outcome { return refused },
	} {
		everyOp(t, func(t *testing.T, n int, d *memDisk) bool {
			hit := false
			d.fault = func(op int, kind string) outcome {
				if op < n {
					return fine
				}
				hit = true
				if name == "dying" && op == n {
					return lied
				}
				return fails(kind)
			}
			w := newWorld(d)
			i, before, err := w.play()
			if name == "full" && err != nil && !errors.Is(err, errFull) && i > 0 {
				t.Errorf("%s: %v, want the error of the disk", script[i].name, err)
			}
			checkRefused(t, w, want, i, before, err)
			return hit
		})
	}
}

// checkRefused checks the world after step i was refused with err: in memory
// and on the disk the state is that before it, and the step can be repeated.
func checkRefused(t *testing.T, w *world, want []string, i int, before string, err error) {
	t.Helper()
	w.disk.fault = nil
	if err == nil {
		if got := reopened(t, w.disk.asSeen()); got != want[i] {
			t.Errorf("after all steps: got\n%swant\n%s", got, want[i])
		}
		return
	}
	got := reopened(t, w.disk.asSeen())
	if got != want[i] && !(errors.Is(err, ErrUncertain) && got == want[i+1]) {
		t.Errorf("%s (%v): the disk has\n%swant\n%s", script[i].name, err, got, want[i])
	}
	if w.s != nil {
		if live := digest(w.s); live != before {
			t.Errorf("%s (%v): memory has\n%swant\n%s", script[i].name, err, live, before)
		}
		w.s.Tick(w.now)
		if err := w.s.Unsaved(); err != nil {
			t.Errorf("%s: still unsaved on a good disk: %v", script[i].name, err)
		}
		if got := reopened(t, w.disk.afterCrash(nil)); got != want[i] && script[i].name != "time out" {
			t.Errorf("%s: after Tick the disk has\n%swant\n%s", script[i].name, got, want[i])
		}
	}
	if script[i].name == "close" || script[i].name == "reopen" {
		return
	}
	if err := script[i].do(w); err != nil {
		t.Errorf("%s again: %v", script[i].name, err)
	} else if got := reopened(t, w.disk.afterCrash(nil)); got != want[i+1] {
		t.Errorf("%s again: got\n%swant\n%s", script[i].name, got, want[i+1])
	}
}
