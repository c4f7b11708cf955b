// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evener/hal/serial"
)

// Commands of EZIO-100, -300 and -340: those of the HD44780 behind a prefix,
// and three of its own. Everything without the prefix is shown.
const (
	ezioPrefix   = 0xFE
	ezioBegin    = 0x28 // twice, before anything else
	ezioClear    = 0x01
	ezioReadKeys = 0x06 // where the HD44780 has "entry mode"
	ezioNoCursor = 0x0C // and the display on
	ezioBlink    = 0x0D
	ezioGlyphs   = 0x40 // + 8 n: what follows draws glyph n
	ezioRows     = 0x80 // + column, and 0x40 for the second row
)

const (
	ezioPause   = 40 * time.Millisecond  // before and after the byte of a command
	ezioAnswer  = 250 * time.Millisecond // to a question for keys
	ezioPoll    = 100 * time.Millisecond // between questions
	ezioSilence = 10                     // questions without an answer until the display counts as lost
)

// An ezio is a text display of Portwell or CASwell at 2400 bits per second. It
// loses what comes within 40 ms of a command, and tells its keys only when it
// is asked.
type ezio struct {
	stream
	info    Info
	keypad  ezioKeypad
	decoder ezioDecoder
	bounce  ezioDebouncer
	codes   chan byte // has room for one: the last bytes of keys
	polling chan struct{}
}

// attachEzio returns the driver of a model. Keys are reported as the byte for
// one key alone, in hexadecimal.
func attachEzio(keypad ezioKeypad) func(context.Context, serial.Port, Options) (Device, error) {
	return func(ctx context.Context, port serial.Port, o Options) (Device, error) {
		keys, err := keypad.bitMap(o)
		if err != nil {
			return nil, err
		}
		rows, cols, err := o.size(2, 16, 2, 40)
		if err != nil {
			return nil, err
		}
		e := &ezio{keypad: keypad, bounce: ezioDebouncer{keys: keys},
			info:  Info{Model: keypad.model, Rows: rows, Cols: cols, Glyphs: 8, Releases: true},
			codes: make(chan byte, 1), polling: make(chan struct{})}
		e.start(port, o.Speed, e.receive)
		if err := e.setup(ctx, o); err != nil {
			e.end()
			return nil, err
		}
		go e.poll()
		return e, nil
	}
}

// setup wakes the display up, sees which model it is and clears it.
func (e *ezio) setup(ctx context.Context, o Options) error {
	e.lock()
	defer e.unlock()
	code, err := e.wake(ctx)
	if err != nil {
		return err
	}
	if _, ok := e.keypad.held(code); !ok {
		if err := e.adopt(code, o); err != nil {
			return err
		}
	}
	return e.commands(ezioClear, ezioNoCursor)
}

// adopt makes the device the model whose bytes of keys the display sends: boxes
// of one name were sold with several. Keys that the board names are bytes of
// the model it means, so then it must be that.
func (e *ezio) adopt(code byte, o Options) error {
	other, ok := ezioModelOf(code)
	if !ok {
		return fmt.Errorf("the display tells its keys as %02X, which no EZIO does", code)
	}
	if len(o.Keys) != 0 {
		return fmt.Errorf("the display is an %s (it tells its keys as %02X), and the keys of the board are those of an %s",
			other.model, code, e.keypad.model)
	}
	keys, err := other.bitMap(o)
	if err != nil {
		return err
	}
	e.keypad, e.info.Model, e.bounce.keys = other, other.model, keys
	return nil
}

// wake tells the display to begin and asks for the keys until it answers. The
// first time may only end a command that a process before us has begun. The
// turn to send is the caller's.
func (e *ezio) wake(ctx context.Context) (code byte, err error) {
	for range 3 {
		if err := e.commands(ezioBegin, ezioBegin); err != nil {
			return 0, err
		}
		if code, err = e.ask(ctx); !errors.Is(err, serial.ErrTimeout) {
			return code, err
		}
	}
	return 0, fmt.Errorf("no EZIO display answers: %w", err)
}

