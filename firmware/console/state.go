// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
)

// A state is what the two parts of the box say, as far as they answer.
type state struct {
	known     bool // stored is known
	stored    stored
	storedErr error

	info    info
	hello   hello
	network *network // nil: not told
	silent  error    // why the engine said nothing; nil: it did
	alarms  []string // of process 1, asked for where the engine tells nothing
}

// A stored is the result of recovery.status.
type stored struct {
	Revision       uint64    `json:"revision"`
	Author         string    `json:"author"`
	Committed      time.Time `json:"committed"`
	Pending        bool      `json:"pending"`
	Previous       uint64    `json:"previous"`
	HostName       string    `json:"host_name"`
	TimeZone       string    `json:"time_zone"`
	NTP            []string  `json:"ntp"` // none: those of DHCP
	Management     address   `json:"management"`
	Console        []string  `json:"console"`
	Fingerprint    string    `json:"fingerprint"`
	Administrators []string  `json:"administrators"`
	Setup          bool      `json:"setup"`
	Users          bool      `json:"users"`
	Problems       []string  `json:"problems"`
	Serial         struct {
		Known         bool `json:"known"`
		PasswordReset bool `json:"password_reset"`
		Shell         bool `json:"shell"`
		Idle          int  `json:"idle_seconds"`
	} `json:"serial"`
}

// An address is how the management port is reached, or is to be.
type address struct {
	Port    string   `json:"port,omitempty"`
	VLAN    int      `json:"vlan,omitempty"`
	Method  string   `json:"method"`
	Address []string `json:"address,omitempty"`
	Gateway []string `json:"gateway,omitempty"`
	DNS     []string `json:"dns,omitempty"`
}

func (a address) String() string {
	if a.Method == "none" || a.Method == "" {
		return "none: somebody else configures the network"
	}
	out := a.Method
	for _, part := range []struct {
		name string
		list []string
	}{{"", a.Address}, {"gateway", a.Gateway}, {"DNS", a.DNS}} {
		if len(part.list) > 0 {
			out += ", " + strings.TrimLeft(part.name+" "+strings.Join(part.list, " "), " ")
		}
	}
	if a.Port != "" {
		out += ", port " + a.Port
	}
	if a.VLAN > 0 {
		out += fmt.Sprintf(", VLAN %d", a.VLAN)
	}
	return out
}

type pending struct {
	Revision uint64 `json:"revision"`
	Left     string `json:"left"`
	Author   string `json:"author"`
	Comment  string `json:"comment"`
}

type role struct {
	Name      string `json:"name"`
	State     string `json:"state"`
	Crashes   int    `json:"crashes"`
	LastCrash string `json:"last_crash"`
	Held      string `json:"held"`
}

// An info is what is used of the result of sys.info.
type info struct {
	Version   string    `json:"version"`
	Board     string    `json:"board"`
	Revision  uint64    `json:"revision"`
	Author    string    `json:"author"`
	Committed time.Time `json:"committed"`
	Pending   *pending  `json:"pending"`
	Console   struct {
		Addresses   []string `json:"addresses"`
		Fingerprint string   `json:"fingerprint"`
		Problem     string   `json:"problem"`
	} `json:"console"`
	Roles    []role   `json:"roles"`
	Problems []string `json:"problems"`
}

type hello struct {
	Hostname string `json:"hostname"`
}

// A network is what is used of the result of network.show.
type network struct {
	Managed   bool     `json:"managed"`
	Why       string   `json:"why"`
	Port      string   `json:"port"`
	VLAN      int      `json:"vlan"`
	Method    string   `json:"method"`
	Addresses []string `json:"addresses"`
	HostName  string   `json:"host_name"`
	TimeZone  string   `json:"time_zone"`
	Problem   string   `json:"problem"`
}

var errNotAsked = errors.New("the engine was not asked yet")

// ask asks both parts of the box how it does.
func (s *session) ask() {
	var b state
	b.storedErr = s.supervisor("recovery.status", nil, &b.stored)
	b.known = b.storedErr == nil
	s.box.silent = errNotAsked
	b.silent = s.engine("sys.info", nil, &b.info)
	if s.box.silent = b.silent; b.silent == nil {
		_ = s.engine("sys.hello", nil, &b.hello) // the name is shown where it is told
		var n network
		if s.engine("network.show", nil, &n) == nil {
			b.network = &n
		}
	} else {
		var st struct {
			Roles []role `json:"roles"`
		}
		_ = s.supervisor("role.list", nil, &st) // without it no role is shown
		b.info.Roles = st.Roles
		var machine struct {
			Alarms []struct {
				Text string `json:"text"`
			} `json:"alarms"`
		}
		_ = s.supervisor("machine.alarms", nil, &machine) // a box without a process 1 of ours has none
		for _, a := range machine.Alarms {
			b.alarms = append(b.alarms, a.Text)
		}
	}
	s.box = b
}

