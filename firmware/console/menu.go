// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strconv"
	"strings"
)

// An entry is one of the menu. What is free may be done without a log-in; it then
// decides by itself how far that goes.
type entry struct {
	title string
	free  bool
	do    func(*session) error
}

// entries are the menu, in its order.
func entries() []entry {
	return []entry{
		{"Status", true, (*session).status},
		{"Management address", false, (*session).setAddress},
		{"Ports and their lamps", true, (*session).ports},
		{"Ping, trace, DNS", false, (*session).probe},
		{"Reset an administrator's password", true, (*session).resetPassword},
		{"Restore a configuration", false, (*session).restore},
		{"Confirm or revert a pending change", false, (*session).settle},
		{"Restart a role", false, (*session).restart},
		{"Support bundle", false, (*session).bundle},
		{"Live log", false, (*session).follow},
		{"Command line", false, (*session).commands},
		{"Maintenance shell", false, (*session).shell},
		{"Black box", false, (*session).blackbox},
		{"Factory reset", true, (*session).factoryReset},
		{"Reboot or power off", false, (*session).power},
		{"HA role: show, switch, pair", false, (*session).standby},
		{"Install on another disk", false, (*session).installDisk},
		{"Firmware: slots, update, go back", false, (*session).firmware},
	}
}

// menu asks what to do until the person leaves.
func (s *session) menu() error {
	list := entries()
	if s.cfg.Rescue {
		list = rescueEntries()
	}
	s.term.redraw = func() { s.banner(); s.list(list) }
	s.term.redraw()
	for {
		line, err := s.read(s.prompt())
		if err == errBack {
			continue
		}
		if err != nil {
			return err
		}
		if line == "" {
			s.ask()
			s.term.redraw()
			continue
		}
		if err := s.pick(list, line); err != nil && err != errBack {
			return err
		}
	}
}

// list shows the entries in two columns.
func (s *session) list(list []entry) {
	s.term.print("\n")
	half := (len(list) + 1) / 2
	for i := range half {
		row := fmt.Sprintf("%3d %-36s", i+1, list[i].title)
		if j := i + half; j < len(list) {
			row += fmt.Sprintf("%3d %s", j+1, list[j].title)
		}
		s.term.print(strings.TrimRight(row, " ") + "\n")
	}
}

func (s *session) prompt() string {
	switch {
	case s.cfg.Local:
		return "\nNumber, Enter for the menu, 0 to leave: "
	case s.user != "":
		return fmt.Sprintf("\n%s: number, Enter for the menu, 0 to log out: ", clean(s.user))
	case s.open():
		return "\nNumber, Enter for the menu, 0 to leave: "
	}
	return "\nNumber, Enter for the menu, l to log in, 0 to leave: "
}

// open reports whether the box is nobody's yet.
func (s *session) open() bool { return s.box.known && s.box.stored.Users && s.box.stored.Setup }

// trusted reports whether the person may do what an administrator may.
func (s *session) trusted() bool { return s.cfg.Local || s.user != "" || s.open() }

// still looks once more whether a person who was let in because the box is nobody's
// may go on: somebody may have made an administrator meanwhile. It is asked before
// every command line and every change, and returns errLeave if not.
func (s *session) still() error {
	if s.cfg.Local || s.user != "" {
		return nil
	}
	var now stored
	err := s.supervisor("recovery.status", nil, &now)
	if s.over(err) {
		return err
	}
	s.box.stored, s.box.storedErr, s.box.known = now, err, err == nil
	if s.open() {
		return nil
	}
	if err != nil {
		s.say("It cannot be told whether this box has an administrator by now: %v", err)
	} else {
		s.say("This box has an administrator by now: log in.")
	}
	return errLeave
}

// pick does what was chosen.
func (s *session) pick(list []entry, line string) error {
	switch strings.ToLower(line) {
	case "0", "exit", "quit", "logout":
		return errLeave
	case "l", "login":
		if s.trusted() {
			s.say("There is no need to log in.")
			return nil
		}
		return s.login()
	}
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || n > len(list) {
		s.say("There is no %s in the menu: type a number of 1 to %d.", line, len(list))
		return nil
	}
	e := list[n-1]
	s.term.print("\n")
	s.say("%s", e.title)
	s.say("%s", strings.Repeat("-", len(e.title)))
	if s.open() {
		s.ask() // somebody may have made an administrator meanwhile
	}
	if !e.free && !s.trusted() {
		s.say("This needs an administrator's log-in.")
		if err := s.login(); err != nil || !s.trusted() {
			return err
		}
	}
	redraw := s.term.redraw
	s.term.redraw = nil
	defer func() { s.term.redraw = redraw }()
	return e.do(s)
}
