// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"bytes"
	"context"
	"sync"
	"time"

	"evener/hal/serial"
)

// Commands of EZIO-G400 and -G500, after escEscape but for g500Clear.
const (
	escEscape = 0x1B

	g500Init  = 0x40
	g500Light = 0x42 // 0 to 7
	g500Image = 0x47 // 1024 bytes
	g500Lamp  = 0x4C // lamp in the upper half of the byte, 1 or 0 in the lower
)

const (
	g500Pause = time.Millisecond      // after each command
	g500Wait  = 15 * time.Millisecond // for the other rows of a frame, before the image goes out
)

// A g500 is a graphic display of 128 by 64 dots. We draw the text ourselves and
// send the picture: it takes 90 ms, so rows that change together go out in one.
// Nothing is confirmed.
type g500 struct {
	stream
	info    Info
	dirty   chan struct{} // has room for one: there may be something to send
	sending chan struct{} // closed when the sender has ended

	glass  sync.Mutex // guards all below
	cells  [g500Rows][g500Cols]byte
	cursor Cursor
	resend bool // the glass may not show what we believe
	learn  *keyLearner
	keys   map[byte]Key // by letter; empty until they are known
}

// attachG500 is the driver "ezio-g500". Keys are reported as the letters A to
// G. Their order is not the same on all boxes: on a board that does not name
// them the first press makes the display ask for them one by one.
func attachG500(ctx context.Context, port serial.Port, o Options) (Device, error) {
	keys, err := o.letterMap(nil)
	if err != nil {
		return nil, err
	}
	rows, cols, err := o.size(g500Rows, g500Cols, g500Rows, g500Cols)
	if err != nil {
		return nil, err
	}
	g := &g500{keys: keys, dirty: make(chan struct{}, 1), sending: make(chan struct{})}
	g.info = Info{Model: "EZIO-G500", Rows: rows, Cols: cols, LEDs: 3, Backlight: true}
	g.clear()
	if len(keys) == 0 {
		g.learn = newKeyLearner()
	}
	g.start(port, o.Speed, g.receive)
	if err := g.setup(ctx); err != nil {
		g.end()
		return nil, err
	}
	go g.send()
	return g, nil
}

// setup ends whatever a process before us has begun, an image at the worst, and
// clears the display.
func (g *g500) setup(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.lock()
	defer g.unlock()
	if err := g.put(bytes.Repeat([]byte{' '}, g500Bytes)...); err != nil {
		return err
	}
	if err := g.command(escEscape, g500Init); err != nil {
		return err
	}
	for n := range g.info.LEDs {
		if err := g.lamp(n, Off); err != nil {
			return err
		}
	}
	return nil
}

// command sends one command. The turn to send is
// the caller's.
func (g *g500) command(p ...byte) error {
	if err := g.put(p...); err != nil {
		return err
	}
	return g.pause(g500Pause)
}

func (g *g500) clear() {
	for row := range g.cells {
		for col := range g.cells[row] {
			g.cells[row][col] = ' '
		}
	}
}

// receive reads keys.
func (g *g500) receive(in []byte) {
	g.glass.Lock()
	defer g.glass.Unlock()
	for _, b := range in {
		if k, ok := g.keys[b]; ok {
			g.stream.keys.tap(k)
			continue
		}
		if b < 'A' || b > 'G' || g.learn == nil {
			continue
		}
		if keys, done := g.learn.press(b); done {
			g.keys, g.learn = keys, nil
		}
		g.touch()
	}
}

// touch makes the sender look for changes.
func (g *g500) touch() {
	select {
	case g.dirty <- struct{}{}:
	default:
	}
}

