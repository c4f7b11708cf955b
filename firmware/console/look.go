// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// status shows all that the banner has, and more.
func (s *session) status() error {
	s.ask()
	s.banner()
	b := &s.box
	var out []string
	rev, made, by := b.stored.Revision, b.stored.Committed, b.stored.Author
	if b.silent == nil {
		rev, made, by = b.info.Revision, b.info.Committed, b.info.Author
	}
	if rev > 0 {
		out = append(out, fmt.Sprintf("revision %d of %s by %s", rev, made.Local().Format(time.DateTime), by))
	}
	if b.silent == nil {
		out = append(out, fmt.Sprintf("version %s, board %s", b.info.Version, b.info.Board))
	}
	for _, r := range b.info.Roles {
		line := fmt.Sprintf("role %-10s %s", r.Name, r.State)
		if r.Held != "" {
			line += ": " + r.Held
		}
		if r.Crashes > 0 {
			line += fmt.Sprintf(", %d crashes, the last one: %s", r.Crashes, s.seen(r.LastCrash))
		}
		out = append(out, line)
	}
	var at struct {
		Lines []struct {
			Device  string `json:"device"`
			Path    string `json:"path"`
			Speed   int    `json:"speed"`
			Problem string `json:"problem"`
		} `json:"lines"`
	}
	_ = s.supervisor("serial.show", nil, &at) // without a supervisor there is no terminal but this
	for _, l := range at.Lines {
		out = append(out, strings.TrimRight(fmt.Sprintf("terminal %s %s %d bit/s %s", l.Device, l.Path, l.Speed, l.Problem), " "))
	}
	if b.known {
		out = append(out, fmt.Sprintf("administrators: %d", len(b.stored.Administrators)))
	}
	for _, p := range b.problems() {
		out = append(out, "ALARM "+s.seen(p))
	}
	s.term.print("\n")
	return s.page(out)
}

// A port is what is used of one in the result of port.list.
type port struct {
	Name       string   `json:"name"`
	Interface  string   `json:"interface"`
	MAC        string   `json:"mac"`
	State      string   `json:"state"`
	Speed      int      `json:"speed"`
	Addresses  []string `json:"addresses"`
	Management bool     `json:"management"`
	Identify   bool     `json:"identify"`
	Problem    string   `json:"problem"`
}

// ports shows the ports and lets the lamp of one blink.
func (s *session) ports() error {
	var list struct {
		Ports []port `json:"ports"`
	}
	if _, err := s.either("port.list", nil, &list, "", nil, nil); err != nil {
		return s.told(err)
	}
	out := []string{"PORT     INTERFACE        MAC               STATE       SPEED  ADDRESSES"}
	for _, p := range list.Ports {
		speed := ""
		if p.Speed > 0 {
			speed = fmt.Sprint(p.Speed)
		}
		note := strings.Join(p.Addresses, " ")
		if p.Management {
			note = strings.TrimSpace("(management) " + note)
		}
		if p.Problem != "" {
			note += " " + p.Problem
		}
		out = append(out, strings.TrimRight(fmt.Sprintf("%-8s %-16s %-17s %-10s %6s  %s", p.Name, p.Interface, p.MAC, p.State, speed, note), " "))
	}
	if err := s.page(out); err != nil {
		return err
	}
	name, err := s.read("Port whose lamp is to blink for 30 s, Enter for none: ")
	if err != nil || name == "" {
		return err
	}
	if err := s.engine("port.identify", map[string]any{"port": name, "on": true, "seconds": 30}, nil); err != nil {
		return s.told(err)
	}
	s.say("The lamp of port %s blinks.", name)
	return nil
}

// probe looks at the network from the box.
func (s *session) probe() error {
	s.say("  1 ping\n  2 trace the way\n  3 ask DNS")
	n, err := s.choose("Which", 3)
	if err != nil || n == 0 {
		return err
	}
	target, err := s.read([]string{"Address or name: ", "Address or name: ", "Name: "}[n-1])
	if err != nil || target == "" {
		return err
	}
	method := []string{"diag.ping", "diag.trace", "diag.dns"}[n-1]
	params := map[string]any{"host": target}
	switch n {
	case 1:
		params["count"] = 5
	case 3:
		params = map[string]any{"name": target}
	}
	s.say("Ctrl-C ends it.")
	var result map[string]any
	err = s.wait(2*time.Minute, func(ctx context.Context) error { return s.cfg.Engine.Call(ctx, method, params, &result) })
	if silent(err) {
		err = errNeedsEngine
	}
	if err != nil {
		return s.told(err)
	}
	return s.page(plain(result, ""))
}

// follow shows what the engine logs, as it comes.
func (s *session) follow() error {
	type batch struct {
		Records []struct {
			Time    time.Time `json:"time"`
			Level   string    `json:"level"`
			Message string    `json:"message"`
			Attrs   []struct {
				Key   string `json:"key"`
				Value string `json:"value"`
			} `json:"attrs"`
		} `json:"records"`
		Next uint64 `json:"next"`
	}
	s.say("What the engine logs, from now on; Ctrl-C ends it.")
	s.typedAt = time.Now()
	next, first := uint64(0), true
	for {
		var b batch
		if err := s.engine("sys.log", map[string]any{"since": next, "max": 1000}, &b); err != nil {
			if silent(err) {
				err = errNeedsEngine
			}
			return s.told(err)
		}
		records := b.Records
		if first {
			records = records[max(0, len(records)-10):]
		}
		first, next = false, b.Next
		for _, r := range records {
			if err := s.pause(); err != nil {
				return err
			}
			line := r.Time.Local().Format(time.TimeOnly) + " " + r.Level + " " + r.Message
			for _, a := range r.Attrs {
				line += " " + a.Key + "=" + a.Value
			}
			s.say("%s", s.masked(line))
		}
		err := s.wait(time.Hour, func(ctx context.Context) error {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			return nil
		})
		if err == nil {
			err = s.pause()
		}
		if err != nil {
			return err
		}
	}
}

// blackbox shows what was recorded of the minutes before an engine ended.
func (s *session) blackbox() error {
	s.say("  1 the last minutes\n  2 before the last crash\n  3 before the crash before that")
	n, err := s.choose("Which", 3)
	if err != nil || n == 0 {
		return err
	}
	params := map[string]any{"crash": n - 1, "frames": 60}
	var result map[string]any
	if _, err := s.either("blackbox.read", params, &result, "recovery.blackbox", params, &result); err != nil {
		return s.told(err)
	}
	if list, ok := result["frames"].([]any); ok && len(list) == 0 {
		s.say("Nothing was recorded.")
		return nil
	}
	return s.page(plain(result, ""))
}
