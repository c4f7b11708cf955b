// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hold asks for a hold and returns where the answer will be.
func (w *world) hold(why string, limit time.Duration) *error {
	_, answer := w.grip(why, limit)
	return answer
}

// grip is hold that returns with what it can be released too.
func (w *world) grip(why string, limit time.Duration) (*hold, *error) {
	h, answer := &hold{why: why, limit: limit}, errPending
	w.calls <- func(l *loop) { l.hold("engine", h, func(err error) { answer = err }) }
	w.wait(0)
	return h, &answer
}

// release releases the hold that there is.
func (w *world) release() error {
	var h *hold
	w.calls <- func(l *loop) { h = l.units[0].held }
	w.wait(0)
	return w.releaseOf(h)
}

func (w *world) releaseOf(h *hold) (err error) {
	w.calls <- func(l *loop) { err = l.release("engine", h) }
	w.wait(0)
	return err
}

func oneRole() []Role { return []Role{{Name: "engine"}} }

func TestHoldWaitsForTheRelease(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		p := w.running()
		got := w.hold("repair", time.Minute)
		w.wantOrders(p, "go drain")
		if *got != errPending {
			t.Fatalf("hold answered %v before the process had released", *got)
		}
		w.say(p, sayReleased)
		if *got != nil {
			t.Fatalf("hold = %v after the release", *got)
		}
		if s := w.status(); s.State != Held || s.Held != "repair" || len(s.Draining) != 1 {
			t.Errorf("status = %v held %q, %d draining; want held, repair, 1", s.State, s.Held, len(s.Draining))
		}
		w.wait(30 * time.Second)
		w.wantProcs(1)
		if err := w.release(); err != nil {
			t.Fatal(err)
		}
		w.wantProcs(2)
		if q := w.running(); q.orders() != "go" {
			t.Errorf("the new process was sent %q, want go", q.orders())
		}
	})
}

func TestHoldKillsWhatDoesNotRelease(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		p := w.running()
		got := w.hold("repair", time.Minute)
		w.wait(6 * time.Second)
		if !p.dead || *got != nil {
			t.Fatalf("after the time to release: dead %v, answer %v; want dead, nil", p.dead, *got)
		}
		w.wantProcs(1)
		if s := w.status(); s.Crashes != 0 {
			t.Errorf("crashes = %d, want 0: it was held", s.Crashes)
		}
	})
}

func TestHoldEndsWhatStarts(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		p := w.procs[0]
		got := w.hold("repair", time.Minute)
		w.wantOrders(p, "stop")
		w.die(p, "exit status 0")
		if *got != nil {
			t.Fatalf("hold = %v", *got)
		}
		w.wait(20 * time.Second)
		w.wantProcs(1)
	})
}

func TestHoldOfARoleThatCrashesKeepsItStopped(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		for w.status().State != BackingOff {
			w.die(w.procs[len(w.procs)-1], "exit status 1")
		}
		n := len(w.procs)
		if got := w.hold("repair", 10*time.Minute); *got != nil {
			t.Fatalf("hold = %v", *got)
		}
		w.wait(5 * time.Minute)
		w.wantProcs(n)
		if err := w.release(); err != nil {
			t.Fatal(err)
		}
		w.wantProcs(n + 1)
	})
}

func TestHoldEndsByItself(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		p := w.running()
		w.hold("repair", time.Minute)
		w.say(p, sayReleased)
		w.wait(59 * time.Second)
		w.wantProcs(1)
		w.wait(2 * time.Second)
		w.wantProcs(2)
		if err := w.release(); !errors.Is(err, ErrNotHeld) {
			t.Errorf("release = %v, want that it is not held", err)
		}
	})
}

func TestHoldRefusesASecondOneAndRestarts(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		w.say(w.running(), sayReleased)
		w.hold("repair", time.Minute)
		for what, got := range map[string]*error{"hold": w.hold("again", time.Minute), "restart": w.restart("engine")} {
			if *got == nil || !strings.Contains((*got).Error(), "repair") {
				t.Errorf("%s of a held role = %v, want why it is held", what, *got)
			}
		}
	})
}

// TestOnlyTheHolderReleases has somebody who was refused, or whose hold is over,
// release what another one holds.
func TestOnlyTheHolderReleases(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		w.say(w.running(), sayReleased)
		over, _ := w.grip("first", time.Minute)
		w.wait(2 * time.Minute)
		w.say(w.running(), sayReleased)
		w.hold("repair", time.Hour)
		refused, _ := w.grip("again", time.Minute)
		n := len(w.procs)
		for what, h := range map[string]*hold{"one that was refused": refused, "one that is over": over} {
			if err := w.releaseOf(h); !errors.Is(err, ErrNotHeld) {
				t.Errorf("release of %s = %v", what, err)
			}
		}
		w.wantProcs(n)
		if s := w.status(); s.Held != "repair" {
			t.Errorf("held %q, want for the repair still", s.Held)
		}
	})
}

// TestHoldWhenARetryIsDue holds a role at the very moment at which it was to be
// started again.
func TestHoldWhenARetryIsDue(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		for w.status().State != BackingOff {
			w.die(w.procs[len(w.procs)-1], "exit status 1")
		}
		n := len(w.procs)
		w.calls <- func(l *loop) {
			time.Sleep(10 * time.Minute) // the retry waits for the loop now
			l.hold("engine", &hold{why: "repair", limit: time.Hour}, func(error) {})
		}
		w.wait(20 * time.Minute)
		w.wantProcs(n)
	})
}

func TestReleaseBeforeTheHoldIsThere(t *testing.T) {
	inWorld(t, oneRole(), func(w *world) {
		p := w.running()
		got := w.hold("repair", time.Minute)
		if err := w.release(); err != nil {
			t.Fatal(err)
		}
		if *got == nil || *got == errPending {
			t.Fatalf("hold = %v, want that it was released", *got)
		}
		w.wantProcs(2)
		next := w.procs[1]
		w.say(next, sayReady)
		w.wantOrders(next, "")
		w.say(p, sayReleased)
		w.wantOrders(next, "go")
	})
}

// TestRealHold holds a role whose process is stopped by a signal, so that only
// killing it makes it let go.
func TestRealHold(t *testing.T) {
	s, err := New(Config{Log: slog.New(slog.DiscardHandler), Roles: []Role{{
		Name: "status", Args: []string{"-test.run=^$"}, Env: []string{roleEnv + "=stubborn"}, ReleaseTimeout: 100 * time.Millisecond,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	over := make(chan error, 1)
	runCtx, end := context.WithCancel(ctx)
	go func() { over <- s.Run(runCtx) }()
	pid := awaitPID(t, s, 0)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	grip, err := s.Hold(ctx, "status", "test", time.Minute)
	if err != nil {
		t.Fatalf("hold = %v", err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is there still: %v", pid, err)
	}
	if err := grip.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if next := awaitPID(t, s, pid); next == os.Getpid() {
		t.Errorf("pid = %d, that of the test", next)
	}
	end()
	if err := <-over; err != nil {
		t.Fatal(err)
	}
}

// awaitPID waits for a process of the only role that runs and is not old.
func awaitPID(t *testing.T, s *Supervisor, old int) int {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		st, err := s.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r := st.Roles[0]; r.State == Serving && r.PID != old {
			return r.PID
		}
	}
	t.Fatal("no process runs within 30s")
	return 0
}
