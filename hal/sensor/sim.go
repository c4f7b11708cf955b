// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Sim has the sensors of the simulated board. Their values move slowly, each in
// its own time, and can be set by hand.
type Sim struct {
	known []Known
	now   func() time.Time

	mu   sync.Mutex         // guards what follows
	hand map[string]float64 // NaN: gone
}

// Simulate returns sensors in memory, one for each of known, and what sets them.
func Simulate(known []Known, now func() time.Time) (*Sensors, *Sim) {
	s := &Sim{known: known, now: now, hand: map[string]float64{}}
	return newSensors(s, known), s
}

// Set gives a sensor a value of its kind's unit, such as 95 for sim/temp1.
func (s *Sim) Set(id string, value float64) error { return s.set(id, &value) }

// Remove makes a sensor vanish.
func (s *Sim) Remove(id string) error {
	gone := math.NaN()
	return s.set(id, &gone)
}

// Free lets a sensor move by itself again.
func (s *Sim) Free(id string) error { return s.set(id, nil) }

func (s *Sim) set(id string, value *float64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.known, func(k Known) bool { return k.Chip+"/"+k.Input == id }) {
		return fmt.Errorf("there is no sensor %q: there are %s", id, strings.Join(s.ids(), ", "))
	}
	if delete(s.hand, id); value != nil {
		s.hand[id] = *value
	}
	return nil
}

func (s *Sim) ids() (out []string) {
	for _, k := range s.known {
		out = append(out, k.Chip+"/"+k.Input)
	}
	return out
}

// middles are the values about which each kind moves, and how far.
var middles = map[Kind]struct{ value, swing float64 }{
	Temperature: {44, 4}, Fan: {3200, 150}, Voltage: {12.02, 0.05}, Power: {23, 3},
}

func (s *Sim) read() (out []raw) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range s.known {
		kind, _ := kindOf(k.Input)
		r := raw{chip: k.Chip, input: k.Input}
		value, set := s.hand[r.id()]
		if math.IsNaN(value) {
			continue
		}
		if r.value = value; !set {
			m := middles[kind]
			turn := 2 * math.Pi * float64(s.now().Unix()) / (300 + 60*float64(i))
			r.value = math.Round(100*(m.value+m.swing*math.Sin(turn))) / 100
			if kind == Fan {
				r.value = math.Round(r.value)
			}
		}
		out = append(out, r)
	}
	return out
}
