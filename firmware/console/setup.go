// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// offerSetup asks whether a box that is nobody's yet is to be set up now.
func (s *session) offerSetup() error {
	s.say("\nThis box has no administrator yet.")
	ok, err := s.yes("Set it up now?", true)
	if err != nil || !ok {
		return err
	}
	return s.setup()
}

// A plan is what the first set-up has asked for.
type plan struct {
	address  *address
	listen   []string // of the console; nil: as it is
	host     string
	zone     string
	ntp      []string // nil: as it is
	hostNow  string
	zoneNow  string
	addedNow address
}

// setup asks for what a new box needs, commits it, and says how to go on.
func (s *session) setup() error {
	p := plan{addedNow: s.box.stored.Management, hostNow: s.box.stored.HostName, zoneNow: s.box.stored.TimeZone}
	if n := s.box.network; n != nil {
		p.hostNow, p.zoneNow = n.HostName, n.TimeZone
	}
	s.say("\nEnter alone leaves a thing as it is; Ctrl-C goes to the menu.\n\nManagement address, now: %s", s.box.management())
	var err error
	if p.address, err = s.readAddress(p.addedNow); err != nil {
		return err
	}
	if p.address != nil {
		if p.listen, err = s.readListen(*p.address); err != nil {
			return err
		}
	}
	if p.host, err = s.read("Name of the box [" + clean(or(p.hostNow, "the machine's own")) + "]: "); err != nil {
		return err
	}
	if p.zone, err = s.read("Time zone, such as Europe/Berlin [" + clean(or(p.zoneNow, "the machine's own")) + "]: "); err != nil {
		return err
	}
	if p.ntp, err = s.readTimeServers(); err != nil {
		return err
	}
	if done, err := s.carryOut(p); err != nil || !done {
		return err
	}
	return s.showSetup()
}

// readTimeServers asks whom the clock is to follow; nil: it stays as it is.
func (s *session) readTimeServers() ([]string, error) {
	now := "those of DHCP, if any"
	if list := s.box.stored.NTP; len(list) > 0 {
		now = strings.Join(list, " ")
	}
ask:
	for {
		line, err := s.read("Time servers, such as pool.ntp.org, or none [" + clean(now) + "]: ")
		if err != nil || line == "" {
			return nil, err
		}
		list := words(line)
		for _, word := range list {
			if strings.Trim(strings.ToLower(word), "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]") != "" {
				s.say("%q is no name or address of a machine.", clean(word))
				continue ask
			}
		}
		if len(list) > 0 {
			return list, nil
		}
	}
}

// words takes a line apart at spaces and commas.
func words(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' })
}

// carryOut shows what was asked for once more and does it. It says whether the
// set-up goes on.
func (s *session) carryOut(p plan) (bool, error) {
	edits := p.edits()
	if len(edits) == 0 {
		return true, nil
	}
	s.say("\nThis is what will be set:")
	if p.address != nil {
		s.say("  management address  %s", p.address.String())
	}
	if p.listen != nil {
		s.say("  console             %s", strings.Join(p.listen, " "))
	}
	if p.host != "" {
		s.say("  name                %s", p.host)
	}
	if p.zone != "" {
		s.say("  time zone           %s", p.zone)
	}
	if p.ntp != nil {
		s.say("  time servers        %s", strings.Join(p.ntp, " "))
	}
	ok, err := s.yes("Do it?", true)
	if err != nil {
		return false, err
	}
	if !ok {
		s.say("Nothing was set.")
		return true, nil
	}
	if err := s.awaitEngine(); err != nil {
		return false, err
	}
	err = s.commit(edits, "first set-up")
	if silent(err) && p.address != nil {
		s.say("The engine does not answer: only the address can be set now.")
		err = s.applyAddress(*p.address)
	}
	if err = s.told(err); err != nil {
		return false, err
	}
	s.ask()
	return true, nil
}

// startLimit is how long the engine of a box that was just switched on may take.
const startLimit = time.Minute

// awaitEngine gives the engine of a box that was just switched on some time to
// answer: without it only the address can be set.
func (s *session) awaitEngine() error {
	if s.box.silent != nil {
		s.ask() // it may have come up while the questions were asked
	}
	if s.box.silent == nil {
		return nil
	}
	s.say("The engine does not answer yet: waiting for it, up to %s.", short(startLimit))
	for end := time.Now().Add(startLimit); time.Now().Before(end) && s.box.silent != nil; s.ask() {
		err := s.wait(2*time.Second, func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// edits are those that carry p out.
func (p *plan) edits() (out []map[string]any) {
	system := map[string]any{}
	if p.host != "" {
		system["host_name"] = p.host
	}
	if p.zone != "" {
		system["time_zone"] = p.zone
	}
	if p.ntp != nil {
		system["ntp"] = p.ntp
	}
	if len(system) > 0 {
		out = append(out, patch("system", system))
	}
	if p.address != nil {
		out = append(out, patch("management", p.address.values()))
	}
	if p.listen != nil {
		out = append(out, patch("console", map[string]any{"listen": p.listen}))
	}
	return out
}

// readListen asks whether the console is to be where browsers get at it, if it is
// on the box's own addresses alone; nil: it stays as it is.
func (s *session) readListen(a address) ([]string, error) {
	port := ""
	for _, u := range s.box.stored.Console {
		host, err := url.Parse(u)
		if err != nil {
			return nil, nil
		}
		ap, err := netip.ParseAddrPort(host.Host)
		if err != nil || !ap.Addr().IsLoopback() {
			return nil, nil // somebody has thought of it
		}
		port = host.Port()
	}
	if port == "" || a.Method == "none" {
		return nil, nil
	}
	s.say("The console is at %s, where no browser of another machine gets at it.", strings.Join(s.box.stored.Console, " "))
	ok, err := s.yes("Open it at every address of the box?", true)
	if err != nil || !ok {
		return nil, err
	}
	out := []string{"0.0.0.0:" + port}
	for _, p := range a.Address {
		if strings.Contains(p, ":") {
			return append(out, "[::]:"+port), nil
		}
	}
	return out, nil
}

// showSetup says how the first administrator is made. It is the only place that
// shows a secret.
func (s *session) showSetup() error {
	var out struct {
		Code string `json:"code"`
	}
	if _, err := s.either("auth.setup_code", nil, &out, "recovery.setup_code", nil, &out); err != nil {
		return s.told(err)
	}
	s.ask()
	if out.Code == "" || !s.box.stored.Setup {
		s.say("There is an administrator already.")
		return nil
	}
	urls, print := s.box.info.Console.Addresses, s.box.info.Console.Fingerprint
	if s.box.silent != nil {
		urls, print = s.box.stored.Console, s.box.stored.Fingerprint
	}
	s.say("\nMake the first administrator with a browser:")
	s.say("  open         %s", or(strings.Join(urls, " "), "nothing: the console is turned off (console listen)"))
	for i, part := range fingerprintLines(print) {
		s.say("%s", []string{"  fingerprint  ", "               "}[i]+part)
	}
	s.say("  set-up code  %s", out.Code)
	s.say("Compare the fingerprint with what the browser says of the certificate.")
	return nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
