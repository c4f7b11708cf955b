// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"context"
	"errors"
	"sync"

	"evener/hal/lcd"
)

// SimRig connects the simulated display, which has no line: its plug is pulled
// by closing it.
func SimRig(o lcd.Options) *Rig {
	s := &simLink{}
	return &Rig{Link: s, Close: s.Unplug, Keys: []lcd.Key{lcd.Up, lcd.Down, lcd.Left, lcd.Right, lcd.Enter, lcd.Escape},
		Open: func(ctx context.Context) (lcd.Device, error) { return s.open(ctx, o) }}
}

// A simLink is the simulated display that was opened last, or none.
type simLink struct {
	mu     sync.Mutex // guards all below
	sim    *lcd.Sim
	absent bool
}

func (s *simLink) open(ctx context.Context, o lcd.Options) (lcd.Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.absent {
		return nil, errors.New("the simulated display is unplugged")
	}
	dev, err := lcd.OpenDevice(ctx, "sim", o)
	if err != nil {
		return nil, err
	}
	s.sim = dev.(*lcd.Sim)
	return dev, nil
}

func (s *simLink) Do(f func(Emulator) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(simEmulator{s.sim})
}

// Sent is 0: nothing goes over a line.
func (s *simLink) Sent() int { return 0 }

func (s *simLink) Unplug() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.absent = true
	if s.sim != nil {
		s.sim.Close()
	}
}

func (s *simLink) Replug() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.absent = false
}

type simEmulator struct{ sim *lcd.Sim }

func (e simEmulator) Feed([]byte) []byte { return nil }
func (e simEmulator) Reset()             {}
func (e simEmulator) Screen() []string   { return e.sim.Screen() }

func (e simEmulator) Press(k lcd.Key) []byte {
	e.sim.Press(lcd.KeyEvent{Key: k, Down: true})
	return nil
}

func (e simEmulator) Release(k lcd.Key) []byte {
	e.sim.Press(lcd.KeyEvent{Key: k})
	return nil
}

func (e simEmulator) Look() Look {
	l := e.sim.Look()
	return Look{Cursor: l.Cursor, Backlight: l.Backlight, Contrast: l.Contrast, LEDs: l.LEDs}
}
