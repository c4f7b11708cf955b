// SPDX-License-Identifier: Apache-2.0

// Package led lights the lamps on the front of a box through /sys/class/leds.
//
// An [LED] of the kernel has one colour; those with the same use are one lamp.
// Lamps of which some colour is missing show what comes nearest, so that an alarm
// is never dark. The package does not know what is wrong with a box: [Alarm] only
// says how a level is shown.
package led

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// An LED is one lamp of one colour.
type LED struct {
	Use    string // power, status, alarm, locate or activity
	Colour string // green, yellow, red, blue or white
	Device string // name in /sys/class/leds
}

// A Light is what a lamp shows. The zero Light is dark.
type Light struct {
	Colour string
	Blink  bool
}

// A Lamp is the LEDs of one use and what they show.
type Lamp struct {
	Use     string
	Colours []string
	Shows   Light // as asked for
	Problem string
}

// Lamps are all lamps of a box.
type Lamps struct {
	leds []LED // those that are there
	back backend

	mu    sync.Mutex // guards what follows
	shown map[string]Light
	bad   map[string]string // why a lamp does not show what it should, by use
}

// A backend switches LEDs.
type backend interface {
	there(device string) bool
	set(device string, on, blink bool) error
}

// Open returns the lamps below root, "/" or a recorded tree, with what is wrong:
// uses for which none of the LEDs is there.
func Open(root string, leds []LED) (*Lamps, []string) {
	return open(&sysfs{root: root}, leds)
}

// Simulate returns lamps in memory.
func Simulate(leds []LED) *Lamps {
	l, _ := open(&memory{lit: map[string]bool{}}, leds)
	return l
}

func open(back backend, leds []LED) (*Lamps, []string) {
	l := &Lamps{back: back, shown: map[string]Light{}, bad: map[string]string{}}
	wanted := map[string][]string{}
	for _, d := range leds {
		if back.there(d.Device) {
			l.leds = append(l.leds, d)
		}
		wanted[d.Use] = append(wanted[d.Use], d.Device)
	}
	var problems []string
	for _, use := range uses(leds) {
		if len(l.of(use)) == 0 {
			problems = append(problems, fmt.Sprintf("the %s lamp is not there: none of %v is in /sys/class/leds", use, wanted[use]))
		}
	}
	return l, problems
}

// uses lists the uses of leds, each once.
func uses(leds []LED) (out []string) {
	for _, d := range leds {
		if !slices.Contains(out, d.Use) {
			out = append(out, d.Use)
		}
	}
	return out
}

func (l *Lamps) of(use string) (out []LED) {
	for _, d := range l.leds {
		if d.Use == use {
			out = append(out, d)
		}
	}
	return out
}

// Has reports whether there is a lamp of that use.
func (l *Lamps) Has(use string) bool { return len(l.of(use)) > 0 }

// Set makes the lamp of a use show light. Nothing is written when it does already.
// A box without that lamp is no error.
func (l *Lamps) Set(use string, light Light) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was, ok := l.shown[use]; ok && was == light && l.bad[use] == "" {
		return nil
	}
	leds := l.of(use)
	lit := choose(leds, light.Colour)
	var errs []error
	for i, d := range leds {
		if err := l.back.set(d.Device, lit[i], lit[i] && light.Blink); err != nil {
			errs = append(errs, fmt.Errorf("switch LED %s: %w", d.Device, err))
		}
	}
	l.shown[use], l.bad[use] = light, ""
	err := errors.Join(errs...)
	if err != nil {
		l.bad[use] = err.Error()
	}
	return err
}

// nearest says which colours come nearest to one that a lamp has not.
var nearest = map[string][]string{
	"green": {"white", "blue", "yellow", "red"}, "yellow": {"red", "white", "blue", "green"}, "red": {"yellow", "white", "blue", "green"},
	"blue": {"white", "green", "yellow", "red"}, "white": {"blue", "green", "yellow", "red"},
}

// choose says which of the LEDs of a lamp to light for a colour: that colour; for
// yellow, red and green together; else the colour that comes nearest.
func choose(leds []LED, colour string) []bool {
	lit := make([]bool, len(leds))
	light := func(c string) (found bool) {
		for i, d := range leds {
			if d.Colour == c {
				lit[i], found = true, true
			}
		}
		return found
	}
	has := func(c string) bool { return slices.ContainsFunc(leds, func(d LED) bool { return d.Colour == c }) }
	switch {
	case colour == "" || light(colour):
	case colour == "yellow" && has("red") && has("green"):
		light("red")
		light("green")
	default:
		for _, c := range nearest[colour] {
			if light(c) {
				break
			}
		}
	}
	return lit
}

// State returns the lamps and what they show.
func (l *Lamps) State() []Lamp {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []Lamp{}
	for _, use := range uses(l.leds) {
		lamp := Lamp{Use: use, Shows: l.shown[use], Problem: l.bad[use]}
		for _, d := range l.of(use) {
			if !slices.Contains(lamp.Colours, d.Colour) {
				lamp.Colours = append(lamp.Colours, d.Colour)
			}
		}
		out = append(out, lamp)
	}
	return out
}
