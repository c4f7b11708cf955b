// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTextsFitTheSmallestDisplay(t *testing.T) {
	for i, e := range table {
		for _, s := range []string{e.en, e.zh} {
			switch {
			case s == "":
				t.Errorf("text %d (%q) lacks a language", i, e.en)
			case e.room == lines2:
				if n := len(wrap(s, wide)); n > 2 {
					t.Errorf("%q needs %d lines of %d columns, want 2 at most", s, n, wide)
				}
			case width(s) > e.room:
				t.Errorf("%q is %d columns wide, has room for %d", s, width(s), e.room)
			}
		}
		for _, r := range e.en {
			if r < ' ' || r > '~' || strings.ContainsRune(`\~{}[]|^_`, r) {
				t.Errorf("%q has %q, which some displays lack", e.en, r)
			}
		}
	}
}

func TestTwoKeysDoEverything(t *testing.T) {
	p := newPlay(t, Display{Rows: 2, Cols: 16, Releases: true, Keys: []Key{Enter, Down}}, Defaults())
	want := func(what, screen string) {
		t.Helper()
		if got := p.screen(); !strings.Contains(got, screen) {
			t.Fatalf("after %s the display shows\n%swant %q", what, got, screen)
		}
	}
	p.hold("enter", time.Second)
	want("a long enter", ">Network")
	p.hold("down", time.Second)
	want("a long down", ">Options")
	p.press("down", "enter", "down")
	want("three short presses", ">Address")
	p.press("enter")
	p.hold("down", time.Second)
	want("a long down in the editor", "|252.000.002.010 |")
	p.press("enter")
	p.hold("enter", time.Second)
	p.hold("enter", time.Second)
	want("two long enters", ">Address")
	p.hold("enter", time.Second)
	p.press("down", "down", "enter", "down", "down", "enter")
	want("the way to reboot", "Hold Enter")
	p.hold("enter", 4*time.Second)
	p.hold("enter", 5*time.Second)
	want("five seconds of enter", "Reboot asked for")
}

func TestDisplayThatTellsNoReleaseCountsPresses(t *testing.T) {
	p := newPlay(t, Display{Rows: 4, Cols: 20, Keys: []Key{Up, Down, Enter, Escape}}, Defaults())
	p.press("escape", "up", "up", "enter", "up", "up", "enter")
	p.press("enter", "enter", "enter", "enter")
	p.wait(11 * time.Second)
	p.press("enter", "enter", "enter", "enter")
	if len(p.engine.calls) > 0 {
		t.Fatalf("asked %q after presses that were too slow", p.engine.calls)
	}
	p.press("enter")
	if len(p.engine.calls) != 1 || p.engine.calls[0] != "sys.reboot" {
		t.Errorf("asked %q after five presses, want sys.reboot", p.engine.calls)
	}
}

func TestKeyHeldForAnHourIsStuckAndHarmless(t *testing.T) {
	p := newPlay(t, Display{Rows: 4, Cols: 20, Releases: true}, Defaults())
	p.press("escape", "up", "up", "enter", "up", "up")
	p.s.event(KeyEvent{Enter, true}, p.now) // opens the page of reboot
	p.wait(time.Hour)
	if len(p.engine.calls)+len(p.machine.calls) > 0 {
		t.Errorf("a key held for an hour made the box do %q %q", p.engine.calls, p.machine.calls)
	}
	if f := p.s.frame(); !strings.Contains(f.Problem, "enter has been down") {
		t.Errorf("problem = %q, want the key", f.Problem)
	}
	if len(p.s.stack) > 0 {
		t.Error("the menu is still open after an hour")
	}
	p.s.event(KeyEvent{Enter, false}, p.now)
	p.press("escape")
	if p.s.frame().Problem != "" || len(p.s.stack) == 0 {
		t.Error("the panel does not work after the key was released")
	}
}