// commands sends commands, with the pauses that the display needs. The turn to send is
// the caller's.
func (e *ezio) commands(codes ...byte) error {
	for _, b := range codes {
		for _, p := range [...]byte{ezioPrefix, b} {
			if err := e.put(p); err != nil {
				return err
			}
			if err := e.pause(ezioPause); err != nil {
				return err
			}
		}
	}
	return nil
}

// receive keeps the newest bytes of keys.
func (e *ezio) receive(in []byte) {
	for _, b := range in {
		if code, ok := e.decoder.read(b); ok {
			select {
			case <-e.codes:
			default:
			}
			e.codes <- code
		}
	}
}

// ask asks for the keys. The turn to send is
// the caller's.
func (e *ezio) ask(ctx context.Context) (byte, error) {
	select {
	case <-e.codes: // nobody asked for it, or it came too late
	default:
	}
	if err := e.commands(ezioReadKeys); err != nil {
		return 0, err
	}
	return e.await(ctx, e.codes, ezioAnswer)
}

// poll asks for the keys again and again until the stream ends.
func (e *ezio) poll() {
	defer close(e.polling)
	defer fault(e.fail)
	silent := 0
	wait := ezioPoll
	for e.pause(wait) == nil {
		code, err := e.askInTurn()
		wait = ezioPoll
		if err != nil {
			if silent++; silent >= ezioSilence {
				e.fail(fmt.Errorf("the display has not answered %d times: %w", silent, err))
			}
			continue
		}
		silent = 0
		if mask, ok := e.keypad.held(code); ok {
			events, settled := e.bounce.read(mask)
			e.keys.put(events...)
			if !settled {
				wait = time.Millisecond
			}
		}
	}
}

// askInTurn asks for the keys when nobody sends.
func (e *ezio) askInTurn() (byte, error) {
	e.lock()
	defer e.unlock()
	return e.ask(context.Background())
}

// Info and the methods below are those of a Device.
func (e *ezio) Info() Info { return e.info }

func (e *ezio) Encode(r rune) (byte, bool) { return A00.Encode(r) }

// ezioPlace returns the command that makes the next byte appear at a place.
func ezioPlace(row, col int) byte { return ezioRows | byte(row)<<6 | byte(col) }

func (e *ezio) Write(row, col int, text []byte) error {
	if err := checkPlace(e.info, row, col, len(text)); err != nil || len(text) == 0 {
		return err
	}
	out := make([]byte, len(text))
	for i, c := range text {
		out[i] = sendable(c)
	}
	e.lock()
	defer e.unlock()
	if err := e.commands(ezioPlace(row, col)); err != nil {
		return err
	}
	return e.put(out...)
}

func (e *ezio) Cursor(row, col int, on bool) error {
	e.lock()
	defer e.unlock()
	if !on {
		return e.commands(ezioNoCursor)
	}
	if err := checkPlace(e.info, row, col, 1); err != nil {
		return err
	}
	return e.commands(ezioPlace(row, col), ezioBlink)
}

func (e *ezio) Define(n int, glyph [8]byte) error {
	if err := checkGlyph(e.info, n); err != nil {
		return err
	}
	for i := range glyph {
		glyph[i] &= 0x1F
	}
	e.lock()
	defer e.unlock()
	if err := e.commands(ezioGlyphs + byte(8*n)); err != nil {
		return err
	}
	return e.put(glyph[:]...)
}

// Backlight cannot be set: it is always on.
func (e *ezio) Backlight(int) error { return unsupported(e.info.Model, "backlight to set") }

func (e *ezio) Contrast(int) error { return unsupported(e.info.Model, "contrast to set") }

func (e *ezio) LED(int, Colour) error { return unsupported(e.info.Model, "lamps") }

func (e *ezio) Close() error {
	err := e.end()
	<-e.polling
	return err
}
