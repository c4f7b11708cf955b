// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"evener/firmware/event"
)

// frontServer answers on an address of the group front, whichever box is active.
func frontServer(t *testing.T) (port int, fail *atomic.Bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.77:0")
	if err != nil {
		t.Fatal(err)
	}
	fail = new(atomic.Bool)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fail.Load() || r.URL.Path != "/health" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return l.Addr().(*net.TCPAddr).Port, fail
}

// A stage is two boxes whose fakes move the group front as they are ordered.
type stage struct {
	left, right *desk
	l, r        *fakeHA
}

// newStage returns boxes of which left is active.
func newStage(t *testing.T, port int) *stage {
	t.Helper()
	s := &stage{}
	s.left, s.right, _ = newPair(t, port)
	s.l, s.r = runHA(t, s.left, "left", HAActive), runHA(t, s.right, "right", HABackup)
	s.tell("left")
	s.l.mu.Lock()
	s.l.obey = s.moves("left")
	s.l.mu.Unlock()
	s.r.mu.Lock()
	s.r.obey = s.moves("right")
	s.r.mu.Unlock()
	runStandby(t, s.left, s.right)
	await(t, "both know that left is active", func() bool {
		return s.left.showHA().Groups[0].Active == "left" && s.right.showHA().Groups[0].Active == "left"
	})
	await(t, "left knows that right could take over", func() bool {
		return s.left.understudy(s.left.standbyConfig().Group("front"), "left") == "right"
	})
	return s
}

// moves returns what the fake of a box does when it is ordered.
func (s *stage) moves(node string) func(HAOrder) {
	return func(o HAOrder) {
		switch {
		case o.Kind == HAOrderCrash:
			go s.tell(map[string]string{"left": "right", "right": "left"}[node])
		case o.Kind == HAOrderSwitch:
			go s.tell(o.Node)
		}
	}
}

// tell has both fakes tell that a box is active.
func (s *stage) tell(active string) {
	for f, peer := range map[*fakeHA]string{s.l: "right", s.r: "left"} {
		f.set(func(r *HAReport) {
			groups := map[string]HAPeerGroup{"front": {State: HABackup, Healthy: true}}
			r.Groups[0].State, r.Groups[0].Active = HABackup, active
			if active == f.node {
				r.Groups[0].State = HAActive
			} else {
				groups["front"] = HAPeerGroup{State: HAActive, Healthy: true}
			}
			r.Peers = []HAPeerReport{{Name: peer, Paired: true, Seen: true, Groups: groups}}
		})
	}
}

func (s *stage) outcome(t *testing.T, d *desk) HARehearsal {
	t.Helper()
	var out HARehearsals
	await(t, "the rehearsal ends", func() bool {
		out = must[HARehearsals](d, by("ann"), "ha.rehearsals", args{})
		return out.Running == nil && len(out.Rehearsals) > 0
	})
	return out.Rehearsals[0]
}

func TestRehearsalMovesTheGroupAwayAndBackAndMeasures(t *testing.T) {
	for _, kind := range []string{"planned", "crash"} {
		t.Run(kind, func(t *testing.T) {
			port, _ := frontServer(t)
			s := newStage(t, port)
			admin := by("ann")
			admin.Sudo = true
			refused(s.left, by("ann"), "ha.rehearse", args{"group": "front", "kind": kind}, "auth.sudo")
			begun := must[HARehearsal](s.left, admin, "ha.rehearse", args{"group": "front", "kind": kind, "path": "/health"})
			if begun.From != "left" || begun.To != "right" || begun.Prober != "right" || begun.Outside {
				t.Errorf("begun %+v, want from left to right, asked by right", begun)
			}
			refused(s.left, admin, "ha.rehearse", args{"group": "front", "kind": kind}, "ha.rehearsing")
			r := s.outcome(t, s.left)
			if r.State != "done" || r.Problem != "" {
				t.Fatalf("the rehearsal is %s: %s", r.State, r.Problem)
			}
			for _, leg := range []HARehearsalLeg{r.Away, r.Back} {
				if leg.Asked < steadyAnswers || leg.Failed != 0 || leg.Gap <= 0 || leg.Takeover <= 0 {
					t.Errorf("measured %+v, want requests without a failure, a gap and the time of the takeover", leg)
				}
			}
			if active := s.left.showHA().Groups[0].Active; active != "left" {
				t.Errorf("the group ended on %s, want left", active)
			}
			await(t, "right keeps the result too", func() bool {
				list := must[HARehearsals](s.right, by("bob"), "ha.rehearsals", args{}).Rehearsals
				return len(list) == 1 && list[0].ID == r.ID
			})
			if n := len(s.left.cfg.Events.Query(event.Filter{Kinds: []string{string(event.RehearsalDone)}}, 9, 0)); n != 1 {
				t.Errorf("%d events tell of it, want 1", n)
			}
			s.l.mu.Lock()
			last := s.l.orders[len(s.l.orders)-1]
			s.l.mu.Unlock()
			if last.Kind != HAOrderRebalance || last.Group != "front" {
				t.Errorf("left's last order was %+v: the group stays pinned", last)
			}
		})
	}
}

func TestRehearsalThatCannotBeMeasuredMovesNothing(t *testing.T) {
	port, fail := frontServer(t)
	s := newStage(t, port)
	admin := by("ann")
	admin.Sudo = true
	refused(s.left, admin, "ha.rehearse", args{"group": "front", "kind": "sudden"}, "params.kind")
	refused(s.left, admin, "ha.rehearse", args{"group": "front", "kind": "crash", "path": "health"}, "params.path")
	s.r.set(func(r *HAReport) { r.Groups[0].Healthy = false })
	s.l.set(func(r *HAReport) { r.Peers[0].Groups = map[string]HAPeerGroup{"front": {State: HAFault}} })
	await(t, "left knows that right is not well", func() bool { return s.left.understudy(s.left.standbyConfig().Group("front"), "left") == "" })
	refused(s.left, admin, "ha.rehearse", args{"group": "front", "kind": "planned"}, "ha.nobody")
	s.tell("left")
	await(t, "right is well again", func() bool { return s.left.understudy(s.left.standbyConfig().Group("front"), "left") == "right" })
	fail.Store(true)
	must[HARehearsal](s.left, admin, "ha.rehearse", args{"group": "front", "kind": "planned", "path": "/health"})
	await(t, "the probe fails", func() bool {
		s.right.loss.mu.Lock()
		defer s.right.loss.mu.Unlock()
		if s.right.loss.probe == nil {
			return false
		}
		_, err := s.right.loss.probe.steady(1)
		return err != nil && strings.Contains(err.Error(), "503")
	})
	s.l.mu.Lock()
	n := len(s.l.orders)
	s.l.mu.Unlock()
	if n != 0 {
		t.Errorf("%d orders were given although nothing answers", n)
	}
	fail.Store(false) // it goes on
	if r := s.outcome(t, s.left); r.State != "done" {
		t.Errorf("after the answers have come the rehearsal is %s: %s", r.State, r.Problem)
	}
}
