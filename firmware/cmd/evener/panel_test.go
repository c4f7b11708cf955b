// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/menu"
	"evener/firmware/supervise"
	"evener/hal/lcd"
)

// panel returns what the panel of the box shows.
func (b *liveBox) panel() string {
	b.t.Helper()
	screen, err := askPanel(b.t.Context(), b.state, "panel.screen", struct{}{})
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for _, l := range screen.Lines {
		lines = append(lines, strings.TrimRight(l, " "))
	}
	return strings.Join(lines, "\n")
}

// press presses a key of the panel as "evener panel press" does.
func (b *liveBox) press(key string) {
	b.t.Helper()
	if _, err := pressPanel(b.t.Context(), b.state, manage.PanelPress{Key: key}); err != nil {
		b.t.Fatal(err)
	}
}

// keys presses keys of the panel and waits for what it then shows.
func (b *liveBox) keys(want string, keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.press(k)
	}
	b.await("the panel shows "+want+" after "+strings.Join(keys, " "), func() bool { return strings.Contains(b.panel(), want) })
}

// choose moves in a list of the panel to an entry.
func (b *liveBox) choose(entry string) {
	b.t.Helper()
	for range 8 {
		if strings.Contains(b.panel(), ">"+entry) {
			return
		}
		b.press("down")
	}
	b.t.Fatalf("the list has no %q:\n%s", entry, b.panel())
}

func TestAddressIsChangedAtThePanel(t *testing.T) {
	b := startLive(t, "management {\n  method = \"static\"\n  address = [\"192.0.2.10/24\"]\n}\n", "--board", "sim")
	b.awaitPanel()
	b.keys("Menu", "escape")
	b.choose("Network")
	b.keys("static", "enter")
	b.choose("Address")
	b.keys("192.000.002.010", "enter")
	for range 11 { // to the last digit
		b.press("enter")
	}
	b.keys("192.000.002.013", "up", "up", "up")
	b.keys("192.0.2.13", "enter")
	b.choose("Apply")
	b.keys("After:\n192.0.2.13/24", "enter")
	if !strings.Contains(b.panel(), "192.0.2.10/24") {
		t.Errorf("the panel does not show the address before:\n%s", b.panel())
	}
	b.keys(">Commit", "enter")
	b.keys(">Keep", "enter")
	if text := b.must("config", "show"); !strings.Contains(text, "192.0.2.13/24") {
		t.Errorf("the running configuration is\n%s\nwant the new address", text)
	}
	b.choose("Take back")
	b.keys("Taken back", "enter")
	if text := b.must("config", "show"); !strings.Contains(text, "192.0.2.10/24") {
		t.Errorf("the running configuration is\n%s\nwant the old address", text)
	}
	if o := b.must("panel", "press", "escape", "--hold", "100ms"); !strings.Contains(o, "lamps: box") {
		t.Errorf("evener panel press printed\n%s", o)
	}
	if o := b.must("panel", "--once"); !strings.Contains(o, "+--------------------+") {
		t.Errorf("evener panel --once printed\n%s", o)
	}
	log := b.must("audit")
	for _, want := range []string{"commit management address", "revert"} {
		if !containsLine(log, "front panel", "panel", want) {
			t.Errorf("the audit log has no %q of the front panel:\n%s", want, log)
		}
	}
	if !containsLine(log, "cli", "press enter of the panel") {
		t.Errorf("the audit log has no press:\n%s", log)
	}
}

// awaitPanel waits until the panel has heard of the engine.
func (b *liveBox) awaitPanel() {
	b.t.Helper()
	b.await("the panel has heard of the engine", func() bool {
		p := strings.TrimSpace(b.panel())
		return p != "" && !strings.Contains(p, "Starting")
	})
}

// containsLine reports whether a line of text has all words.
func containsLine(text string, words ...string) bool {
	for line := range strings.Lines(text) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return true
		}
	}
	return false
}

