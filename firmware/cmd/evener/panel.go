// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/durable"
	"evener/firmware/menu"
	"evener/hal/lcd"
)

// A frontPanel is the panel of the box: the display that the board has, or none, and
// the menu on it. Nothing that happens to it reaches the rest of the supervisor.
// It is the screen of the menu.
type frontPanel struct {
	board *board.Panel // nil: the board has none
	open  func(context.Context) (lcd.Device, error)
	state string // folder of the box's state
	super *superAPI
	log   *slog.Logger

	keys   chan menu.KeyEvent
	topic  *api.Topic
	stops  chan struct{} // closed when the box begins to end
	ending sync.Once     // closes stops
	guard  menu.Guard    // of the PIN, over restarts of the menu, which alone uses it

	mu      sync.Mutex // guards what follows
	display *lcd.Panel // nil: there is none
	frame   menu.Frame
	set     menu.Settings
	problem string                   // of the file with them
	injects map[menu.Key]*time.Timer // keys that the API holds down, and when they are let go
}

// newFrontPanel returns the panel that open opens, which is nil where the board has
// none.
func newFrontPanel(state string, b *board.Panel, open func(context.Context) (lcd.Device, error), super *superAPI, log *slog.Logger) *frontPanel {
	p := &frontPanel{board: b, open: open, state: state, super: super, log: log, keys: make(chan menu.KeyEvent),
		stops: make(chan struct{}), injects: make(map[menu.Key]*time.Timer)}
	var err error
	if p.set, err = p.loadSettings(); err != nil {
		log.Error("settings of the panel not read: it cannot be used but to look until the engine tells them", "err", err)
		p.problem = "the settings of the panel are not known: it shows, and changes nothing, until the engine tells them"
	}
	return p
}

// start makes the panel live until stop is called, which leaves on the display what
// ending says has become of the box. The end of one of two contexts is the
// beginning of the box's end.
func (p *frontPanel) start(asked, life context.Context, ending func() menu.Ending) (stop func()) {
	context.AfterFunc(asked, p.stopping)
	context.AfterFunc(life, p.stopping)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	menus, endMenu := context.WithCancel(ctx)
	menuDone := make(chan struct{})
	wg.Go(func() {
		defer close(menuDone)
		p.keepUp(menus, "menu", func(ctx context.Context) error {
			cfg := menu.Config{Settings: p.settings(), Save: p.saveSettings, Stopping: p.stops, Guard: &p.guard}
			return menu.New(p, panelEngine{p.state}, panelMachine{p.super}, cfg, p.log).Run(ctx)
		})
	})
	if p.open != nil {
		wg.Go(func() { p.keepUp(ctx, "display", p.runDisplay) })
	}
	return func() {
		p.stopping()
		endMenu()
		<-menuDone
		p.Show(menu.Last(p.Display(), p.settings(), ending()))
		if info, connected := p.info(); connected && info.Model != "simulated" {
			time.Sleep(time.Second) // for a slow line to carry it
		}
		cancel()
		wg.Wait()
	}
}

// stopping says that the box begins to end.
func (p *frontPanel) stopping() { p.ending.Do(func() { close(p.stops) }) }

// keepUp runs a part of the panel, again and again if it ends before ctx does. A
// fault of it is a line of the log.
func (p *frontPanel) keepUp(ctx context.Context, part string, run func(context.Context) error) {
	wait := time.Second
	for ctx.Err() == nil {
		err := protected(func() error { return run(ctx) })
		if ctx.Err() != nil {
			return
		}
		p.log.Error("panel ended and begins anew", "part", part, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Minute)
	}
}

// runDisplay drives the display, and hands its keys to the menu.
func (p *frontPanel) runDisplay(ctx context.Context) error {
	d := lcd.New(p.open, lcd.Config{}, p.log)
	p.mu.Lock()
	p.display = d
	d.Show(frameOf(p.frame))
	p.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range d.Keys() {
			guarded(p.log, "keys of the display", func() {
				p.press(ctx, menu.KeyEvent{Key: keysOfDisplay[e.Key], Down: e.Down})
			})
		}
	}()
	defer func() { <-done }()
	return d.Run(ctx)
}

// keysOfDisplay are the keys of the menu by those of displays.
var keysOfDisplay = map[lcd.Key]menu.Key{lcd.Up: menu.Up, lcd.Down: menu.Down, lcd.Left: menu.Left,
	lcd.Right: menu.Right, lcd.Enter: menu.Enter, lcd.Escape: menu.Escape}

