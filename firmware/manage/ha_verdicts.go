// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"evener/firmware/lb"
)

// A PeerHealth is what another box's probes say of a member.
type PeerHealth struct {
	Health string    `json:"health" doc:"up or down"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
}

// verdictTables are verdicts by box and by the key of a member.
type verdictTables struct {
	mu     sync.Mutex // guards what follows
	by     map[string]map[string]PeerHealth
	coming map[string]map[string]PeerHealth // of a snapshot that is not whole yet
}

// verdictMirror carries what the probes of each box have found.
func (b *Box) verdictMirror() *MirrorTable {
	t := &MirrorTable{Name: "verdicts"}
	own, theirs := &b.standby.tables.own, &b.standby.tables.theirs
	theirs.by, theirs.coming = map[string]map[string]PeerHealth{}, map[string]map[string]PeerHealth{}
	own.by = map[string]map[string]PeerHealth{"": {}}
	t.Snapshot = func(_ context.Context, yield func(key, value []byte) bool) error {
		own.mu.Lock()
		list := maps.Clone(own.by[""])
		own.mu.Unlock()
		for key, v := range list {
			value, err := json.Marshal(v)
			if err != nil {
				return err
			}
			if !yield([]byte(key), value) {
				break
			}
		}
		return nil
	}
	t.Begin = func(origin string) {
		theirs.mu.Lock()
		defer theirs.mu.Unlock()
		theirs.coming[origin] = map[string]PeerHealth{}
	}
	t.End = func(origin string) {
		theirs.mu.Lock()
		defer theirs.mu.Unlock()
		if list, ok := theirs.coming[origin]; ok {
			theirs.by[origin] = list
			delete(theirs.coming, origin)
		}
	}
	t.Apply = func(origin string, changes []MirrorChange) error {
		var down []lb.PeerVerdict
		err := t.each(changes, func(c MirrorChange) error {
			v, err := theirs.take(origin, c)
			if err == nil && !c.Deleted && v.Health == "down" {
				pool, member, _ := cutMember(c.Key)
				down = append(down, lb.PeerVerdict{Pool: pool, Member: member, Reason: v.Reason, Since: v.Since})
			}
			return err
		})
		if len(down) > 0 {
			b.cfg.Balancer.TakeVerdicts(origin, down)
		}
		return err
	}
	return t
}

// take keeps a verdict of origin.
func (v *verdictTables) take(origin string, c MirrorChange) (PeerHealth, error) {
	pool, member, err := cutMember(c.Key)
	if err != nil {
		return PeerHealth{}, err
	}
	var h PeerHealth
	if !c.Deleted {
		if err := json.Unmarshal(c.Value, &h); err != nil {
			return h, fmt.Errorf("read the verdict on %s/%s: %w", pool, member, err)
		}
		if h.Health != "up" && h.Health != "down" {
			return h, fmt.Errorf("the verdict on %s/%s is up or down, not %q", pool, member, h.Health)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	list := v.coming[origin]
	if list == nil {
		if list = v.by[origin]; list == nil {
			list = map[string]PeerHealth{}
			v.by[origin] = list
		}
	}
	if c.Deleted {
		delete(list, string(c.Key))
	} else if list[string(c.Key)] = h; len(list) > 1<<16 {
		delete(list, string(c.Key))
		return h, fmt.Errorf("%s tells of more than %d members", origin, 1<<16)
	}
	return h, nil
}

// peerHealth returns what other boxes say of a member, by box; nil: nothing.
func (b *Box) peerHealth(pool, member string) map[string]PeerHealth {
	v := &b.standby.tables.theirs
	v.mu.Lock()
	defer v.mu.Unlock()
	var out map[string]PeerHealth
	for node, list := range v.by {
		if h, ok := list[string(memberKey(pool, member))]; ok {
			if out == nil {
				out = map[string]PeerHealth{}
			}
			out[node] = h
		}
	}
	return out
}

// tellVerdicts tells peers what has changed of this box's verdicts. Those that came
// from a peer are none.
func (b *Box) tellVerdicts() {
	t, own := b.standby.tables.verdicts, &b.standby.tables.own
	now := map[string]PeerHealth{}
	for _, v := range b.cfg.Balancer.Verdicts() {
		h := PeerHealth{Health: "up", Reason: cutText(v.Reason, 512), Since: v.Since}
		if v.Down {
			h.Health = "down"
		}
		now[string(memberKey(v.Pool, v.Member))] = h
	}
	own.mu.Lock()
	before := own.by[""]
	own.by[""] = now
	own.mu.Unlock()
	for key, h := range now {
		if was, ok := before[key]; ok && was.Health == h.Health && was.Reason == h.Reason {
			continue
		}
		if value, err := json.Marshal(h); err == nil {
			t.put([]byte(key), value)
		}
	}
	for key := range before {
		if _, ok := now[key]; !ok {
			t.remove([]byte(key))
		}
	}
}
