// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The protocols that this software speaks: its own and the one before, so that a
// pair goes on while its boxes are upgraded one after the other. What is new in a
// protocol is listed here.
//
//	1  the first
const (
	protocolMin = 1
	protocolMax = 1
)

const (
	maxTables  = 64
	maxName    = 64 // bytes of a table's or a node's name
	maxVersion = 128
)

// A hello is the first frame in each direction. Fields that are not known are
// skipped.
type hello struct {
	Min     int          `json:"min"` // protocols spoken
	Max     int          `json:"max"`
	Node    string       `json:"node"`
	Version string       `json:"version"`
	Boot    uint64       `json:"boot"` // drawn when the Node was made
	Tables  []tableHello `json:"tables"`
}

// A tableHello is, from who dials, a table that is sent (its Seq says nothing); from
// who answers, a table that is taken and how far it is applied (epoch 0: not at all).
type tableHello struct {
	Name  string `json:"name"`
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// parseHello reads and checks a hello.
func parseHello(b []byte) (hello, error) {
	var h hello
	if err := json.Unmarshal(b, &h); err != nil {
		return hello{}, fmt.Errorf("read the greeting: %w", err)
	}
	switch {
	case h.Min < 1 || h.Max < h.Min:
		return hello{}, fmt.Errorf("the greeting offers protocols %d to %d; the first is at least 1 and the last not below it",
			h.Min, h.Max)
	case !validName(h.Node):
		return hello{}, errors.New("the greeting has no proper node name")
	case len(h.Version) > maxVersion:
		return hello{}, fmt.Errorf("the greeting's version has %d bytes; at most %d are allowed", len(h.Version), maxVersion)
	case len(h.Tables) > maxTables:
		return hello{}, fmt.Errorf("the greeting has %d tables; at most %d are allowed", len(h.Tables), maxTables)
	}
	h.Version = clean(h.Version)
	seen := map[string]bool{}
	for _, t := range h.Tables {
		if t.Name == "" || len(t.Name) > maxName || seen[t.Name] {
			return hello{}, fmt.Errorf("the greeting's table %.70q has no proper name or is there twice", t.Name)
		}
		seen[t.Name] = true
	}
	return h, nil
}

// validName reports whether name can be a node's: 1 to 64 printable characters of
// ASCII without blanks and quotes.
func validName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// choose returns the protocol that both boxes speak.
func choose(min1, max1 int, h hello) (int, error) {
	best := min(max1, h.Max)
	if best < min1 || best < h.Min {
		return 0, fmt.Errorf("this box speaks mirror protocols %d to %d, %s speaks %d to %d: "+
			"update the older one", min1, max1, h.Node, h.Min, h.Max)
	}
	return best, nil
}

// Reasons of a goodbye, for programs.
const (
	byeShutdown = "shutdown" // the box stops or restarts
	byeUnpaired = "unpaired" // the pairing was undone
	byeReplaced = "replaced" // a newer stream of the same box took its place
	byeRefused  = "refused"  // see the text
)

// A goodbye says why a stream ends.
type goodbye struct {
	Reason string `json:"reason"`
	Text   string `json:"text"` // for people
}

// Error words a goodbye that came from the other box.
func (g *goodbye) Error() string {
	switch g.Reason {
	case byeShutdown:
		return "the other box stops or restarts"
	case byeUnpaired:
		return "the other box has undone the pairing: pair the boxes again, or remove the peer here"
	case byeReplaced:
		return "a newer stream took the place of this one"
	}
	return "the other box says: " + g.Text
}

// parseGoodbye reads a goodbye; what cannot be read still ends the stream.
func parseGoodbye(b []byte) *goodbye {
	g := &goodbye{}
	if err := json.Unmarshal(b, g); err != nil {
		return &goodbye{Reason: byeRefused, Text: "nothing that can be read"}
	}
	g.Text = clip(clean(g.Text), maxWords)
	return g
}

// clean makes text of another box fit for a page, a log and a terminal: what
// cannot be printed becomes a blank.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
