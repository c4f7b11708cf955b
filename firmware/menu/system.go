// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"errors"
	"time"
)

// systemMenu is what concerns the machine.
func systemMenu() view {
	return &list{title: titled(tSystem), choices: func(s *state) []choice {
		out := []choice{
			{s.text(tLocate), "", func(s *state) { s.push(locateMenu()) }},
			{s.text(tRestartRole), "", func(s *state) { s.push(rolesMenu()) }},
		}
		if f := s.news.firmware; f != nil && !s.silent() {
			out = append(out, choice{s.text(tFirmware), s.text(f.word()), func(s *state) { s.push(firmwareMenu()) }})
		}
		return append(out,
			choice{s.text(tReboot), "", func(s *state) { s.ask(tReboot, func(s *state) { s.power("reboot", tRebooting) }) }},
			choice{s.text(tPowerOff), "", func(s *state) { s.ask(tPowerOff, func(s *state) { s.power("halt", tHalting) }) }})
	}}
}

// locateMenu switches the lamp by which a box is found among many.
func locateMenu() view {
	return &list{title: titled(tLocate), choices: func(s *state) (out []choice) {
		for _, on := range []bool{true, false} {
			label := tOff
			if on {
				label = tOn
			}
			out = append(out, choice{label: s.text(label), act: func(s *state) {
				s.both("led.locate", "led.locate", map[string]any{"on": on}, orderLimit, tDone)
			}})
		}
		return out
	}}
}

// rolesMenu lists the roles that can be restarted.
func rolesMenu() view {
	return &list{title: titled(tRestartRole), choices: func(s *state) (out []choice) {
		for _, r := range s.news.roleList() {
			out = append(out, choice{r.Name, r.State, func(s *state) { s.push(restartMenu(r.Name)) }})
		}
		return out
	}}
}

// restartMenu asks whether a role is to be restarted.
func restartMenu(name string) view {
	return &list{title: func(s *state) string { return cut(s.text(tRestart)+" "+name, s.disp.Cols-4) }, choices: func(s *state) []choice {
		return []choice{
			{s.text(tCancel), "", func(s *state) { s.pop() }},
			{s.text(tRestart), "", func(s *state) {
				s.pop()
				s.both("sys.restart", "role.restart", map[string]any{"role": name}, time.Minute, tDone)
			}},
		}
	}}
}

// power asks for the end of the box.
func (s *state) power(how string, done text) {
	s.both("sys."+how, "power."+how, struct{}{}, orderLimit, done)
}

// both asks the engine, whose audit log then knows, and the machine if the engine
// does not answer.
func (s *state) both(method, instead string, params any, limit time.Duration, done text) {
	s.order(order{
		limit: limit,
		do: func(ctx context.Context, engine, machine caller) error {
			first, cancel := context.WithTimeout(ctx, limit/4)
			defer cancel()
			err := engine.Call(first, method, params, nil)
			if errors.Is(err, ErrUnreachable) {
				err = machine.Call(ctx, instead, params, nil)
			}
			return err
		},
		then: func(s *state, err error) { s.outcome(done, err) },
	})
}
