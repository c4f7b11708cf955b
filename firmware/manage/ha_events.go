// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"slices"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
)

// tellChange makes an event of a change of a group, once: an engine that follows
// another one may get again what that had not acknowledged. s.mu is held.
func (b *Box) tellChange(node string, c HAChange) {
	j := b.cfg.Events
	if j == nil {
		return
	}
	e := event.New(changeKind(c), event.Object("group", c.Group), map[string]any{"group": c.Group, "node": node, "reason": c.Reason,
		"priority": int(c.Priority), "from": c.From, "to": c.To, "cause": c.Cause, "router": c.Router, "by": c.By})
	e.Time = c.Time
	same := event.Filter{From: c.Time, To: c.Time.Add(1), Kinds: []string{string(e.Kind)}, Objects: []string{e.Object}}
	if slices.ContainsFunc(j.Query(same, 16, 0), func(have event.Event) bool { return have.Text == e.Text }) {
		return
	}
	j.Add(e)
}

// haYoung is how long after its start a process of the role ha becomes active because
// that is how boxes begin, and not because something has happened to another one.
const haYoung = api.Duration(10 * time.Second)

// changeKind names a change. A takeover that nobody has ordered is worth a warning:
// clients are served, but something has happened to the other box.
func changeKind(c HAChange) event.Kind {
	switch {
	case c.From == c.To:
		return event.GroupChanged
	case c.To == HAActive && c.From == HABackup && (c.Cause == "advert" || c.Cause == "heartbeat") && c.Uptime > haYoung:
		return event.GroupTakeover
	case c.To == HAActive:
		return event.GroupActive
	case c.To == HABackup:
		return event.GroupBackup
	case c.To == HAFault:
		return event.GroupFault
	}
	return event.GroupInit
}

// tellAlarms makes events of alarms that have come and gone. s.mu is held.
func (b *Box) tellAlarms(list []HAAlarm) {
	s := &b.standby
	now := map[string]HAAlarm{}
	for _, a := range list {
		key := a.Severity + " " + a.Group + " " + a.Text
		now[key] = a
		if _, known := s.alarms[key]; known {
			continue
		}
		kind := event.StandbyWarning
		if a.Severity == severityError {
			kind = event.StandbyAlarm
		}
		b.happened(kind, alarmObject(a), map[string]any{"text": a.Text, "group": a.Group})
	}
	for key, a := range s.alarms {
		if _, still := now[key]; !still {
			b.happened(event.StandbyCleared, alarmObject(a), map[string]any{"text": a.Text, "group": a.Group})
		}
	}
	s.alarms = now
}

func alarmObject(a HAAlarm) string {
	if a.Group != "" {
		return event.Object("group", a.Group)
	}
	return "standby"
}
