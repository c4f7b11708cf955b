// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
	"evener/firmware/lb"
)

func TestSettingsSayWhatTheConfigurationWants(t *testing.T) {
	left, right, _ := newPair(t, 8080)
	s := must[HASettings](left, theHA, "ha.settings", args{})
	if s.Node != "left" || s.Listen != "127.0.0.1:7460" || len(s.Peers) != 1 || s.Peers[0].Name != "right" || len(s.Peers[0].Key) != 32 {
		t.Errorf("settings of %s at %s with peers %+v, want left with the paired peer right", s.Node, s.Listen, s.Peers)
	}
	if len(s.Groups) != 1 {
		t.Fatalf("groups %+v, want front", s.Groups)
	}
	g := s.Groups[0]
	if g.Base != 200 || !g.Preempt || time.Duration(g.EngineHold) != 2*time.Second || len(g.Routers) != 1 || g.Routers[0].Interface != "eth7" || !slices.Equal(g.Routers[0].Unicast, []string{"127.0.0.2"}) {
		t.Errorf("group %+v, want base 200, preempt, 2s of engine_hold, a router on eth7 with the peer 127.0.0.2 alone", g)
	}
	var keys []string
	for _, tr := range g.Tracks {
		keys = append(keys, tr.key())
	}
	if want := []string{"pool/shop (at least 2)", "custom/db"}; !slices.Equal(keys, want) {
		t.Errorf("tracks %q, want %q", keys, want)
	}
	if r := must[HASettings](right, theHA, "ha.settings", args{}); r.Groups[0].Base != 150 || r.Number == s.Number {
		t.Errorf("right has base %d and the number %d, want 150 and another than %d", r.Groups[0].Base, r.Number, s.Number)
	}
	if again := left.makeHASettings(left.standbyConfig(), "left"); again.Number != s.Number {
		t.Errorf("the same settings have the numbers %d and %d", s.Number, again.Number)
	}
	for _, c := range []api.Call{by("ann"), {Origin: HARole, Author: "x"}, {Origin: ConsoleRole}} {
		refused(left, c, "ha.settings", args{}, "ha.only")
		refused(left, c, "ha.pulse", args{"report": HAReport{}}, "ha.only")
	}
}

func TestPulseTellsWhetherClientsAreServed(t *testing.T) {
	left, _, _ := newPair(t, 8080)
	f := runHA(t, left, "left", HAActive)
	await(t, "the engine serves", func() bool { return f.last().Engine.Serving })
	p := f.last()
	if _, known := p.Tracks["custom/db"]; known {
		t.Error("a custom track of which nobody has told is known")
	}
	if st := p.Tracks["pool/shop (at least 2)"]; !st.OK {
		t.Errorf("the pool's track is %+v, want ok", st)
	}
	if !p.Mirror["right"].Connected {
		t.Errorf("mirror %+v, want right connected", p.Mirror)
	}
	must[HATracks](left, by("ann"), "ha.track", args{"name": "db", "ok": false, "reason": "replica lags"})
	await(t, "the report arrives", func() bool { st, ok := f.last().Tracks["custom/db"]; return ok && !st.OK && st.Why == "replica lags" })
	if err := left.cfg.Balancer.Disable("shop", "web1", lb.Order{By: "ann"}); err != nil {
		t.Fatal(err)
	}
	await(t, "the pool's track fails", func() bool { return !f.last().Tracks["pool/shop (at least 2)"].OK })
	left.cfg.Balancer.Drain()
	await(t, "a draining engine does not serve", func() bool { return !f.last().Engine.Serving })
	refused(left, by("ann"), "ha.track", args{"name": "nothing", "ok": true}, "not_found")
	refused(left, by("ann"), "ha.track", args{"name": "db", "ok": true, "ttl": "48h"}, "params.ttl")
}

func TestCustomTrackFailsWhenNobodyReports(t *testing.T) {
	left, _, _ := newPair(t, 8080)
	s := &left.standby
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.began.Add(9 * time.Second)
	if st, ok := s.customState("db", now); ok {
		t.Errorf("before its time is over it is %+v, want unknown", st)
	}
	if st, ok := s.customState("db", now.Add(2*time.Second)); !ok || st.OK {
		t.Errorf("after its time it is %+v (%v), want failing", st, ok)
	}
	s.custom["db"] = customTrack{true, "fine", now.Add(time.Second)}
	if st, _ := s.customState("db", now); !st.OK {
		t.Errorf("a report that holds gives %+v", st)
	}
	if st, _ := s.customState("db", now.Add(time.Second)); st.OK || !strings.Contains(st.Why, "too old") {
		t.Errorf("an old report gives %+v, want failing", st)
	}
}

