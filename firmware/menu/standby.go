// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"time"
)

// A standby is the result of ha.show, as far as it is shown.
type standby struct {
	Configured bool            `json:"configured"`
	Groups     []failoverGroup `json:"groups"`
	Peers      []peer          `json:"peers"`
	Mirror     struct {
		Listen  string `json:"listen"`
		Pairing string `json:"pairing"`
	} `json:"mirror"`
}

type failoverGroup struct {
	Name     string   `json:"name"`
	State    string   `json:"state"` // init, backup, active or fault
	Reason   string   `json:"reason"`
	Active   string   `json:"active"` // node; empty: none is known
	Priority int      `json:"priority"`
	Base     int      `json:"base"` // 0: the box is no home of it
	Homes    []string `json:"homes"`
}

type peer struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	Paired    bool   `json:"paired"`
	Heartbeat struct {
		Seen bool `json:"seen"`
	} `json:"heartbeat"`
	Mirror struct {
		Connected bool `json:"connected"`
	} `json:"mirror"`
	Differences struct {
		State string `json:"state"`
	} `json:"differences"`
}

// A pairing is the result of ha.pair.show.
type pairing struct {
	Phase         string `json:"phase"` // idle, open, joining, code, done or failed
	Code          string `json:"code"`
	Peer          string `json:"peer"`
	Listen        string `json:"listen"`
	ConfirmedHere bool   `json:"confirmed_here"`
	Problem       string `json:"problem"`
}

// underway reports whether two boxes are getting to know each other.
func underway(phase string) bool { return phase == "open" || phase == "joining" || phase == "code" }

// pollStandby asks for the groups and, while boxes are paired, how far that is.
func (m *Menu) pollStandby(ctx context.Context) {
	var ha standby
	begun := time.Now()
	if m.ask(ctx, m.engine, "ha.show", &ha) != nil {
		m.tell(ctx, func(s *state) { s.news.standby = nil })
		return
	}
	var p *pairing
	if ha.Mirror.Pairing != "" && ha.Mirror.Pairing != "idle" {
		var got pairing
		if m.ask(ctx, m.engine, "ha.pair.show", &got) == nil {
			p = &got
		}
	}
	m.tell(ctx, func(s *state) {
		s.news.standby = &ha
		if p != nil && begun.After(s.doneAt) { // else it may be of before what was done
			s.news.pairing = *p
		}
	})
}

func groupState(state string) text {
	switch state {
	case "active":
		return tActive
	case "backup":
		return tStandby
	case "fault":
		return tFault
	}
	return tNotStarted
}

func (p peer) word() text {
	switch {
	case !p.Paired:
		return tUnpaired
	case !p.Mirror.Connected && p.Heartbeat.Seen:
		return tNoMirror
	case !p.Mirror.Connected:
		return tAway
	case p.Differences.State == "in sync" || p.Differences.State == "unknown":
		return tOK
	}
	return tDiffers
}

// standbyPage is who is active, and how the other boxes are.
func (s *state) standbyPage() []string {
	ha := s.news.standby
	if ha == nil || !ha.Configured {
		return nil
	}
	var lines []string
	for _, g := range ha.Groups {
		lines = append(lines, pair("HA "+g.Name, s.text(groupState(g.State)), s.disp.Cols))
	}
	for _, p := range ha.Peers {
		lines = append(lines, pair(s.text(tPeer)+" "+p.Name, s.text(p.word()), s.disp.Cols))
	}
	if len(lines) > s.disp.Rows { // each of several pages begins with it
		lines = append([]string{s.text(tHotStandby)}, lines...)
	}
	return lines
}

// standbyMenu is what concerns the box among its peers.
func standbyMenu() view {
	return &list{title: titled(tHARole), choices: func(s *state) (out []choice) {
		ha := s.news.standby
		if ha == nil {
			return nil
		}
		for _, g := range ha.Groups {
			out = append(out, choice{g.Name, s.text(groupState(g.State)), func(s *state) { s.push(groupMenu(g.Name)) }})
		}
		if len(ha.Groups) > 0 {
			out = append(out, choice{s.text(tRebalance), "", func(s *state) {
				s.ask(tRebalance, func(s *state) { s.tellEngine("ha.rebalance", struct{}{}, tDone) })
			}})
		}
		return append(out, choice{s.text(tPairing), "", func(s *state) { s.push(pairMenu()) }})
	}}
}

// tellEngine orders something of the engine alone.
func (s *state) tellEngine(method string, params any, done text) {
	s.order(order{
		limit: time.Minute,
		do:    func(ctx context.Context, engine, _ caller) error { return engine.Call(ctx, method, params, nil) },
		then:  func(s *state, err error) { s.outcome(done, err) },
	})
}

// groupMenu is one group: why it is where it is, and moving it.
func groupMenu(name string) view {
	group := func(s *state) *failoverGroup {
		if s.news.standby != nil {
			for i, g := range s.news.standby.Groups {
				if g.Name == name {
					return &s.news.standby.Groups[i]
				}
			}
		}
		return nil
	}
	return &list{
		title: func(s *state) string { return cut(name, s.disp.Cols-4) },
		choices: func(s *state) []choice {
			g := group(s)
			if g == nil {
				return nil
			}
			why := func(s *state) {
				s.push(&reading{title: tWhy, lines: func(s *state) []string { return s.whyLines(group(s)) }})
			}
			out := []choice{{s.text(tWhy), s.text(groupState(g.State)), why}}
			if len(g.Homes) > 1 {
				out = append(out, choice{s.text(tSwitch), "", func(s *state) {
					s.ask(tSwitch, func(s *state) { s.tellEngine("ha.switch", map[string]any{"group": name}, tDone) })
				}})
			}
			return out
		},
	}
}

// whyLines explain the state of a group.
func (s *state) whyLines(g *failoverGroup) []string {
	if g == nil {
		return []string{s.text(tNothing)}
	}
	lines := wrap(g.Reason, s.disp.Cols)
	if g.Active != "" {
		lines = append(lines, s.pair(tActiveOn, g.Active))
	}
	if g.Base > 0 {
		lines = append(lines, s.pair(tPriority, itoa(g.Priority)))
	}
	return lines
}
