// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"testing"
	"testing/synctest"
	"time"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

// TestCFALeavesAGap speaks with a display that loses what comes too soon.
func TestCFALeavesAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		display := lcdtest.NewCFA("cfa635")
		display.LoseHasty(9 * time.Millisecond)
		r := lcdtest.SerialRig("cfa635", lcd.Options{Speed: 115200}, display)
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		before := r.Sent()
		for range 10 {
			if err := dev.Write(0, 0, []byte("gap")); err != nil {
				t.Fatal(err)
			}
		}
		if n, want := r.Sent()-before, 10*(4+2+3); n != want {
			t.Errorf("ten writes took %d bytes, want %d: something was sent again", n, want)
		}
	})
}

// TestCFATakesNoAnswerThatIsOld has an answer wait when a command is sent that
// the display does not understand.
func TestCFATakesNoAnswerThatIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cfaRig("cfa635", 115200)
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		r.Link.(lcdtest.Faulty).Garbage([]byte{0x5F, 0x00, 0x78, 0x5F}) // written
		time.Sleep(time.Second)
		r.Link.(lcdtest.Faulty).Disturb(3)
		if err := dev.Write(0, 0, []byte("shown")); err != nil {
			t.Fatal(err)
		}
		if got := r.Screen()[0][:5]; got != "shown" {
			t.Errorf("the glass shows %q, want what was written", got)
		}
	})
}

// TestCFAOutlivesNoiseWithoutEnd floods the host for five minutes as fast as the
// line can.
func TestCFAOutlivesNoiseWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := cfaRig("cfa633", 19200)
		defer r.Close()
		p := lcd.New(r.Open, lcd.Config{}, quiet)
		stop := run(t, p)
		p.Show(lcd.Frame{Lines: []string{"before"}})
		for range 300 {
			noise := make([]byte, 1920)
			for i := range noise {
				noise[i] = byte(i * 7 % 251)
			}
			r.Link.(lcdtest.Faulty).Garbage(noise)
			time.Sleep(time.Second)
		}
		p.Show(lcd.Frame{Lines: []string{"after"}})
		time.Sleep(2 * time.Minute)
		if got := r.Screen()[0][:6]; got != "after " {
			t.Errorf("the glass shows %q once the line is quiet", got)
		}
		stop()
	})
}
