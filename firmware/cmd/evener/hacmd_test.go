// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
)

func standbyShown() manage.HAShow {
	return manage.HAShow{Configured: true, Node: "right", Summary: "on standby for front (active on left); peer left is in sync",
		Alarms: []manage.HAAlarm{{Severity: "warning", Group: "front", Text: "seen by heartbeat, and not by VRRP on port lan1"}},
		Groups: []manage.HAGroup{{Homes: []string{"left", "right"}, Preferred: "left", Clusters: []string{"shop"}, HAGroupReport: manage.HAGroupReport{
			Name: "front", State: "backup", Reason: "192.0.2.1 has priority 200, this box 90", Active: "left", Base: 150, Priority: 90, Pinned: true,
			Held: "left is well by its heartbeat",
			Parts: []manage.HAPart{{Cause: "engine", OK: true, Detail: "serves"},
				{Cause: "port lan2", Weight: 60, Detail: "no link"}},
			Routers: []manage.HARouter{{Name: "lan", Interface: "eth1", VRID: 10, Addresses: []string{"192.0.2.10/24"}, State: "backup",
				Master: "192.0.2.1", MasterPriority: 200, Received: 7, Errors: map[string]uint64{"ttl": 2}}}}}},
		Peers: []manage.HAPeer{{Name: "left", Address: "10.255.0.1:7460", Paired: true, Heartbeat: manage.HAHeartbeat{Seen: true, Age: api.Duration(12 * time.Millisecond)},
			Mirror:      manage.HAPeerMirror{Connected: true, Acked: 9, Lag: api.Duration(3 * time.Millisecond)},
			Groups:      map[string]manage.HAPeerGroup{"front": {State: "active", Priority: 200, Healthy: true, Reason: "all is well"}},
			Differences: manage.HADifferences{State: manage.HAMineNewer, Objects: []manage.HADifference{{Block: "pool", Name: "shop", Who: "mine"}}}}},
		Mirror: manage.HAMirror{Listen: "10.255.0.2:7460", Fingerprint: "ab01", Pairing: manage.HAPairIdle}}
}

const standbyTold = `right: on standby for front (active on left); peer left is in sync
warning: front: seen by heartbeat, and not by VRRP on port lan1

group front: BACKUP here
  why: 192.0.2.1 has priority 200, this box 90
  held back: left is well by its heartbeat
  active: on left; homes: left, right; stays where it was put until evener ha rebalance
  priority 90: 150 by its place in homes, less 60 for port lan2
    ok    engine: serves
    down  port lan2: no link (-60)
  left says: ACTIVE, priority 200: all is well
  clusters: shop
ROUTER  PORT  VRID  ADDRESSES      STATE   ACTIVE-ROUTER    SENT  RECEIVED  REFUSED
lan     eth1  10    192.0.2.10/24  BACKUP  192.0.2.1 (200)  0     7         ttl=2

peer left at 10.255.0.1:7460: paired
  heartbeat: heard 12ms ago
  mirror: connected since -, 9 changes acknowledged, 0 wait, lag 3ms
  configuration: mine newer: 1 object differs (evener ha sync)

mirror: listens on 10.255.0.2:7460
  this box's certificate, SHA-256: AB:01
`

func TestHAShowExplains(t *testing.T) {
	var out bytes.Buffer
	printHA(&out, standbyShown())
	if got := out.String(); got != standbyTold {
		t.Errorf("ha show prints\n%s\nwant\n%s", got, standbyTold)
	}
}

// What takes a box out of a group is told, also where the priority does not say so.
func TestHAShowExplainsFaultsAndOwners(t *testing.T) {
	h := standbyShown()
	g := &h.Groups[0]
	g.State, g.Parts = "fault", []manage.HAPart{{Cause: "port lan1", Detail: "no link"}}
	g.Priority = 0
	var out bytes.Buffer
	printHA(&out, h)
	for _, want := range []string{"group front: FAULT here", "all taken away by port lan1", "no link (fault: this box cannot be active)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("ha show lacks %q:\n%s", want, &out)
		}
	}
	g.Priority, g.Parts = 254, append(g.Parts, manage.HAPart{Cause: "pinned", OK: true, Detail: "by a switch by ann"})
	out.Reset()
	printHA(&out, h)
	if want := "priority 254: pinned by an order, in place of 150 by its place in homes, all taken away by port lan1"; !strings.Contains(out.String(), want) {
		t.Errorf("ha show lacks %q:\n%s", want, &out)
	}
	g.Priority = 255
	out.Reset()
	printHA(&out, h)
	if want := "priority 255: this box owns the addresses, whatever is tracked"; !strings.Contains(out.String(), want) {
		t.Errorf("ha show lacks %q:\n%s", want, &out)
	}
}

