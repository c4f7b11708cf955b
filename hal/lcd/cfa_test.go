// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
	"evener/hal/serial"
)

func cfaRig(driver string, speed int) *lcdtest.Rig {
	display := lcdtest.NewCFA(driver)
	r := lcdtest.SerialRig(driver, lcd.Options{Speed: speed}, display)
	r.Answers, r.Overhead, r.Keys = true, 6, display.Keys()
	return r
}

func TestCFAConforms(t *testing.T) {
	for _, m := range []struct {
		driver string
		speed  int
	}{{"cfa631", 115200}, {"cfa633", 19200}, {"cfa635", 115200}, {"cfa635", 19200}} {
		t.Run(m.driver, func(t *testing.T) {
			lcdtest.Conform(t, func() *lcdtest.Rig { return cfaRig(m.driver, m.speed) })
		})
	}
}

func TestCFAWorksOnATTY(t *testing.T) {
	display := lcdtest.NewCFA("cfa635")
	r := lcdtest.PtyRig(t, "cfa635", lcd.Options{}, display)
	r.Keys = display.Keys()
	lcdtest.Smoke(t, r)
}

func TestCFASaysWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cfaRig("cfa635", 115200)
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		want := lcd.Info{Model: "CFA635", Firmware: "h1.0,u1.3", Rows: 4, Cols: 20, LEDs: 4, Glyphs: 8,
			Backlight: true, Contrast: true, Releases: true}
		if got := dev.Info(); got != want {
			t.Errorf("info = %+v, want %+v", got, want)
		}
	})
}

// TestCFARefusesWhatCannotBe opens displays with boards that are wrong.
func TestCFARefusesWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name    string
		driver  string
		display string
		o       lcd.Options
		want    string
	}{
		{"another model", "cfa635", "cfa633", lcd.Options{}, `driver "cfa633"`},
		{"another size", "cfa635", "cfa635", lcd.Options{Rows: 2}, "4 rows of 20"},
		{"a key that cannot be", "cfa635", "cfa635", lcd.Options{Keys: map[string]string{"13": "up"}}, "1, 2, 3, 4, 5, 6"},
		{"a key without a name", "cfa631", "cfa631", lcd.Options{Keys: map[string]string{"13": "ok"}}, "enter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.o.Speed = 115200
				r := lcdtest.SerialRig(c.driver, c.o, lcdtest.NewCFA(c.display))
				defer r.Close()
				dev, err := r.Open(t.Context())
				if err == nil {
					dev.Close()
				}
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("open: %v, want an error with %q", err, c.want)
				}
				if _, err := r.Open(t.Context()); errors.Is(err, serial.ErrBusy) {
					t.Error("the line was not closed")
				}
			})
		})
	}
}

func TestCFAKeysAreThoseOfTheBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := lcd.Options{Speed: 115200, Keys: map[string]string{"1": "escape", "5": "up"}}
		r := lcdtest.SerialRig("cfa635", o, lcdtest.NewCFA("cfa635"))
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		for _, k := range []lcd.Key{lcd.Left, lcd.Up, lcd.Enter} { // of the display as it is made
			r.Press(k)
			r.Release(k)
		}
		time.Sleep(time.Second)
		var got []lcd.KeyEvent
		for range len(dev.Keys()) {
			got = append(got, <-dev.Keys())
		}
		want := []lcd.KeyEvent{{Key: lcd.Escape, Down: true}, {Key: lcd.Escape}, {Key: lcd.Up, Down: true}, {Key: lcd.Up}}
		if !slices.Equal(got, want) {
			t.Errorf("keys = %+v, want %+v", got, want)
		}
	})
}

// TestCFAWithOldFirmwareOpens refuses what is not essential, and what is.
func TestCFAWithOldFirmwareOpens(t *testing.T) {
	for _, c := range []struct {
		driver  string
		refuses byte
		opens   bool
	}{{"cfa631", 32, true}, {"cfa633", 21, true}, {"cfa635", 23, false}, {"cfa635", 6, false}} {
		synctest.Test(t, func(t *testing.T) {
			display := lcdtest.NewCFA(c.driver)
			display.Refuse(c.refuses)
			r := lcdtest.SerialRig(c.driver, lcd.Options{Speed: 19200}, display)
			defer r.Close()
			dev, err := r.Open(t.Context())
			if (err == nil) != c.opens {
				t.Errorf("%s without command %d: %v, want to open: %v", c.driver, c.refuses, err, c.opens)
			}
			if err == nil {
				dev.Close()
			}
		})
	}
}

func TestCFAOpenEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cfaRig("cfa635", 115200)
		defer r.Close()
		r.Link.(lcdtest.Faulty).LoseAnswers(-1)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := r.Open(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("open: %v, want that the time is over", err)
		}
		if took := time.Since(began); took > 150*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}
