// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"time"

	"evener/firmware/stats"
)

// haStates are the states of a group, for the metrics.
var haStates = []string{HAInit, HABackup, HAActive, HAFault}

// collectHA writes hot standby into the metrics.
func (b *Box) collectHA(w *stats.Writer) {
	h := b.showHA()
	if !h.Configured {
		return
	}
	b.standby.mu.Lock()
	changes := make(map[string]uint64, len(b.standby.changes))
	for name, n := range b.standby.changes {
		changes[name] = n
	}
	b.standby.mu.Unlock()
	for _, g := range h.Groups {
		w.State(stats.GroupState, haStates, g.State, g.Name)
		w.Int(stats.GroupPriority, int64(g.Priority), g.Name)
		w.Uint(stats.GroupTransitions, changes[g.Name], g.Name)
		for _, r := range g.Routers {
			w.Uint(stats.RouterSent, r.Sent, g.Name, r.Name)
			w.Uint(stats.RouterReceived, r.Received, g.Name, r.Name)
			for reason, n := range r.Errors {
				w.Uint(stats.RouterErrors, n, g.Name, r.Name, reason)
			}
		}
	}
	for _, p := range h.Peers {
		w.Bool(stats.PeerSeen, p.Heartbeat.Seen, p.Name)
		w.Bool(stats.PeerConnected, p.Mirror.Connected, p.Name)
		w.Float(stats.PeerLag, time.Duration(p.Mirror.Lag).Seconds(), p.Name)
		w.Int(stats.PeerQueued, int64(p.Mirror.Queued), p.Name)
		w.Int(stats.PeerDifferences, int64(len(p.Differences.Objects)), p.Name)
	}
	for _, t := range h.Mirror.Tables {
		w.Uint(stats.MirrorRecords, t.Applied, t.Name, "applied")
		w.Uint(stats.MirrorRecords, t.Refused, t.Name, "refused")
	}
	for _, severity := range []string{severityError, severityWarning} {
		n := int64(0)
		for _, a := range h.Alarms {
			if a.Severity == severity {
				n++
			}
		}
		w.Int(stats.StandbyAlarms, n, severity)
	}
}
