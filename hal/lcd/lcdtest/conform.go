// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/hal/lcd"
)

// patience bounds all waiting. It is virtual time for a Line, where it costs
// nothing, and real time for a Pty on a machine that may be busy.
const patience = 60 * time.Second

// Conform tests a driver against what package lcd promises of every device, and
// a Panel on top of it. New returns a fresh rig each time. Every case runs in
// virtual time: the rig must come from SerialRig or use nothing of the kernel.
func Conform(t *testing.T, newRig func() *Rig) {
	for _, c := range slices.Concat(deviceCases, answerCases, panelCases) {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				defer r.Close()
				if c.need == nil || c.need(r) {
					c.run(t, r)
				}
			})
		})
	}
}

type testCase struct {
	name string
	need func(*Rig) bool // nil: every display
	run  func(*testing.T, *Rig)
}

var deviceCases = []testCase{
	{"starts blank", nil, startsBlank},
	{"text at every place", nil, textAtEveryPlace},
	{"characters", nil, characters},
	{"places that are not there", nil, placesThatAreNot},
	{"glyphs", nil, glyphs},
	{"backlight and contrast", nil, lights},
	{"lamps", nil, lamps},
	{"cursor", nil, cursor},
	{"each key", keyed, eachKey},
	{"key held for an hour", keyed, keyHeld},
	{"unplugged", nil, unplugged},
	{"closed twice", nil, closedTwice},
	{"garbage", faulty, garbage},
}

func keyed(r *Rig) bool { return len(r.Keys) > 0 }

func faulty(r *Rig) bool { _, ok := r.Link.(Faulty); return ok }

