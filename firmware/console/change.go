// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// confirmTime is how long a change of the network waits for its confirm.
const confirmTime = 5 * time.Minute

// A committed is what is used of the result of a commit.
type committed struct {
	Revision struct {
		Number uint64 `json:"number"`
	} `json:"revision"`
	Pending *pending `json:"pending"`
}

// comment says in the history who did it.
func (s *session) comment(what string) string {
	if s.user != "" {
		return what + " at the serial console by " + s.user
	}
	return what + " at the serial console"
}

// patch is an edit of config.edit. nil takes a value away.
func patch(block string, values map[string]any) map[string]any {
	return map[string]any{"op": "patch", "path": block, "set": values}
}

// commit edits the configuration by the serial console's own candidate, and asks
// whether the change is to stay.
func (s *session) commit(edits []map[string]any, what string) error {
	if err := s.still(); err != nil {
		return err
	}
	if err := s.discard(); err != nil {
		return err
	}
	var now info
	if err := s.engine("sys.info", nil, &now); err != nil {
		return err
	}
	err := s.change("config.edit", map[string]any{"base": now.Revision, "edits": edits}, nil)
	if err != nil {
		return err
	}
	var done committed
	err = s.change("config.commit", map[string]any{"comment": s.comment(what), "confirm": confirmTime.String()}, &done)
	if err != nil && !silent(err) && !s.over(err) && !errors.Is(err, errUnsure) {
		if left := s.discard(); s.over(left) { // what is left otherwise goes with the next one
			return left
		}
	}
	if err != nil {
		return err
	}
	return s.decide(done)
}

// discard throws away what an earlier change has left; mostly there is nothing.
func (s *session) discard() error {
	err := s.engine("config.discard", nil, nil)
	if err != nil && (s.over(err) || silent(err)) {
		return err
	}
	return nil
}

// decide asks what becomes of a commit that waits.
func (s *session) decide(done committed) error {
	if done.Pending == nil {
		s.say("Revision %d runs.", done.Revision.Number)
		return nil
	}
	s.say("Revision %d runs now. It goes back by itself in %s unless it is confirmed.", done.Revision.Number, done.Pending.Left)
	for {
		line, err := s.read("k keep it, r go back now, Enter decide later: ")
		if err != nil {
			return err
		}
		switch strings.ToLower(line) {
		case "k":
			return s.keep()
		case "r":
			return s.goBack()
		case "":
			s.say("Use Confirm or revert before the time is over.")
			return nil
		}
	}
}

func (s *session) keep() error {
	if err := s.still(); err != nil {
		return err
	}
	byEngine, err := s.eitherChanges("config.confirm", nil, nil, "recovery.confirm", nil, nil)
	if err == nil {
		s.say("It stays.")
		return s.afterwards(byEngine)
	}
	return s.told(err)
}

func (s *session) goBack() error {
	if err := s.still(); err != nil {
		return err
	}
	byEngine, err := s.eitherChanges("config.revert", nil, nil, "recovery.revert", nil, nil)
	if err == nil {
		s.say("It went back.")
		return s.afterwards(byEngine)
	}
	return s.told(err)
}

// afterwards says what follows from a change that the supervisor has made.
func (s *session) afterwards(byEngine bool) error {
	if !byEngine {
		s.say("The engine starts with it now; see Status.")
	}
	return nil
}

// settle confirms or reverts what waits, whoever committed it.
func (s *session) settle() error {
	s.ask()
	switch p := s.box.info.Pending; {
	case s.box.silent == nil && p == nil, s.box.silent != nil && !s.box.stored.Pending:
		s.say("Nothing waits for a confirm.")
		return nil
	case s.box.silent != nil:
		s.say("Revision %d waits for its confirm, while the engine does not answer. An engine that has not handed it over goes back to revision %d when it starts.",
			s.box.stored.Revision, s.box.stored.Previous)
	default:
		s.say("Revision %d by %s goes back in %s unless it is confirmed: %s", p.Revision, p.Author, p.Left, p.Comment)
		var d struct {
			Text string `json:"text"`
		}
		if err := s.engine("config.diff", map[string]any{"from": s.box.stored.Previous, "to": p.Revision}, &d); err == nil {
			if err := s.page(strings.Split(d.Text, "\n")); err != nil {
				return err
			}
		}
	}
	line, err := s.read("k keep it, r go back now, Enter leave it: ")
	switch {
	case err != nil:
		return err
	case strings.EqualFold(line, "k"):
		return s.keep()
	case strings.EqualFold(line, "r"):
		return s.goBack()
	}
	return nil
}