// send sends the picture whenever it has changed, until the stream ends.
func (g *g500) send() {
	defer close(g.sending)
	defer fault(g.fail)
	var shown [g500Bytes]byte
	ask := time.NewTimer(time.Hour)
	defer ask.Stop()
	for first := true; ; first = false {
		picture, resend, patience := g.picture()
		if first || resend || picture != shown {
			if err := g.upload(picture, resend); err != nil {
				g.fail(err)
				return
			}
			shown = picture
		}
		ask.Reset(patience)
		select {
		case <-g.dirty:
		case <-ask.C:
			g.stopAsking()
		case <-g.gone:
			return
		case <-g.closing:
			return
		}
		if g.pause(g500Wait) != nil {
			return
		}
	}
}

// upload sends a picture; after a resend the display is first brought to the
// end of an image that it may not have got whole.
func (g *g500) upload(picture [g500Bytes]byte, resend bool) error {
	g.lock()
	defer g.unlock()
	if resend {
		if err := g.put(bytes.Repeat([]byte{' '}, g500Bytes)...); err != nil {
			return err
		}
	}
	return g.command(append([]byte{escEscape, g500Image}, picture[:]...)...)
}

// picture returns what the glass shall show, whether it must be sent whether or
// not it has changed, and how long a question on it may stand.
func (g *g500) picture() (p [g500Bytes]byte, resend bool, patience time.Duration) {
	g.glass.Lock()
	defer g.glass.Unlock()
	resend, g.resend = g.resend, false
	if g.learn != nil && g.learn.asks() {
		return drawText(g.learn.text()), resend, learnPatience
	}
	return drawCells(&g.cells, g.cursor), resend, 24 * time.Hour
}

// stopAsking ends questions that nobody answers.
func (g *g500) stopAsking() {
	g.glass.Lock()
	defer g.glass.Unlock()
	if g.learn != nil {
		g.learn.giveUp()
	}
}

// Info and the methods below are those of a Device.
func (g *g500) Info() Info { return g.info }

func (g *g500) Encode(r rune) (byte, bool) { return g500Charset.Encode(r) }

// Write changes cells. Text that is there already means that somebody doubts
// what the glass shows.
func (g *g500) Write(row, col int, text []byte) error {
	if err := checkPlace(g.info, row, col, len(text)); err != nil {
		return err
	}
	return g.change(func() {
		cells := g.cells[row][col : col+len(text)]
		if bytes.Equal(cells, text) {
			g.resend = true
		}
		copy(cells, text)
	})
}

func (g *g500) Cursor(row, col int, on bool) error {
	if on {
		if err := checkPlace(g.info, row, col, 1); err != nil {
			return err
		}
	}
	return g.change(func() { g.cursor = Cursor{Row: row, Col: col, On: on} })
}

// Define is not needed: our font has the signs of menus.
func (g *g500) Define(int, [8]byte) error {
	return unsupported(g.info.Model, "glyphs to draw")
}

func (g *g500) change(f func()) error {
	if err := g.lost(); err != nil {
		return err
	}
	g.glass.Lock()
	f()
	g.glass.Unlock()
	g.touch()
	return nil
}

// Backlight has eight steps.
func (g *g500) Backlight(percent int) error {
	if err := checkPercent("backlight", percent); err != nil {
		return err
	}
	g.lock()
	defer g.unlock()
	return g.command(escEscape, g500Light, byte((percent*7+99)/100))
}

func (g *g500) Contrast(int) error { return unsupported(g.info.Model, "contrast to set") }

func (g *g500) LED(n int, c Colour) error {
	if err := checkLED(g.info, n, c); err != nil {
		return err
	}
	g.lock()
	defer g.unlock()
	return g.lamp(n, c)
}

// lamp sets the halves of a lamp: the green one has the even number. The turn
// to send is the caller's.
func (g *g500) lamp(n int, c Colour) error {
	half := func(m int, lit bool) error {
		state := byte(m << 4)
		if lit {
			state++
		}
		return g.command(escEscape, g500Lamp, state)
	}
	if err := half(2*n, c == Green || c == Amber); err != nil {
		return err
	}
	return half(2*n+1, c == Red || c == Amber)
}

func (g *g500) Close() error {
	err := g.end()
	<-g.sending
	return err
}
