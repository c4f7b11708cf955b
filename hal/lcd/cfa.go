// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"evener/hal/serial"
)

// Commands of CrystalFontz displays.
const (
	cfaPing        = 0
	cfaVersion     = 1
	cfaClear       = 6
	cfaGlyph       = 9
	cfaCursorPlace = 11
	cfaCursorStyle = 12
	cfaContrast    = 13
	cfaBacklight   = 14
	cfaLiveDisplay = 21
	cfaKeyReports  = 23
	cfaWrite       = 31
	cfaLegends     = 32
	cfaLED         = 34

	cfaKeyReport = 0x80
)

// A cfaModel is what differs between the displays of CrystalFontz.
type cfaModel struct {
	number     string   // as in what the display answers, "CFA635:h1.0,u1.3"
	others     []string // numbers of models that are the same to the host
	rows, cols int
	chars      *Charset
	contrast   int // the highest value
	leds       int
	keyMask    byte           // all keys in command 23
	keys       map[string]Key // by the code of a press
	release    int            // added to the code when a key is let go
}

var cfaModels = map[string]*cfaModel{
	"cfa631": {number: "631", rows: 2, cols: 20, chars: CFA635, contrast: 255, keyMask: 0x0F,
		keys:    map[string]Key{"13": Up, "14": Enter, "15": Down, "16": Escape},
		release: 4},
	"cfa633": {number: "633", others: []string{"533"}, rows: 2, cols: 16, chars: A00, contrast: 50,
		keyMask: 0x3F, keys: cfaSixKeys, release: 6},
	"cfa635": {number: "635", others: []string{"735", "835"}, rows: 4, cols: 20, chars: CFA635,
		contrast: 255, leds: 4, keyMask: 0x3F, keys: cfaSixKeys, release: 6},
}

var cfaSixKeys = map[string]Key{"1": Up, "2": Down, "3": Left, "4": Right, "5": Enter, "6": Escape}

// cfa is a CrystalFontz CFA-533, 631, 633 or 635, or one that behaves so. Its
// keys are, in Options.Keys, the codes of their presses: "1" to "6", and "13"
// to "16" (upper left, upper right, lower left, lower right) for the 631.
type cfa struct {
	model *cfaModel
	info  Info
	line  *cfaLine
	keys  *keyQueue
	codes map[string]Key
	leds  []Colour
}

// attachCFA returns the function that opens the display of a driver name. It
// fails unless the display answers a ping and has the number it should have.
func attachCFA(name string) func(context.Context, serial.Port, Options) (Device, error) {
	return func(ctx context.Context, port serial.Port, o Options) (Device, error) {
		m := cfaModels[name]
		codes, err := m.keyCodes(o)
		if err != nil {
			return nil, err
		}
		if o.Rows != 0 && o.Rows != m.rows || o.Cols != 0 && o.Cols != m.cols {
			return nil, fmt.Errorf("it has %d rows of %d columns, not %d of %d", m.rows, m.cols, o.Rows, o.Cols)
		}
		d := &cfa{model: m, codes: codes, keys: newKeyQueue(),
			leds: slices.Repeat([]Colour{^Colour(0)}, m.leds),
			info: Info{Model: "CFA" + m.number, Rows: m.rows, Cols: m.cols, LEDs: m.leds, Glyphs: 8,
				Backlight: true, Contrast: true, Releases: true}}
		d.line = newCFALine(port, d.report, d.keys.close)
		if err := d.begin(ctx, o.Speed); err != nil {
			d.Close()
			return nil, err
		}
		return d, nil
	}
}

// keyCodes checks that a board names only codes the display can send.
func (m *cfaModel) keyCodes(o Options) (map[string]Key, error) {
	for report := range o.Keys {
		if _, ok := m.keys[report]; !ok {
			return nil, fmt.Errorf("keys: a CFA%s reports a press as one of %s, not %q", m.number,
				strings.Join(sortedNumbers(m.keys), ", "), report)
		}
	}
	return o.keyMap(m.keys)
}

func sortedNumbers(keys map[string]Key) []string {
	var codes []string
	for code := range keys {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b string) int { return len(a)*10 - len(b)*10 + strings.Compare(a, b) })
	return codes
}

