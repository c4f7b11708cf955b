// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

func TestOpenTellsWhatIsWrong(t *testing.T) {
	mo := func(o lcd.Options) *lcdtest.Rig { return lcdtest.SerialRig("mtxorb", o, lcdtest.NewMOText(0x09)) }
	for _, tt := range []struct {
		name string
		rig  func() *lcdtest.Rig
		want string
	}{
		{"graphic module, driver for text", func() *lcdtest.Rig {
			return lcdtest.SerialRig("mtxorb", lcd.Options{Speed: 19200}, lcdtest.NewGLK(0x15, 0x57, false))
		}, "GLK24064-25"},
		{"text module, driver for graphics", func() *lcdtest.Rig {
			return lcdtest.SerialRig("glk", lcd.Options{Speed: 19200}, lcdtest.NewMOText(0x09))
		}, "LK204-25"},
		{"mtxorb at the wrong speed", func() *lcdtest.Rig {
			r := mo(lcd.Options{Speed: 19200})
			r.Link.(lcdtest.Faulty).SetSpeed(9600)
			return r
		}, "Matrix Orbital"},
		{"mute mtxorb", func() *lcdtest.Rig {
			r := mo(lcd.Options{Speed: 19200})
			r.Link.(lcdtest.Faulty).LoseAnswers(-1)
			return r
		}, "speed"},
		{"keys of mtxorb", func() *lcdtest.Rig {
			return mo(lcd.Options{Speed: 19200, Keys: map[string]string{"1": "up"}})
		}, "one letter"},
		{"another EZIO", func() *lcdtest.Rig {
			o := lcd.Options{Speed: 2400, Keys: map[string]string{"4E": "left"}}
			return lcdtest.SerialRig("ezio100", o, lcdtest.NewEzio("ezio300", false))
		}, "EZIO-300"},
		{"mute EZIO", func() *lcdtest.Rig {
			r := ezioRig("ezio300")
			r.Link.(lcdtest.Faulty).LoseAnswers(-1)
			return r
		}, "no EZIO display answers"},
		{"EZIO at the wrong speed", func() *lcdtest.Rig {
			r := ezioRig("ezio300")
			r.Link.(lcdtest.Faulty).SetSpeed(9600)
			return r
		}, "EZIO"},
		{"size of an EZIO", func() *lcdtest.Rig {
			return lcdtest.SerialRig("ezio300", lcd.Options{Speed: 2400, Rows: 4}, lcdtest.NewEzio("ezio300", false))
		}, "1 to 2 rows"},
		{"size of a G500", func() *lcdtest.Rig { return g500Rig(lcd.Options{Rows: 9}) }, "1 to 8 rows"},
		{"size of an HD44780", func() *lcdtest.Rig {
			return lcdtest.ExpanderRig(lcd.Options{Rows: 4, Cols: 40}, lcdtest.NewBackpack(4, 20))
		}, "at most 20 columns"},
		{"keys of an HD44780", func() *lcdtest.Rig {
			return lcdtest.ExpanderRig(lcd.Options{Keys: g500Keys}, lcdtest.NewBackpack(2, 16))
		}, "no keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { openRefuses(t, tt.rig(), tt.want) })
		})
	}
}