func TestWaitForGuessersGrows(t *testing.T) {
	var g Guard
	var waits []time.Duration
	for range 11 {
		g.fail(epoch)
		waits = append(waits, max(0, g.until.Sub(epoch)))
	}
	want := []time.Duration{0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300}
	for i, w := range want {
		if waits[i] != w*time.Second {
			t.Errorf("wait after %d wrong PINs is %v, want %v", i+1, waits[i], w*time.Second)
		}
	}
}

func TestLampsTellTheWorst(t *testing.T) {
	p := newPlay(t, Display{Rows: 2, Cols: 16, Releases: true}, Defaults())
	lamps := func() string {
		seen := ""
		for range 2 { // both halves of a blink
			for _, c := range p.s.frame().LEDs {
				seen += c.String() + " "
			}
			p.wait(500 * time.Millisecond)
		}
		return seen
	}
	if got := lamps(); got != "green off green off " {
		t.Errorf("lamps of a healthy box: %s", got)
	}
	p.obey("problem a warning x text")
	if got := lamps(); !strings.Contains(got, "amber amber ") || !strings.Contains(got, "amber off ") {
		t.Errorf("lamps with a warning that nobody has seen: %s, want amber, the second blinking", got)
	}
	p.press("enter")
	if got := lamps(); got != "amber amber amber amber " {
		t.Errorf("lamps with a warning that was seen: %s", got)
	}
	p.obey("problem b error y text")
	p.press("enter")
	if got := lamps(); got != "red red red red " {
		t.Errorf("lamps with an error: %s", got)
	}
	p.mute = true
	p.wait(6 * time.Second)
	if got := lamps(); got != "red off red off " {
		t.Errorf("lamps of a silent engine: %s", got)
	}
}

// A fakeScreen is a display in memory.
type fakeScreen struct {
	keys chan KeyEvent

	mu    sync.Mutex // guards what follows
	frame Frame
}

func (f *fakeScreen) Display() Display {
	return Display{Rows: 2, Cols: 16, Releases: true, Keys: []Key{Up, Down, Enter, Escape}}
}

func (f *fakeScreen) Show(fr Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frame = fr
}

func (f *fakeScreen) Keys() <-chan KeyEvent { return f.keys }

func (f *fakeScreen) lines() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.frame.Lines, "|")
}

// A slowEngine is one that answers, hangs until it is given up, or panics.
type slowEngine struct {
	mu  sync.Mutex // guards how
	how string
}

func (e *slowEngine) be(how string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.how = how
}

func (e *slowEngine) Call(ctx context.Context, method string, _, result any) error {
	e.mu.Lock()
	how := e.how
	e.mu.Unlock()
	switch {
	case how == "hangs":
		<-ctx.Done()
		return ErrUnreachable
	case how == "panics" && method == "sys.reboot":
		panic("a fault")
	case method == "panel.status":
		*result.(*status) = *healthy()
	case method == "panel.settings":
		result.(*Settings).Rotate = duration(7 * time.Second)
	default:
		return errors.New("no such thing")
	}
	return nil
}

func TestRunShowsWhatTheBoxDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen, engine := &fakeScreen{keys: make(chan KeyEvent)}, &slowEngine{how: "hangs"}
		var saved Settings
		stopping := make(chan struct{})
		m := New(screen, engine, engine, Config{Save: func(s Settings) { saved = s }, Stopping: stopping}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		want := func(when, line string) {
			t.Helper()
			synctest.Wait()
			if got := screen.lines(); !strings.Contains(got, line) {
				t.Errorf("%s the display shows %q, want %q", when, got, line)
			}
		}
		time.Sleep(10 * time.Second)
		want("at first", "Starting")
		time.Sleep(2 * time.Minute)
		want("after two minutes without an answer", "Engine silent")
		engine.be("answers")
		time.Sleep(20 * time.Second)
		if got := screen.lines(); strings.Contains(got, "silent") {
			t.Errorf("the display shows %q after the engine has come back", got)
		}
		if saved.Rotate != duration(7*time.Second) {
			t.Errorf("settings saved are %+v, want those of the engine", saved)
		}
		engine.be("hangs")
		time.Sleep(10 * time.Second)
		want("when the engine hangs", "Engine silent")
		engine.be("panics")
		time.Sleep(5 * time.Second)
		press := func(k Key, d time.Duration) {
			screen.keys <- KeyEvent{k, true}
			time.Sleep(d)
			screen.keys <- KeyEvent{k, false}
		}
		for _, k := range []Key{Escape, Up, Up, Enter, Up, Up, Enter} { // to reboot
			press(k, 50*time.Millisecond)
		}
		press(Enter, 6*time.Second)
		want("after a fault", "Not done:")
		close(stopping)
		time.Sleep(time.Second)
		want("when the box ends", "Stopping")
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
}

