// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"fmt"
	"slices"
	"time"

	"evener/ha/vrrp"
	"evener/ha/wire"
)

// The severities of alarms.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// alarm finds what somebody should look at, and since when it is so.
func (r *Runner) alarm() {
	var list []Alarm
	add := func(key, severity, group, text string) {
		since, ok := r.since[key]
		if !ok {
			since = today()
			r.since[key] = since
			r.log.Warn("alarm raised", "group", group, "text", text)
		}
		list = append(list, Alarm{Severity: severity, Group: group, Text: text, Since: since})
		r.raised[key] = true
	}
	clear(r.raised)
	for _, g := range r.groups {
		r.alarmGroup(g, add)
	}
	if r.beatProblem != "" {
		add("beats", SeverityError, "", "heartbeats cannot be received: "+r.beatProblem)
	}
	for key := range r.since {
		if !r.raised[key] {
			delete(r.since, key)
			r.log.Info("alarm over", "alarm", key)
		}
	}
	slices.SortStableFunc(list, func(a, b Alarm) int { return a.Since.Compare(b.Since) })
	r.alarms = list
}

// alarmGroup finds what is wrong with g.
func (r *Runner) alarmGroup(g *group, add func(key, severity, group, text string)) {
	now, name := r.now(), g.set.Name
	patience := vrrp.DownInterval(3, 1, g.set.Interval.D())
	switch {
	case g.held != "" && g.heldBy == CauseHeartbeat:
		add("split/"+name, SeverityError, name, g.held)
	case g.held != "" && now-g.heldFrom > patience:
		add("deaf/"+name, SeverityError, name, g.held)
	}
	both := r.alsoActive(g)
	if both == "" {
		g.bothFrom = 0
	} else if g.bothFrom == 0 {
		g.bothFrom = now
	}
	if both != "" && now-g.bothFrom > patience {
		add("both/"+name, SeverityError, name, both)
	}
	for _, rt := range g.routers {
		if rt.refused != "" {
			add("wire/"+name+"/"+rt.set.Name, SeverityError, name, fmt.Sprintf("port %s: %s", rt.portName(), rt.refused))
		}
		if rt.failed != "" && rt.m.State() == vrrp.Active {
			add("send/"+name+"/"+rt.set.Name, SeverityWarning, name, fmt.Sprintf("port %s: advertisements are not sent: %s", rt.portName(), rt.failed))
		}
	}
}

// alsoActive says which other box is ACTIVE while this one is, "" if none is known.
func (r *Runner) alsoActive(g *group) string {
	if g.state != Active {
		return ""
	}
	now := r.now()
	for _, rt := range g.routers {
		s := rt.m.Status(now)
		if s.Peer.Addr.IsValid() && !s.Peer.Gone && now-s.Peer.Heard < 2*max(s.Peer.Interval, g.set.Interval.D()) && s.Peer.Heard > s.Since {
			text := fmt.Sprintf("%v is active too on port %s, with priority %d: it does not hear this box, or does not believe it", s.Peer.Addr, rt.portName(), s.Peer.Priority)
			if rt.set.Version == 3 && rt.family() == wire.IPv4 && s.Peer.Checksum != rt.checksum {
				text += fmt.Sprintf("; it sends checksums of the form %v: set checksum = %q", s.Peer.Checksum, s.Peer.Checksum)
			}
			return text
		}
	}
	for _, p := range r.peers {
		if b, _, ok := p.fresh(r, g); ok && b.State == Active {
			return fmt.Sprintf("peer %s seen by heartbeat but not by VRRP%s: both boxes are active, %s", p.set.Name, g.ports(), g.routers[0].deafness(now))
		}
	}
	return ""
}

// ports names the ports of g for a sentence.
func (g *group) ports() string {
	text := ""
	for i, rt := range g.routers {
		if i > 0 {
			text += ","
		}
		text += " on port " + rt.portName()
	}
	return text
}

// alarmEvery is how often alarms are looked for, besides at each report.
const alarmEvery = time.Second
