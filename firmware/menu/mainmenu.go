// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"fmt"
	"time"
)

// mainMenu is the top of the menu. Entries without anything behind them are not
// there.
func mainMenu() view {
	return &list{title: titled(tMenu), choices: func(s *state) []choice {
		var out []choice
		add := func(t text, value string, act func(*state)) { out = append(out, choice{s.text(t), value, act}) }
		if n := len(s.news.alarms()); n > 0 && !s.silent() {
			add(tAlarms, fmt.Sprint(n), func(s *state) { s.push(alarmList()) })
		}
		if p := s.waiting(); p != nil {
			add(tConfirmChange, "", func(s *state) { s.push(newConfirm(s)) })
		}
		if !s.silent() {
			if ha := s.news.standby; ha != nil && ha.Configured {
				add(tHARole, "", func(s *state) { s.push(standbyMenu()) })
			}
			add(tNetwork, "", func(s *state) { s.push(newNetworkEdit(s)) })
			if s.news.status.Console.digits() != "" {
				add(tFingerprint, "", func(s *state) { s.push(fingerprintReading()) })
			}
			if s.news.setup != "" {
				add(tSetupCode, "", func(s *state) { s.push(setupReading()) })
			}
		}
		add(tSystem, "", func(s *state) { s.push(systemMenu()) })
		if !s.silent() {
			add(tOptions, "", func(s *state) { s.push(optionsMenu()) })
		}
		if s.set.PIN != "" {
			add(tLock, "", func(s *state) { s.unlocked = false; s.home() })
		}
		return out
	}}
}

// alarmList shows the problems, each in full.
func alarmList() view {
	return &list{title: titled(tAlarms), choices: func(s *state) (out []choice) {
		for _, p := range s.news.alarms() {
			out = append(out, choice{label: p.Text, act: func(s *state) {
				s.acked[p.key()] = true
				title := tWarning
				if p.isError() {
					title = tAlarm
				}
				s.read(title, wrap(p.Text, s.disp.Cols)...)
			}})
		}
		return out
	}}
}

// fingerprintReading shows that of the console's certificate.
func fingerprintReading() view {
	return &reading{title: tFingerprint, lines: (*state).fingerprintLines}
}

// setupReading shows the set-up code while there is one.
func setupReading() view {
	return &reading{title: tSetupCode, hidden: true, lines: func(s *state) []string {
		if s.news.setup == "" {
			return []string{s.text(tNothing)}
		}
		return wrap(s.news.setup, s.disp.Cols)
	}}
}

// newConfirm asks what becomes of the commit that waits.
func newConfirm(s *state) view {
	number := uint64(0)
	if p := s.waiting(); p != nil {
		number = p.Revision
	}
	waits := func(s *state) *pending {
		if p := s.waiting(); p != nil && p.Revision == number {
			return p
		}
		return nil
	}
	return &list{
		title: func(s *state) string {
			if p := waits(s); p != nil {
				return s.pair(tBackIn, s.left(p))
			}
			return s.text(tTakenBack)
		},
		choices: func(s *state) []choice {
			if waits(s) == nil {
				return nil
			}
			return []choice{
				{s.text(tKeep), "", func(s *state) { s.settle("config.confirm", number, tKept) }},
				{s.text(tTakeBack), "", func(s *state) { s.settle("config.revert", number, tTakenBack) }},
			}
		},
	}
}

// settle ends the waiting of a commit.
func (s *state) settle(method string, number uint64, done text) {
	var params any = struct{}{}
	if method == "config.confirm" {
		params = map[string]any{"revision": number}
	}
	s.order(order{
		do: func(ctx context.Context, engine, _ caller) error { return engine.Call(ctx, method, params, nil) },
		then: func(s *state, err error) {
			if err == nil && s.news.status != nil {
				s.news.status.Pending = nil // until the engine tells more
			}
			s.pop()
			s.outcome(done, err)
		},
	})
}

// orderLimit is how long an order may take that names no limit of its own.
const orderLimit = 20 * time.Second
