// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evener/firmware/config"
	"evener/firmware/event"
	"evener/firmware/phrase"
)

// An HAObject is one object of the topic state.ha.
type HAObject struct {
	Group  *HAGroup  `json:"group,omitempty"`
	Peer   *HAPeer   `json:"peer,omitempty"`
	Mirror *HAMirror `json:"mirror,omitempty"`
	Node   *HANode   `json:"node,omitempty"`
}

// An HANode is this box among the others.
type HANode struct {
	Configured bool      `json:"configured" doc:"the running revision has a group, or a peer"`
	Name       string    `json:"name"`
	Simulated  bool      `json:"simulated" doc:"the network of the groups is simulated"`
	Summary    string    `json:"summary" doc:"one line for people"`
	Alarms     []HAAlarm `json:"alarms" doc:"the worst first"`
	Problem    string    `json:"problem" doc:"why hot standby does not work on this box; empty: it does"`
	Realtime   bool      `json:"realtime" doc:"advertisements are sent with real-time priority"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// showHA shows the groups, the other boxes and the mirror.
func (b *Box) showHA() HAShow {
	s := &b.standby
	cfg := b.standbyConfig()
	out := HAShow{Groups: []HAGroup{}, Peers: []HAPeer{}, Alarms: []HAAlarm{}, Mirror: b.mirrorShow()}
	if cfg == nil {
		out.Problem, out.Summary = "no configuration is known yet", "not known yet"
		phrase.Fill(&out)
		return out
	}
	out.Configured = len(cfg.Groups) > 0 || len(cfg.Node.Peers) > 0
	for _, g := range cfg.Groups {
		out.Groups = append(out.Groups, b.groupShow(g))
	}
	out.Peers = b.peersShow(cfg)
	s.mu.Lock()
	out.Node, out.Simulated, out.Realtime = s.node, s.report.Simulated, s.report.Realtime
	out.Alarms = append(out.Alarms, s.report.Alarms...)
	out.Problem = s.problem(len(cfg.Groups) > 0, time.Now())
	s.mu.Unlock()
	for _, p := range out.Peers {
		out.Alarms = append(out.Alarms, p.alarms(out.Node)...)
	}
	slices.SortStableFunc(out.Alarms, func(a, b HAAlarm) int { return cmp.Compare(a.Severity, b.Severity) })
	out.Summary = out.sentence()
	phrase.Fill(&out)
	return out
}

// problem says why hot standby does not work on this box. s.mu is held.
func (s *standby) problem(groups bool, now time.Time) string {
	switch {
	case !groups:
		return ""
	case s.heard.IsZero() && now.Sub(s.began) < 4*haSilent:
		return "the process that moves addresses has not told of itself yet"
	case s.heard.IsZero():
		return "the process that moves addresses has never told of itself (evener status shows the role ha)"
	case now.Sub(s.heard) > haSilent:
		return fmt.Sprintf("the process that moves addresses is silent since %s UTC", s.heard.UTC().Format(time.TimeOnly))
	}
	return s.report.Problem
}

// groupShow shows one group: what the process of the role ha told of it, or, where
// this box is no home of it, what peers tell.
func (b *Box) groupShow(g *config.Group) HAGroup {
	out := b.groupNow(g)
	if cfg := b.standbyConfig(); cfg != nil {
		for _, c := range cfg.Followers(g) {
			out.Clusters = append(out.Clusters, c.Name)
		}
	}
	return out
}

// groupNow is groupShow without the clusters.
func (b *Box) groupNow(g *config.Group) HAGroup {
	s := &b.standby
	s.mu.Lock()
	defer s.mu.Unlock()
	out := HAGroup{HAGroupReport: HAGroupReport{Name: g.Name, State: HAInit, Base: uint8(g.Base(s.node))},
		Home: g.Homes[0] == s.node, Preferred: g.Homes[0], Homes: g.Homes, Clusters: []string{}}
	for _, r := range s.report.Groups {
		if r.Name == g.Name && time.Since(s.heard) <= haSilent {
			out.HAGroupReport = r
		}
	}
	switch {
	case out.State == HAActive:
		out.Active = s.node
	case out.Active == "" || out.Active == s.node:
		out.Active = s.activePeer(g.Name)
	}
	switch {
	case out.Reason != "":
	case out.Base == 0:
		out.Reason = "this box is no home of the group"
	case s.heard.IsZero() || time.Since(s.heard) > haSilent:
		out.Reason = "the process that moves addresses tells nothing"
	}
	// Their own, for what is added to them: the report keeps its.
	out.Parts, out.Routers = slices.Concat([]HAPart{}, out.Parts), slices.Concat([]HARouter{}, out.Routers)
	if out.Handoff != nil {
		own := *out.Handoff
		out.Handoff = &own
	}
	return out
}

// followed returns the group that a cluster follows, and why no clients come to this
// box for it; "" if they do, or there is no group.
func (b *Box) followed(cluster string) (group, standby string) {
	cfg := b.standbyConfig()
	if cfg == nil {
		return "", ""
	}
	c := cfg.Cluster(cluster)
	if c == nil {
		return "", ""
	}
	g := cfg.ClusterGroup(c)
	if g == nil {
		return "", ""
	}
	switch now := b.groupNow(g); {
	case now.State == HAActive:
		return g.Name, ""
	case now.State == HAFault:
		return g.Name, "group " + g.Name + " is at fault on this box: " + now.Reason
	case now.Active != "":
		return g.Name, "group " + g.Name + " is active on " + now.Active
	case now.State == HABackup:
		return g.Name, "group " + g.Name + " is on standby on this box"
	default:
		return g.Name, "group " + g.Name + " has not started on this box: " + now.Reason
	}
}

// activePeer returns the peer that says that it is active for a group, "" if none
// does. s.mu is held.
func (s *standby) activePeer(group string) string {
	for _, p := range s.report.Peers {
		if p.Seen && p.Groups[group].State == HAActive {
			return p.Name
		}
	}
	return ""
}

// peersShow shows the peers that are configured, and those that are only paired.
func (b *Box) peersShow(cfg *config.Config) []HAPeer {
	var m MirrorStatus
	if b.cfg.Mirror != nil {
		m = b.cfg.Mirror.Status()
	}
	known := map[string]*HAPeer{}
	out := []HAPeer{}
	for _, p := range cfg.Node.Peers {
		out = append(out, HAPeer{Name: p.Name, Address: p.Address.String()})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Peers)) {
		if !slices.ContainsFunc(out, func(p HAPeer) bool { return p.Name == name }) {
			out = append(out, HAPeer{Name: name})
		}
	}
	for i := range out {
		p := &out[i]
		known[p.Name] = p
		x := m.Peers[p.Name]
		p.Paired, p.Mirror, p.Differences = x.Paired, x.HAPeerMirror, x.Differences
		p.Groups, p.Differences.Objects = map[string]HAPeerGroup{}, stringsOf(p.Differences.Objects)
		if p.Differences.State == "" {
			p.Differences.State = HAUnknown
		}
		switch {
		case p.Address == "":
			p.Mirror.Problem = "it is paired, but the block node names no such peer"
		case !p.Paired && p.Mirror.Problem == "":
			p.Mirror.Problem = "it is not paired (evener ha pair)"
		}
		if x.RefusedHere != "" {
			p.Differences.Problem = "this box does not take its configuration: " + x.RefusedHere
		} else if x.RefusedThere != "" {
			p.Differences.Problem = "it does not take this box's configuration: " + x.RefusedThere
		}
	}
	s := &b.standby
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.report.Peers {
		if p := known[r.Name]; p != nil && time.Since(s.heard) <= haSilent {
			p.Heartbeat = HAHeartbeat{r.Seen, r.Age}
			maps.Copy(p.Groups, r.Groups)
		}
	}
	return out
}

// alarms tells what is wrong between this box, called node, and a peer.
func (p *HAPeer) alarms(node string) (out []HAAlarm) {
	add := func(severity, format string, args ...any) {
		out = append(out, HAAlarm{Severity: severity, Text: fmt.Sprintf(format, args...), Since: p.Mirror.Since})
	}
	switch {
	case p.Address == "":
		add(severityWarning, "%s is paired, but the block node names no such peer", p.Name)
	case !p.Paired:
		add(severityWarning, "%s is not paired: nothing is mirrored, and VRRP alone tells of it", p.Name)
	case !p.Mirror.Connected:
		add(severityWarning, "%s is not reached by the mirror: %s", p.Name, p.Mirror.Problem)
	case p.Mirror.Problem != "":
		add(severityWarning, "not all is mirrored with %s: %s", p.Name, p.Mirror.Problem)
	}
	switch d := p.Differences; {
	case !p.Mirror.Connected:
	case d.Problem != "":
		add(severityError, "%s: %s", p.Name, d.Problem)
	case d.State == HAConflict:
		add(severityError, "the shared configuration of %s and %s differs, and neither is the successor of the other: choose whose to keep (evener ha sync --peer %s)", node, p.Name, p.Name)
	}
	return out
}

// mirrorShow shows this box's end of the mirror.
func (b *Box) mirrorShow() HAMirror {
	out := HAMirror{Tables: b.tableCounts(), Keys: b.keyOrigin(), Pairing: HAPairIdle}
	cfg := b.standbyConfig()
	if cfg != nil && cfg.Node.Listen.IsValid() {
		out.Listen = cfg.Node.Listen.String()
	}
	if b.cfg.Mirror == nil {
		return out
	}
	st := b.cfg.Mirror.Status()
	out.Fingerprint, out.Problem, out.Pairing = st.Fingerprint, st.Problem, b.cfg.Mirror.PairShow().Phase
	return out
}

// sentence sums up what is shown, for people.
func (h *HAShow) sentence() string {
	if !h.Configured {
		return "this box stands alone"
	}
	var parts []string
	if h.Problem != "" && len(h.Groups) > 0 {
		parts = append(parts, h.Problem)
	} else {
		parts = append(parts, h.groupWords()...)
	}
	for i := range h.Peers {
		parts = append(parts, h.Peers[i].words())
	}
	if len(parts) == 0 {
		return "this box stands alone"
	}
	return strings.Join(parts, "; ")
}

// groupWords says for which groups this box is active, and for which not.
func (h *HAShow) groupWords() (out []string) {
	by := map[string][]string{}
	for _, g := range h.Groups {
		state := g.State
		name := g.Name
		switch {
		case state == HABackup && g.Active != "":
			name += " (active on " + g.Active + ")"
		case state == HABackup && len(g.Routers) > 0 && g.Routers[0].Master != "":
			name += " (active on " + g.Routers[0].Master + ")"
		case state == HABackup:
			name += " (active on none that is known)"
		case state == HAFault || state == HAInit && g.Base > 0:
			name += " (" + g.Reason + ")"
		case state == HAInit:
			continue
		}
		by[state] = append(by[state], name)
	}
	for _, w := range []struct{ state, words string }{{HAActive, "active for "}, {HABackup, "on standby for "}, {HAFault, "at fault for "}, {HAInit, "not started for "}} {
		if list := by[w.state]; len(list) > 0 {
			out = append(out, w.words+strings.Join(list, ", "))
		}
	}
	return out
}

// words says in a few words how a peer is.
func (p *HAPeer) words() string {
	what := "peer " + p.Name + " is "
	switch {
	case !p.Paired:
		return what + "not paired"
	case !p.Mirror.Connected && p.Heartbeat.Seen:
		return what + "alive, but not reached by the mirror"
	case !p.Mirror.Connected:
		return what + "away"
	case p.Differences.State == HAInSync:
		return what + "in sync"
	case p.Differences.State == HAConflict:
		return what + fmt.Sprintf("in conflict (%d objects)", len(p.Differences.Objects))
	case p.Differences.State == HAUnknown:
		return what + "being compared"
	}
	return what + fmt.Sprintf("different in %d objects (%s)", len(p.Differences.Objects), p.Differences.State)
}

// liveHA returns what the topic state.ha has.
func (b *Box) liveHA() map[string]HAObject {
	h := b.showHA()
	out := map[string]HAObject{"mirror": {Mirror: &h.Mirror},
		"node": {Node: &HANode{h.Configured, h.Node, h.Simulated, h.Summary, h.Alarms, h.Problem, h.Realtime, h.Said}}}
	for i := range h.Groups {
		out["group/"+h.Groups[i].Name] = HAObject{Group: &h.Groups[i]}
	}
	for i := range h.Peers {
		out["peer/"+h.Peers[i].Name] = HAObject{Peer: &h.Peers[i]}
	}
	return out
}

// standbyProblems lists what is wrong with hot standby.
func (b *Box) standbyProblems() (out []Problem) {
	h := b.showHA()
	if h.Configured && h.Problem != "" && b.standbyOld() {
		out = append(out, Problem{Kind: "standby.silent", Severity: severityError, Object: "standby", Args: map[string]any{"error": h.Problem},
			Text: "hot standby: " + h.Problem})
	}
	if h.Mirror.Problem != "" {
		out = append(out, Problem{Kind: "standby.mirror", Severity: severityWarning, Object: "mirror", Args: map[string]any{"error": h.Mirror.Problem},
			Text: "mirror: " + h.Mirror.Problem})
	}
	for _, a := range h.Alarms {
		out = append(out, Problem{Kind: "standby.alarm", Severity: a.Severity, Object: alarmObject(a), Since: a.Since,
			Args: map[string]any{"error": a.Text, "group": a.Group}, Text: a.Text})
	}
	for _, g := range h.Groups {
		if g.State == HAFault {
			out = append(out, Problem{Kind: "group.fault", Severity: severityWarning, Object: event.Object("group", g.Name), Since: g.Since,
				Args: map[string]any{"group": g.Name, "error": g.Reason}, Text: "group " + g.Name + " is at fault on this box: " + g.Reason})
		}
	}
	return out
}

// standbyOld tells whether the process of the role ha had time to tell of itself.
func (b *Box) standbyOld() bool {
	b.standby.mu.Lock()
	defer b.standby.mu.Unlock()
	return time.Since(b.standby.began) > 4*haSilent
}
