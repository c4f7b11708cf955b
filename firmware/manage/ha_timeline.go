// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
	"evener/firmware/phrase"
)

const (
	keptTimeline = 512              // entries of each peer, and as many are told to each
	nearBefore   = 15 * time.Second // what happened so long before a change of a group may be its cause
	nearAfter    = 5 * time.Second
)

// Kinds of events that a timeline of failover groups has, and those that it has near
// others.
var (
	timelineKinds = []string{"group.*", "standby.*", "peer.*", "rehearsal.*", "config.mirrored", "config.refused"}
	nearKinds     = []string{"port.*", "member.up", "member.down", "pool.*", "role.*", "engine.*", "config.*", "watchdog.*"}
)

// timelines are what peers have told.
type timelines struct {
	mu sync.Mutex // guards what follows
	by map[string]map[string]HAEntry
}

type timelineParams struct {
	Limit  int       `json:"limit,omitempty" doc:"entries at most, up to 1000; 100"`
	Before time.Time `json:"before,omitzero" doc:"only what happened before"`
	Group  string    `json:"group,omitempty" doc:"only this group, with what is about none"`
}

func (b *Box) entryOf(e event.Event) HAEntry {
	return HAEntry{Time: e.Time, Node: b.nodeName(), ID: strconv.FormatUint(e.Seq, 10), Kind: string(e.Kind),
		Severity: e.Severity.String(), Object: e.Object, Args: e.Args, Text: e.Text}
}

// ownTimeline returns this box's entries, the newest first.
func (b *Box) ownTimeline(limit int) []HAEntry {
	out := []HAEntry{}
	if b.cfg.Events == nil {
		return out
	}
	for _, e := range b.cfg.Events.Query(event.Filter{Kinds: slices.Concat(timelineKinds, nearKinds)}, limit, 0) {
		out = append(out, b.entryOf(e))
	}
	return out
}

// timelineMirror carries what happened on each box, so that a box can tell of one
// that is dead.
func (b *Box) timelineMirror() *MirrorTable {
	t := &MirrorTable{Name: "timeline"}
	past := &b.standby.tables.past
	past.by = map[string]map[string]HAEntry{}
	t.Snapshot = func(_ context.Context, yield func(key, value []byte) bool) error {
		for _, e := range b.ownTimeline(keptTimeline) {
			value, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if !yield([]byte(e.ID), value) {
				break
			}
		}
		return nil
	}
	t.Apply = func(origin string, changes []MirrorChange) error {
		defer b.standbyChanged()
		return t.each(changes, func(c MirrorChange) error { return past.take(origin, c) })
	}
	return t
}

// take keeps an entry of origin in place of its oldest.
func (l *timelines) take(origin string, c MirrorChange) error {
	if c.Deleted {
		return nil
	}
	var e HAEntry
	if err := json.Unmarshal(c.Value, &e); err != nil {
		return fmt.Errorf("read what happened on %s: %w", origin, err)
	}
	if e.Time.IsZero() || e.Text == "" {
		return errors.New("what happened on " + origin + " has no time or no text")
	}
	e.Node = origin
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.by[origin]
	if list == nil {
		list = map[string]HAEntry{}
		l.by[origin] = list
	}
	list[string(c.Key)] = e
	for len(list) > keptTimeline {
		oldest := ""
		for id, x := range list {
			if oldest == "" || x.Time.Before(list[oldest].Time) {
				oldest = id
			}
		}
		delete(list, oldest)
	}
	return nil
}

// tellEvents tells peers what happens on this box, until ctx ends.
func (b *Box) tellEvents(ctx context.Context) error {
	t := b.standby.tables.timeline
	kinds := slices.Concat(timelineKinds, nearKinds)
	return b.cfg.Events.Follow(ctx, b.cfg.Events.Last(), func(batch event.Batch) error {
		for _, e := range batch.Events {
			if strings.HasPrefix(string(e.Kind), "member.") || strings.HasPrefix(string(e.Kind), "pool.") {
				b.standbyChanged() // a track may watch it
			}
			if !event.MatchKind(kinds, e.Kind) {
				continue
			}
			entry := b.entryOf(e)
			if value, err := json.Marshal(entry); err == nil {
				t.put([]byte(entry.ID), value)
			}
		}
		return nil
	})
}

// timeline merges what happened on all boxes.
func (b *Box) timeline(_ context.Context, _ api.Call, p timelineParams) (HATimeline, error) {
	if p.Limit <= 0 || p.Limit > 1000 {
		p.Limit = 100
	}
	all := b.ownTimeline(10000)
	past := &b.standby.tables.past
	past.mu.Lock()
	for _, list := range past.by {
		for _, e := range list {
			all = append(all, e)
		}
	}
	past.mu.Unlock()
	slices.SortStableFunc(all, func(x, y HAEntry) int {
		return cmp.Or(y.Time.Compare(x.Time), cmp.Compare(y.Node, x.Node))
	})
	out := HATimeline{Entries: []HAEntry{}, Missing: []string{}}
	for _, e := range nearby(all, p.Group) {
		if len(out.Entries) < p.Limit && (p.Before.IsZero() || e.Time.Before(p.Before)) {
			e.Said = phrase.Args(e.Args) // anew: what another box knew of it may be older
			out.Entries = append(out.Entries, e)
		}
	}
	if b.cfg.Mirror != nil {
		for name, m := range b.cfg.Mirror.Status().Peers {
			if m.Paired && !m.Connected {
				out.Missing = append(out.Missing, name+": what happened there since the mirror was lost: "+m.Problem)
			}
		}
		slices.Sort(out.Missing)
	}
	out.Said = phrase.List("missing", out.Missing)
	return out, nil
}

// nearby leaves, of a list with the newest first, what concerns failover groups, and
// what happened near that.
func nearby(all []HAEntry, group string) (out []HAEntry) {
	var marks []time.Time // of what concerns groups, the newest first
	core := func(e HAEntry) bool {
		if !event.MatchKind(timelineKinds, event.Kind(e.Kind)) {
			return false
		}
		return group == "" || !strings.HasPrefix(e.Object, "group/") || e.Object == event.Object("group", group)
	}
	for _, e := range all {
		if core(e) {
			marks = append(marks, e.Time)
		}
	}
	i := 0
	for _, e := range all {
		for i < len(marks) && marks[i].Sub(e.Time) > nearBefore {
			i++
		}
		switch {
		case core(e):
			out = append(out, e)
		case event.MatchKind(timelineKinds, event.Kind(e.Kind)):
		case i < len(marks) && e.Time.Sub(marks[i]) <= nearAfter:
			out = append(out, e)
		}
	}
	return out
}