func TestPanelGoesOnWithoutAnEngine(t *testing.T) {
	b := startLive(t, "panel { pin = \"2749\" }\n")
	b.awaitPanel()
	b.await("the supervisor has kept the settings", func() bool {
		text, err := os.ReadFile(filepath.Join(b.state, panelFile))
		return err == nil && strings.Contains(string(text), "2749")
	})
	if st, err := os.Stat(filepath.Join(b.state, panelFile)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("file with the PIN: %v, %v, want one that nobody else reads", st.Mode(), err)
	}
	var pid int
	for _, r := range result[manage.Info](b, "status").Roles {
		if r.Name == "engine" {
			pid = r.PID
		}
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	b.await("the panel tells of the silence", func() bool { return strings.Contains(b.panel(), "Engine silent") })
	b.keys("PIN", "escape") // asked for all the same
	if st, err := os.Stat(filepath.Join(b.state, api.SupervisorSocket)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("socket of the supervisor: %v, %v, want one for its owner alone", st, err)
	}
	var roles supervise.Status
	if err := linkSuper(b.state).Call(t.Context(), "role.list", struct{}{}, &roles); err != nil || len(roles.Roles) == 0 {
		t.Errorf("roles of the supervisor: %v, %v", roles.Roles, err)
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b.keys("Serves clients", "escape")
}

// A deafPanel is one without a box around it.
func deafPanel(t *testing.T, open func(context.Context) (lcd.Device, error)) *frontPanel {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	super := newSuperAPI(dir, nil, log)
	p := newFrontPanel(dir, board.Sim.Panel, open, super, log)
	super.add(p.add)
	super.registry()
	return p
}

// alive starts p, and ends it with the test.
func (p *frontPanel) alive(t *testing.T) {
	stop := p.start(t.Context(), t.Context(), func() menu.Ending { return menu.Ended })
	t.Cleanup(stop)
}

func TestDisplayThatPanicsCostsNothing(t *testing.T) {
	p := deafPanel(t, func(context.Context) (lcd.Device, error) { panic("a fault of the driver") })
	p.alive(t)
	var s manage.PanelScreen
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := p.super.call(t.Context(), "panel", "panel.press", manage.PanelPress{Key: "escape"}, &s)
		if err == nil && len(s.Lines) == 4 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the menu does not work beside a display that panics: %v, %q", err, s.Lines)
		}
	}
	if s.Connected {
		t.Error("the display that panics counts as connected")
	}
}

func TestKeyOfTheAPIIsLetGoByItself(t *testing.T) {
	p := deafPanel(t, nil)
	got := make(chan menu.KeyEvent, 4)
	go func() {
		for e := range p.keys {
			got <- e
		}
	}()
	defer close(p.keys)
	if err := p.super.call(t.Context(), "panel", "panel.press", manage.PanelPress{Key: "up", Action: "down"}, nil); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	if timer := p.injects[menu.Up]; timer == nil || !timer.Reset(0) { // its time is over
		t.Error("nothing will let the key go")
	}
	p.mu.Unlock()
	for i, want := range []menu.KeyEvent{{Key: menu.Up, Down: true}, {Key: 255}, {Key: menu.Up}} {
		select {
		case e := <-got:
			if e != want {
				t.Errorf("event %d = %+v, want %+v", i, e, want)
			}
		case <-time.After(patience):
			t.Fatalf("event %d has not come", i)
		}
	}
}

func TestSettingsOfThePanelAreKept(t *testing.T) {
	p := deafPanel(t, nil)
	set := menu.Defaults()
	set.PIN, set.Mode = "2749", "read-only"
	p.saveSettings(set)
	if got, err := p.loadSettings(); err != nil || got != set {
		t.Errorf("settings read = %+v, %v, want %+v", got, err, set)
	}
}

