// SPDX-License-Identifier: Apache-2.0

// Package bypass tells of the relays that connect two ports of a box with each
// other when it does not work, and switches them off.
//
// A box that owns addresses must not be bypassed: its neighbour would not notice
// that it is dead, and clients would reach nobody. So [Pairs.Force] makes every pair
// work as two ports, now and at the next loss of power as far as the hardware lets
// it, and what it could not do is told. The drivers are CASwell's (generation 2 and
// 3) and Silicom's, which are not part of the kernel.
package bypass

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Mode is what a relay does.
type Mode string

// The modes.
const (
	Normal   Mode = "normal"   // two ports of the box
	Bypassed Mode = "bypassed" // connected with each other, the box sees nothing
	Open     Mode = "open"     // connected with nothing
	Unknown  Mode = "unknown"
)

// A Pair is what a board says of two ports with a relay.
type Pair struct {
	Name   string    // "1-2"
	Ports  [2]string // as on the front; "" not known
	Driver string    // caswell, caswell-g3, silicom or sim
	Path   string    // of its folder or file, below the root
}

// A Status is a pair at one moment.
type Status struct {
	Pair
	Mode     Mode
	PowerOff Mode // without power; Unknown: the hardware does not tell
	Problem  string
}

// A driver handles one make of relays.
type driver interface {
	find(root string) []Pair
	mode(root string, p Pair) (now, off Mode, err error)
	force(root string, p Pair) error // Normal, now and without power
}

var drivers = map[string]driver{"caswell": gen2{}, "caswell-g3": gen3{}, "silicom": silicom{}}

// Drivers returns the names of the drivers.
func Drivers() []string { return []string{"caswell", "caswell-g3", "silicom", "sim"} }

// Pairs are the relays of a box.
type Pairs struct {
	root  string
	pairs []Pair

	mu     sync.Mutex // guards what follows
	sim    map[string]Mode
	forced map[string]string // why a pair could not be forced
}

// Find returns the pairs below root, "/" or a recorded tree: those that the board
// names and those that the drivers tell of besides. problems are pairs of the board
// that are not there.
func Find(root string, known []Pair) (p *Pairs, problems []string) {
	p = &Pairs{root: root, forced: map[string]string{}, sim: map[string]Mode{}}
	for _, k := range known {
		if k.Driver == "sim" {
			p.pairs = append(p.pairs, k)
			p.sim[k.Name] = Bypassed // as after a loss of power
			continue
		}
		d, ok := drivers[k.Driver]
		if ok {
			_, _, err := d.mode(root, k)
			ok = err == nil
		}
		if !ok {
			problems = append(problems, fmt.Sprintf("the bypass of ports %s is not there: %s is looked for, and driver %s", k.Name, k.Path, k.Driver))
			continue
		}
		p.pairs = append(p.pairs, k)
	}
	for _, name := range Drivers() {
		d, ok := drivers[name]
		if !ok {
			continue
		}
		for _, found := range d.find(root) {
			if !slices.ContainsFunc(p.pairs, func(k Pair) bool { return k.Path == found.Path }) {
				p.pairs = append(p.pairs, found)
			}
		}
	}
	return p, problems
}

// Force makes every pair two ports, and joins what went wrong.
func (p *Pairs) Force() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, k := range p.pairs {
		if k.Driver == "sim" {
			p.sim[k.Name] = Normal
			continue
		}
		delete(p.forced, k.Name)
		err := drivers[k.Driver].force(p.root, k)
		if now, _, e := drivers[k.Driver].mode(p.root, k); err == nil && (e != nil || now != Normal) {
			err = fmt.Errorf("it is %s all the same", now)
		}
		if err != nil {
			p.forced[k.Name] = err.Error()
			errs = append(errs, fmt.Errorf("switch off the bypass of ports %s: %w", k.Name, err))
		}
	}
	return errors.Join(errs...)
}

// State returns the pairs as they are.
func (p *Pairs) State() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []Status{}
	for _, k := range p.pairs {
		s := Status{Pair: k, PowerOff: Unknown, Problem: p.forced[k.Name]}
		if k.Driver == "sim" {
			s.Mode, s.PowerOff = p.sim[k.Name], Bypassed
			out = append(out, s)
			continue
		}
		var err error
		if s.Mode, s.PowerOff, err = drivers[k.Driver].mode(p.root, k); err != nil {
			s.Mode, s.PowerOff, s.Problem = Unknown, Unknown, err.Error()
		}
		out = append(out, s)
	}
	return out
}
