// SPDX-License-Identifier: Apache-2.0

// Package alert tells others what happens to the box: it sends events, the audit
// log and the system log to syslog servers, and events to people by e-mail.
//
// Each channel has a bounded queue and a goroutine of its own, so that one that
// does not answer holds up nothing. It does not decide what an event is (package
// event) or what is configured (package manage says so).
package alert

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"evener/firmware/event"
)

// Config is what is to be told to whom. Names of channels must be unique.
type Config struct {
	Syslog []Syslog
	Mail   []Mail
	Rules  []Rule
}

// A Syslog is a server that speaks RFC 5424.
type Syslog struct {
	Name      string
	Address   string   // host and port
	Transport string   // udp (RFC 5426), tcp (RFC 6587, octets counted) or tls (RFC 5425)
	CA        []byte   // PEM of the authorities that may vouch for it; nil: those of the system
	Facility  int      // 0 to 23
	Send      []Source // all of these, besides what rules want
}

// A Source is what a syslog server may get without a rule.
type Source string

// The sources.
const (
	Events Source = "events"
	Audit  Source = "audit"
	Log    Source = "log"
)

// A Mail is a mail server with the people who are written to through it.
type Mail struct {
	Name     string
	Server   string // host and port
	From     string
	To       []string
	Security string // starttls, tls or none
	CA       []byte // PEM; nil: those of the system
	User     string // "": no authentication
	Password string
}

// A Rule names the channels that are told of some events.
type Rule struct {
	Name     string
	Objects  []string // patterns, see event.MatchObject; none: all
	Kinds    []string // patterns, see event.MatchKind; none: all
	Severity event.Severity
	To       []string
}

// Wants reports whether the rule is about e.
func (r Rule) Wants(e event.Event) bool {
	f := event.Filter{Severity: r.Severity, Kinds: r.Kinds, Objects: r.Objects}
	return f.Match(e)
}

// A Message is what a channel sends.
type Message struct {
	Time     time.Time
	Severity int     // of syslog: 3 error, 4 warning, 5 notice, 6 informational, 7 debug
	ID       string  // kind of an event, method of an audit record, "log"
	Params   []Param // what programs read
	Text     string
}

// A Param is one fact of a message.
type Param struct{ Name, Value string }

// param returns the value of a parameter, "" if there is none.
func (m Message) param(name string) string {
	for _, p := range m.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// The severities of syslog that the box uses (RFC 5424, section 6.2.1).
const (
	sevError   = 3
	sevWarning = 4
	sevNotice  = 5
	sevInfo    = 6
	sevDebug   = 7
)

// LogSeverity returns the severity of syslog of a level of the log.
func LogSeverity(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return sevError
	case l >= slog.LevelWarn:
		return sevWarning
	case l >= slog.LevelInfo:
		return sevInfo
	}
	return sevDebug
}

// AuditSeverity returns that of an audit record: notice, or warning where what was
// tried was not done.
func AuditSeverity(ok bool) int {
	if ok {
		return sevNotice
	}
	return sevWarning
}

// eventMessage words an event.
func eventMessage(e event.Event, seq string) Message {
	sev := map[event.Severity]int{event.Info: sevInfo, event.Warning: sevWarning, event.Error: sevError}
	return Message{Time: e.Time, Severity: sev[e.Severity], ID: string(e.Kind), Text: e.Text, Params: []Param{
		{"kind", string(e.Kind)}, {"severity", e.Severity.String()}, {"object", e.Object}, {"seq", seq}}}
}

// clean makes one line of a text: what could end a line or a header, or move a
// terminal's cursor, becomes a space.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

func (s Syslog) wants(what Source) bool { return slices.Contains(s.Send, what) }
