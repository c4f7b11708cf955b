// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

func TestSimConforms(t *testing.T) {
	lcdtest.Conform(t, func() *lcdtest.Rig { return lcdtest.SimRig(lcd.Options{}) })
	lcdtest.Conform(t, func() *lcdtest.Rig { return lcdtest.SimRig(lcd.Options{Rows: 2, Cols: 16}) })
}

func TestSimShowsChinese(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lcdtest.SimRig(lcd.Options{Rows: 2, Cols: 8})
		p := lcd.New(r.Open, lcd.Config{}, quiet)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		for _, c := range []struct {
			line, want string
		}{
			{"状态 ok", "状态 ok "},
			{"a状态状态", "a状态状 "}, // a half does not fit
			{"状态状态", "状态状态"},
			{"x态状态", "x态状态 "},
			{"状 状态", "状 状态 "},
		} {
			p.Show(lcd.Frame{Lines: []string{c.line}})
			time.Sleep(time.Second)
			if got := r.Screen()[0]; got != c.want {
				t.Errorf("showed %q, the glass shows %q, want %q", c.line, got, c.want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSimRefusesSizesThatAreNone(t *testing.T) {
	for _, o := range []lcd.Options{{Rows: -1}, {Rows: 9}, {Cols: 7}, {Cols: 81}} {
		if dev, err := lcd.OpenDevice(t.Context(), "sim", o); err == nil {
			t.Errorf("%+v opens as %+v", o, dev.Info())
		}
	}
}

func TestDriversAreKnownByName(t *testing.T) {
	for _, name := range []string{"sim", "cfa631", "cfa633", "cfa635"} {
		if !slices.Contains(lcd.Drivers(), name) {
			t.Errorf("no driver %s", name)
		}
	}
	if _, err := lcd.OpenDevice(t.Context(), "cfa634", lcd.Options{}); err == nil {
		t.Error("a driver that is none opens")
	}
	if _, err := lcd.OpenDevice(t.Context(), "cfa635", lcd.Options{}); err == nil {
		t.Error("a serial display opens without a line")
	}
}
