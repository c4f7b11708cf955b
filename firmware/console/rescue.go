// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"net/netip"
	"net/url"
)

// rescueEntries are the menu of the rescue system, in its order. What is free there
// asks for no more than that somebody stands before the box, as its power switch does,
// or for a signature that the box trusts.
func rescueEntries() []entry {
	return []entry{
		{"Status of the slots", true, (*session).slots},
		{"Start a slot once", true, (*session).startSlot},
		{"Keep a slot as good", false, (*session).keepSlot},
		{"Install an update", true, (*session).installUpdate},
		{"Install on another disk", true, (*session).installDisk},
		{"Reset an administrator's password", true, (*session).resetPassword},
		{"Restore a configuration", false, (*session).restore},
		{"Black box", false, (*session).blackbox},
		{"Last lines of the log", false, (*session).lastLog},
		{"Check the file systems", true, (*session).checkDisks},
		{"Factory reset", true, (*session).rescueReset},
		{"Reboot or power off", true, (*session).rescuePower},
	}
}

// A slotShown is one slot of the result of rescue.slots.
type slotShown struct {
	Slot    string `json:"slot"`
	Version string `json:"version"`
	State   string `json:"state"`
	Next    bool   `json:"next"`
	Reason  string `json:"reason"`
}

func (x slotShown) String() string {
	out := fmt.Sprintf("slot %s  %-8s %s", x.Slot, x.State, x.Version)
	if x.Next {
		out += "  starts next"
	}
	if x.Reason != "" {
		out += ": " + x.Reason
	}
	return out
}

type slotsShown struct {
	Disk    string      `json:"disk"`
	Slots   []slotShown `json:"slots"`
	Problem string      `json:"problem"`
	Journal []string    `json:"journal"`
}

// rescueBanner shows what can be started.
func (s *session) rescueBanner() {
	s.say("\nEvener %s, rescue system on %s", s.cfg.Version, s.box.host())
	list, err := s.askSlots()
	if err != nil {
		s.say("  the slots cannot be told: %v", err)
		return
	}
	for _, x := range list.Slots {
		s.say("  %s", x.String())
	}
	if list.Problem != "" {
		s.say("  ALARM %s", list.Problem)
	}
	for _, p := range s.box.problems() {
		s.say("  ALARM %s", s.seen(p))
	}
}

func (s *session) askSlots() (list slotsShown, err error) {
	err = s.supervisor("rescue.slots", nil, &list)
	return list, err
}

// slots shows the slots, and what happened to them last.
func (s *session) slots() error {
	list, err := s.askSlots()
	if err != nil {
		return s.told(err)
	}
	out := []string{"disk " + list.Disk}
	for _, x := range list.Slots {
		out = append(out, x.String())
	}
	if list.Problem != "" {
		out = append(out, "ALARM "+list.Problem)
	}
	if len(list.Journal) > 0 {
		out = append(out, "", "what happened last:")
	}
	return s.page(append(out, list.Journal...))
}

// pickSlot asks for a slot that holds something.
func (s *session) pickSlot(what string) (string, error) {
	list, err := s.askSlots()
	if err != nil {
		return "", s.told(err)
	}
	var there []slotShown
	for _, x := range list.Slots {
		if x.Version != "" {
			there = append(there, x)
			s.say("%3d %s", len(there), x.String())
		}
	}
	if len(there) == 0 {
		s.say("Neither slot holds a version: install an update.")
		return "", nil
	}
	n, err := s.choose(what, len(there))
	if err != nil || n == 0 {
		return "", err
	}
	return there[n-1].Slot, nil
}

// startSlot starts a slot whatever the boot loader thinks of it.
func (s *session) startSlot() error {
	name, err := s.pickSlot("Which one starts next, once")
	if err != nil || name == "" {
		return err
	}
	if err := s.supervisor("rescue.start", map[string]any{"slot": name}, nil); err != nil {
		return s.told(err)
	}
	s.say("Slot %s starts when the box reboots (Reboot or power off), and is not counted.", name)
	return nil
}

// keepSlot says of a slot that it is good.
func (s *session) keepSlot() error {
	name, err := s.pickSlot("Which one is good")
	if err != nil || name == "" {
		return err
	}
	if ok, err := s.yes(fmt.Sprintf("Start slot %s from now on, without its self-test?", name), false); err != nil || !ok {
		return err
	}
	if err := s.still(); err != nil {
		return err
	}
	if err := s.supervisor("rescue.good", map[string]any{"slot": name}, nil); err != nil {
		return s.told(err)
	}
	s.say("Slot %s is good, and starts next.", name)
	return nil
}