// Whoever damages the file must not come by the PIN.
func TestAPanelWhoseSettingsAreNotReadChangesNothing(t *testing.T) {
	for _, text := range []string{`{"mode":"full","pin":"27`, `{"mode":"off","rotate":"never"}`, "", "null", "{}"} {
		p := deafPanel(t, nil)
		if err := os.WriteFile(filepath.Join(p.state, panelFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p = newFrontPanel(p.state, nil, nil, p.super, p.log)
		if got := p.settings(); got.Mode != "read-only" {
			t.Errorf("%q: the mode is %q", text, got.Mode)
		}
		if s := p.screen(); !strings.Contains(s.Problem, "changes nothing") {
			t.Errorf("%q: nobody is told: %q", text, s.Problem)
		}
		p.saveSettings(menu.Defaults())
		if s := p.screen(); p.settings().Mode != "full" || s.Problem != "" {
			t.Errorf("%q: the engine has told the settings, and the panel has %+v, %q", text, p.settings(), s.Problem)
		}
	}
	p := deafPanel(t, nil)
	if p.settings() != menu.Defaults() || p.screen().Problem != "" {
		t.Errorf("a box without settings has %+v, %q", p.settings(), p.screen().Problem)
	}
}

func TestErrorsThatAreNoAnswersAreTold(t *testing.T) {
	for kind, want := range map[string]bool{"unreachable": true, "method.unknown": true, "auth.role": false} {
		err := menuError(api.Errorf(api.CodeFailed, kind, "the text"))
		if got := errors.Is(err, menu.ErrUnreachable); got != want || err.Error() != "the text" {
			t.Errorf("an error of the kind %s is %v, unreachable %v, want %v", kind, err, got, want)
		}
	}
	if menuError(nil) != nil {
		t.Error("no error became one")
	}
}

func TestContrastIsTheBoardsUnlessChosen(t *testing.T) {
	p := deafPanel(t, nil)
	p.board = &board.Panel{Contrast: 30}
	for chosen, want := range map[int]int{0: 30, 70: 70} {
		if p.Show(menu.Frame{Contrast: chosen}); p.frame.Contrast != want {
			t.Errorf("contrast with %d chosen is %d, want %d", chosen, p.frame.Contrast, want)
		}
	}
}

func TestScreenHasItsJSON(t *testing.T) {
	p := deafPanel(t, nil)
	p.Show(menu.Frame{Lines: []string{"a"}, LEDs: []menu.Colour{menu.Green, menu.Red}, Private: true, Mode: "full"})
	raw, err := json.Marshal(p.screen())
	if err != nil || !strings.Contains(string(raw), `"leds":["green","red"]`) || !strings.Contains(string(raw), `"private":true`) {
		t.Errorf("screen = %s, %v", raw, err)
	}
}

// A drawnPanel is "evener panel" in a terminal of its own.
type drawnPanel struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	before unix.Termios
	slave  *os.File

	mu  sync.Mutex // guards out
	out string
}

func (b *liveBox) drawPanel() *drawnPanel {
	b.t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		b.t.Fatal(err)
	}
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		b.t.Fatal(err)
	}
	d := &drawnPanel{t: b.t, cmd: b.command("panel"), master: master, slave: slave, before: *before}
	d.cmd.Env = append(d.cmd.Env, "TERM=vt100")
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = slave, slave, slave
	if err := d.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { d.cmd.Process.Kill(); slave.Close(); master.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			d.mu.Lock()
			d.out += string(buf[:n])
			d.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return d
}

// picture is what was drawn last.
func (d *drawnPanel) picture() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.out[max(0, strings.LastIndex(d.out, homeScreen)):]
}

// ended waits for the end of the command and for the terminal as it was before.
func (d *drawnPanel) ended(b *liveBox) {
	d.t.Helper()
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("evener panel ended with %v", err)
	}
	after, err := unix.IoctlGetTermios(int(d.slave.Fd()), unix.TCGETS)
	if err != nil || *after != d.before {
		d.t.Errorf("the terminal's mode is %+v, %v; want that of before, %+v", after, err, d.before)
	}
	b.await("the screen is given back", func() bool { return strings.HasSuffix(d.picture(), leaveScreen) })
}

func TestPanelIsDrawnInATerminal(t *testing.T) {
	b := startLive(t, "engine {}\n")
	b.awaitPanel()
	d := b.drawPanel()
	b.await("the panel is drawn", func() bool { return strings.Contains(d.picture(), "q: end") })
	d.master.WriteString("\x1b")
	b.await("Escape opens the menu", func() bool { return strings.Contains(d.picture(), "| Menu") })
	d.master.WriteString("\x1b[B")
	b.await("an arrow key moves the choice", func() bool {
		return !strings.Contains(d.picture(), "| >Network") && strings.Contains(d.picture(), "| >")
	})
	d.master.WriteString("q")
	d.ended(b)

	d = b.drawPanel()
	b.await("the panel is drawn again", func() bool { return strings.Contains(d.picture(), "q: end") })
	d.cmd.Process.Signal(syscall.SIGTERM)
	d.ended(b)
	if o := b.cli("panel"); o.code != 2 || !strings.Contains(o.stderr, "--once") {
		t.Errorf("evener panel without a terminal: exit code %d and %q, want 2 and what to use", o.code, o.stderr)
	}
	if o := b.cli("panel", "press", "reset"); o.code != 2 || !strings.Contains(o.stderr, "up, down") {
		t.Errorf("evener panel press reset: exit code %d and %q, want 2 and the keys", o.code, o.stderr)
	}
}