// setAddress changes the management address.
func (s *session) setAddress() error {
	now := s.box.stored.Management
	s.say("Now: %s", s.box.management())
	s.say("Configured: %s", now.String())
	next, err := s.readAddress(now)
	if err != nil || next == nil {
		return err
	}
	s.say("Before: %s", now.String())
	s.say("After:  %s", next.String())
	if ok, err := s.yes("Do it?", false); err != nil || !ok {
		return err
	}
	return s.told(s.applyAddress(*next))
}

// applyAddress commits an address, by the supervisor if the engine is silent.
func (s *session) applyAddress(a address) error {
	err := s.commit([]map[string]any{patch("management", a.values())}, "management address set")
	if !silent(err) {
		return err
	}
	s.say("The engine does not answer: the address can be set without a confirm, and the engine takes it when it starts.")
	if ok, err := s.yes("Set it in this way?", false); err != nil || !ok {
		return err
	}
	if err := s.still(); err != nil {
		return err
	}
	var done struct {
		Revision uint64 `json:"revision"`
	}
	params := map[string]any{"port": a.Port, "vlan": a.VLAN, "method": a.Method, "address": a.Address, "gateway": a.Gateway, "dns": a.DNS,
		"comment": s.comment("management address set")}
	if err := s.supervisor("recovery.address", params, &done); err != nil {
		return err
	}
	s.say("Revision %d has it.", done.Revision)
	return s.afterwards(false)
}

// values are those of the block management.
func (a address) values() map[string]any {
	list := func(l []string) any {
		if len(l) == 0 {
			return nil
		}
		return l
	}
	v := map[string]any{"method": a.Method, "address": list(a.Address), "gateway": list(a.Gateway), "dns": list(a.DNS), "port": nil, "vlan": nil}
	if a.VLAN > 0 {
		v["vlan"] = a.VLAN
	}
	if a.Port != "" {
		v["port"] = a.Port
	}
	return v
}

// readAddress asks for an address; nil: it stays as it is.
func (s *session) readAddress(now address) (*address, error) {
	s.say("  1 dhcp\n  2 static\n  3 none: somebody else configures the network")
	methods := []string{"dhcp", "static", "none"}
	n, err := s.number("Where does the address come from (1 to 3, Enter to leave it): ", 3, methods)
	if err != nil || n == 0 {
		return nil, err
	}
	next := &address{Port: now.Port, Method: methods[n-1]}
	if next.Method == "none" {
		return next, nil
	}
	if next.VLAN, err = s.readVLAN(now.VLAN); err != nil {
		return nil, err
	}
	if next.Method == "static" {
		if next.Address, err = s.readList("Address with length, such as 192.0.2.10/24: ", true, isPrefix); err != nil {
			return nil, err
		}
		if next.Gateway, err = s.readList("Gateway, Enter for none: ", false, isAddr); err != nil {
			return nil, err
		}
	}
	next.DNS, err = s.readList("Name servers, Enter for none: ", false, isAddr)
	return next, err
}

// readVLAN asks for the number of a VLAN, 0 for none.
func (s *session) readVLAN(now int) (int, error) {
	prompt := "VLAN, 1 to 4094, Enter for none: "
	if now > 0 {
		prompt = fmt.Sprintf("VLAN, 1 to 4094, 0 for none [%d]: ", now)
	}
	for {
		line, err := s.read(prompt)
		if err != nil || line == "" {
			return now, err
		}
		if n, err := strconv.Atoi(line); err == nil && n >= 0 && n <= 4094 {
			return n, nil
		}
		s.say("%q is no VLAN: it is a number of 1 to 4094, or 0 for frames without a tag.", clean(line))
	}
}

func isPrefix(s string) error {
	if p, err := netip.ParsePrefix(s); err != nil || !p.IsValid() {
		return fmt.Errorf("%q is no address with the length of its network, such as 192.0.2.10/24 or 2001:db8::10/64", s)
	}
	return nil
}

func isAddr(s string) error {
	if _, err := netip.ParseAddr(s); err != nil {
		return fmt.Errorf("%q is no address, such as 192.0.2.1", s)
	}
	return nil
}

// readList asks for words until all of them are right.
func (s *session) readList(prompt string, must bool, check func(string) error) ([]string, error) {
ask:
	for {
		line, err := s.read(prompt)
		if err != nil {
			return nil, err
		}
		list := words(line)
		if len(list) == 0 && must {
			s.say("It is needed here; Ctrl-C goes back to the menu.")
			continue
		}
		for _, word := range list {
			if err := check(word); err != nil {
				s.say("%v", err)
				continue ask
			}
		}
		return list, nil
	}
}
