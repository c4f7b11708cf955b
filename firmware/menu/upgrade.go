// SPDX-License-Identifier: Apache-2.0

package menu

import "context"

// Firmware is the result of upgrade.show, as far as it is shown.
type firmware struct {
	Available bool `json:"available"`
	Running   struct {
		Slot    string `json:"slot"`
		Version string `json:"version"`
	} `json:"running"`
	Slots []slot    `json:"slots"`
	Trial *struct{} `json:"trial"` // nil: the version that runs is good
}

type slot struct {
	Slot    string `json:"slot"`
	Version string `json:"version"`
	State   string `json:"state"` // good, trying, bad, empty or spare
	Reason  string `json:"reason"`
}

// pollFirmware asks for the slots.
func (m *Menu) pollFirmware(ctx context.Context) {
	var f firmware
	if m.ask(ctx, m.engine, "upgrade.show", &f) != nil || !f.Available {
		m.tell(ctx, func(s *state) { s.news.firmware = nil })
		return
	}
	m.tell(ctx, func(s *state) { s.news.firmware = &f })
}

// other returns the slot that does not run, if there is a version in it.
func (f *firmware) other() (slot, bool) {
	for _, x := range f.Slots {
		if x.Slot != f.Running.Slot && x.State != "empty" && x.Version != "" {
			return x, true
		}
	}
	return slot{}, false
}

func (f *firmware) word() text {
	if f.Trial != nil {
		return tOnTrial
	}
	return tOK
}

func slotWord(state string) text {
	switch state {
	case "good":
		return tOK
	case "trying":
		return tOnTrial
	case "bad":
		return tGivenUp
	}
	return tNotStarted
}

// firmwareMenu is what runs, what the other slot holds, and starting that.
func firmwareMenu() view {
	return &list{title: titled(tFirmware), choices: func(s *state) []choice {
		f := s.news.firmware
		if f == nil {
			return nil
		}
		look := func(s *state) {
			s.push(&reading{title: tFirmware, lines: func(s *state) []string { return s.firmwareLines() }})
		}
		out := []choice{{s.text(tSlot) + " " + f.Running.Slot, s.text(f.word()), look}}
		if x, ok := f.other(); ok {
			out = append(out, choice{s.text(tStartSlot) + " " + x.Slot, s.text(slotWord(x.State)), func(s *state) {
				s.ask(tStartSlot, func(s *state) {
					s.tellEngine("upgrade.activate", map[string]any{"slot": x.Slot, "reboot": true}, tRebooting)
				})
			}})
		}
		return out
	}}
}

// firmwareLines say what both slots hold.
func (s *state) firmwareLines() []string {
	f := s.news.firmware
	if f == nil {
		return []string{s.text(tNothing)}
	}
	var lines []string
	for _, x := range f.Slots {
		word := s.text(slotWord(x.State))
		if x.State == "empty" {
			word = s.text(tEmptySlot)
		}
		mark := s.text(tSlot) + " " + x.Slot
		if x.Slot == f.Running.Slot {
			mark = "*" + mark
		}
		lines = append(lines, pair(mark, word, s.disp.Cols))
		lines = append(lines, wrap(x.Version, s.disp.Cols)...)
		lines = append(lines, wrap(x.Reason, s.disp.Cols)...)
	}
	return lines
}
