// SPDX-License-Identifier: Apache-2.0

// Package sensor reads temperatures, fans, voltages and powers from
// /sys/class/hwmon (Linux Documentation/hwmon/sysfs-interface.rst) and says which
// of them are beyond their limits.
//
// Limits come from the board where it knows them, else from the chip; limits that
// cannot be meant, such as a temperature of 0 or 127.9 degrees, count as none. A
// sensor that was there once and is not any more is told of as missing. What is done
// about any of it is not known here.
package sensor

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// Kind is what a sensor measures.
type Kind string

// The kinds, with their units.
const (
	Temperature Kind = "temperature" // degrees Celsius
	Fan         Kind = "fan"         // revolutions per minute
	Voltage     Kind = "voltage"     // volts
	Power       Kind = "power"       // watts
)

// Unit returns the unit of a kind.
func (k Kind) Unit() string {
	return map[Kind]string{Temperature: "°C", Fan: "rpm", Voltage: "V", Power: "W"}[k]
}

// State is how a sensor is.
type State string

// The states.
const (
	OK       State = "ok"
	Warning  State = "warning"  // beyond a limit
	Critical State = "critical" // beyond the last limit, or a fan that stands still
	Missing  State = "missing"  // it cannot be read
)

// Known is what a board knows of one sensor. A limit of 0 is not known.
type Known struct {
	Chip, Input         string // such as nct6775 and temp1
	Name                string
	Low, High, Critical float64
	Ignore              bool // nothing is connected to it
}

// A Reading is a sensor at one moment. A limit of 0 is none.
type Reading struct {
	ID                  string // chip and input, such as nct6775/temp1; it stays the same
	Name                string
	Kind                Kind
	Value               float64 // in Kind's unit; the last one of a missing sensor
	Low, High, Critical float64
	State               State
	Problem             string // why it is missing
}

// Sensors are the sensors of a box.
type Sensors struct {
	src   source
	known []Known

	mu   sync.Mutex         // guards what follows
	seen map[string]Reading // the last of each
	ran  map[string]bool    // fans that have turned
}

// A source has the values.
type source interface {
	read() []raw
}

// A raw is what a source says of an input.
type raw struct {
	chip, input, label  string
	value               float64
	low, high, critical float64
	err                 error
}

func (r raw) id() string { return r.chip + "/" + r.input }

// New returns the sensors below root, "/" or a recorded tree.
func New(root fs.FS, known []Known) *Sensors { return newSensors(hwmon{root}, known) }

func newSensors(src source, known []Known) *Sensors {
	return &Sensors{src: src, known: known, seen: map[string]Reading{}, ran: map[string]bool{}}
}

// Read returns every sensor, in the order of their identities, with those that the
// board knows of or that were there before and cannot be read now.
func (s *Sensors) Read() []Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := map[string]bool{}
	for _, r := range s.src.read() {
		k, _ := s.knownOf(r.chip, r.input)
		kind, ok := kindOf(r.input)
		if !ok || k.Ignore {
			continue
		}
		now[r.id()] = r.err == nil
		s.seen[r.id()] = s.judge(s.reading(r, kind, k))
	}
	for _, k := range s.known {
		id := k.Chip + "/" + k.Input
		if kind, ok := kindOf(k.Input); ok && !k.Ignore && s.seen[id].ID == "" {
			s.seen[id] = Reading{ID: id, Name: nameOf(k, ""), Kind: kind, Low: k.Low, High: k.High, Critical: k.Critical}
		}
	}
	out := []Reading{}
	for id, r := range s.seen {
		if !now[id] {
			r.State = Missing
			if r.Problem == "" {
				r.Problem = "the kernel does not offer it; is the module of chip " + strings.SplitN(id, "/", 2)[0] + " loaded?"
			}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Reading) int { return strings.Compare(sortKey(a.ID), sortKey(b.ID)) })
	return out
}

// sortKey makes temp10 come after temp9, and a chip's second one after it.
func sortKey(id string) string {
	head := strings.TrimRight(id, "0123456789")
	return fmt.Sprintf("%s%4s", strings.ReplaceAll(head, "/", "\x00"), id[len(head):])
}

func (s *Sensors) knownOf(chip, input string) (Known, bool) {
	for _, k := range s.known {
		if k.Chip == chip && k.Input == input {
			return k, true
		}
	}
	return Known{}, false
}

// reading joins what the chip and the board say.
func (s *Sensors) reading(r raw, kind Kind, k Known) Reading {
	if r.err != nil {
		was := s.seen[r.id()]
		was.ID, was.Kind, was.Problem = r.id(), kind, r.err.Error()
		was.Name = cmp.Or(was.Name, nameOf(k, r.label), r.id())
		return was
	}
	out := Reading{ID: r.id(), Name: cmp.Or(nameOf(k, r.label), r.id()), Kind: kind, Value: r.value, Low: k.Low, High: k.High, Critical: k.Critical}
	if k.Low == 0 && k.High == 0 && k.Critical == 0 {
		out.Low, out.High, out.Critical = sane(kind, r)
	}
	return out
}

func nameOf(k Known, label string) string {
	switch {
	case k.Name != "":
		return k.Name
	case label != "":
		return label
	case k.Chip != "":
		return k.Chip + "/" + k.Input
	}
	return ""
}

// sane returns the limits of a chip that can be meant.
func sane(kind Kind, r raw) (low, high, critical float64) {
	within := func(v, min, max float64) float64 {
		if v >= min && v <= max {
			return v
		}
		return 0
	}
	switch kind {
	case Temperature: // the low ones of chips are 0 or an accident of their registers
		return 0, within(r.high, 30, 120), within(r.critical, 40, 125)
	case Fan:
		return within(r.low, 100, 20000), 0, 0
	case Voltage: // those that are not set are 0 and the end of the scale
		if r.low > 0 && r.high > r.low && r.high < 2*r.low {
			return r.low, r.high, 0
		}
	case Power:
		return 0, within(r.high, 1, 5000), within(r.critical, 1, 5000)
	}
	return 0, 0, 0
}

// judge decides the state of a reading. What is beyond a limit must come back by a
// fiftieth of it before it is within again, so that alarms do not flutter.
func (s *Sensors) judge(r Reading) Reading {
	was := s.seen[r.ID].State
	over := func(limit float64, state State) bool {
		if was == state || was == Critical {
			limit -= limit / 50
		}
		return limit != 0 && r.Value >= limit
	}
	under := func(limit float64) bool {
		if was == Warning || was == Critical {
			limit += limit / 50
		}
		return limit != 0 && r.Value <= limit
	}
	r.State = OK
	if r.Kind == Fan && r.Value > 0 {
		s.ran[r.ID] = true
	}
	switch {
	case r.Kind == Fan && r.Value == 0 && (s.ran[r.ID] || r.Low > 0):
		r.State = Critical
	case over(r.Critical, Critical):
		r.State = Critical
	case over(r.High, Warning), under(r.Low):
		r.State = Warning
	}
	return r
}
