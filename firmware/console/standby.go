// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A standby is what is used of the result of ha.show.
type standby struct {
	Configured bool   `json:"configured"`
	Node       string `json:"node"`
	Summary    string `json:"summary"`
	Groups     []struct {
		Name     string   `json:"name"`
		State    string   `json:"state"`
		Reason   string   `json:"reason"`
		Held     string   `json:"held"`
		Active   string   `json:"active"`
		Base     int      `json:"base"`
		Priority int      `json:"priority"`
		Homes    []string `json:"homes"`
		Parts    []share  `json:"parts"`
	} `json:"groups"`
	Peers []struct {
		Name    string `json:"name"`
		Address string `json:"address"`
		Paired  bool   `json:"paired"`
	} `json:"peers"`
	Alarms []struct {
		Text string `json:"text"`
	} `json:"alarms"`
}

// A share is one cause that counts for a priority.
type share struct {
	Cause  string `json:"cause"`
	Weight int    `json:"weight"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// cost is what the priority loses while it fails.
func (p share) cost() string {
	if p.Weight == 0 {
		return "this box cannot be active"
	}
	return fmt.Sprintf("-%d", p.Weight)
}

// A pairing is what is used of the result of ha.pair.show.
type pairing struct {
	Phase         string    `json:"phase"`
	Code          string    `json:"code"`
	Peer          string    `json:"peer"`
	Address       string    `json:"address"`
	Listen        string    `json:"listen"`
	ConfirmedHere bool      `json:"confirmed_here"`
	Until         time.Time `json:"until"`
	Problem       string    `json:"problem"`
}

// standby shows the box among its peers, and asks what to do about it.
func (s *session) standby() error {
	var ha standby
	if err := s.engine("ha.show", nil, &ha); err != nil {
		if silent(err) {
			err = errNeedsEngine
		}
		return s.told(err)
	}
	if err := s.page(ha.lines()); err != nil || !ha.Configured {
		return err
	}
	s.say("  1 switch a group to another box\n  2 rebalance all groups\n  3 pair with another box")
	n, err := s.choose("Which", 3)
	switch {
	case err != nil || n == 0:
		return err
	case n == 1:
		return s.switchGroup(ha)
	case n == 2:
		return s.rebalance()
	}
	return s.pair(ha)
}

// lines explain it: one sentence, what needs attention, and each group.
func (ha *standby) lines() []string {
	out := []string{ha.Node + ": " + ha.Summary}
	for _, a := range ha.Alarms {
		out = append(out, "ALARM "+a.Text)
	}
	if !ha.Configured {
		return append(out, "A pair begins with the blocks node and group of the configuration.")
	}
	for _, g := range ha.Groups {
		active := g.Active
		if active == "" {
			active = "no box that is known"
		}
		out = append(out, fmt.Sprintf("group %s: %s here, active on %s", g.Name, strings.ToUpper(g.State), active), "  why: "+g.Reason)
		if g.Held != "" {
			out = append(out, "  held back: "+g.Held)
		}
		if g.Base == 0 {
			continue
		}
		out = append(out, fmt.Sprintf("  priority %d; %d by its place in homes", g.Priority, g.Base))
		for _, p := range g.Parts {
			if !p.OK {
				out = append(out, fmt.Sprintf("  fails: %s, %s (%s)", p.Cause, p.Detail, p.cost()))
			}
		}
	}
	for _, p := range ha.Peers {
		out = append(out, fmt.Sprintf("peer %s at %s: %s", p.Name, p.Address, map[bool]string{true: "paired", false: "not paired"}[p.Paired]))
	}
	return out
}

func (s *session) switchGroup(ha standby) error {
	for i, g := range ha.Groups {
		s.say("%3d %-10s %s", i+1, g.Name, strings.ToUpper(g.State))
	}
	n, err := s.choose("Which", len(ha.Groups))
	if err != nil || n == 0 {
		return err
	}
	name := ha.Groups[n-1].Name
	if ok, err := s.yes(fmt.Sprintf("Switch %s to another box? It stays there until it is rebalanced.", clean(name)), false); err != nil || !ok {
		return err
	}
	return s.ordered("ha.switch", map[string]any{"group": name})
}

func (s *session) rebalance() error {
	if ok, err := s.yes("Move every group to the box that it prefers?", false); err != nil || !ok {
		return err
	}
	return s.ordered("ha.rebalance", nil)
}

// ordered has the engine move groups, and says what came of it.
func (s *session) ordered(method string, params any) error {
	if err := s.still(); err != nil {
		return err
	}
	var done struct {
		Text []string `json:"text"`
	}
	if err := s.changeEngine(method, params, &done); err != nil {
		return s.told(err)
	}
	return s.page(done.Text)
}

// changeEngine is change for what nobody else can do.
func (s *session) changeEngine(method string, params, result any) error {
	err := s.change(method, params, result)
	if silent(err) {
		return errNeedsEngine
	}
	return err
}

// pair gets this box and another one to know each other.
func (s *session) pair(ha standby) error {
	s.say("  1 this box waits for the other one\n  2 it joins a box that waits")
	n, err := s.choose("Which", 2)
	if err != nil || n == 0 {
		return err
	}
	method, params := "ha.pair.begin", any(nil)
	if n == 2 {
		address, err := s.peerAddress(ha)
		if err != nil || address == "" {
			return err
		}
		method, params = "ha.pair.join", map[string]any{"address": address}
	}
	if err := s.still(); err != nil {
		return err
	}
	var p pairing
	if err := s.changeEngine(method, params, &p); err != nil {
		return s.told(err)
	}
	if n == 1 {
		s.say("On the other box, join %s. Ctrl-C ends it.", p.Listen)
	}
	err = s.followPairing(p)
	if err != nil {
		_ = s.engine("ha.pair.cancel", nil, nil) // it ends by itself where this fails
	}
	if errors.Is(err, errBack) || s.over(err) {
		return err
	}
	return s.told(err)
}

// peerAddress asks which box to join; those that are configured are offered.
func (s *session) peerAddress(ha standby) (string, error) {
	offer := ""
	for _, p := range ha.Peers {
		if !p.Paired && p.Address != "" {
			offer = p.Address
			break
		}
	}
	hint := ""
	if offer != "" {
		hint = ", Enter for " + offer
	}
	line, err := s.read("Address of the other box, such as 10.255.0.1:7460" + clean(hint) + ": ")
	if line == "" {
		line = offer
	}
	return line, err
}

// followPairing waits for the code, asks whether both boxes show the same, and waits for
// the other side.
func (s *session) followPairing(p pairing) error {
	for {
		var err error
		switch {
		case p.Phase == "done":
			s.say("Paired with %s.", p.Peer)
			return nil
		case p.Phase == "failed" || p.Phase == "idle":
			return fmt.Errorf("the boxes are not paired: %s", p.Problem)
		case p.Phase == "code" && !p.ConfirmedHere:
			p, err = s.compare(p)
		default:
			p, err = s.lookAgain()
		}
		if err != nil {
			return err
		}
	}
}

// compare shows the code and asks a person.
func (s *session) compare(p pairing) (pairing, error) {
	s.say("\n  code  %s\n", p.Code)
	same, err := s.yes(fmt.Sprintf("Does %s at %s show the same code?", clean(p.Peer), clean(p.Address)), false)
	if err != nil {
		return p, err
	}
	if err := s.still(); err != nil {
		return p, err
	}
	var next pairing
	if err := s.changeEngine("ha.pair.confirm", map[string]any{"code_matches": same}, &next); err != nil {
		return p, err
	}
	if next.Phase == "code" && same {
		s.say("Waiting until it is said there too; Ctrl-C ends it.")
	}
	return next, nil
}

// lookAgain waits a moment, and asks how far the pairing is.
func (s *session) lookAgain() (p pairing, err error) {
	s.typedAt = time.Now() // somebody waits at the other box
	err = s.wait(time.Minute, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
			return nil
		}
	})
	if err == nil {
		err = s.pause()
	}
	if err == nil {
		err = s.engine("ha.pair.show", nil, &p)
	}
	return p, err
}
