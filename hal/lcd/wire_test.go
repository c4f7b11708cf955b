// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

// A tap is an emulator that remembers what it was fed.
type tap struct {
	lcdtest.Emulator
	got []byte
}

func (t *tap) Feed(b []byte) []byte {
	t.got = append(t.got, b...)
	return t.Emulator.Feed(b)
}

// sent returns what the display was fed while f ran.
func sent(r *lcdtest.Rig, f func() error) ([]byte, error) {
	time.Sleep(time.Second) // what was under way
	r.Do(func(e lcdtest.Emulator) []byte { e.(*tap).got = nil; return nil })
	err := f()
	time.Sleep(time.Second)
	var got []byte
	r.Do(func(e lcdtest.Emulator) []byte { got = e.(*tap).got; return nil })
	return got, err
}

// A wireCase is what a driver must send for a call.
type wireCase struct {
	name string
	call func(lcd.Device) error
	want string // in hexadecimal
}

func wire(t *testing.T, name string, o lcd.Options, e lcdtest.Emulator, cases []wireCase) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := lcdtest.SerialRig(name, o, &tap{Emulator: e})
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		for _, c := range cases {
			want, err := hex.DecodeString(strings.ReplaceAll(c.want, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got, err := sent(r, func() error { return c.call(dev) })
			// Questions for keys may come before and after.
			if err != nil || !bytes.Contains(got, want) || len(got) > len(want)+64 {
				t.Errorf("%s sent % x, %v; want % x", c.name, got, err, want)
			}
		}
	})
}

func TestMtxorbSendsWhatTheManualSays(t *testing.T) {
	glyph := [8]byte{0x04, 0x0E, 0x15, 0x04, 0x04, 0x04, 0xE4, 0x00}
	wire(t, "mtxorb", lcd.Options{Speed: 19200}, lcdtest.NewMOText(0x2B), []wireCase{
		{"text", func(d lcd.Device) error { return d.Write(3, 18, []byte("Hi")) }, "fe47 13 04 48 69"},
		{"unprintable text", func(d lcd.Device) error { return d.Write(0, 0, []byte{0xFE, 0x1B, 7}) }, "fe47 01 01 20 20 07"},
		{"cursor", func(d lcd.Device) error { return d.Cursor(1, 2, true) }, "fe47 03 02 fe53"},
		{"no cursor", func(d lcd.Device) error { return d.Cursor(0, 0, false) }, "fe54"},
		{"glyph", func(d lcd.Device) error { return d.Define(5, glyph) }, "fe4e 05 04 0e 15 04 04 04 04 00"},
		{"dark", func(d lcd.Device) error { return d.Backlight(0) }, "fe46"},
		{"dim", func(d lcd.Device) error { return d.Backlight(50) }, "fe42 00 fe99 7f"},
		{"contrast", func(d lcd.Device) error { return d.Contrast(100) }, "fe50 ff"},
		{"red", func(d lcd.Device) error { return d.LED(0, lcd.Red) }, "fe57 01 fe56 02"},
		{"green", func(d lcd.Device) error { return d.LED(1, lcd.Green) }, "fe56 03 fe57 04"},
		{"amber", func(d lcd.Device) error { return d.LED(2, lcd.Amber) }, "fe56 05 fe56 06"},
		{"off", func(d lcd.Device) error { return d.LED(2, lcd.Off) }, "fe57 05 fe57 06"},
	})
}

func TestGLKSendsWhatTheManualSays(t *testing.T) {
	wire(t, "glk", lcd.Options{Speed: 19200}, lcdtest.NewGLK(0x15, 0x57, false), []wireCase{
		{"text", func(d lcd.Device) error { return d.Write(1, 2, []byte("a b")) },
			"fe78 00 0c 08 1d 0f fe79 0c 08 61 fe79 18 08 62"},
		{"contrast", func(d lcd.Device) error { return d.Contrast(50) }, "fe50 7f"},
	})
}

func TestEzioSendsWhatTheSamplesSend(t *testing.T) {
	wire(t, "ezio300", lcd.Options{Speed: 2400}, lcdtest.NewEzio("ezio300", false), []wireCase{
		{"first row", func(d lcd.Device) error { return d.Write(0, 3, []byte("Hi\xFE")) }, "fe 83 48 69 20"},
		{"second row", func(d lcd.Device) error { return d.Write(1, 15, []byte("x")) }, "fe cf 78"},
		{"glyph", func(d lcd.Device) error { return d.Define(7, [8]byte{1, 2, 3, 4, 5, 6, 7, 0xFE}) },
			"fe 78 01 02 03 04 05 06 07 1e"},
		{"cursor", func(d lcd.Device) error { return d.Cursor(1, 0, true) }, "fe c0 fe 0d"},
		{"no cursor", func(d lcd.Device) error { return d.Cursor(0, 0, false) }, "fe 0c"},
	})
}

func TestEzioBeginsAsTheSamplesDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &tap{Emulator: lcdtest.NewEzio("ezio100", false)}
		r := lcdtest.SerialRig("ezio100", lcd.Options{Speed: 2400}, e)
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		want := []byte{0xFE, 0x28, 0xFE, 0x28, 0xFE, 0x06, 0xFE, 0x01, 0xFE, 0x0C}
		var got []byte
		r.Do(func(lcdtest.Emulator) []byte { got = slices.Clone(e.got); return nil })
		if !bytes.Equal(got, want) {
			t.Errorf("sent % x, want % x", got, want)
		}
	})
}

func TestG500SendsWhatTheVendorSends(t *testing.T) {
	wire(t, "ezio-g500", lcd.Options{Speed: 115200, Keys: g500Keys}, lcdtest.NewG500(g500Letters, false), []wireCase{
		{"light", func(d lcd.Device) error { return d.Backlight(100) }, "1b42 07"},
		{"dark", func(d lcd.Device) error { return d.Backlight(0) }, "1b42 00"},
		{"amber", func(d lcd.Device) error { return d.LED(2, lcd.Amber) }, "1b4c 41 1b4c 51"},
		{"green", func(d lcd.Device) error { return d.LED(0, lcd.Green) }, "1b4c 01 1b4c 10"},
	})
}

// TestG500ImageIsLeftHalfFirst puts one dot of a letter into each half.
func TestG500ImageIsLeftHalfFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &tap{Emulator: lcdtest.NewG500(g500Letters, false)}
		r := lcdtest.SerialRig("ezio-g500", lcd.Options{Speed: 115200, Keys: g500Keys}, e)
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		got, err := sent(r, func() error { return errors.Join(dev.Write(1, 0, []byte("|")), dev.Write(2, 20, []byte("|"))) })
		if err != nil || len(got) != 1026 || got[0] != 0x1B || got[1] != 0x47 {
			t.Fatalf("sent %d bytes, % x…, %v", len(got), got[:min(4, len(got))], err)
		}
		want := make([]byte, 1024)
		want[64*1+1+2] = 0x7F             // page 1, column 3: the bar is the third dot of its box
		want[512+64*2+1+20*6+2-64] = 0x7F // right half, page 2
		if !bytes.Equal(got[2:], want) {
			t.Errorf("image differs: % x", got[2:])
		}
		// The same text again means doubt: the image comes again, and what is
		// needed to end one that was cut before it.
		got, err = sent(r, func() error { return dev.Write(1, 0, []byte("|")) })
		if err != nil || len(got) != 1024+1026 {
			t.Errorf("the same text again took %d bytes, %v; want 2050", len(got), err)
		}
	})
}

func TestG500LearnsItsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := g500Rig(lcd.Options{})
		defer r.Close()
		dev, err := r.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		if err := dev.Write(0, 0, []byte("status")); err != nil {
			t.Fatal(err)
		}
		shows := func(want string) {
			t.Helper()
			time.Sleep(time.Second)
			if got := strings.Join(r.Screen(), "\n"); !strings.Contains(got, want) {
				t.Fatalf("the glass shows\n%s\nwant %q", got, want)
			}
		}
		shows("status")
		r.Press(lcd.Enter)
		shows("Press: up")
		time.Sleep(time.Minute) // nobody answers
		shows("status")
		r.Press(lcd.Left)
		for k := lcd.Up; k <= lcd.Escape; k++ {
			shows("Press: " + k.String())
			r.Press(k)
		}
		shows("B = up")
		r.Press(lcd.Enter)
		shows("status")
		for _, k := range r.Keys {
			r.Press(k)
			if got := <-dev.Keys(); got != (lcd.KeyEvent{Key: k, Down: true}) {
				t.Errorf("pressed %v, got %+v", k, got)
			}
			<-dev.Keys()
		}
	})
}

func openRefuses(t *testing.T, r *lcdtest.Rig, want string) {
	t.Helper()
	defer r.Close()
	began := time.Now()
	dev, err := r.Open(context.Background())
	if err == nil {
		dev.Close()
		t.Fatalf("it opens; want an error with %q", want)
	}
	if took := time.Since(began); !strings.Contains(err.Error(), want) || took > 15*time.Second {
		t.Errorf("error after %v: %v; want %q within 15s", took, err, want)
	}
}
