// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"evener/firmware/api"
)

const (
	pulseWait  = 250 * time.Millisecond // how long ha.pulse waits for something new
	loopSilent = 500 * time.Millisecond // from then on an event loop counts as stuck
	haSilent   = 3 * time.Second        // from then on the process of the role ha counts as gone
	orderLife  = 20 * time.Second       // for an order to be carried out
)

// Bounds of a report.
const (
	maxHAGroups  = 1024
	maxHAChanges = 4096
	maxHAText    = 4 << 10
)

// pulseParams have the report as it is: the two processes may be of versions that
// differ, while one was replaced and the other not yet, and what this one does not
// know must not end the talk.
type pulseParams struct {
	Report json.RawMessage `json:"report" doc:"an HAReport"`
}

func (b *Box) haPulse(ctx context.Context, c api.Call, p pulseParams) (HAPulse, error) {
	if err := onlyHA(c); err != nil {
		return HAPulse{}, err
	}
	r := new(HAReport)
	if err := json.Unmarshal(p.Report, r); err != nil {
		return HAPulse{}, api.Errorf(api.CodeParams, "params.report", "the report cannot be read: %v", err)
	}
	for _, g := range r.Groups {
		if !slices.Contains(haStates, g.State) {
			return HAPulse{}, api.Errorf(api.CodeParams, "params.report", "a group is init, backup, active or at fault, not %q", g.State)
		}
	}
	if len(r.Groups) > maxHAGroups || len(r.Peers) > maxHAGroups || len(r.Alarms) > maxHAGroups || len(r.Changes) > maxHAChanges || len(r.Problem) > maxHAText {
		return HAPulse{}, api.Errorf(api.CodeParams, "params.report", "a report has %d groups, peers and alarms, %d changes and 4 KiB of problem at most", maxHAGroups, maxHAChanges)
	}
	b.takeReport(r)
	late := time.NewTimer(pulseWait)
	defer late.Stop()
	s := &b.standby
	for {
		s.mu.Lock()
		wake := s.wake
		s.mu.Unlock()
		answer := b.pulse()
		text, err := json.Marshal(answer)
		if err != nil {
			return HAPulse{}, err
		}
		s.mu.Lock()
		fresh := s.answered != string(text)
		s.answered = string(text)
		s.mu.Unlock()
		if fresh {
			return answer, nil
		}
		select {
		case <-wake:
		case <-late.C:
			return b.pulse(), nil
		case <-ctx.Done():
			return answer, nil
		}
	}
}

// pulse returns what the process of the role ha is to know now.
func (b *Box) pulse() HAPulse {
	s := &b.standby
	out := HAPulse{Engine: b.serving(), Orders: []HAOrder{}, Mirror: map[string]HAConnected{}}
	out.Tracks = b.trackStates(b.standbyConfig())
	if b.cfg.Mirror != nil {
		for name, p := range b.cfg.Mirror.Status().Peers {
			out.Mirror[name] = HAConnected{p.Connected}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Settings, out.Acked = s.settings.Number, s.acked
	out.Orders = append(out.Orders, s.orders...)
	return out
}

// serving says whether clients are served: the event loops turn, and there is a
// configuration. One that could not be served whole is told as a problem, and does
// not move the addresses: the other box has the same.
func (b *Box) serving() HAEngine {
	if err := b.cfg.Balancer.Serving(); err != nil {
		return HAEngine{false, err.Error()}
	}
	if d := b.cfg.Balancer.Silence(); d > loopSilent {
		return HAEngine{false, fmt.Sprintf("an event loop has not turned for %v", d.Round(100*time.Millisecond))}
	}
	return HAEngine{Serving: true}
}

// takeReport keeps what the process of the role ha tells.
func (b *Box) takeReport(r *HAReport) {
	now := time.Now()
	s := &b.standby
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Epoch != s.epoch {
		s.epoch, s.acked = r.Epoch, 0
	}
	b.claimSources(&s.report, r, s.acked)
	for _, c := range r.Changes {
		if c.Number <= s.acked {
			continue
		}
		s.acked = c.Number
		if c.From != c.To {
			s.changes[c.Group]++
		}
		b.tellChange(s.node, c)
	}
	b.tellAlarms(r.Alarms)
	s.settleOrders(r.Orders)
	old := s.report
	s.report, s.heard = *r, now
	s.report.Changes = nil
	if b.cfg.Active != nil {
		b.cfg.Active(r.active())
	}
	if b.reportDiffers(&old, r) {
		changed(s.topic)
	}
}

// reportDiffers tells whether people should be shown the report at once: counters
// alone wait for the second.
func (b *Box) reportDiffers(old, r *HAReport) bool {
	if len(old.Groups) != len(r.Groups) || old.Problem != r.Problem || len(old.Alarms) != len(r.Alarms) {
		return true
	}
	for i := range r.Groups {
		g, was := &r.Groups[i], &old.Groups[i]
		if g.Name != was.Name || g.State != was.State || g.Priority != was.Priority || g.Active != was.Active || g.Reason != was.Reason {
			return true
		}
	}
	return false
}

// active returns which groups are active on this box.
func (r *HAReport) active() map[string]bool {
	out := map[string]bool{}
	for _, g := range r.Groups {
		if g.State == HAActive {
			out[g.Name] = true
		}
	}
	return out
}

// settleOrders tells those who wait what became of their orders. s.mu is held.
func (s *standby) settleOrders(done []HAOrderOutcome) {
	for _, d := range done {
		s.lastID = max(s.lastID, d.ID)
		for i, o := range s.orders {
			if o.ID != d.ID {
				continue
			}
			s.orders = append(s.orders[:i:i], s.orders[i+1:]...)
			if w := s.waits[d.ID]; w != nil {
				w <- d
				delete(s.waits, d.ID)
			}
			break
		}
	}
}

// order has the process of the role ha carry something out, and returns what became
// of it.
func (b *Box) order(ctx context.Context, o HAOrder) (string, error) {
	s := &b.standby
	s.mu.Lock()
	if s.heard.IsZero() || time.Since(s.heard) > haSilent {
		s.mu.Unlock()
		return "", api.Errorf(api.CodeFailed, "ha.silent", "the process that moves addresses does not answer (evener status shows the role ha)")
	}
	s.lastID = max(s.lastID+1, uint64(time.Now().UnixMicro()))
	o.ID = s.lastID
	done := make(chan HAOrderOutcome, 1)
	s.orders, s.waits[o.ID] = append(s.orders, o), done
	s.poke()
	s.mu.Unlock()
	late := time.NewTimer(orderLife)
	defer late.Stop()
	select {
	case d := <-done:
		if !d.OK {
			return "", api.Errorf(api.CodeConflict, "ha.order", "%s", d.Text)
		}
		return d.Text, nil
	case <-late.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleOrders([]HAOrderOutcome{{ID: o.ID}}) // nobody is to carry it out any more
	return "", api.Errorf(api.CodeTimeout, "ha.order", "the order was not carried out in time")
}
