// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"fmt"
	"strings"

	"evener/ha/wire"
)

// The limits of an effective priority: 0 gives up, 255 is the owner's.
const (
	minPriority = 1
	maxPriority = 254
)

// cause is the name of a track for people, such as "port lan2".
func (t TrackSettings) cause() string {
	return strings.ReplaceAll(t.Kind, "_", " ") + " " + t.Name
}

// look finds out how the tracks of g are that the network tells of.
func (r *Runner) look(g *group) {
	for _, t := range g.set.Tracks {
		switch t.Kind {
		case TrackPort:
			g.tracks[t.Key()] = r.lookPort(t)
		case TrackDefaultRoute:
			g.tracks[t.Key()] = r.lookRoute(t)
		}
	}
}

// lookPort finds out whether a tracked port has a link.
func (r *Runner) lookPort(t TrackSettings) TrackState {
	if t.Interface == "" {
		return TrackState{Why: "there is no such port"}
	}
	why := r.linkProblem(t.Interface)
	if why == "" {
		return TrackState{OK: true, Why: "link up"}
	}
	return TrackState{Why: why}
}

// linkProblem says why an interface carries nothing, "" if it can.
func (r *Runner) linkProblem(name string) string {
	i, err := r.lan.Interface(name)
	switch {
	case err != nil:
		return err.Error()
	case !i.Present:
		return "no interface"
	case !i.Up:
		return "switched off"
	case !i.Carrier:
		return "link down"
	}
	return ""
}

// lookRoute finds out whether a default route has an interface that works.
func (r *Runner) lookRoute(t TrackSettings) TrackState {
	family := wire.IPv4
	if t.Name == "v6" {
		family = wire.IPv6
	}
	routes, err := r.lan.DefaultRoutes(family)
	if err != nil {
		return TrackState{Why: err.Error()}
	}
	for _, d := range routes {
		if r.linkProblem(d.Interface) == "" {
			if d.Gateway.IsValid() {
				return TrackState{OK: true, Why: fmt.Sprintf("by %v on %s", d.Gateway, d.Interface)}
			}
			return TrackState{OK: true, Why: "on " + d.Interface}
		}
	}
	if len(routes) > 0 {
		return TrackState{Why: "no link on " + routes[0].Interface}
	}
	return TrackState{Why: "there is none"}
}

// judged takes what the pulse says of the tracks that the network does not tell of.
// What it leaves out stays as it was.
func (g *group) judged(tracks map[string]TrackState) {
	for _, t := range g.set.Tracks {
		if t.Kind != TrackPool && t.Kind != TrackCustom {
			continue
		}
		if s, ok := tracks[t.Key()]; ok {
			g.tracks[t.Key()] = s
		} else if _, ok := g.tracks[t.Key()]; !ok {
			g.tracks[t.Key()] = TrackState{OK: true, Why: "not judged yet"}
		}
	}
}

// parts lists what makes the priority of g what it is.
func (g *group) parts() []PriorityPart {
	list := make([]PriorityPart, 0, len(g.set.Tracks))
	for _, t := range g.set.Tracks {
		s := g.tracks[t.Key()]
		list = append(list, PriorityPart{Cause: t.cause(), Weight: int(t.Weight), OK: s.OK, Detail: s.Why})
	}
	return list
}

// reckon returns the effective priority of g, and for people what makes it less than
// its base.
func (g *group) reckon() (priority uint8, why string) {
	p := int(g.set.Base)
	var failed []string
	for _, part := range g.parts() {
		if !part.OK && part.Weight > 0 {
			p -= part.Weight
			failed = append(failed, fmt.Sprintf("%s: %s (-%d)", part.Cause, part.Detail, part.Weight))
		}
	}
	if len(failed) == 0 {
		return uint8(min(max(p, minPriority), maxPriority)), "nothing that is tracked fails"
	}
	return uint8(min(max(p, minPriority), maxPriority)), strings.Join(failed, ", ")
}