// host returns what the box is called.
func (b *state) host() string {
	for _, name := range []string{b.stored.HostName, b.hello.Hostname} {
		if name != "" {
			return name
		}
	}
	return "evener"
}

// problems lists what needs attention.
func (b *state) problems() []string {
	if b.silent == nil {
		return b.info.Problems
	}
	out := slices.Clone(b.alarms)
	var e *api.Error
	switch {
	case errors.As(b.storedErr, &e) && e.Code == api.CodeNotFound:
		out = append(out, e.Message)
	case b.storedErr != nil:
		out = append(out, "the state cannot be read: "+b.storedErr.Error())
	}
	for _, r := range b.info.Roles {
		if r.State != "running" {
			out = append(out, strings.TrimSuffix(fmt.Sprintf("%s is %s, %s", r.Name, r.State, r.LastCrash), ", "))
		}
	}
	return append(out, b.stored.Problems...)
}

// seen returns of a text what the person may see of it: the last words of a process
// may have anything in them, so they are for administrators, and without secrets.
func (s *session) seen(text string) string {
	if !s.trusted() {
		text, _, _ = strings.Cut(text, "; its last words")
	}
	return s.secrets.Text(text)
}

// banner shows what box this is and how it does.
func (s *session) banner() {
	if s.cfg.Rescue {
		s.rescueBanner()
		return
	}
	b := &s.box
	title := "Evener"
	if s.cfg.Version != "" {
		title += " " + s.cfg.Version
	}
	s.say("\n%s on %s", title, b.host())
	row := func(name, value string) {
		if value != "" {
			s.say("  %-12s %s", name, value)
		}
	}
	urls, print := b.stored.Console, b.stored.Fingerprint
	if b.silent == nil {
		urls, print = b.info.Console.Addresses, b.info.Console.Fingerprint
	}
	row("management", b.management())
	row("console", strings.Join(urls, " "))
	for i, part := range fingerprintLines(print) {
		row([]string{"fingerprint", ""}[i], part)
	}
	switch {
	case b.silent != nil && b.known:
		row("engine", fmt.Sprintf("does not answer; revision %d would run", b.stored.Revision))
	case b.silent != nil:
		row("engine", "does not answer")
	default:
		row("engine", fmt.Sprintf("runs, revision %d by %s", b.info.Revision, b.info.Author))
	}
	if p := b.info.Pending; p != nil {
		row("PENDING", fmt.Sprintf("revision %d by %s goes back in %s unless confirmed", p.Revision, p.Author, p.Left))
	} else if b.silent != nil && b.stored.Pending {
		row("PENDING", fmt.Sprintf("revision %d waits for its confirm; revision %d was before it", b.stored.Revision, b.stored.Previous))
	}
	list := b.problems()
	for i, p := range list {
		if i == 4 {
			row("", fmt.Sprintf("and %d more: see Status", len(list)-i))
			break
		}
		row("ALARM", s.seen(p))
	}
}

// management says how the management port is reached.
func (b *state) management() string {
	if n := b.network; n != nil && (n.Managed || len(n.Addresses) > 0) {
		text := strings.Join(n.Addresses, " ")
		if text == "" {
			text = "no address yet"
		}
		if n.Problem != "" {
			text += "; " + n.Problem
		}
		if n.VLAN > 0 {
			return fmt.Sprintf("%s (%s, VLAN %d)", text, n.Method, n.VLAN)
		}
		return fmt.Sprintf("%s (%s)", text, n.Method)
	}
	if !b.known {
		return ""
	}
	return b.stored.Management.String()
}

// fingerprintLines writes 64 digits in groups, as they are compared by eye.
func fingerprintLines(hex string) []string {
	if hex == "" {
		return nil
	}
	var out []string
	for len(hex) > 0 {
		n := min(32, len(hex))
		var groups []string
		for part := hex[:n]; part != ""; {
			k := min(4, len(part))
			groups = append(groups, part[:k])
			part = part[k:]
		}
		if len(out) < 2 {
			out = append(out, strings.Join(groups, " "))
		}
		hex = hex[n:]
	}
	return out
}