// installUpdate writes a bundle into a slot.
func (s *session) installUpdate() error {
	s.say("  1 from a USB stick\n  2 from a web server")
	n, err := s.choose("Which", 2)
	if err != nil || n == 0 {
		return err
	}
	params := map[string]any{}
	if n == 2 {
		if params, err = s.readFetch(); err != nil || params == nil {
			return err
		}
	}
	list, err := s.askSlots()
	if err != nil {
		return s.told(err)
	}
	for i, x := range list.Slots {
		s.say("%3d %s", i+1, x.String())
	}
	at, err := s.choose("Over which slot", len(list.Slots))
	if err != nil || at == 0 {
		return err
	}
	params["slot"] = list.Slots[at-1].Slot
	if ok, err := s.typed(list.Slots[at-1].Slot, "write over slot "+list.Slots[at-1].Slot); err != nil || !ok {
		return err
	}
	method := "rescue.usb"
	if n == 2 {
		method = "rescue.fetch"
	}
	var done struct {
		Version string `json:"version"`
		Slot    string `json:"slot"`
	}
	s.say("This takes a minute or more; Ctrl-C does not end it.")
	if err := s.long(method, params, &done); err != nil {
		return s.told(err)
	}
	s.say("Version %s is in slot %s and starts next, on trial. Reboot the box.", done.Version, done.Slot)
	return nil
}

// readFetch asks for the address of a bundle and how to get there.
func (s *session) readFetch() (map[string]any, error) {
	line, err := s.read("Address of the bundle, such as http://192.0.2.9/evener.evb: ")
	if err != nil || line == "" {
		return nil, err
	}
	if u, err := url.Parse(line); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		s.say("That is no address of a web server.")
		return nil, nil
	}
	p := map[string]any{"url": line, "method": "dhcp"}
	addr, err := s.read("Address of this box with the length of its network, such as 192.0.2.10/24, Enter for DHCP: ")
	if err != nil || addr == "" {
		return p, err
	}
	if _, err := netip.ParsePrefix(addr); err != nil {
		s.say("That is no address with the length of its network.")
		return nil, nil
	}
	p["method"], p["address"] = "static", addr
	for _, q := range []struct{ key, prompt string }{{"gateway", "Gateway, Enter for none: "}, {"dns", "Name server, Enter for none: "}} {
		text, err := s.read(q.prompt)
		if err != nil {
			return nil, err
		}
		if text == "" {
			continue
		}
		if _, err := netip.ParseAddr(text); err != nil {
			s.say("%s is no address.", text)
			return nil, nil
		}
		p[q.key] = text
	}
	return p, nil
}

// lastLog shows the end of the log that the processes of the box have written.
func (s *session) lastLog() error {
	var out struct {
		Lines []string `json:"lines"`
	}
	if err := s.supervisor("rescue.log", nil, &out); err != nil {
		return s.told(err)
	}
	for i, line := range out.Lines {
		out.Lines[i] = s.secrets.Text(line)
	}
	if len(out.Lines) == 0 {
		out.Lines = []string{"nothing is logged"}
	}
	return s.page(out.Lines)
}

// checkDisks has the file systems checked and mended.
func (s *session) checkDisks() error {
	var out struct {
		Lines []string `json:"lines"`
	}
	s.say("The file systems of state and data are checked, and mended where that loses nothing.")
	if err := s.long("rescue.check", map[string]any{}, &out); err != nil {
		return s.told(err)
	}
	return s.page(out.Lines)
}

// rescueReset makes state and data anew at the next start.
func (s *session) rescueReset() error {
	s.say("Configuration, users, keys, logs and all that was recorded are removed at the next start. There is no way back. The versions in the slots stay.")
	ok, err := s.typed("erase", "erase everything that was set")
	if err != nil || !ok {
		return err
	}
	if err := s.supervisor("rescue.reset", nil, nil); err != nil {
		return s.told(err)
	}
	s.say("The box erases it when it reboots (Reboot or power off).")
	return nil
}

// rescuePower ends the rescue system.
func (s *session) rescuePower() error {
	s.say("  1 reboot\n  2 power off")
	n, err := s.choose("Which", 2)
	if err != nil || n == 0 {
		return err
	}
	if err := s.supervisor([]string{"power.reboot", "power.halt"}[n-1], nil, nil); err != nil {
		return s.told(err)
	}
	s.say("%s", []string{"The box starts again.", "The box is switched off."}[n-1])
	return errLeave
}