// press hands an event to the menu, which takes it at once unless it is gone.
func (p *frontPanel) press(ctx context.Context, e menu.KeyEvent) bool {
	select {
	case p.keys <- e:
		return true
	case <-ctx.Done():
	case <-time.After(2 * time.Second):
	}
	return false
}

// info returns what the display is, and whether it answers.
func (p *frontPanel) info() (lcd.Info, bool) {
	p.mu.Lock()
	d := p.display
	p.mu.Unlock()
	if d == nil {
		return lcd.Info{}, false
	}
	info, connected, _ := d.State()
	return info, connected
}

// Display returns what the menu may draw on: the display, what the board says of it
// until it has answered once, or four lines that the API alone shows.
func (p *frontPanel) Display() menu.Display {
	all := []menu.Key{menu.Up, menu.Down, menu.Left, menu.Right, menu.Enter, menu.Escape}
	d := menu.Display{Rows: 4, Cols: 20, Unicode: true, Releases: true, Keys: all}
	info, _ := p.info()
	switch {
	case info.Rows > 0:
		d = menu.Display{Rows: info.Rows, Cols: info.Cols, Unicode: info.Unicode, Releases: info.Releases,
			Backlight: info.Backlight, Contrast: info.Contrast, Keys: all}
	case p.board != nil && p.board.Rows > 0:
		d = menu.Display{Rows: p.board.Rows, Cols: p.board.Cols, Releases: true, Keys: all}
	}
	if p.board != nil && len(p.board.Keys) > 0 {
		d.Keys = nil
		for _, name := range p.board.Keys {
			if k, ok := menu.ParseKey(name); ok && !slices.Contains(d.Keys, k) {
				d.Keys = append(d.Keys, k)
			}
		}
		slices.Sort(d.Keys)
	}
	return d
}

// Show makes f what the panel shows. Where nobody has chosen a contrast, it is the
// board's.
func (p *frontPanel) Show(f menu.Frame) {
	if f.Contrast == 0 && p.board != nil {
		f.Contrast = p.board.Contrast
	}
	p.mu.Lock()
	p.frame = f
	if p.display != nil {
		p.display.Show(frameOf(f))
	}
	p.mu.Unlock()
	if p.topic != nil {
		p.topic.Changed()
	}
}

// Keys returns what is pressed.
func (p *frontPanel) Keys() <-chan menu.KeyEvent { return p.keys }

// frameOf is a frame as displays have it.
func frameOf(f menu.Frame) lcd.Frame {
	out := lcd.Frame{Lines: f.Lines, Backlight: f.Backlight, Contrast: f.Contrast,
		Cursor: lcd.Cursor{Row: f.Cursor.Row, Col: f.Cursor.Col, On: f.Cursor.On}}
	colours := map[menu.Colour]lcd.Colour{menu.Off: lcd.Off, menu.Green: lcd.Green, menu.Amber: lcd.Amber, menu.Red: lcd.Red}
	for _, c := range f.LEDs {
		out.LEDs = append(out.LEDs, colours[c])
	}
	return out
}

// settings returns those that hold.
func (p *frontPanel) settings() menu.Settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set
}

// loadSettings reads what the engine told last, so that a PIN holds from the first
// moment. Where it cannot be known whether there is a PIN, nothing can be changed.
func (p *frontPanel) loadSettings() (menu.Settings, error) {
	text, err := os.ReadFile(filepath.Join(p.state, panelFile))
	if errors.Is(err, fs.ErrNotExist) {
		return menu.Defaults(), nil
	}
	set := menu.Defaults()
	set.Mode = ""
	if err == nil {
		err = json.Unmarshal(text, &set)
	}
	if err == nil && set.Mode == "" {
		err = fmt.Errorf("%s names no mode", panelFile)
	}
	if err != nil {
		set = menu.Defaults()
		set.Mode = menu.ReadOnly
	}
	return set, err
}

// panelFile is the name of the file with the settings in the folder of the state.
const panelFile = "panel.json"

// saveSettings keeps settings for the next start.
func (p *frontPanel) saveSettings(set menu.Settings) {
	p.mu.Lock()
	p.set, p.problem = set, ""
	p.mu.Unlock()
	text, err := json.Marshal(set)
	if err == nil {
		err = durable.Replace(filepath.Join(p.state, panelFile), append(text, '\n'), 0o600)
	}
	if err != nil {
		p.log.Warn("settings of the panel not kept", "err", err)
	}
}