// begin makes sure of the display and clears what it shows.
func (d *cfa) begin(ctx context.Context, speed int) error {
	if _, err := d.line.command(ctx, cfaPing); err != nil {
		if errors.Is(err, errNoAnswer) {
			err = fmt.Errorf("%w; it must have power, be at this line and be set to %d bit/s "+
				"(these displays are set to 19200 or 115200)", err, speed)
		}
		return err
	}
	version, err := d.line.command(ctx, cfaVersion)
	if err != nil {
		return err
	}
	if err := d.identify(string(version)); err != nil {
		return err
	}
	type command struct {
		cmd      byte
		data     []byte
		optional bool // some firmware refuses it
	}
	commands := []command{
		{cfaKeyReports, []byte{d.model.keyMask, d.model.keyMask}, false},
		{cfaCursorStyle, []byte{0}, false},
		{cfaClear, nil, false},
	}
	switch d.model.number {
	case "633": // fans and temperatures that it may be set to show by itself
		for slot := range byte(8) {
			commands = append(commands, command{cfaLiveDisplay, []byte{slot, 0}, true})
		}
	case "631": // signs beside the keys
		commands = append(commands, command{cfaLegends, []byte{0}, true})
	}
	for _, c := range commands {
		_, err := d.line.command(ctx, c.cmd, c.data...)
		if err != nil && !(c.optional && errors.Is(err, errRefused)) {
			return err
		}
	}
	return nil
}

// identify takes what the display says of itself, such as "CFA635:h1.0,u1.3".
func (d *cfa) identify(version string) error {
	version = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, version)
	model, firmware, _ := strings.Cut(strings.TrimSpace(version), ":")
	for name, m := range cfaModels {
		for _, number := range append([]string{m.number}, m.others...) {
			if strings.HasSuffix(model, number) && m != d.model {
				return fmt.Errorf("the display says that it is a %s: the board must say driver %q", model, name)
			}
		}
	}
	if model != "" {
		d.info.Model = model
	}
	d.info.Firmware = firmware
	return nil
}

// report takes what the display sends by itself. Reports of fans and
// temperatures mean nothing to a panel.
func (d *cfa) report(typ byte, data []byte) {
	if typ != cfaKeyReport || len(data) != 1 {
		return
	}
	code := int(data[0])
	if k, ok := d.codes[strconv.Itoa(code)]; ok {
		d.keys.put(KeyEvent{k, true})
	} else if k, ok := d.codes[strconv.Itoa(code-d.model.release)]; ok {
		d.keys.put(KeyEvent{k, false})
	}
}

func (d *cfa) Info() Info                         { return d.info }
func (d *cfa) Encode(r rune) (code byte, ok bool) { return d.model.chars.Encode(r) }
func (d *cfa) Keys() <-chan KeyEvent              { return d.keys.c }
func (d *cfa) Close() error                       { return d.line.close() }

// do is a command whose answer says no more than that it was done.
func (d *cfa) do(cmd byte, data ...byte) error {
	_, err := d.line.command(context.Background(), cmd, data...)
	return err
}

// Check asks whether the display is there.
func (d *cfa) Check() error { return d.do(cfaPing) }

func (d *cfa) Write(row, col int, text []byte) error {
	if err := checkPlace(d.info, row, col, len(text)); err != nil || len(text) == 0 {
		return err
	}
	return d.do(cfaWrite, append([]byte{byte(col), byte(row)}, text...)...)
}

// Cursor shows a blinking underscore.
func (d *cfa) Cursor(row, col int, on bool) error {
	if !on {
		return d.do(cfaCursorStyle, 0)
	}
	if err := checkPlace(d.info, row, col, 1); err != nil {
		return err
	}
	if err := d.do(cfaCursorPlace, byte(col), byte(row)); err != nil {
		return err
	}
	return d.do(cfaCursorStyle, 3)
}

func (d *cfa) Define(n int, glyph [8]byte) error {
	if n < 0 || n >= d.info.Glyphs {
		return fmt.Errorf("glyph must be 0 to %d, not %d", d.info.Glyphs-1, n)
	}
	return d.do(cfaGlyph, append([]byte{byte(n)}, glyph[:]...)...)
}

func (d *cfa) Backlight(percent int) error {
	if err := checkPercent("backlight", percent); err != nil {
		return err
	}
	return d.do(cfaBacklight, byte(percent))
}

func (d *cfa) Contrast(percent int) error {
	if err := checkPercent("contrast", percent); err != nil {
		return err
	}
	return d.do(cfaContrast, byte((percent*d.model.contrast+50)/100))
}

// LED sets one of the four lamps of a CFA-635. From the top, their green halves
// are the outputs 11, 9, 7 and 5, their red halves 12, 10, 8 and 6.
func (d *cfa) LED(n int, c Colour) error {
	if d.model.leds == 0 {
		return unsupported(d.info.Model, "lamps")
	}
	if err := checkLED(d.info, n, c); err != nil {
		return err
	}
	was := d.leds[n]
	d.leds[n] = ^Colour(0) // not known until both halves are set
	for _, half := range []struct {
		output byte
		colour Colour
	}{{byte(11 - 2*n), Green}, {byte(12 - 2*n), Red}} {
		want := c == half.colour || c == Amber
		if had := was == half.colour || was == Amber; was <= Amber && had == want {
			continue
		}
		level := byte(0)
		if want {
			level = 100
		}
		if err := d.do(cfaLED, half.output, level); err != nil {
			return err
		}
	}
	d.leds[n] = c
	return nil
}
