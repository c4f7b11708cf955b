// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/lb"
)

// maxTrackTTL is how long a report of a custom track may hold.
const maxTrackTTL = 24 * time.Hour

type trackParams struct {
	Name   string       `json:"name" doc:"of the track, as in track \"custom\" \"NAME\""`
	OK     bool         `json:"ok"`
	Reason string       `json:"reason,omitempty" doc:"shown to people"`
	TTL    api.Duration `json:"ttl,omitempty" doc:"how long the report holds, up to 24h; what the track has"`
}

// A customTrack is the last report of a custom track.
type customTrack struct {
	ok    bool
	why   string
	until time.Time
}

// HATracks are the tracks that somebody reports.
type HATracks struct {
	Tracks map[string]HATrackState `json:"tracks" doc:"by name"`
}

func (b *Box) reportTrack(_ context.Context, c api.Call, p trackParams) (HATracks, error) {
	if err := unscoped(c, "the tracks of failover groups"); err != nil {
		return HATracks{}, err
	}
	ttl, have := customTTL(b.standbyConfig(), p.Name)
	switch {
	case ttl == 0 && len(have) == 0:
		return HATracks{}, api.Errorf(api.CodeNotFound, "not_found", "no failover group has a track \"custom\" %q, nor any other", p.Name)
	case ttl == 0:
		return HATracks{}, api.Errorf(api.CodeNotFound, "not_found", "no failover group has a track \"custom\" %q; there are %s", p.Name, strings.Join(have, ", "))
	case p.TTL < 0 || time.Duration(p.TTL) > maxTrackTTL:
		return HATracks{}, api.Errorf(api.CodeParams, "params.ttl", "ttl must be up to 24h, not %v", p.TTL)
	case p.TTL > 0:
		ttl = time.Duration(p.TTL)
	}
	why := p.Reason
	if why == "" {
		why = map[bool]string{true: "reported well", false: "reported as failing"}[p.OK]
	}
	now := time.Now()
	s := &b.standby
	s.mu.Lock()
	defer s.mu.Unlock()
	s.custom[p.Name] = customTrack{p.OK, cutText(why, 256), now.Add(ttl)}
	s.poke()
	out := HATracks{Tracks: map[string]HATrackState{}}
	for _, name := range append(have, p.Name) {
		if t, ok := s.customState(name, now); ok {
			out.Tracks[name] = t
		}
	}
	return out, nil
}

// customTTL returns how long a report of the track holds, 0 if there is none, and
// which there are.
func customTTL(cfg *config.Config, name string) (ttl time.Duration, have []string) {
	if cfg == nil {
		return 0, nil
	}
	for _, g := range cfg.Groups {
		for _, t := range g.Tracks {
			if t.Kind != config.TrackCustom {
				continue
			}
			if !slices.Contains(have, t.Name) {
				have = append(have, t.Name)
			}
			if t.Name == name && (ttl == 0 || t.TTL.D() < ttl) {
				ttl = t.TTL.D()
			}
		}
	}
	slices.Sort(have)
	return ttl, have
}

// customState says how a custom track is. One of which nothing was heard yet is left
// out until its time is over: the process of the role ha knows what it was before
// this engine. s.mu is held.
func (s *standby) customState(name string, now time.Time) (HATrackState, bool) {
	if t, ok := s.custom[name]; ok {
		if now.Before(t.until) {
			return HATrackState{t.ok, t.why}, true
		}
		return HATrackState{false, "the last report is too old: " + t.why}, true
	}
	ttl, _ := customTTL(s.cfg, name)
	if now.Sub(s.began) < ttl {
		return HATrackState{}, false
	}
	return HATrackState{false, fmt.Sprintf("nobody has reported for %v (evener ha track %s)", ttl, name)}, true
}

// trackStates says how the pools and custom tracks of all groups are.
func (b *Box) trackStates(cfg *config.Config) map[string]HATrackState {
	out := map[string]HATrackState{}
	if cfg == nil {
		return out
	}
	var pools []lb.PoolStatus
	now := time.Now()
	for _, g := range cfg.Groups {
		for _, t := range g.Tracks {
			key := HATrackSettings{Kind: string(t.Kind), Name: trackName(t)}.key()
			switch t.Kind {
			case config.TrackPool:
				if pools == nil {
					pools = b.cfg.Balancer.Pools()
				}
				if st, ok := poolTrack(pools, t); ok {
					out[key] = st
				}
			case config.TrackCustom:
				b.standby.mu.Lock()
				if st, ok := b.standby.customState(t.Name, now); ok {
					out[key] = st
				}
				b.standby.mu.Unlock()
			}
		}
	}
	return out
}

// poolTrack says whether a pool has as many members as the track wants that a new
// client may get. A pool whose generation is not there yet is left out.
func poolTrack(pools []lb.PoolStatus, t *config.Track) (HATrackState, bool) {
	for _, p := range pools {
		if p.Name != t.Name {
			continue
		}
		n, checking := 0, 0
		for _, m := range p.Members {
			if m.Why == "" {
				n++
			}
			if m.State == "checking" {
				checking++
			}
		}
		why := fmt.Sprintf("%d of %d members are available", n, len(p.Members))
		if checking > 0 {
			why += fmt.Sprintf(" (%d not probed yet)", checking)
		}
		if n < t.AtLeast {
			why += fmt.Sprintf(", at least %d are wanted", t.AtLeast)
		}
		return HATrackState{n >= t.AtLeast, why}, true
	}
	return HATrackState{}, false
}

// cutText is s with n bytes at most.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
