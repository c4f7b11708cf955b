// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"evener/hal/lcd"
)

// A Backpack is an HD44780 behind a PCF8574: what it is fed are the states of
// the expander's pins, each of which lasts until the next. It takes half bytes
// when enable falls, and ignores those that come while it is busy.
type Backpack struct {
	chip
	pins     byte
	fourBits bool
	half     []byte // of a byte that was begun
	resets   int
	busy     time.Time
	ignored  int
}

// Pins of the expander.
const (
	pinRS, pinRW, pinEnable, pinLight = 1, 2, 4, 8
)

// NewBackpack returns a display of 2 or 4 rows.
func NewBackpack(rows, cols int) *Backpack {
	b := &Backpack{chip: chip{rows: rows, cols: cols}}
	b.Reset()
	return b
}

// Reset shows the row of blocks of a display that was not initialised.
func (b *Backpack) Reset() {
	b.reset()
	b.on = true
	for col := range b.cols {
		b.cells[col] = 0xFF
	}
	b.pins, b.fourBits, b.half, b.resets = 0xFF, false, nil, 0
	b.busy = time.Now().Add(40 * time.Millisecond)
}

// Ignored is how many half bytes came while it was busy.
func (b *Backpack) Ignored() int { return b.ignored }

// Feed sets the pins.
func (b *Backpack) Feed(states []byte) []byte {
	for _, s := range states {
		fell := b.pins&pinEnable != 0 && s&pinEnable == 0
		stable := (b.pins^s)&^pinEnable == 0
		b.pins = s
		switch {
		case !fell || s&pinRW != 0 || !stable:
		case time.Now().Before(b.busy):
			b.ignored++
		default:
			b.take(s)
		}
	}
	return nil
}

// take takes a half byte, or in the mode of eight bits, where four of them are
// not connected, an instruction whose lower half is 0.
func (b *Backpack) take(s byte) {
	if !b.fourBits {
		b.execute(s&0xF0, s&pinRS != 0)
		return
	}
	if b.half = append(b.half, s&0xF0); len(b.half) == 2 {
		code := b.half[0] | b.half[1]>>4
		b.half = nil
		b.execute(code, s&pinRS != 0)
	}
}

func (b *Backpack) execute(code byte, data bool) {
	took := 53 * time.Microsecond // 37 µs at 270 kHz, here with the slowest clock allowed
	switch {
	case data:
		b.data(code)
	case code>>5 == 1: // function set
		b.fourBits, b.half = code&0x10 == 0, nil
		b.instruct(code)
		if b.resets++; b.resets == 1 {
			took = 4100 * time.Microsecond
		}
	default:
		b.instruct(code)
		if code < 4 {
			took = 2160 * time.Microsecond
		}
	}
	b.busy = time.Now().Add(took)
}

// Press and Release do nothing: there are no keys.
func (b *Backpack) Press(lcd.Key) []byte   { return nil }
func (b *Backpack) Release(lcd.Key) []byte { return nil }

// Screen returns the glass.
func (b *Backpack) Screen() []string { return b.screen() }

// Look returns the rest.
func (b *Backpack) Look() Look {
	l := b.look()
	if b.pins&pinLight != 0 {
		l.Backlight = 100
	}
	return l
}

// A Bus connects an emulator with a driver that does not speak over a serial
// line: an expander on an I2C bus, or a file of the kernel.
type Bus struct {
	perByte time.Duration // that a byte takes

	mu     sync.Mutex // guards all below
	emu    Emulator
	absent bool
	sent   int
}

// NewBus connects an emulator; each byte takes its time.
func NewBus(e Emulator, perByte time.Duration) *Bus { return &Bus{emu: e, perByte: perByte} }

// Do runs f while nobody else uses the emulator.
func (b *Bus) Do(f func(Emulator) []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b.emu)
}

// Sent is how many bytes the host has sent.
func (b *Bus) Sent() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sent
}

// Unplug takes the display away: nothing answers at its address.
func (b *Bus) Unplug() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.absent = true
}

// Replug brings it back.
func (b *Bus) Replug() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.absent = false
	b.emu.Reset()
}

// send carries bytes to the display.
func (b *Bus) send(p []byte) error {
	for _, c := range p {
		time.Sleep(b.perByte)
		b.mu.Lock()
		absent := b.absent
		if !absent {
			b.sent++
			b.emu.Feed([]byte{c})
		}
		b.mu.Unlock()
		if absent {
			return unix.ENXIO
		}
	}
	return nil
}

// present says whether the display can be opened.
func (b *Bus) present() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.absent {
		return unix.ENXIO
	}
	return nil
}

// An end is the host's end of a bus, as an expander or as a file.
type end struct {
	bus    *Bus
	closed bool
}

func (e *end) Set(pins []byte) error {
	if e.closed {
		return os.ErrClosed
	}
	return e.bus.send(pins)
}

func (e *end) Write(p []byte) (int, error) {
	if err := e.Set(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (e *end) Close() error {
	if e.closed {
		return os.ErrClosed
	}
	e.closed = true
	return nil
}

// ExpanderRig connects a display to the driver "hd44780-i2c", by an I2C bus at
// 100 kHz: nine bits a byte.
func ExpanderRig(o lcd.Options, e Emulator) *Rig {
	bus := NewBus(e, 90*time.Microsecond)
	open := func(ctx context.Context) (lcd.Device, error) {
		if err := bus.present(); err != nil {
			return nil, err
		}
		return lcd.AttachExpander(ctx, &end{bus: bus}, o)
	}
	return &Rig{Link: bus, Open: open, Close: func() {}}
}

// FileRig connects a display to the driver "charlcd".
func FileRig(o lcd.Options, e Emulator) *Rig {
	bus := NewBus(e, 40*time.Microsecond)
	open := func(context.Context) (lcd.Device, error) {
		if err := bus.present(); err != nil {
			return nil, err
		}
		var file io.WriteCloser = &end{bus: bus}
		return lcd.AttachCharLCD(file, o)
	}
	return &Rig{Link: bus, Open: open, Close: func() {}}
}
