// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"evener/hal/lcd"
)

// panelCases test a Panel on top of the driver.
var panelCases = []testCase{
	{"panel draws", nil, panelDraws},
	{"panel sends only what changed", nil, panelSendsLittle},
	{"panel keeps the pace of the line", faulty, panelPace},
	{"panel returns", nil, panelReturns},
	{"panel outlives a mute display", answers, panelMute},
	{"panel lets go of keys", keyed, panelLetsGo},
}

// startPanel runs a panel on the display and waits until it is connected.
func startPanel(t *testing.T, r *Rig) *lcd.Panel {
	t.Helper()
	p := lcd.New(r.Open, lcd.Config{}, discard)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	wantConnected(t, p, true)
	return p
}

func wantConnected(t *testing.T, p *lcd.Panel, want bool) lcd.Info {
	t.Helper()
	var info lcd.Info
	eventually(t, func() string {
		i, connected, problem := p.State()
		if connected != want || connected == (problem != "") {
			return fmt.Sprintf("connected = %v, problem %q", connected, problem)
		}
		info = i
		return ""
	})
	return info
}

func panelDraws(t *testing.T, r *Rig) {
	p := startPanel(t, r)
	info, _, _ := p.State()
	full := strings.Repeat("0123456789", 8)[:info.Cols]
	p.Show(lcd.Frame{Lines: []string{"evener", full + "and more"}, Backlight: 100,
		LEDs: []lcd.Colour{lcd.Green, lcd.Red}})
	wantScreen(t, r, info, "evener", full)
	eventually(t, func() string {
		look := r.Look()
		if info.LEDs > 1 && (look.LEDs[0] != lcd.Green || look.LEDs[1] != lcd.Red) {
			return fmt.Sprintf("lamps are %v", look.LEDs)
		}
		if info.Backlight && look.Backlight < 98 {
			return fmt.Sprintf("backlight is %d", look.Backlight)
		}
		return ""
	})
	p.Show(lcd.Frame{Lines: []string{"a"}})
	wantScreen(t, r, info, "a")
	p.Show(lcd.Frame{Backlight: 50})
	wantScreen(t, r, info)
}

func panelSendsLittle(t *testing.T, r *Rig) {
	p := startPanel(t, r)
	info, _, _ := p.State()
	show := func(lines ...string) int {
		t.Helper()
		before := r.Sent()
		p.Show(lcd.Frame{Lines: lines, Backlight: 80})
		wantScreen(t, r, info, lines...)
		time.Sleep(time.Second) // what follows the text
		return r.Sent() - before
	}
	// A display that is asked for its keys all the time sends that as well.
	idle := func() int {
		before := r.Sent()
		time.Sleep(time.Second)
		return r.Sent() - before
	}
	show("members 1 of 3", "second")
	quiet := idle()
	if n := show("members 1 of 3", "second"); n > quiet+2 {
		t.Errorf("the same frame took %d bytes, want 0 beside %d for keys", n, quiet)
	}
	if n, most := show("members 2 of 3", "second"), quiet+r.Overhead+3; n > most {
		t.Errorf("one changed cell took %d bytes, want at most %d", n, most)
	}
	if n, most := show("members 2 of 4", "secand"), quiet+2*r.Overhead+4; n > most {
		t.Errorf("two changed cells took %d bytes, want at most %d", n, most)
	}
}

// panelPace shows frames far faster than a line carries them: few bytes may
// wait for the line at any time, and the last frame must be what is seen.
func panelPace(t *testing.T, r *Rig) {
	p := startPanel(t, r)
	info, _, _ := p.State()
	last := ""
	for i := range 5000 {
		last = fmt.Sprintf("%0*d", info.Cols, i*7919)
		began := time.Now()
		p.Show(lcd.Frame{Lines: []string{last, last}})
		if took := time.Since(began); took != 0 {
			t.Fatalf("show took %v of virtual time, want none", took)
		}
		time.Sleep(2 * time.Millisecond)
	}
	wantScreen(t, r, info, last[:info.Cols], last[:info.Cols])
	if got, most := r.Link.(Faulty).Backlog(), info.Cols+24; got > most {
		t.Errorf("%d bytes waited for the line, want at most %d", got, most)
	}
}

func panelReturns(t *testing.T, r *Rig) {
	p := startPanel(t, r)
	info, _, _ := p.State()
	f := lcd.Frame{Lines: []string{"first", "second"}, Backlight: 100, LEDs: []lcd.Colour{lcd.Green}}
	p.Show(f)
	wantScreen(t, r, info, f.Lines...)
	for range 3 {
		r.Unplug()
		wantConnected(t, p, false)
		time.Sleep(10 * time.Second)
		r.Replug()
		wantConnected(t, p, true)
		wantScreen(t, r, info, f.Lines...)
		eventually(t, func() string {
			if look := r.Look(); info.LEDs > 0 && look.LEDs[0] != lcd.Green {
				return "the lamp was not lit again"
			}
			return ""
		})
	}
}

// panelMute lets a display be dead for a day.
func panelMute(t *testing.T, r *Rig) {
	p := startPanel(t, r)
	info, _, _ := p.State()
	p.Show(lcd.Frame{Lines: []string{"before"}})
	wantScreen(t, r, info, "before")
	r.Link.(Faulty).LoseAnswers(-1)
	wantConnected(t, p, false)
	before := r.Sent()
	time.Sleep(24 * time.Hour)
	if n := r.Sent() - before; n > 24*3600*8 {
		t.Errorf("%d bytes went to a dead display in a day", n)
	}
	p.Show(lcd.Frame{Lines: []string{"after"}})
	r.Link.(Faulty).LoseAnswers(0)
	wantConnected(t, p, true)
	wantScreen(t, r, info, "after")
}

// panelLetsGo loses the display with a key down.
func panelLetsGo(t *testing.T, r *Rig) {
	p := startPanel(t, r)
	k := r.Keys[0]
	r.Press(k)
	if got := nextKey(t, p.Keys()); got != (lcd.KeyEvent{Key: k, Down: true}) {
		t.Fatalf("pressed %v, got %+v", k, got)
	}
	r.Unplug()
	if got := nextKey(t, p.Keys()); got != (lcd.KeyEvent{Key: k}) {
		t.Fatalf("lost with %v down, got %+v", k, got)
	}
}
