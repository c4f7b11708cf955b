// SPDX-License-Identifier: Apache-2.0

package heartbeat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// IntervalMin is the shortest interval between heartbeats that makes sense.
const IntervalMin = 10 * time.Millisecond

// MaxSize bounds a datagram in bytes: it fits every Ethernet without
// fragments, also through a tunnel.
const MaxSize = 1400

// maxName bounds names and states in bytes, maxGroups the groups of a report.
const (
	maxName   = 64
	maxGroups = 32
)

// A Report is what a box says about itself.
type Report struct {
	Node     string        // its name
	Interval time.Duration // between its heartbeats; whole milliseconds travel
	Groups   []Group       // at most 32
}

// A Group is the sender's view of one failover group.
type Group struct {
	Name     string // at most 64 bytes
	State    string // such as "active"; at most 64 bytes
	Priority uint8
	Healthy  bool   // it could serve the group, or does
	Reason   string // of the state, in plain words; shortened if the datagram would be too long
	Heir     string // the box to which the sender has just handed the group over; "" where it has not
}

// appendReport appends r to b with reasons cut to most bytes:
//
//	u8 n, node | u32 interval in ms | u8 groups, each:
//	    u16 size of what follows | u8 n, name | u8 n, state | u8 priority | u8 flags | u16 n, reason | u8 n, heir
//
// Readers skip what a later version appends to a group or to the report.
func appendReport(b []byte, r Report, most int) ([]byte, error) {
	if len(r.Groups) > maxGroups {
		return nil, fmt.Errorf("a heartbeat tells of at most %d groups, not %d", maxGroups, len(r.Groups))
	}
	b, err := appendName(b, r.Node)
	if err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint32(b, uint32(r.Interval.Milliseconds()))
	b = append(b, byte(len(r.Groups)))
	for _, g := range r.Groups {
		start := len(b)
		b = append(b, 0, 0)
		if b, err = appendName(b, g.Name); err != nil {
			return nil, err
		}
		if b, err = appendName(b, g.State); err != nil {
			return nil, err
		}
		b = append(b, g.Priority, flags(g))
		reason := cut(g.Reason, most)
		b = binary.BigEndian.AppendUint16(b, uint16(len(reason)))
		b = append(b, reason...)
		if b, err = appendName(b, g.Heir); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start-2))
	}
	return b, nil
}

func flags(g Group) byte {
	if g.Healthy {
		return 1
	}
	return 0
}

func appendName(b []byte, s string) ([]byte, error) {
	if len(s) > maxName {
		return nil, fmt.Errorf("%q is longer than %d bytes", s, maxName)
	}
	return append(append(b, byte(len(s))), s...), nil
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// errPayload is what is wrong with a report that was sealed with the right key.
var errPayload = errors.New("the report in it is malformed")

// parseReport reads what appendReport wrote.
func parseReport(b []byte) (Report, error) {
	p := reader{rest: b}
	r := Report{Node: p.name()}
	r.Interval = time.Duration(binary.BigEndian.Uint32(p.take(4))) * time.Millisecond
	n := int(p.byte())
	if n > maxGroups {
		return Report{}, errPayload
	}
	for range n {
		q := reader{rest: p.take(int(binary.BigEndian.Uint16(p.take(2))))}
		g := Group{Name: q.name(), State: q.name(), Priority: q.byte(), Healthy: q.byte()&1 != 0}
		g.Reason = string(q.take(int(binary.BigEndian.Uint16(q.take(2)))))
		g.Heir = q.name()
		if q.short {
			return Report{}, errPayload
		}
		r.Groups = append(r.Groups, g)
	}
	if p.short {
		return Report{}, errPayload
	}
	return r, nil
}

// A reader takes fields from the front of rest. Where they are missing it
// yields zeros and remembers that.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if r.short || n > len(r.rest) {
		r.short = true
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) name() string {
	n := int(r.byte())
	if n > maxName {
		r.short = true
		return ""
	}
	return string(r.take(n))
}