func TestWrongPINsCountOverARestartOfTheMenu(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen, engine := &fakeScreen{keys: make(chan KeyEvent)}, &slowEngine{how: "hangs"}
		set := Defaults()
		set.PIN = "27"
		guard := &Guard{}
		for range 2 { // menus, the second after a fault of the first
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				done <- New(screen, engine, engine, Config{Settings: set, Guard: guard}, slog.New(slog.DiscardHandler)).Run(ctx)
			}()
			for _, k := range []Key{Escape, Enter, Enter, Enter, Enter} { // two wrong PINs
				screen.keys <- KeyEvent{k, true}
				screen.keys <- KeyEvent{k, false}
			}
			time.Sleep(time.Second)
			cancel()
			<-done
		}
		if guard.wrong != 3 || !strings.Contains(screen.lines(), "Wait") { // the fourth is not taken
			t.Errorf("%d wrong PINs count, and the display shows %q", guard.wrong, screen.lines())
		}
	})
}

func TestLastFrameSaysWhetherPowerMayGo(t *testing.T) {
	for _, d := range []Display{{Rows: 2, Cols: 16}, {Rows: 4, Cols: 20}} {
		got := strings.Join(Last(d, Defaults(), Ended).Lines, " ")
		if !strings.Contains(strings.Join(strings.Fields(got), " "), "Safe to power off") {
			t.Errorf("last frame of %dx%d is %q", d.Cols, d.Rows, got)
		}
		if got := strings.Join(Last(d, Defaults(), Restarting).Lines, " "); strings.Contains(got, "Safe") {
			t.Errorf("last frame of a restart on %dx%d is %q", d.Cols, d.Rows, got)
		}
	}
}

// FuzzFrame draws problems, names and addresses of any text: lines are always as
// wide as the display.
func FuzzFrame(f *testing.F) {
	f.Add("shop/web2: refused", "lb1", "https://192.0.2.1:9443", uint8(16))
	f.Add("\xff\x00\u0300广域网-eine-sehr-lange-Zeile-ohne-Leerzeichen", "\n\t", "https://[2001:db8::1]:9443", uint8(20))
	f.Fuzz(func(t *testing.T, text, host, addr string, cols uint8) {
		p := newPlay(t, Display{Rows: 2 + int(cols)%3, Cols: 16 + int(cols)%25, Unicode: true, Releases: true}, Defaults())
		p.status(func(st *status) {
			st.Host, st.Version = host, text
			st.Console.Addresses, st.Console.Fingerprint = []string{addr, text}, text
			st.Problems = []problem{{"k", "error", "o", text}, {"k2", "warning", "o2", host}}
		})
		p.s.news.setup = text
		p.s.news.network = &network{Port: host, Addresses: []string{addr, text}, Gateway: text}
		p.s.news.ports = []port{{text, host, 1}, {host, "up", 2}}
		for _, keys := range []string{"", "enter", "enter", "down down down down", "escape", "enter", "enter", "down", "escape escape", "down enter", "enter"} {
			p.press(strings.Fields(keys)...)
			p.screen()
			p.wait(3 * time.Second)
			p.screen()
		}
	})
}
