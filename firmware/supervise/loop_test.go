// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSilentRoleIsKilled(t *testing.T) {
	roles := engine()
	roles[0].Heartbeat = 10 * time.Second
	inWorld(t, roles, func(w *world) {
		p := w.running()
		for range 5 {
			w.wait(9 * time.Second)
			w.say(p, sayAlive)
		}
		if p.dead {
			t.Fatal("the process was killed though it gave signs of life")
		}
		w.wait(10 * time.Second)
		if s := w.status(); !p.dead || !strings.Contains(s.LastCrash, "no sign of life for 10s") {
			t.Fatalf("dead %v, last crash %q; want it killed for its silence", p.dead, s.LastCrash)
		}
		w.wantProcs(2)
	})
}

func TestRoleThatHangsUpIsKilled(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		p := w.running()
		p.to.hungUp()
		w.wait(2 * time.Second)
		if !p.dead {
			t.Fatal("the process lives without a control channel")
		}
		w.wantProcs(2)
	})
}

func TestStopDrainsThenEndsThenKills(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		old := w.running()
		w.restart("engine")
		young := w.running()
		w.say(old, sayReleased)
		w.restart("engine")
		third := w.procs[2]
		w.signals <- os.Interrupt
		synctest.Wait()
		w.wantOrders(old, "go drain drain")
		w.wantOrders(young, "go drain")
		w.wantOrders(third, "stop") // it serves nobody
		w.die(third, "exit status 0")
		w.say(young, sayReleased)
		w.die(young, "exit status 0")
		if answer := w.restart("engine"); *answer != ErrStopping {
			t.Fatalf("restart = %v, want %v", *answer, ErrStopping)
		}
		w.wait(10 * time.Second)
		w.wantOrders(old, "go drain drain stop")
		w.wait(2 * time.Second)
		select {
		case <-w.over:
		default:
			t.Fatal("the supervisor waits for a process that should have been killed")
		}
		w.wantProcs(3)
	})
}

// TestStopLastWaitsForTheOthers: what drains may need it.
func TestStopLastWaitsForTheOthers(t *testing.T) {
	inWorld(t, []Role{{Name: "origin", StopLast: true}, {Name: "engine"}}, func(w *world) {
		origin, engine := w.procs[0], w.procs[1]
		w.say(origin, sayReady)
		w.say(engine, sayReady)
		w.signals <- os.Interrupt
		synctest.Wait()
		w.wantOrders(engine, "go drain")
		w.wantOrders(origin, "go")
		w.say(engine, sayReleased)
		w.wait(5 * time.Second)
		w.wantOrders(origin, "go") // the engine still drains
		w.die(engine, "exit status 0")
		w.wantOrders(origin, "go drain")
		w.die(origin, "exit status 0")
		<-w.over
		w.wantProcs(2)
	})
}

// TestStopFirstIsToldFirst: the others learn of the end once it has released.
func TestStopFirstIsToldFirst(t *testing.T) {
	roles := []Role{{Name: "engine"}, {Name: "ha", StopFirst: true, ReleaseTimeout: 4 * time.Second, StopTimeout: time.Minute}}
	begun := func(w *world) (engine, ha *fakeProcess) {
		engine, ha = w.procs[0], w.procs[1]
		w.say(engine, sayReady)
		w.say(ha, sayReady)
		w.signals <- os.Interrupt
		w.wait(3 * time.Second)
		w.wantOrders(ha, "go drain")
		w.wantOrders(engine, "go")
		return engine, ha
	}
	ended := func(w *world, order ...*fakeProcess) {
		for _, p := range order {
			w.wantOrders(p, "go drain")
			w.die(p, "exit status 0")
		}
		<-w.over
		w.wantProcs(2)
	}
	t.Run("released", func(t *testing.T) {
		inWorld(t, roles, func(w *world) {
			engine, ha := begun(w)
			w.say(ha, sayReleased)
			ended(w, engine, ha) // it lives on until it ends
		})
	})
	t.Run("ended", func(t *testing.T) {
		inWorld(t, roles, func(w *world) {
			engine, ha := begun(w)
			w.die(ha, "exit status 0")
			w.wantOrders(engine, "go drain")
			ended(w, engine)
		})
	})
	t.Run("silent", func(t *testing.T) {
		inWorld(t, roles, func(w *world) {
			engine, ha := begun(w)
			w.wait(time.Second)
			ended(w, engine, ha)
		})
	})
}