func TestChangesBecomeEventsOnce(t *testing.T) {
	left, _, _ := newPair(t, 8080)
	change := HAChange{Number: 4, Time: time.Now().Round(0), Uptime: api.Duration(time.Hour), Group: "front", From: HABackup, To: HAActive, Priority: 200, Cause: "advert", Reason: "no advertisement from 10.0.0.2"}
	r := HAReport{Epoch: 9, Changes: []HAChange{change}, Alarms: []HAAlarm{{Severity: severityError, Group: "front", Text: "split on lan", Since: time.Now()}}}
	count := func(kind event.Kind) int {
		return len(left.cfg.Events.Query(event.Filter{Kinds: []string{string(kind)}}, 100, 0))
	}
	for range 2 {
		if p := must[HAPulse](left, theHA, "ha.pulse", args{"report": r}); p.Acked != 4 {
			t.Errorf("acknowledged up to %d, want 4", p.Acked)
		}
	}
	if n := count(event.GroupTakeover); n != 1 {
		t.Errorf("%d takeovers are told, want 1", n)
	}
	left.standby.mu.Lock()
	moved := left.standby.changes["front"]
	left.standby.mu.Unlock()
	if moved != 1 {
		t.Errorf("%d changes of state are counted, want 1", moved)
	}
	if n := count(event.StandbyAlarm); n != 1 {
		t.Errorf("%d alarms are told, want 1", n)
	}
	left.standby.mu.Lock()
	left.standby.epoch = 0 // as an engine that has just followed another
	left.standby.mu.Unlock()
	r.Alarms = nil
	must[HAPulse](left, theHA, "ha.pulse", args{"report": r})
	if n := count(event.GroupTakeover); n != 1 {
		t.Errorf("the next engine tells it again: %d takeovers", n)
	}
	if n := count(event.StandbyCleared); n != 1 {
		t.Errorf("the end of the alarm is told %d times, want once", n)
	}
	newer := args{"epoch": 9, "groups": []args{{"name": "front", "state": HABackup, "mood": "good"}}, "weather": "fine"}
	if p := must[HAPulse](left, theHA, "ha.pulse", args{"report": newer}); p.Acked != 4 {
		t.Errorf("a newer process of the role ha gets the answer %+v", p)
	}
	refused(left, theHA, "ha.pulse", args{"report": "well"}, "params.report")
	refused(left, theHA, "ha.pulse", args{"report": HAReport{Groups: []HAGroupReport{{Name: "front", State: "happy"}}}}, "params.report")
}

func TestShowSumsUp(t *testing.T) {
	left, _, c := newPair(t, 8080)
	f := runHA(t, left, "left", HABackup)
	f.set(func(r *HAReport) {
		r.Peers = []HAPeerReport{{Name: "right", Paired: true, Seen: true, Groups: map[string]HAPeerGroup{"front": {State: HAActive, Healthy: true}}}}
	})
	show := func() HAShow { return must[HAShow](left, by("ann"), "ha.show", args{}) }
	await(t, "right is active", func() bool { g := show().Groups; return len(g) == 1 && g[0].Active == "right" })
	h := show()
	if want := "on standby for front (active on right); peer right is in sync"; h.Summary != want {
		t.Errorf("summary %q, want %q", h.Summary, want)
	}
	if g := h.Groups[0]; !g.Home || g.Preferred != "left" || !slices.Equal(g.Clusters, []string{"front"}) {
		t.Errorf("group %+v, want home here, with the cluster front", g)
	}
	clusters := must[Clusters](left, by("ann"), "cluster.list", args{})
	if got := clusters.Clusters[0]; got.Group != "front" || got.Standby != "group front is active on right" {
		t.Errorf("the cluster follows %q: %q", got.Group, got.Standby)
	}
	c.mu.Lock()
	c.cut = true
	c.mu.Unlock()
	if h := show(); !strings.Contains(h.Summary, "peer right is alive, but not reached by the mirror") || len(h.Alarms) != 1 {
		t.Errorf("without the mirror: %q, alarms %+v", h.Summary, h.Alarms)
	}
	f.set(func(r *HAReport) { r.Groups[0].State, r.Peers = HAActive, nil })
	await(t, "left is active", func() bool { return strings.HasPrefix(show().Summary, "active for front; peer right is away") })
	if got := must[Clusters](left, by("ann"), "cluster.list", args{}).Clusters[0]; got.Standby != "" {
		t.Errorf("the cluster of the active group is on standby: %q", got.Standby)
	}
}

func TestSwitchGoesToTheActiveBox(t *testing.T) {
	left, right, c := newPair(t, 8080)
	l, r := runHA(t, left, "left", HAActive), runHA(t, right, "right", HABackup)
	r.set(func(x *HAReport) {
		x.Peers = []HAPeerReport{{Name: "left", Seen: true, Groups: map[string]HAPeerGroup{"front": {State: HAActive, Healthy: true}}}}
	})
	await(t, "right knows that left is active", func() bool { return right.showHA().Groups[0].Active == "left" })
	await(t, "left has told of itself", func() bool { return left.showHA().Groups[0].Active == "left" })
	done := must[Switched](right, by("ann"), "ha.switch", args{"group": "front", "node": "right"})
	if !slices.Equal(done.Text, []string{"switch done by left"}) {
		t.Errorf("the switch was told as %q, want it done by left", done.Text)
	}
	l.mu.Lock()
	o := l.orders[0]
	l.mu.Unlock()
	if o.Kind != HAOrderSwitch || o.Group != "front" || o.Node != "right" || o.By != "ann on right" {
		t.Errorf("left was ordered %+v", o)
	}
	refused(right, by("ann"), "ha.switch", args{"group": "front", "node": "middle"}, "params.node")
	refused(right, by("ann"), "ha.switch", args{"group": "front", "node": "left"}, "ha.there")
	refused(right, by("ann"), "ha.switch", args{"group": "back"}, "not_found")
	l.mu.Lock()
	l.refuses = "right cannot take it"
	l.mu.Unlock()
	if e := refused(right, by("ann"), "ha.switch", args{"group": "front"}, "ha.peer"); !strings.Contains(e.Message, "right cannot take it") {
		t.Errorf("the refusal reads %q", e.Message)
	}
	l.mu.Lock()
	l.refuses = ""
	l.mu.Unlock()
	if both := must[Switched](left, by("ann"), "ha.rebalance", args{}); len(both.Text) != 2 {
		t.Errorf("rebalancing was told as %q, want a line for each box", both.Text)
	}
	c.mu.Lock()
	c.cut = true
	c.mu.Unlock()
	refused(right, by("ann"), "ha.switch", args{"group": "front"}, "ha.peer")
}
