// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"evener/firmware/api"
)

// A firmware is what is used of the result of upgrade.show.
type firmware struct {
	Available bool   `json:"available"`
	Why       string `json:"why"`
	Running   struct {
		Slot    string `json:"slot"`
		Version string `json:"version"`
	} `json:"running"`
	Slots    []slot `json:"slots"`
	Progress *struct {
		Step  string `json:"step"`
		Done  int64  `json:"done"`
		Total int64  `json:"total"`
	} `json:"progress"`
	Trial *struct {
		Checks []struct {
			Name   string `json:"name"`
			OK     bool   `json:"ok"`
			Detail string `json:"detail"`
		} `json:"checks"`
		Deadline time.Time `json:"deadline"`
	} `json:"trial"`
	Journal []journalLine `json:"journal"`
}

type slot struct {
	Slot    string `json:"slot"`
	Version string `json:"version"`
	State   string `json:"state"`
	Reason  string `json:"reason"`
}

type journalLine struct {
	Time   time.Time `json:"time"`
	Event  string    `json:"event"`
	Slot   string    `json:"slot"`
	Reason string    `json:"reason"`
}

// lines say what both slots hold, what goes on, and what happened last.
func (f *firmware) lines() []string {
	if !f.Available {
		return []string{"Version " + f.Running.Version + " runs. It cannot be upgraded here: " + f.Why}
	}
	out := []string{fmt.Sprintf("Version %s runs from slot %s.", f.Running.Version, f.Running.Slot)}
	for _, s := range f.Slots {
		line := fmt.Sprintf("  slot %s  %-8s %s", s.Slot, s.State, s.Version)
		if s.Reason != "" {
			line += ": " + s.Reason
		}
		out = append(out, line)
	}
	if t := f.Trial; t != nil {
		out = append(out, "It is on trial; unless all of this passes until "+t.Deadline.UTC().Format(time.TimeOnly)+" UTC, the box goes back:")
		for _, c := range t.Checks {
			word := "not yet"
			if c.OK {
				word = "ok"
			}
			out = append(out, fmt.Sprintf("  %-8s %-11s %s", word, c.Name, c.Detail))
		}
	}
	for i, e := range f.Journal {
		if i == 5 {
			break
		}
		out = append(out, fmt.Sprintf("%s  %s %s  %s", e.Time.UTC().Format(time.DateTime), e.Event, e.Slot, e.Reason))
	}
	return out
}

// other returns the slot that does not run, if there is a version in it.
func (f *firmware) other() *slot {
	for i, s := range f.Slots {
		if s.Slot != f.Running.Slot && s.State != "empty" {
			return &f.Slots[i]
		}
	}
	return nil
}

// firmware shows the versions of the box, and asks what to do about them.
func (s *session) firmware() error {
	var f firmware
	if err := s.engine("upgrade.show", nil, &f); err != nil {
		if silent(err) {
			err = errNeedsEngine
		}
		return s.told(err)
	}
	if err := s.page(f.lines()); err != nil || !f.Available {
		return err
	}
	s.say("  1 start the other slot\n  2 take a bundle from a USB stick\n  3 fetch a bundle from an address\n  4 keep the version that is on trial")
	n, err := s.choose("Which", 4)
	switch {
	case err != nil || n == 0:
		return err
	case n == 1:
		return s.startOther(f.other())
	case n == 2:
		return s.bring(f, "upgrade.usb", nil)
	case n == 3:
		url, err := s.read("Address, such as http://192.0.2.1/evener-1.4.0-amd64.evb: ")
		if err != nil || url == "" {
			return err
		}
		return s.bring(f, "upgrade.fetch", map[string]any{"url": url})
	}
	if ok, err := s.typed("keep", "keep version "+clean(f.Running.Version)+", whatever its self-test finds"); err != nil || !ok {
		return err
	}
	if err := s.still(); err != nil {
		return err
	}
	if err := s.changeEngine("upgrade.good", nil, nil); err != nil {
		return s.told(err)
	}
	s.say("It is good from now on.")
	return nil
}

// startOther starts a slot, after a typed word. A lower rollback index needs another one.
func (s *session) startOther(x *slot) error {
	if x == nil {
		s.say("The other slot is empty: bring a version first.")
		return nil
	}
	ok, err := s.typed("start", fmt.Sprintf("restart the box with version %s of slot %s, on trial", clean(x.Version), x.Slot))
	if err != nil || !ok {
		return err
	}
	params := map[string]any{"slot": x.Slot, "reboot": true}
	if err := s.still(); err != nil {
		return err
	}
	err = s.changeEngine("upgrade.activate", params, nil)
	if err != nil && api.AsError(err).Kind == "upgrade.rollback" {
		s.say("%v", err)
		if ok, err := s.typed("downgrade", "start it all the same"); err != nil || !ok {
			return err
		}
		params["downgrade"] = true
		err = s.changeEngine("upgrade.activate", params, nil)
	}
	if err != nil {
		return s.told(err)
	}
	s.say("The box restarts now.")
	return errLeave
}

// bring has the box take a bundle, shows how far that is, and offers to start it.
func (s *session) bring(was firmware, method string, params any) error {
	if err := s.still(); err != nil {
		return err
	}
	if err := s.changeEngine(method, params, nil); err != nil {
		return s.told(err)
	}
	s.say("Ctrl-C goes back to the menu; the box goes on with it.")
	for shown := int64(-1); ; {
		s.typedAt = time.Now() // somebody waits for the bundle
		err := s.wait(time.Minute, func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		if err == nil {
			err = s.pause()
		}
		if err != nil {
			return err
		}
		var now firmware
		if err := s.engine("upgrade.show", nil, &now); err != nil {
			return s.told(err)
		}
		p := now.Progress
		if p == nil {
			return s.brought(was, now)
		}
		if part := p.Done * 10 / max(p.Total, 1); part != shown && p.Total > 0 {
			shown = part
			s.say("  %s %d %%", p.Step, p.Done*100/p.Total)
		}
	}
}

// brought tells what came of it.
func (s *session) brought(was, now firmware) error {
	if len(now.Journal) == 0 || len(was.Journal) > 0 && !now.Journal[0].Time.After(was.Journal[0].Time) {
		return s.told(errors.New("nothing was written"))
	}
	e := now.Journal[0]
	if e.Event != "written" {
		return s.told(errors.New(strings.TrimSpace(e.Reason)))
	}
	s.say("It is in slot %s, read back and whole.", e.Slot)
	return s.startOther(now.other())
}