// TestStopLastAlone: where none of the others runs, there is nothing to wait for.
func TestStopLastAlone(t *testing.T) {
	inWorld(t, []Role{{Name: "origin", StopLast: true}}, func(w *world) {
		p := w.running()
		w.signals <- os.Interrupt
		synctest.Wait()
		w.wantOrders(p, "go drain")
	})
}

func TestSecondSignalKillsAtOnce(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		w.running()
		w.signals <- os.Interrupt
		w.signals <- os.Interrupt
		synctest.Wait()
		select {
		case <-w.over:
		default:
			t.Fatal("the supervisor still waits after the second signal")
		}
	})
}

func TestStopDuringBackOffStartsNothing(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		for range 6 {
			w.die(w.running(), "exit status 1")
		}
		w.signals <- os.Interrupt
		w.wait(time.Minute)
		w.wantProcs(6)
		<-w.over
	})
}

func TestRequestsAreRefused(t *testing.T) {
	acquire := frame{Type: askAcquire, ID: 7, Specs: []ListenSpec{spec("tcp", "127.0.0.1:1")}}
	for _, tt := range []struct {
		name  string
		role  Role
		ready bool
		ask   frame
		want  string
	}{
		{"no right to listen", Role{Name: "console"}, true, acquire, "console has no right to listen"},
		{"no right to control", Role{Name: "console"}, true, frame{Type: askRestart, ID: 7, Role: "console"}, "no right to control"},
		{"no right to look", Role{Name: "console"}, true, frame{Type: askStatus, ID: 7}, "no right to control"},
		{"before Go", Role{Name: "engine", MayListen: true}, false, acquire, "only the running process"},
		{"of a newer role", Role{Name: "engine"}, true, frame{Type: "sing", ID: 7}, `(version v1) does not know the request "sing"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, []Role{tt.role}, func(w *world) {
				p := w.procs[0]
				if tt.ready {
					w.running()
				}
				p.to.said(tt.ask)
				synctest.Wait()
				got := p.sent[len(p.sent)-1]
				if got.Type != answer || got.ID != 7 || !strings.Contains(got.Error, tt.want) || p.fds > 0 {
					t.Fatalf("answer = %+v with %d sockets, want an error with %q", got, p.fds, tt.want)
				}
			})
		})
	}
}

func TestDrainingProcessMayNotListen(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		old := w.running()
		w.restart("engine")
		w.running()
		for _, state := range []State{Releasing, DrainingState} {
			old.to.said(frame{Type: askKeep, ID: 1})
			synctest.Wait()
			if got := old.sent[len(old.sent)-1]; got.Error == "" {
				t.Fatalf("a %s process may close the listeners of its successor", state)
			}
			w.say(old, sayReleased)
		}
	})
}

func TestUnendingRequestKillsTheRole(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		p := w.running()
		f := frame{Type: askAcquire, ID: 1, Specs: make([]ListenSpec, specsPerFrame), More: true}
		for i := 0; i < 2*MaxSpecs/specsPerFrame && !p.dead; i++ {
			p.to.said(f)
			synctest.Wait()
		}
		if !p.dead {
			t.Fatal("the supervisor remembers without limit")
		}
	})
}

func TestEventsTellOfAnOwnerLost(t *testing.T) {
	inWorld(t, engine(), func(w *world) {
		w.die(w.running(), "signal: killed")
		var got []string
		for _, e := range w.events {
			got = append(got, string(e.Kind))
			if e.Kind == Exited && (!e.Owner || e.Cause != "signal: killed" || e.PID != 100) {
				t.Errorf("event = %+v, want the owner's exit and its cause", e)
			}
		}
		if s := strings.Join(got, " "); s != "started running exited started" {
			t.Errorf("events = %q", s)
		}
	})
}
