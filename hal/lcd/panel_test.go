// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

var quiet = slog.New(slog.DiscardHandler)

// run runs a panel in a bubble until the returned function is called.
func run(t *testing.T, p *lcd.Panel) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func TestPanelTellsOfALostDisplayOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lcdtest.SimRig(lcd.Options{})
		var out bytes.Buffer
		p := lcd.New(r.Open, lcd.Config{}, slog.New(slog.NewTextHandler(&out, nil)))
		r.Unplug()
		stop := run(t, p)
		time.Sleep(24 * time.Hour)
		r.Replug()
		time.Sleep(time.Hour)
		r.Unplug()
		time.Sleep(24 * time.Hour)
		stop()
		if want := "panel not found, panel connected, panel lost"; messages(out.String()) != want {
			t.Errorf("logged %q, want %q", messages(out.String()), want)
		}
	})
}

func TestPanelOpensLessOftenTheLongerItFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		p := lcd.New(func(context.Context) (lcd.Device, error) {
			at = append(at, time.Since(began))
			return nil, errors.New("no display")
		}, lcd.Config{}, quiet)
		stop := run(t, p)
		time.Sleep(2 * time.Minute)
		if _, connected, problem := p.State(); connected || problem != "no display" {
			t.Errorf("state = %v, %q", connected, problem)
		}
		stop()
		want := "[0s 1s 3s 7s 15s 31s 1m1s 1m31s]"
		if got := fmt.Sprint(at); got != want {
			t.Errorf("opened at %v, want %v", got, want)
		}
		if _, open := <-p.Keys(); open {
			t.Error("the keys did not end with the panel")
		}
	})
}

// A stub is a display that counts what it is told.
type stub struct {
	info lcd.Info
	slow time.Duration
	keys chan lcd.KeyEvent

	mu    sync.Mutex // guards all below
	calls []string
	glass [4]string
	fail  error
}

func (s *stub) did(format string, args ...any) error {
	time.Sleep(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
	return s.fail
}

func (s *stub) Info() lcd.Info                 { return s.info }
func (s *stub) Encode(r rune) (byte, bool)     { return lcd.A00.Encode(r) }
func (s *stub) Define(n int, _ [8]byte) error  { return s.did("glyph %d", n) }
func (s *stub) Backlight(p int) error          { return s.did("light %d", p) }
func (s *stub) Contrast(p int) error           { return s.did("contrast %d", p) }
func (s *stub) LED(n int, c lcd.Colour) error  { return s.did("led %d %v", n, c) }
func (s *stub) Cursor(r, c int, on bool) error { return errors.ErrUnsupported }
func (s *stub) Keys() <-chan lcd.KeyEvent      { return s.keys }
func (s *stub) Check() error                   { return s.did("check") }
func (s *stub) Close() error                   { close(s.keys); return nil }

func (s *stub) open(context.Context) (lcd.Device, error) {
	s.keys = make(chan lcd.KeyEvent)
	return s, nil
}

func (s *stub) Write(row, col int, text []byte) error {
	s.mu.Lock()
	line := []byte(fmt.Sprintf("%-*s", s.info.Cols, s.glass[row]))
	copy(line[col:], text)
	s.glass[row] = string(line)
	s.mu.Unlock()
	return s.did("%d,%d %q", row, col, text)
}

// take returns what was done since the last time.
func (s *stub) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := strings.Join(s.calls, "; ")
	s.calls = nil
	return calls
}

func TestPanelSendsOneRunForEachRowThatDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{info: lcd.Info{Rows: 2, Cols: 8, LEDs: 1, Backlight: true, Contrast: true}}
		p := lcd.New(s.open, lcd.Config{Check: time.Hour, Refresh: time.Hour}, quiet)
		stop := run(t, p)
		for _, c := range []struct {
			frame lcd.Frame
			want  string
		}{
			{lcd.Frame{Lines: []string{"ab"}, Backlight: 40},
				`light 40; led 0 off; 0,0 "ab      "; 1,0 "        "`},
			{lcd.Frame{Lines: []string{"ab"}, Backlight: 40}, ``},
			{lcd.Frame{Lines: []string{"abc", "  x"}, Backlight: 140, Contrast: 20},
				`light 100; contrast 20; 0,2 "c"; 1,2 "x"`},
			{lcd.Frame{Lines: []string{"xbcdef"}, Backlight: 100, LEDs: []lcd.Colour{lcd.Red}},
				`led 0 red; 0,0 "xbcdef"; 1,2 " "`},
			{lcd.Frame{Lines: []string{"ä↑é日\x01"}, Backlight: 100}, "led 0 off; 0,0 \"\\xe1^e?? \""},
		} {
			p.Show(c.frame)
			time.Sleep(time.Second)
			got := strings.Split(s.take(), "; ")
			for _, call := range got {
				if !strings.Contains("; "+c.want+";", "; "+call+";") && c.want != call {
					t.Errorf("%+v: did %q, want %s", c.frame, got, c.want)
				}
			}
			if want := strings.Split(c.want, "; "); len(got) != len(want) {
				t.Errorf("%+v: did %q, want %q", c.frame, got, want)
			}
		}
		stop()
	})
}

func TestPanelDrawsWhatTheDisplayLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{info: lcd.Info{Rows: 1, Cols: 4, Glyphs: 2}}
		p := lcd.New(s.open, lcd.Config{}, quiet)
		stop := run(t, p)
		p.Show(lcd.Frame{Lines: []string{"↑↓→✓"}})
		time.Sleep(time.Second)
		if got, want := s.take(), `glyph 0; glyph 1; 0,0 "\x00\x01~+"`; got != want {
			t.Errorf("did %s, want %s", got, want)
		}
		stop()
	})
}

func TestPanelBlinksACursorThatTheDisplayLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{info: lcd.Info{Rows: 1, Cols: 3}}
		p := lcd.New(s.open, lcd.Config{}, quiet)
		stop := run(t, p)
		p.Show(lcd.Frame{Lines: []string{"abc"}, Cursor: lcd.Cursor{Col: 1, On: true}})
		time.Sleep(2200 * time.Millisecond)
		got := s.take()
		if n := strings.Count(got, `0,1 "\xff"`); n < 2 || strings.Count(got, `0,1 "b"`) < 2 {
			t.Errorf("did %s in two seconds, want the cell to change to and fro", got)
		}
		p.Show(lcd.Frame{Lines: []string{"abc"}})
		time.Sleep(time.Second)
		s.take()
		time.Sleep(5 * time.Second)
		if got := s.take(); got != "" {
			t.Errorf("did %s without a cursor, want nothing", got)
		}
		stop()
	})
}

func TestPanelDropsFramesASlowDisplayCannotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{info: lcd.Info{Rows: 4, Cols: 8}, slow: 300 * time.Millisecond}
		p := lcd.New(s.open, lcd.Config{}, quiet)
		stop := run(t, p)
		for i := range 1000 {
			n := fmt.Sprint(i)
			p.Show(lcd.Frame{Lines: []string{n, n, n, n}})
			time.Sleep(3 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		got := s.take()
		if n := strings.Count(got, ";"); n > 20 {
			t.Errorf("%d writes in three seconds, want as many as fit", n)
		}
		for row := range 4 {
			if s.glass[row] != "999     " {
				t.Errorf("row %d ends as %q, want the last frame", row, s.glass[row])
			}
		}
		stop()
	})
}

func TestPanelRedrawsAndAsksAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{info: lcd.Info{Rows: 1, Cols: 3}}
		p := lcd.New(s.open, lcd.Config{}, quiet)
		stop := run(t, p)
		p.Show(lcd.Frame{Lines: []string{"abc"}})
		time.Sleep(time.Hour + time.Second)
		got := s.take()
		if n := strings.Count(got, "check"); n < 300 || n > 361 {
			t.Errorf("asked %d times in an hour, want about 360", n)
		}
		if n := strings.Count(got, `0,0 "abc"`); n < 12 || n > 13 {
			t.Errorf("drawn %d times in an hour, want once and every five minutes", n)
		}
		stop()
	})
}

func TestPanelHandsKeysOnWhileItDraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{info: lcd.Info{Rows: 4, Cols: 8}, slow: time.Minute}
		p := lcd.New(s.open, lcd.Config{}, quiet)
		stop := run(t, p)
		p.Show(lcd.Frame{Lines: []string{"a"}})
		synctest.Wait()
		began := time.Now()
		s.keys <- lcd.KeyEvent{Key: lcd.Enter, Down: true}
		if e := <-p.Keys(); e.Key != lcd.Enter || time.Since(began) > time.Second {
			t.Errorf("got %+v after %v", e, time.Since(began))
		}
		s.keys <- lcd.KeyEvent{Key: 99, Down: true} // no key that a driver should send
		stop()
	})
}

// messages returns what a text log says, without attributes.
func messages(log string) string {
	var got []string
	for line := range strings.Lines(log) {
		_, msg, _ := strings.Cut(line, `msg="`)
		msg, _, _ = strings.Cut(msg, `"`)
		got = append(got, msg)
	}
	return strings.Join(got, ", ")
}

func TestPanelTellsOfALooseContactOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{info: lcd.Info{Rows: 1, Cols: 3}, fail: errors.New("loose")}
		var out bytes.Buffer
		p := lcd.New(s.open, lcd.Config{}, slog.New(slog.NewTextHandler(&out, nil)))
		stop := run(t, p)
		p.Show(lcd.Frame{Lines: []string{"abc"}})
		time.Sleep(24 * time.Hour)
		s.mu.Lock()
		s.fail = nil
		s.mu.Unlock()
		time.Sleep(time.Hour)
		stop()
		want := strings.Repeat("panel connected, panel lost, ", 2) +
			"panel connected, panel comes and goes, panel connected"
		if got := messages(out.String()); got != want {
			t.Errorf("logged %q, want %q", got, want)
		}
	})
}

// TestPanelStarvesNoRow changes the first row faster than it can be drawn.
func TestPanelStarvesNoRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stub{info: lcd.Info{Rows: 4, Cols: 8}, slow: 300 * time.Millisecond}
		p := lcd.New(s.open, lcd.Config{}, quiet)
		stop := run(t, p)
		for i := range 100 {
			p.Show(lcd.Frame{Lines: []string{fmt.Sprint(i), "", "", "alarm"}})
			time.Sleep(30 * time.Millisecond)
		}
		if got := s.take(); !strings.Contains(got, `3,0 "alarm   "`) {
			t.Errorf("the last row was not drawn in three seconds: %s", got)
		}
		stop()
	})
}
