// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"os"
	"time"

	"evener/hal/serial"
)

// Commands that only graphic modules have (manuals of GLK24064-25, GLK12232-25
// and GLK19264-7T-1U).
const (
	glkFont      = 0x31 // number: one byte, two from firmware 8.5 on
	glkMetrics   = 0x32 // left, top, space between characters, between lines, row to scroll at
	glkFlowOn    = 0x3A // room left when it says full, bytes waiting when it says ready
	glkRectangle = 0x78 // colour, corner, corner
	glkPixel     = 0x79 // x, y: the next character's upper left corner
)

// Cells of a graphic module: its own font of five by seven pixels in boxes of
// six by eight.
const (
	cellWidth  = 6
	cellHeight = 8
)

// glkChunk is how many bytes go out before we look whether the module's buffer
// is full. It says so when glkRoom is left, and the smallest module has 96
// bytes.
const (
	glkChunk = 16
	glkRoom  = 48
	glkRest  = 8
)

// glkWait is how long a module may take to empty its buffer before we go on
// regardless.
const glkWait = 2 * time.Second

// A glk is a graphic display of Matrix Orbital that is used for text. It has no
// characters to define and no cursor; the letters are those of the font that
// the maker has put on it.
type glk struct {
	moLink
	info Info
	full bool // the module's buffer is almost full
}

// attachGLK is the driver "glk". Keys are reported as capital letters.
func attachGLK(ctx context.Context, port serial.Port, o Options) (Device, error) {
	g := &glk{}
	g.start(port, o.Speed)
	if err := g.setup(ctx, o); err != nil {
		g.end()
		return nil, err
	}
	return g, nil
}

func (g *glk) setup(ctx context.Context, o Options) error {
	id, version, err := g.identify(ctx)
	if err != nil {
		return err
	}
	model, err := moIdentify(glkModels, moModels, id, o)
	if err != nil {
		return err
	}
	keys, err := o.letterMap(model.keys)
	if err != nil {
		return err
	}
	g.setLetters(keys)
	g.info = Info{Model: model.name, Firmware: moVersion(version), Rows: model.rows, Cols: model.cols,
		LEDs: model.lamps, Backlight: true, Contrast: true, Releases: true}
	font := []byte{moCommand, glkFont, 1}
	if version >= 0x85 {
		font = append(font, 0)
	}
	g.lock()
	defer g.unlock()
	out := append(font,
		moCommand, glkMetrics, 0, 0, 1, 1, 0,
		moCommand, moScrollOff, moCommand, moClear, moCommand, moLightOn, 0,
		moCommand, glkFlowOn, glkRoom, glkRest)
	out = append(out, lampsOff(model.lamps)...)
	out = append(out, moCommand, moKeyMode, 1, moCommand, moAutoKeysOn)
	if err := g.flowing(out); err != nil {
		return err
	}
	return g.pause(moSettle)
}

// flowing sends p as fast as the module can draw. The turn to send is
// the caller's.
func (g *glk) flowing(p []byte) error {
	for len(p) > 0 {
		if err := g.ready(); err != nil {
			return err
		}
		n := min(len(p), glkChunk)
		if err := g.put(p[:n]...); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// ready waits until the module has room.
func (g *glk) ready() error {
	limit := time.NewTimer(glkWait)
	defer limit.Stop()
	for {
		select {
		case g.full = <-g.flow:
			continue
		default:
		}
		if !g.full {
			return nil
		}
		select {
		case g.full = <-g.flow:
		case <-g.gone:
			return g.lost()
		case <-g.closing:
			return os.ErrClosed
		case <-limit.C:
			g.full = false // its word got lost
		}
	}
}

// Info and the methods below are those of a Device.
func (g *glk) Info() Info { return g.info }

func (g *glk) Encode(r rune) (byte, bool) { return ASCII.Encode(r) }

// Write blanks the boxes of the text and puts each letter into its own: the
// font may be proportional, and a narrow letter would leave parts of the one
// before it.
func (g *glk) Write(row, col int, text []byte) error {
	if err := checkPlace(g.info, row, col, len(text)); err != nil || len(text) == 0 {
		return err
	}
	x, y := col*cellWidth, row*cellHeight
	right := x + len(text)*cellWidth - 1
	out := []byte{moCommand, glkRectangle, 0, byte(x), byte(y), byte(right), byte(y + cellHeight - 1)}
	for i, c := range text {
		if c = sendable(c); c > ' ' && c < 0x7F {
			out = append(out, moCommand, glkPixel, byte(x+i*cellWidth), byte(y), c)
		}
	}
	g.lock()
	defer g.unlock()
	return g.flowing(out)
}

func (g *glk) Cursor(int, int, bool) error { return unsupported(g.info.Model, "cursor") }

func (g *glk) Define(int, [8]byte) error { return unsupported(g.info.Model, "glyphs to draw") }

func (g *glk) Backlight(percent int) error {
	if err := checkPercent("backlight", percent); err != nil {
		return err
	}
	if percent == 0 {
		return g.send(moCommand, moLightOff)
	}
	return g.send(moCommand, moLightOn, 0, moCommand, moBrightness, byte(percent*255/100))
}

func (g *glk) Contrast(percent int) error {
	if err := checkPercent("contrast", percent); err != nil {
		return err
	}
	return g.send(moCommand, moContrast, byte(percent*255/100))
}

func (g *glk) LED(n int, c Colour) error {
	if g.info.LEDs == 0 {
		return unsupported(g.info.Model, "lamps")
	}
	if err := checkLED(g.info, n, c); err != nil {
		return err
	}
	return g.send(lamp(n, c)...)
}
