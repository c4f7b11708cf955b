// SPDX-License-Identifier: Apache-2.0

// Package lcdtest imitates displays, byte by byte, from their side of the line,
// and holds the one test that all drivers of package lcd must pass.
//
// An [Emulator] is the display: it takes bytes, answers, has a glass that can
// be read as text, and keys. It knows nothing of time on the line or of faults.
// Those are of the link that connects it: a [Line] is a serial line in memory
// that carries bytes at its speed, in the virtual time of testing/synctest or
// in real time, and loses, cuts and disturbs them when told; a [Pty] is a real
// tty of the kernel, without speed. A [Rig] is a display on a link with the
// driver that opens it, and [Conform] tests that.
package lcdtest

import (
	"context"
	"testing"

	"evener/hal/lcd"
)

// An Emulator is a display. Its methods are called by one goroutine at a time.
// It may look at time.Now to model a display that is busy for a while.
type Emulator interface {
	// Feed takes what the host sends and returns what the display answers to
	// it at once. How the bytes are cut must not matter.
	Feed(b []byte) []byte

	// Press and Release move a key and return what the display sends by
	// itself then.
	Press(k lcd.Key) []byte
	Release(k lcd.Key) []byte

	// Screen returns the glass, a line for each row, as a person reads it: the
	// defined character n is U+E000+n.
	Screen() []string

	// Look returns all else that can be seen.
	Look() Look

	// Reset is a loss of power: what the display starts with, unlike what a
	// host would draw.
	Reset()
}

// A Ticker is an emulator that sends by itself as time passes, such as a key
// that repeats. Tick is called about every 50 ms.
type Ticker interface{ Tick() []byte }

// A Look is what a display shows besides text.
type Look struct {
	Cursor    lcd.Cursor
	Backlight int // percent
	Contrast  int // percent
	LEDs      []lcd.Colour
	Glyphs    map[int][8]byte // what was defined
}

// Glyph is the rune that stands for the defined character n in Screen.
func Glyph(n int) rune { return 0xE000 + rune(n) }

// A Link connects an emulator with the driver's side. Its methods may be called
// by anyone at any time.
type Link interface {
	// Do runs f while nobody else uses the emulator and sends what it returns
	// to the host.
	Do(f func(Emulator) []byte)
	// Sent is how many bytes the host has sent.
	Sent() int
	// Unplug takes the display away as when a USB plug is pulled, Replug brings
	// it back, with power lost in between.
	Unplug()
	Replug()
}

// A Faulty link is one whose bytes can be disturbed.
type Faulty interface {
	Link
	LoseAnswers(n int)  // the next n answers do not arrive; below 0 all from now on
	CutAnswer()         // of the next answer only the first half arrives
	Garbage(b []byte)   // b arrives at the host
	Disturb(n int)      // of the host's next n bytes each arrives wrong
	SetSpeed(speed int) // what the display is set to, in bits per second
	Backlog() int       // the most bytes that ever waited for the line
}

// A Rig is a display, connected.
type Rig struct {
	Link
	Open  func(context.Context) (lcd.Device, error)
	Close func()

	// Answers says that the display confirms or can be asked, so that a loss
	// of bytes, silence and the wrong speed are noticed.
	Answers bool
	// Overhead is how many bytes the driver may send to change one cell,
	// beyond that cell: framing, addressing, checksum.
	Overhead int
	// Keys are those the display has; some have none.
	Keys []lcd.Key
}

// Screen returns the glass.
func (r *Rig) Screen() (lines []string) {
	r.Do(func(e Emulator) []byte { lines = e.Screen(); return nil })
	return lines
}

// Look returns all else that can be seen.
func (r *Rig) Look() (l Look) {
	r.Do(func(e Emulator) []byte { l = e.Look(); return nil })
	return l
}

// Press holds a key down.
func (r *Rig) Press(k lcd.Key) { r.Do(func(e Emulator) []byte { return e.Press(k) }) }

// Release lets it go.
func (r *Rig) Release(k lcd.Key) { r.Do(func(e Emulator) []byte { return e.Release(k) }) }

// SerialRig connects an emulator to the driver of a name by a Line that has the
// speed of o, in bits per second. Overhead, Answers and Keys are for the caller
// to set.
func SerialRig(driver string, o lcd.Options, e Emulator) *Rig {
	line := NewLine(e, o.Speed)
	open := func(ctx context.Context) (lcd.Device, error) {
		port, err := line.Open(o.Speed)
		if err != nil {
			return nil, err
		}
		return lcd.Attach(ctx, driver, port, o)
	}
	return &Rig{Link: line, Open: open, Close: line.Close}
}

// PtyRig connects an emulator to the driver of a name by a pty: the driver
// opens a real tty.
func PtyRig(t testing.TB, driver string, o lcd.Options, e Emulator) *Rig {
	t.Helper()
	pty := NewPty(t, e)
	o.Device = pty.Path()
	open := func(ctx context.Context) (lcd.Device, error) { return lcd.OpenDevice(ctx, driver, o) }
	return &Rig{Link: pty, Open: open, Close: pty.Close}
}