// TestDisplaysLoseNothing draws as a panel does, with keys under way, and looks
// whether the display had to throw something away.
func TestDisplaysLoseNothing(t *testing.T) {
	for _, tt := range []struct {
		name string
		rig  func() *lcdtest.Rig
	}{
		{"glk", func() *lcdtest.Rig { return glkRig(0x15, 0x57) }},
		{"ezio300", func() *lcdtest.Rig { return ezioRig("ezio300") }},
		{"ezio-g500", func() *lcdtest.Rig { return g500Rig(lcd.Options{Keys: g500Keys}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tt.rig()
				defer r.Close()
				drawMuch(t, r)
				r.Do(func(e lcdtest.Emulator) []byte {
					if n := e.(interface{ Lost() int }).Lost(); n != 0 {
						t.Errorf("the display lost %d bytes", n)
					}
					return nil
				})
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		display := lcdtest.NewBackpack(4, 20)
		r := lcdtest.ExpanderRig(lcd.Options{Rows: 4, Cols: 20}, display)
		drawMuch(t, r)
		if n := display.Ignored(); n != 0 {
			t.Errorf("the controller was busy for %d half bytes", n)
		}
	})
}

func drawMuch(t *testing.T, r *lcdtest.Rig) {
	t.Helper()
	p := lcd.New(r.Open, lcd.Config{}, slog.New(slog.DiscardHandler))
	ended := make(chan error)
	go func() { ended <- p.Run(t.Context()) }()
	for i := range 60 {
		line := strings.Repeat(string(rune('A'+i%26)), 40)
		p.Show(lcd.Frame{Lines: []string{line, line, line, line, line, line, line, line},
			Cursor: lcd.Cursor{Row: 1, Col: i % 16, On: i%3 == 0}, Backlight: i, LEDs: []lcd.Colour{lcd.Colour(i % 4)}})
		if len(r.Keys) > 0 {
			r.Press(r.Keys[i%len(r.Keys)])
			time.Sleep(time.Duration(i) * 20 * time.Millisecond)
			r.Release(r.Keys[i%len(r.Keys)])
		}
		time.Sleep(time.Duration(i) * 20 * time.Millisecond)
	}
	if _, connected, problem := p.State(); !connected {
		t.Errorf("the panel is lost: %s", problem)
	}
	go func() {
		for range p.Keys() {
		}
	}()
	r.Unplug()
	t.Cleanup(func() { <-ended })
}

// TestDisplaysAreFoundInTheMiddleOfACommand begins something and leaves it, as
// a process does that is killed.
func TestDisplaysAreFoundInTheMiddleOfACommand(t *testing.T) {
	backpack := func() *lcdtest.Rig {
		return lcdtest.ExpanderRig(lcd.Options{Rows: 2, Cols: 16}, lcdtest.NewBackpack(2, 16))
	}
	for _, tt := range []struct {
		name  string
		rig   func() *lcdtest.Rig
		begun string
	}{
		{"mtxorb prefix", func() *lcdtest.Rig { return mtxorbRig(lcdtest.NewMOText(0x09)) }, "\xFE"},
		{"mtxorb glyph", func() *lcdtest.Rig { return mtxorbRig(lcdtest.NewMOText(0x09)) }, "\xFEN"},
		{"glk rectangle", func() *lcdtest.Rig { return glkRig(0x15, 0x57) }, "\xFEx\x01"},
		{"ezio prefix", func() *lcdtest.Rig { return ezioRig("ezio300") }, "\xFE"},
		{"g500 image", func() *lcdtest.Rig { return g500Rig(lcd.Options{Keys: g500Keys}) }, "\x1bG"},
		{"expander, half a byte", backpack, "\x08\x3C\x38\x3C\x38\x3C\x38\x2C\x28\x2C\x28\x8C\x88\x1D\x19"},
		{"kernel, escape", func() *lcdtest.Rig {
			return lcdtest.FileRig(lcd.Options{}, lcdtest.NewCharLCD(2, 16))
		}, "\x1b[Lx1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tt.rig()
				defer r.Close()
				time.Sleep(time.Second)
				for _, b := range []byte(tt.begun) {
					r.Do(func(e lcdtest.Emulator) []byte { return e.Feed([]byte{b}) })
					time.Sleep(5 * time.Millisecond)
				}
				time.Sleep(time.Second)
				dev, err := r.Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer dev.Close()
				if err := dev.Write(0, 0, []byte("Hi")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				screen := r.Screen()
				if want := "Hi" + strings.Repeat(" ", dev.Info().Cols-2); screen[0] != want || strings.TrimSpace(screen[1]) != "" {
					t.Errorf("the glass shows %q", screen)
				}
			})
		})
	}
}

func TestOldModuleHasNoKeyThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := mtxorbRig(lcdtest.NewMOText(0x09).Old())
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		for range 3 {
			r.Press(lcd.Enter)
			for _, want := range []lcd.KeyEvent{{Key: lcd.Enter, Down: true}, {Key: lcd.Enter}} {
				if got := <-dev.Keys(); got != want {
					t.Fatalf("got %+v, want %+v", got, want)
				}
			}
			r.Release(lcd.Enter)
		}
	})
}

// TestSilentDisplaysAreLost lets displays that can be asked fall silent.
func TestSilentDisplaysAreLost(t *testing.T) {
	for name, rig := range map[string]func() *lcdtest.Rig{
		"mtxorb":  func() *lcdtest.Rig { return mtxorbRig(lcdtest.NewMOText(0x09)) },
		"glk":     func() *lcdtest.Rig { return glkRig(0x2A, 0x57) },
		"ezio340": func() *lcdtest.Rig { return ezioRig("ezio340") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rig()
				defer r.Close()
				p := lcd.New(r.Open, lcd.Config{}, slog.New(slog.DiscardHandler))
				ended := make(chan error)
				go func() { ended <- p.Run(t.Context()) }()
				defer func() { r.Unplug() }()
				t.Cleanup(func() { <-ended })
				p.Show(lcd.Frame{Lines: []string{"before"}})
				time.Sleep(20 * time.Second)
				if _, connected, problem := p.State(); !connected {
					t.Fatalf("not connected: %s", problem)
				}
				r.Link.(lcdtest.Faulty).LoseAnswers(-1)
				time.Sleep(30 * time.Second)
				if _, connected, _ := p.State(); connected {
					t.Error("a display that is silent for 30s counts as connected")
				}
				p.Show(lcd.Frame{Lines: []string{"after"}})
				r.Link.(lcdtest.Faulty).LoseAnswers(0)
				time.Sleep(2 * time.Minute)
				if got := strings.TrimSpace(r.Screen()[0]); got != "after" {
					t.Errorf("the glass shows %q, want after", got)
				}
			})
		})
	}
}

func TestCharLCDWritesToAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lcd")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dev, err := lcd.OpenDevice(t.Context(), "charlcd", lcd.Options{Device: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Write(1, 3, []byte("a\x1bb")); err != nil {
		t.Error(err)
	}
	if err := dev.Define(2, [8]byte{1, 0xAB, 7: 0x1F}); err != nil {
		t.Error(err)
	}
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(path)
	want := "\n\x1b[LI\x1b[L+\x1b[Lc\x1b[Lb\x1b[2J" + "\x1b[Lx3y1;a b" + "\x1b[LG201ab00000000001f;"
	if err != nil || string(got) != want {
		t.Errorf("the file has %q, %v; want %q", got, err, want)
	}
}

func TestExpanderNeedsABus(t *testing.T) {
	for device, want := range map[string]string{
		"":                 "must name the bus",
		"/dev/i2c-99@200":  "0x08 to 0x77",
		"/dev/null@0x27":   "is no I2C bus",
		"/dev/no-such-bus": "no such file",
	} {
		_, err := lcd.OpenDevice(t.Context(), "hd44780-i2c", lcd.Options{Device: device})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("device %q: error %v, want %q", device, err, want)
		}
	}
}

// FuzzDisplays makes sure that no bytes break an emulator: a test that panics
// says nothing of a driver.
func FuzzDisplays(f *testing.F) {
	f.Add([]byte("\xFE\x58\xFEN\x01abcdefgh\xFE\x26\xFE\x7E\x01text"))
	f.Add([]byte("\x1b[Lx99999999999y-1;\x1b[LG9zz;\x1b[LG1zz;\b\f\n\r\t\x1b[Lk\x1bG"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, e := range []lcdtest.Emulator{lcdtest.NewMOText(0x2B), lcdtest.NewGLK(0x2A, 0x86, false),
			lcdtest.NewEzio("ezio340", true), lcdtest.NewG500(g500Letters, true), lcdtest.NewBackpack(4, 20),
			lcdtest.NewCharLCD(4, 20)} {
			e.Feed(in)
			if len(e.Screen()) == 0 {
				t.Fatal("no glass")
			}
			e.Look()
		}
	})
}