// open opens the display and closes it when the test ends.
func open(t *testing.T, r *Rig) lcd.Device {
	t.Helper()
	dev, err := r.Open(t.Context())
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

// eventually waits until ok returns "".
func eventually(t *testing.T, ok func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		problem := ok()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", patience, problem)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// wantScreen waits until the glass shows lines, blank where they are short.
func wantScreen(t *testing.T, r *Rig, info lcd.Info, lines ...string) {
	t.Helper()
	want := make([]string, info.Rows)
	for i := range want {
		if i < len(lines) {
			want[i] = lines[i]
		}
		for len([]rune(want[i])) < info.Cols {
			want[i] += " "
		}
	}
	eventually(t, func() string {
		if got := r.Screen(); !slices.Equal(got, want) {
			return "the glass shows\n|" + strings.Join(got, "|\n|") + "|\nwant\n|" +
				strings.Join(want, "|\n|") + "|"
		}
		return ""
	})
}

// encode turns ASCII into what Write takes.
func encode(t *testing.T, dev lcd.Device, text string) []byte {
	t.Helper()
	var b []byte
	for _, r := range text {
		code, ok := dev.Encode(r)
		switch {
		case dev.Info().Unicode:
			b = append(b, string(r)...)
		case ok:
			b = append(b, code)
		default:
			t.Fatalf("no code for %q", r)
		}
	}
	return b
}

func write(t *testing.T, dev lcd.Device, row, col int, text string) {
	t.Helper()
	if err := dev.Write(row, col, encode(t, dev, text)); err != nil {
		t.Fatalf("write %q at %d,%d: %v", text, row, col, err)
	}
}

func startsBlank(t *testing.T, r *Rig) {
	info := open(t, r).Info()
	if info.Model == "" || info.Rows < 1 || info.Cols < 8 {
		t.Fatalf("info = %+v", info)
	}
	wantScreen(t, r, info)
}

func textAtEveryPlace(t *testing.T, r *Rig) {
	dev := open(t, r)
	info := dev.Info()
	lines := make([]string, info.Rows)
	for row := range info.Rows {
		for col := range info.Cols {
			c := string(rune('A' + (row*info.Cols+col)%26))
			write(t, dev, row, col, c)
			lines[row] += c
		}
	}
	wantScreen(t, r, info, lines...)
	for row := range lines {
		lines[row] = strings.Repeat(string(rune('0'+row)), info.Cols)
		write(t, dev, row, 0, lines[row])
	}
	wantScreen(t, r, info, lines...)
}

// characters compares the codes of the driver with the ROM of the emulator.
func characters(t *testing.T, r *Rig) {
	dev := open(t, r)
	info := dev.Info()
	var have []rune
	for c := rune(' '); c < 0x3000; c++ {
		if _, ok := dev.Encode(c); ok {
			have = append(have, c)
		}
	}
	if len(have) < 90 && !info.Unicode {
		t.Errorf("only %d characters", len(have))
	}
	for part := range slices.Chunk(have, info.Cols) {
		write(t, dev, 0, 0, string(part))
		wantScreen(t, r, info, sameLook.Replace(string(part)))
		write(t, dev, 0, 0, strings.Repeat(" ", len(part)))
	}
}

// sameLook are runes that one cell of a ROM stands for.
var sameLook = strings.NewReplacer("μ", "µ", "β", "ß")

func placesThatAreNot(t *testing.T, r *Rig) {
	dev := open(t, r)
	info := dev.Info()
	for _, p := range [][3]int{{-1, 0, 1}, {0, -1, 1}, {info.Rows, 0, 1}, {0, info.Cols, 1},
		{0, 1, info.Cols}} {
		if err := dev.Write(p[0], p[1], encode(t, dev, strings.Repeat("x", p[2]))); err == nil {
			t.Errorf("write of %d cells at %d,%d: no error", p[2], p[0], p[1])
		}
	}
	for _, err := range []error{dev.Backlight(101), dev.Backlight(-1), dev.Contrast(101),
		dev.LED(info.LEDs, lcd.Red), dev.LED(-1, lcd.Red), dev.Define(info.Glyphs, [8]byte{})} {
		if err == nil {
			t.Error("a value out of range was taken")
		}
	}
	wantScreen(t, r, info)
}

func glyphs(t *testing.T, r *Rig) {
	dev := open(t, r)
	info := dev.Info()
	for n := range info.Glyphs {
		shape := [8]byte{byte(n), 0x1F, 0x10, 0x01, 0x15, 0x0A, 0, 0x11}
		if err := dev.Define(n, shape); err != nil {
			t.Fatalf("define %d: %v", n, err)
		}
		if err := dev.Write(0, 0, []byte{byte(n), byte(n)}); err != nil {
			t.Fatal(err)
		}
		wantScreen(t, r, info, strings.Repeat(string(Glyph(n)), 2))
		if got := r.Look().Glyphs[n]; got != shape {
			t.Errorf("glyph %d = %x, want %x", n, got, shape)
		}
	}
	if err := dev.Define(0, [8]byte{}); (info.Glyphs == 0) != errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("define with %d glyphs: %v", info.Glyphs, err)
	}
}

func lights(t *testing.T, r *Rig) {
	dev := open(t, r)
	for _, light := range []struct {
		name string
		has  bool
		set  func(int) error
		get  func(Look) int
	}{
		{"backlight", dev.Info().Backlight, dev.Backlight, func(l Look) int { return l.Backlight }},
		{"contrast", dev.Info().Contrast, dev.Contrast, func(l Look) int { return l.Contrast }},
	} {
		for _, percent := range []int{0, 30, 100, 50} {
			err := light.set(percent)
			if !light.has {
				if !errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("%s: %v, want unsupported", light.name, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s %d: %v", light.name, percent, err)
			}
			eventually(t, func() string {
				// Some displays know on and off only, or eight steps.
				got := light.get(r.Look())
				if got-percent > 50 || percent-got > 50 || percent == 0 && got > 2 || percent == 100 && got < 98 {
					return light.name + " is not what was set"
				}
				return ""
			})
		}
	}
}

func lamps(t *testing.T, r *Rig) {
	dev := open(t, r)
	n := dev.Info().LEDs
	if n == 0 && !errors.Is(dev.LED(0, lcd.Red), errors.ErrUnsupported) {
		t.Error("a display without lamps takes one")
	}
	want := make([]lcd.Colour, n)
	for i := range n {
		for _, c := range []lcd.Colour{lcd.Red, lcd.Amber, lcd.Off, lcd.Green, lcd.Colour(i % 4)} {
			if err := dev.LED(i, c); err != nil {
				t.Fatalf("LED %d %v: %v", i, c, err)
			}
			want[i] = c
			eventually(t, func() string {
				if got := r.Look().LEDs; !slices.Equal(got, want) {
					return "lamps are not what was set"
				}
				return ""
			})
		}
	}
}

func cursor(t *testing.T, r *Rig) {
	dev := open(t, r)
	info := dev.Info()
	if err := dev.Cursor(0, 0, true); errors.Is(err, errors.ErrUnsupported) {
		return
	}
	for _, want := range []lcd.Cursor{{Row: info.Rows - 1, Col: info.Cols - 1, On: true}, {On: true}, {}} {
		if err := dev.Cursor(want.Row, want.Col, want.On); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() string {
			if got := r.Look().Cursor; got.On != want.On || got.On && got != want {
				return "the cursor is not where it was set"
			}
			return ""
		})
	}
}

func closedTwice(t *testing.T, r *Rig) {
	dev := open(t, r)
	if err := dev.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	_ = dev.Close()
	for range dev.Keys() {
	}
	if err := dev.Write(0, 0, []byte("x")); err == nil {
		t.Error("write after close: no error")
	}
}

// opensAgain waits until the display can be opened.
func opensAgain(t *testing.T, r *Rig) lcd.Device {
	t.Helper()
	var dev lcd.Device
	eventually(t, func() string {
		d, err := r.Open(context.WithoutCancel(t.Context()))
		if err != nil {
			return err.Error()
		}
		dev = d
		return ""
	})
	t.Cleanup(func() { dev.Close() })
	return dev
}

var discard = slog.New(slog.DiscardHandler)
