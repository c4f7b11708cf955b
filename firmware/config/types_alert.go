// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/hashicorp/hcl/v2"

// A Syslog is a server that the box sends records to (RFC 5424).
type Syslog struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Address     string    `json:"address"`   // host and port
	Transport   string    `json:"transport"` // udp (default), tcp, tls
	CA          []string  `json:"ca"`        // tls: trusts; none: the system's
	Facility    string    `json:"facility"`  // local0
	Send        []string  `json:"send"`      // "events", "audit", "log": all of these; none: what alert blocks send
	Range       hcl.Range `json:"-"`
}

// A Mail is a mail server with the people who are written to through it.
type Mail struct {
	Name           string    `json:"name"`
	Description    string    `json:"description,omitempty"`
	Server         string    `json:"server"` // host and port
	From           string    `json:"from"`
	To             []string  `json:"to"`
	Security       string    `json:"security"`                  // starttls (default), tls, none
	CA             []string  `json:"ca"`                        // trusts; none: the system's
	User           string    `json:"user,omitempty"`            // empty: no authentication
	PasswordSecret string    `json:"password_secret,omitempty"` // the name under which the vault has the password
	Range          hcl.Range `json:"-"`
}

// An Alert says which events are told to whom.
type Alert struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Objects     []string  `json:"objects"`  // patterns; none: all
	Kinds       []string  `json:"kinds"`    // patterns; none: all
	Severity    string    `json:"severity"` // and worse: info, warning (default), error
	To          []string  `json:"to"`       // syslog and mail blocks
	Range       hcl.Range `json:"-"`
}

// facilities are those of RFC 5424, section 6.2.1, under their usual names, in the
// order of their numbers.
var facilities = []string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// FacilityNumber returns the number of s's facility, 0 to 23.
func (s *Syslog) FacilityNumber() int {
	for i, f := range facilities {
		if f == s.Facility {
			return i
		}
	}
	return 16 // local0, the default
}

// EventKinds are the kinds of events that alerts can be about. Package event
// describes them; a test of package manage compares the two.
var EventKinds = []string{
	"member.up", "member.down", "member.quiesced", "member.draining", "member.drained", "member.disabled", "member.cut", "member.enabled", "member.weight",
	"pool.down", "pool.up",
	"config.committed", "config.confirmed", "config.reverted", "config.unserved", "config.served",
	"certificate.expiring", "certificate.expired", "certificate.renewed", "certificate.failed",
	"engine.started", "role.crashed", "role.restarted",
	"port.up", "port.down",
	"sensor.warning", "sensor.critical", "sensor.missing", "sensor.ok", "machine.alarm", "watchdog.reset",
	"clock.stepped", "clock.jumped", "clock.unsynced", "clock.synced",
	"login.failed", "login.throttled",
	"audit.failed", "audit.restored", "events.lost",
	"group.active", "group.takeover", "group.backup", "group.fault", "group.init", "group.changed",
	"standby.alarm", "standby.warning", "standby.cleared", "peer.connected", "peer.lost", "peer.paired", "peer.unpaired",
	"config.mirrored", "config.refused", "rehearsal.done", "rehearsal.failed",
	"upgrade.written", "upgrade.refused", "upgrade.armed", "upgrade.trial", "upgrade.good", "upgrade.fell_back",
	"upgrade.pair_begun", "upgrade.pair_done", "upgrade.pair_stopped",
	"alert.failed", "alert.restored", "alert.dropped", "alert.test",
}
