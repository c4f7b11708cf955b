// SPDX-License-Identifier: Apache-2.0

// Package lcd drives the small displays with keys on the front of a box: text
// of two or four lines, four to six keys, some lamps.
//
//	menu ── Frame ──▶ Panel ── runs of codes ──▶ Device ── packets ──▶ line
//	menu ◀─ KeyEvent ─ Panel ◀──── KeyEvent ──── Device ◀── reports ── line
//
// A [Device] is one open display and speaks its protocol. It knows cells and
// codes, not text: [Charset] says which code of a display shows a rune. A
// [Panel] lives as long as the process. It opens the device, draws what it is
// shown with as few bytes as the change needs, and opens the device again when
// it was lost: whoever shows frames neither waits nor knows. [OpenDevice] opens
// a device by the name of its driver.
//
// The package refuses to know what is shown: no texts, no menus, no rotation.
// Boards say which driver, line, size and keys a box has; package hal connects
// the two. The fakes in lcdtest speak every protocol from the display's side.
package lcd

import (
	"errors"
	"fmt"
	"strings"
)

// A Key is a key on the front.
type Key uint8

// The keys a menu can use. Two-key panels have some of them.
const (
	Up Key = iota
	Down
	Left
	Right
	Enter
	Escape

	keyCount = iota
)

var keyNames = [keyCount]string{"up", "down", "left", "right", "enter", "escape"}

func (k Key) String() string {
	if int(k) < len(keyNames) {
		return keyNames[k]
	}
	return fmt.Sprintf("key %d", uint8(k))
}

// ParseKey returns the key of a name as boards and the API write it.
func ParseKey(name string) (Key, error) {
	for k, n := range keyNames {
		if n == name {
			return Key(k), nil
		}
	}
	return 0, fmt.Errorf("key must be one of %s, not %q", strings.Join(keyNames[:], ", "), name)
}

// A KeyEvent says that a key went down or up. A display that does not report
// releases sends both at once for each press.
type KeyEvent struct {
	Key  Key
	Down bool
}

// A Colour is what a lamp shows.
type Colour uint8

// The colours of lamps with a green and a red half.
const (
	Off Colour = iota
	Green
	Red
	Amber
)

func (c Colour) String() string {
	if names := [...]string{"off", "green", "red", "amber"}; int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("colour %d", uint8(c))
}

// Info says what a display is and can.
type Info struct {
	Model    string // such as "CFA635"
	Firmware string // of the display; empty when it does not tell
	Rows     int
	Cols     int
	LEDs     int // lamps that Device.LED sets
	Glyphs   int // characters that Device.Define can draw

	Backlight bool // brightness can be set
	Contrast  bool // contrast can be set
	Releases  bool // keys report when they are let go
	Unicode   bool // Write takes UTF-8, not codes; wide runes take two columns
}

// A Device is one open display. Its methods are called by one goroutine at a
// time; each returns within a few seconds whatever the display does. An error
// that wraps errors.ErrUnsupported says that the display has no such thing; any
// other means that the display is lost: close it and open it again.
type Device interface {
	Info() Info

	// Encode returns the code that shows a rune, and whether there is one.
	Encode(r rune) (code byte, ok bool)

	// Write shows text from the cell in row and col on, both from 0. The text
	// must end within the row. It is codes as of Encode and 0 to Glyphs-1 for
	// defined glyphs; with Info.Unicode it is UTF-8.
	Write(row, col int, text []byte) error

	// Cursor shows or hides the cursor.
	Cursor(row, col int, on bool) error

	// Define draws the character with code n, 0 to Glyphs-1: eight rows from
	// the top, in each the leftmost of five pixels is 0x10.
	Define(n int, glyph [8]byte) error

	Backlight(percent int) error // 0 is dark, 100 is bright
	Contrast(percent int) error
	LED(n int, c Colour) error // 0 is the topmost or leftmost

	// Keys returns what is pressed. It is closed when the device is closed or
	// found lost. Somebody must read it; a device drops the oldest events
	// rather than wait.
	Keys() <-chan KeyEvent

	Close() error
}

// A Checker is a device that can tell whether its display still answers,
// without a change of what it shows. A Panel asks while nothing is drawn.
type Checker interface{ Check() error }

// unsupported says that a kind of display lacks something.
func unsupported(model, what string) error {
	return fmt.Errorf("%s has no %s: %w", model, what, errors.ErrUnsupported)
}

// checkPlace says whether length cells fit from row and col on.
func checkPlace(info Info, row, col, length int) error {
	if row < 0 || row >= info.Rows || col < 0 || col+length > info.Cols {
		return fmt.Errorf("write %d cells at row %d, column %d: %s has %d rows of %d columns",
			length, row, col, info.Model, info.Rows, info.Cols)
	}
	return nil
}

// checkPercent says whether a brightness or contrast is in range.
func checkPercent(what string, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("%s must be 0 to 100 percent, not %d", what, percent)
	}
	return nil
}

// checkLED says whether there is such a lamp and colour.
func checkLED(info Info, n int, c Colour) error {
	if n < 0 || n >= info.LEDs {
		return fmt.Errorf("LED must be 0 to %d on %s, not %d", info.LEDs-1, info.Model, n)
	}
	if c > Amber {
		return fmt.Errorf("LED %d cannot show %v", n, c)
	}
	return nil
}
