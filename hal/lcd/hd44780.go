// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// Instructions of the HD44780 (Hitachi HD44780U data sheet, table 6).
const (
	hdClear    = 0x01
	hdEntry    = 0x06 // the address goes up, the glass stands still
	hdOff      = 0x08
	hdOn       = 0x0C
	hdBlink    = 0x0D // with a blinking cell
	hdFourBits = 0x28 // 4 bits, 2 lines, 5x8 dots
	hdGlyphs   = 0x40 // + address in the memory of glyphs
	hdPlace    = 0x80 // + address of a cell
)

// Times of the data sheet, with room for the slow clocks that some have (table
// 6 is for 270 kHz; 190 kHz are allowed) and for clones.
const (
	hdPowerUp    = 50 * time.Millisecond  // until the first instruction is understood
	hdFirstReset = 5 * time.Millisecond   // after the first of three resets
	hdReset      = 200 * time.Microsecond // after the others
	hdSlow       = 3 * time.Millisecond   // clear
)

// Pins of the expander that nearly all backpacks wire to the display.
const (
	pinRS     = 0x01 // data, not an instruction
	pinEnable = 0x04 // the display takes the half byte when this falls
	pinLight  = 0x08
)

// An Expander is the eight pins of a PCF8574: it sets them to each byte in turn.
// At the 100 kHz of the bus a byte takes 90 µs, longer than any instruction but
// clear, so no pause is needed between them. An error means that nothing answers
// at its address.
type Expander interface {
	Set(pins []byte) error
	Close() error
}

// An hd44780 is a text display whose controller hangs on an expander. It is
// only written to: R/W is low. It has no keys.
type hd44780 struct {
	info Info
	keys *keyQueue // of no keys

	mu   sync.Mutex // guards the expander: one command after the other
	pins Expander
	lit  byte // pinLight or 0
}

// openHD44780 is the driver "hd44780-i2c". The device is the bus, with the
// address of the expander behind an @: /dev/i2c-1@0x27. Without it, the usual
// addresses are tried.
func openHD44780(ctx context.Context, o Options) (Device, error) {
	pins, err := openExpander(o.Device)
	if err != nil {
		return nil, err
	}
	return AttachExpander(ctx, pins, o)
}

// AttachExpander is OpenDevice for a display at an expander that is open already.
// The device owns it: it closes it, also when AttachExpander returns an error.
func AttachExpander(ctx context.Context, pins Expander, o Options) (Device, error) {
	rows, cols, err := o.size(2, 16, 4, 40)
	if err == nil && rows > 2 && cols > 20 {
		err = fmt.Errorf("a display of %d rows has at most 20 columns, not %d", rows, cols)
	}
	if err == nil && len(o.Keys) != 0 {
		err = fmt.Errorf("the display has no keys; the board must not name any")
	}
	h := &hd44780{pins: pins, lit: pinLight, keys: newKeyQueue(),
		info: Info{Model: "HD44780", Rows: rows, Cols: cols, Glyphs: 8, Backlight: true}}
	if err == nil {
		err = h.setup(ctx)
	}
	if err != nil {
		pins.Close()
		return nil, err
	}
	return h, nil
}

// setup is "initializing by instruction" of the data sheet, figure 24. It works
// whatever the controller was doing, also in the middle of a byte.
func (h *hd44780) setup(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	steps := []struct {
		half bool // only the upper half is sent
		code byte
		wait time.Duration
	}{
		{true, 0x30, hdFirstReset}, {true, 0x30, hdReset}, {true, 0x30, hdReset}, {true, 0x20, hdReset},
		{false, hdFourBits, 0}, {false, hdOff, 0}, {false, hdClear, hdSlow}, {false, hdEntry, 0}, {false, hdOn, 0},
	}
	if err := h.pins.Set([]byte{h.lit}); err != nil {
		return err
	}
	wait := hdPowerUp
	for _, s := range steps {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		out := h.half(nil, s.code, 0)
		if !s.half {
			out = h.half(out, s.code<<4, 0)
		}
		if err := h.pins.Set(out); err != nil {
			return err
		}
		wait = s.wait
	}
	return nil
}

// half adds the pins for the upper half of a byte: enable rises with the data
// on the pins already, and falls while they still are.
func (h *hd44780) half(out []byte, b, rs byte) []byte {
	pins := b&0xF0 | rs | h.lit
	return append(out, pins, pins|pinEnable, pins)
}

// send sends instructions, or data with rs. h.mu is held.
func (h *hd44780) send(rs byte, bytes ...byte) error {
	var out []byte
	for _, b := range bytes {
		out = h.half(h.half(out, b, rs), b<<4, rs)
	}
	if err := h.pins.Set(out); err != nil {
		return fmt.Errorf("send to the display: %w", err)
	}
	return nil
}

// Info and the methods below are those of a Device.
func (h *hd44780) Info() Info { return h.info }

func (h *hd44780) Encode(r rune) (byte, bool) { return A00.Encode(r) }

// address returns where a cell is in the memory: rows 3 and 4 continue 1 and 2.
func (h *hd44780) address(row, col int) byte {
	return byte(row&1)<<6 + byte(row>>1*h.info.Cols+col)
}

func (h *hd44780) Write(row, col int, text []byte) error {
	if err := checkPlace(h.info, row, col, len(text)); err != nil || len(text) == 0 {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.send(0, hdPlace|h.address(row, col)); err != nil {
		return err
	}
	return h.send(pinRS, text...)
}

func (h *hd44780) Cursor(row, col int, on bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !on {
		return h.send(0, hdOn)
	}
	if err := checkPlace(h.info, row, col, 1); err != nil {
		return err
	}
	return h.send(0, hdPlace|h.address(row, col), hdBlink)
}

func (h *hd44780) Define(n int, glyph [8]byte) error {
	if err := checkGlyph(h.info, n); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.send(0, hdGlyphs|byte(8*n)); err != nil {
		return err
	}
	return h.send(pinRS, glyph[:]...)
}

// Backlight can only be switched: half and more is bright.
func (h *hd44780) Backlight(percent int) error {
	if err := checkPercent("backlight", percent); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lit = 0
	if percent >= 50 {
		h.lit = pinLight
	}
	return h.pins.Set([]byte{h.lit})
}

func (h *hd44780) Contrast(int) error { return unsupported(h.info.Model, "contrast to set") }

func (h *hd44780) LED(int, Colour) error { return unsupported(h.info.Model, "lamps") }

// Check sets the pins to what they are: an expander that is gone does not
// acknowledge.
func (h *hd44780) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pins.Set([]byte{h.lit})
}

func (h *hd44780) Keys() <-chan KeyEvent { return h.keys.c }

func (h *hd44780) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys.close()
	pins := h.pins
	h.pins = closedPins{}
	return pins.Close()
}

// closedPins are the pins of a display that was closed.
type closedPins struct{}

func (closedPins) Set([]byte) error { return os.ErrClosed }
func (closedPins) Close() error     { return nil }