func TestHAShowOfABoxAlone(t *testing.T) {
	var out bytes.Buffer
	printHA(&out, manage.HAShow{Node: "left", Summary: "this box stands alone"})
	if got := out.String(); !strings.Contains(got, "left: this box stands alone\n") || !strings.Contains(got, "docs/manual/ha.md") || strings.Contains(got, "mirror:") {
		t.Errorf("ha show prints\n%s", got)
	}
}

func TestDifferencesShowBothSides(t *testing.T) {
	d := manage.HADifferences{State: manage.HAConflict, Objects: []manage.HADifference{
		{Block: "pool", Name: "shop", Who: "both", Mine: "pool \"shop\" {\n}\n", Theirs: "pool \"shop\" { policy = \"random\" }\n"},
		{Block: "engine", Who: "theirs", Theirs: "engine {}\n"}}}
	var out bytes.Buffer
	printDifferences(&out, "right", d, 2)
	for _, want := range []string{"right: conflict: 2 objects differ\n", "pool/shop: changed on both\n- pool \"shop\" {\n- }\n+ pool \"shop\" { policy",
		"engine: changed on right\n- (not here)\n+ engine {}\n", "--take mine"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("ha sync lacks %q:\n%s", want, &out)
		}
	}
	if list, err := chosen(d.Objects, []string{"engine"}, "right"); err != nil || len(list) != 1 || list[0].Block != "engine" {
		t.Errorf("chosen = %v, %v", list, err)
	}
	if _, err := chosen(d.Objects, []string{"pool/other"}, "right"); err == nil || err.Error() != "pool/other does not differ from right's" {
		t.Errorf("chosen = %v", err)
	}
}

func TestAnswersToAPairingCode(t *testing.T) {
	for _, tt := range []struct {
		line      string
		want, bad bool
	}{
		{"yes", true, false}, {" Y ", true, false}, {"123456", true, false}, {"123 456", true, false},
		{"no", false, false}, {"n", false, false}, {"123457", false, false},
		{"yess", false, true}, {"", false, true}, {"12345", false, true},
	} {
		if got, err := yesNo(tt.line, "123456"); got != tt.want || (err != nil) != tt.bad {
			t.Errorf("yesNo(%q) = %v, %v", tt.line, got, err)
		}
	}
}

func TestRehearsalsAreTold(t *testing.T) {
	r := manage.HARehearsal{Group: "front", Kind: "crash", From: "left", To: "right", State: "done", Prober: "right", Started: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
		Away: manage.HARehearsalLeg{Asked: 300, Failed: 31, Gap: api.Duration(312 * time.Millisecond), Kept: 1, Broken: 9, Takeover: api.Duration(360 * time.Millisecond)}}
	var one, all bytes.Buffer
	printRehearsal(&one, r)
	if want := "left to right: 31 of 300 requests failed, 312ms without an answer at most, taken over in 360ms, 1 of 10 connections kept\n"; !strings.Contains(one.String(), want) {
		t.Errorf("a rehearsal prints\n%s\nwithout %q", &one, want)
	}
	if strings.Contains(one.String(), "right to left") || !strings.Contains(one.String(), "takes part itself") {
		t.Errorf("a rehearsal prints\n%s", &one)
	}
	printRehearsals(&all, manage.HARehearsals{Rehearsals: []manage.HARehearsal{r}})
	if want := "2026-11-21 08:00:00  front  crash  left  right  done   31/300  312ms  -            0s        -\n"; !strings.Contains(all.String(), want) {
		t.Errorf("rehearsals print\n%s\nwithout %q", &all, want)
	}
}
