// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A charlcd is a display that a driver of the kernel has taken (drivers/auxdisplay,
// the device is /dev/lcd). What is written is text and escapes (the kernel's
// Documentation/admin-guide/lcd-panel-cgram.rst and charlcd.c). It has no keys:
// the kernel hands those out as input devices.
type charlcd struct {
	info Info
	keys *keyQueue // of no keys

	mu  sync.Mutex // guards the file: an escape must be whole
	out io.WriteCloser
}

// openCharLCD is the driver "charlcd".
func openCharLCD(_ context.Context, o Options) (Device, error) {
	if o.Device == "" {
		o.Device = "/dev/lcd"
	}
	// Not for reading: the kernel refuses that, and lets in one at a time.
	file, err := os.OpenFile(o.Device, os.O_WRONLY, 0)
	if errors.Is(err, unix.EBUSY) {
		return nil, fmt.Errorf("%s: another process has the display: %w", o.Device, err)
	}
	if err != nil {
		return nil, err
	}
	return AttachCharLCD(file, o)
}

// AttachCharLCD is OpenDevice for a display of the kernel that is open already.
// The device owns out: it closes it, also when AttachCharLCD returns an error.
func AttachCharLCD(out io.WriteCloser, o Options) (Device, error) {
	rows, cols, err := o.size(2, 16, 4, 40)
	if err == nil && len(o.Keys) != 0 {
		err = errors.New("the display has no keys; the board must not name any")
	}
	c := &charlcd{out: out, keys: newKeyQueue(),
		info: Info{Model: "charlcd", Rows: rows, Cols: cols, Glyphs: 8, Backlight: true}}
	if err == nil {
		// A line feed ends an escape that somebody has begun. After \e[LI the
		// kernel believes that the light is off, whether or not it is.
		err = c.send("\n\x1b[LI\x1b[L+\x1b[Lc\x1b[Lb\x1b[2J")
	}
	if err != nil {
		out.Close()
		return nil, err
	}
	return c, nil
}

func (c *charlcd) send(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.WriteString(c.out, text); err != nil {
		return fmt.Errorf("send to the display: %w", err)
	}
	return nil
}

// Info and the methods below are those of a Device.
func (c *charlcd) Info() Info { return c.info }

func (c *charlcd) Encode(r rune) (byte, bool) { return A00.Encode(r) }

func (c *charlcd) Write(row, col int, text []byte) error {
	if err := checkPlace(c.info, row, col, len(text)); err != nil {
		return err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "\x1b[Lx%dy%d;", col, row)
	for _, b := range text {
		if b >= 8 && b < ' ' { // controls, and the escape itself
			b = ' '
		}
		out.WriteByte(b)
	}
	return c.send(out.String())
}

// Cursor shows a blinking cell.
func (c *charlcd) Cursor(row, col int, on bool) error {
	if !on {
		return c.send("\x1b[Lb")
	}
	if err := checkPlace(c.info, row, col, 1); err != nil {
		return err
	}
	return c.send(fmt.Sprintf("\x1b[Lx%dy%d;\x1b[LB", col, row))
}

func (c *charlcd) Define(n int, glyph [8]byte) error {
	if err := checkGlyph(c.info, n); err != nil {
		return err
	}
	return c.send(fmt.Sprintf("\x1b[LG%d%016x;", n, glyph[:]))
}

// Backlight can only be switched: half and more is bright.
func (c *charlcd) Backlight(percent int) error {
	if err := checkPercent("backlight", percent); err != nil {
		return err
	}
	if percent < 50 {
		return c.send("\x1b[L-")
	}
	return c.send("\x1b[L+")
}

func (c *charlcd) Contrast(int) error { return unsupported(c.info.Model, "contrast to set") }

func (c *charlcd) LED(int, Colour) error { return unsupported(c.info.Model, "lamps") }

// Check says once more that there is no underline, which changes nothing.
func (c *charlcd) Check() error { return c.send("\x1b[Lc") }

func (c *charlcd) Keys() <-chan KeyEvent { return c.keys.c }

func (c *charlcd) Close() error {
	c.keys.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.out.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
