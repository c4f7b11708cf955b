// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func engine() []Role { return []Role{{Name: "engine", MayListen: true, MayControl: true}} }

func TestPlannedRestartHandsOverInOrder(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		old := w.running()
		w.wantOrders(old, "go")
		answer := w.restart("engine")
		w.wantProcs(2)
		young := w.procs[1]
		w.wait(29 * time.Second)
		w.wantOrders(old, "go") // not before the new one is ready
		w.say(young, sayReady)
		if *answer != nil {
			t.Fatalf("restart = %v once the new one is ready, want nil", *answer)
		}
		w.wantOrders(old, "go drain")
		w.wantOrders(young, "") // not before the old one has released
		w.say(old, sayReleased)
		w.wantOrders(young, "go")
		s := w.status()
		if s.PID != young.id || s.State != Serving || len(s.Draining) != 1 || s.Draining[0].PID != old.id ||
			s.Restarts != 1 || s.Crashes != 0 {
			t.Fatalf("status = %+v, want %d running and %d draining", s, young.id, old.id)
		}
		w.wait(10*time.Minute - time.Second)
		w.wantOrders(old, "go drain")
		w.wait(time.Second)
		w.wantOrders(old, "go drain stop")
		w.wait(2 * time.Second)
		if !old.dead || young.dead {
			t.Fatalf("old dead %v, new dead %v; want true and false", old.dead, young.dead)
		}
		w.wantProcs(2)
	})
}

func TestSeveralGenerationsDrainAtOnce(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		for range 3 {
			old := w.running()
			w.restart("engine")
			w.running()
			w.say(old, sayReleased)
		}
		if s := w.status(); len(s.Draining) != 3 || s.PID != w.procs[3].id {
			t.Fatalf("status = %+v, want three draining", s)
		}
		w.die(w.procs[1], "exit status 0")
		if s := w.status(); len(s.Draining) != 2 || s.Crashes != 0 {
			t.Fatalf("status = %+v, want two draining and no crash", s)
		}
	})
}

func TestFailedReplacementLeavesTheOldOne(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(w *world)
		want string
	}{
		{"it exits", func(w *world) { w.die(w.procs[1], "exit status 3; its last words: no disk") }, "no disk"},
		{"it is never ready", func(w *world) { w.wait(31 * time.Second) }, "it was not ready after 30s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, engine(), func(w *world) {
				old := w.running()
				answer := w.restart("engine")
				tt.fail(w)
				if *answer == nil || !strings.Contains((*answer).Error(), tt.want) {
					t.Fatalf("restart = %v, want an error with %q", *answer, tt.want)
				}
				w.wait(time.Minute)
				w.wantOrders(old, "go")
				w.wantProcs(2)
				if s := w.status(); s.Crashes != 0 || s.PID != old.id {
					t.Fatalf("status = %+v, want the old one and no crash", s)
				}
			})
		})
	}
}

func TestReplacementThatCannotStartLeavesTheOldOne(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		old := w.running()
		w.broken = errors.New("start /no/such: no such file")
		answer := w.restart("engine")
		if *answer == nil || !strings.Contains((*answer).Error(), "no such file") {
			t.Fatalf("restart = %v, want why it did not start", *answer)
		}
		w.wait(time.Minute)
		w.wantProcs(2)
		w.wantOrders(old, "go")
	})
}

func TestSecondRestartIsRefused(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		w.running()
		w.restart("engine")
		answer := w.restart("engine")
		if *answer == nil || *answer == errPending {
			t.Fatalf("restart = %v, want a refusal", *answer)
		}
		if answer := w.restart("motor"); *answer == nil || !strings.Contains((*answer).Error(), "engine") {
			t.Fatalf("restart of an unknown role = %v, want the names of the roles", *answer)
		}
	})
}

func TestHandOverSurvivesTheDeathOfTheOldOne(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(w *world, old *fakeProcess)
	}{
		{"it dies before it releases", func(w *world, old *fakeProcess) { w.die(old, "signal: segmentation fault") }},
		{"it never releases", func(w *world, old *fakeProcess) { w.wait(5 * time.Second) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, engine(), func(w *world) {
				old := w.running()
				w.restart("engine")
				young := w.running()
				w.wantOrders(young, "")
				tt.end(w, old)
				w.wantOrders(young, "go")
				if s := w.status(); !old.dead || s.Crashes != 0 || len(s.Draining) != 0 {
					t.Fatalf("old dead %v, status = %+v, want no crash", old.dead, s)
				}
				w.wantProcs(2)
			})
		})
	}
}

func TestOldOneDiesBeforeTheNewOneIsReady(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		old := w.running()
		answer := w.restart("engine")
		w.die(old, "exit status 2")
		w.wantProcs(2) // the one under way takes its place
		w.running()
		w.wantOrders(w.procs[1], "go")
		if s := w.status(); *answer != nil || s.Crashes != 1 {
			t.Fatalf("restart = %v, status = %+v, want one crash", *answer, s)
		}
	})
}

func TestNewOneDiesBetweenReadyAndGo(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		old := w.running()
		w.restart("engine")
		w.die(w.running(), "exit status 2")
		w.wantProcs(3) // the old one cannot be called back
		third := w.running()
		w.wantOrders(third, "")
		w.wantOrders(old, "go drain")
		w.say(old, sayReleased)
		w.wantOrders(third, "go")
	})
}

func TestNewOneDiesAfterGo(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		old := w.running()
		w.restart("engine")
		young := w.running()
		w.say(old, sayReleased)
		w.die(young, "exit status 2")
		w.wantProcs(3)
		w.running()
		w.wantOrders(w.procs[2], "go")
	})
}

func TestCrashedRoleStartsAtOnceThenBacksOff(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		for range 8 {
			w.die(w.running(), "signal: killed")
			w.wait(450 * time.Millisecond) // longer than each delay
		}
		const ms = time.Millisecond
		// Five crashes restart at once; the delays are 100, 200 and 400 ms.
		w.wantStarts(0, 0, 450*ms, 900*ms, 1350*ms, 1800*ms, 2350*ms, 2900*ms, 3550*ms)
		if s := w.status(); s.Crashes != 8 || s.LastCrash != "signal: killed" ||
			len(s.Crashed) != 8 || s.Crashed[7].Sub(s.Crashed[0]) != 3150*time.Millisecond {
			t.Fatalf("status = %+v, want 8 crashes and the cause", s)
		}
	})
}

func TestStartThatFailsIsTriedForEver(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		w.broken = errors.New("start: no such file")
		w.die(w.running(), "exit status 1")
		w.wait(10 * time.Minute)
		if n := len(w.procs); n < 110 || n > 140 {
			t.Fatalf("%d starts in 10 minutes, want one each 5s", n)
		}
		if s := w.status(); s.State != BackingOff {
			t.Fatalf("state = %v, want %v", s.State, BackingOff)
		}
		w.broken = nil
		answer := w.restart("engine") // does not wait for the delay
		w.running()
		if s := w.status(); *answer != nil || s.State != Serving {
			t.Fatalf("restart = %v, state = %v, want it running", *answer, s.State)
		}
	})
}
