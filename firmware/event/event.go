// SPDX-License-Identifier: Apache-2.0

// Package event keeps what happened to the box: members that went down, commits,
// certificates that expire, restarts. An [Event] has a kind and parameters, for
// programs that test and translate, and a text in English.
//
// The [Journal] numbers events, keeps the newest in memory, and in a bounded file
// so that they survive a restart. It does not know who makes events happen or who
// is told of them (package alert).
package event

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// An Event is one thing that happened.
type Event struct {
	Seq      uint64         `json:"seq"`  // from 1, without gaps
	Time     time.Time      `json:"time"` // UTC
	Kind     Kind           `json:"kind"`
	Severity Severity       `json:"severity"`
	Object   string         `json:"object,omitempty"` // path, such as pool/shop/member/web2
	Args     map[string]any `json:"args,omitempty"`   // of the kind's text: strings, numbers, booleans
	Text     string         `json:"text"`             // English
	Ack      *Ack           `json:"ack,omitempty"`    // nil: nobody has
}

// An Ack says that somebody has taken notice.
type Ack struct {
	By   string    `json:"by"`
	Time time.Time `json:"time"`
	Note string    `json:"note,omitempty"`
}

// Severity says how bad it is.
type Severity int

// The severities, from the mildest.
const (
	Info    Severity = iota // a state changed
	Warning                 // clients are served, for now
	Error                   // somebody must act
)

var severities = []string{"info", "warning", "error"}

func (s Severity) String() string {
	if s < 0 || int(s) >= len(severities) {
		return fmt.Sprintf("severity %d", int(s))
	}
	return severities[s]
}

// ParseSeverity reads info, warning or error.
func ParseSeverity(s string) (Severity, error) {
	for i, name := range severities {
		if s == name {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("a severity is info, warning or error, not %q", s)
}

// MarshalJSON writes the name.
func (s Severity) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads the name.
func (s *Severity) UnmarshalJSON(b []byte) (err error) {
	var name string
	if err = json.Unmarshal(b, &name); err == nil {
		*s, err = ParseSeverity(name)
	}
	return err
}

var argument = regexp.MustCompile(`\{([a-z_]+)\}`)

// maxText bounds a text and each argument, in bytes.
const maxText = 1024

// New returns an event of a kind with its severity and text. A kind that is not in
// the table is a mistake of the program: New panics.
func New(k Kind, object string, args map[string]any) Event {
	d, ok := described[k]
	if !ok {
		panic(fmt.Sprintf("event: kind %q is not in the table", k))
	}
	bounded := make(map[string]any, len(args))
	for name, v := range args {
		if s, ok := v.(string); ok {
			v = cut(s)
		}
		bounded[name] = v
	}
	text := argument.ReplaceAllStringFunc(d.Text, func(f string) string {
		if v, ok := bounded[f[1:len(f)-1]]; ok {
			return fmt.Sprint(v)
		}
		return "-"
	})
	return Event{Kind: k, Severity: d.Severity, Object: cut(object), Args: bounded, Text: cut(text)}
}

func cut(s string) string {
	if len(s) > maxText {
		s = s[:maxText-len("…")] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

// A Filter says which events are wanted; an empty field wants all.
type Filter struct {
	From, To time.Time // To is not included
	Severity Severity  // and worse
	Kinds    []string  // patterns such as member.*
	Objects  []string  // paths with what is below them, or patterns such as pool/*/member/web2
	Text     string    // found anywhere, in any case of letters
	Unacked  bool      // only those that nobody has acknowledged
}

// Match reports whether e is wanted.
func (f Filter) Match(e Event) bool {
	switch {
	case !f.From.IsZero() && e.Time.Before(f.From), !f.To.IsZero() && !e.Time.Before(f.To),
		e.Severity < f.Severity,
		f.Unacked && e.Ack != nil,
		len(f.Kinds) > 0 && !MatchKind(f.Kinds, e.Kind),
		len(f.Objects) > 0 && !MatchObject(f.Objects, e.Object):
		return false
	}
	text := strings.ToLower(f.Text)
	return text == "" || strings.Contains(strings.ToLower(e.Text), text) ||
		strings.Contains(strings.ToLower(e.Object), text) || strings.Contains(string(e.Kind), text)
}

// MatchKind reports whether one of the patterns fits; * stands for any text, dots
// included.
func MatchKind(patterns []string, k Kind) bool {
	for _, p := range patterns {
		// path.Match's star stops at slashes only, and a kind has none.
		if ok, err := path.Match(p, string(k)); ok && err == nil {
			return true
		}
	}
	return false
}

// MatchObject reports whether one of the patterns fits the object or something
// that it is below of: pool/* fits pool/shop and pool/shop/member/web2. A star
// stands for a part of one step of the path; * alone fits everything.
func MatchObject(patterns []string, object string) bool {
	for _, p := range patterns {
		if p == "*" {
			return true
		}
		for o := object; o != ""; {
			if ok, err := path.Match(p, o); ok && err == nil {
				return true
			}
			i := strings.LastIndexByte(o, '/')
			if i < 0 {
				break
			}
			o = o[:i]
		}
	}
	return false
}
