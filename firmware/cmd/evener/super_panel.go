// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/menu"
)

// add registers the methods of the panel.
func (p *frontPanel) add(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "panel.screen", Purpose: "Shows what the panel shows.", Role: api.Viewer},
		func(context.Context, api.Call, struct{}) (manage.PanelScreen, error) { return p.screen(), nil })
	api.Add(reg, api.Method{Name: "panel.press", Purpose: "Presses a key of the panel.", Role: api.Admin, Effect: api.System,
		Audit: "press {key} of the panel"}, p.pressFromAfar)
	p.topic = api.AddState(reg, api.Topic{Name: "state.panel", Purpose: "What the panel shows, as one object named panel.",
		Role: api.Viewer, Rate: 20},
		func(context.Context, api.Call, struct{}) (map[string]manage.PanelScreen, error) {
			return map[string]manage.PanelScreen{"panel": p.screen()}, nil
		})
}

// screen returns what the panel shows now.
func (p *frontPanel) screen() manage.PanelScreen {
	d := p.Display()
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.frame
	s := manage.PanelScreen{Problem: cmp.Or(f.Problem, p.problem), Mode: f.Mode, Rows: d.Rows, Cols: d.Cols, Private: f.Private,
		Lines: append([]string{}, f.Lines...), Backlight: f.Backlight, LEDs: []string{}, Keys: []string{},
		Cursor: manage.PanelCursor{On: f.Cursor.On, Row: f.Cursor.Row, Col: f.Cursor.Col}}
	for _, c := range f.LEDs {
		s.LEDs = append(s.LEDs, c.String())
	}
	for _, k := range d.Keys {
		s.Keys = append(s.Keys, k.String())
	}
	if p.display != nil {
		info, connected, problem := p.display.State()
		s.Model, s.Connected = info.Model, connected
		if problem != "" {
			s.Problem = problem
		}
		if s.Model == "" && p.board != nil {
			s.Model = p.board.Driver
		}
	}
	return s
}

// ending says what becomes of the box, for its display.
func (p *power) ending() menu.Ending {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fate == boots || p.fate == renews {
		return menu.Restarting
	}
	return menu.Ended
}

// shortPress is how long a press holds a key that says nothing else.
const shortPress = 50 * time.Millisecond

// pressFromAfar does to a key what the API asks, and returns the screen after it.
func (p *frontPanel) pressFromAfar(ctx context.Context, _ api.Call, q manage.PanelPress) (manage.PanelScreen, error) {
	if err := q.Check(); err != nil {
		return manage.PanelScreen{}, err
	}
	key, _ := menu.ParseKey(q.Key)
	var took bool
	switch q.Action {
	case "down":
		took = p.hold(ctx, key)
	case "up":
		took = p.release(ctx, key)
	default:
		took = p.hold(ctx, key)
		select {
		case <-time.After(max(shortPress, time.Duration(q.Hold))):
		case <-ctx.Done():
		}
		took = p.release(context.WithoutCancel(ctx), key) && took
	}
	// No event of a key that there is: when it is taken, the menu has drawn what
	// those before it have made.
	took = took && p.answers(ctx)
	if !took {
		return manage.PanelScreen{}, api.Errorf(api.CodeFailed, "panel.busy", "the panel does not take keys: it has just begun, or is about to end")
	}
	return p.screen(), nil
}

// noKey is a key that no panel has, and that does nothing.
const noKey menu.Key = 255

// answers reports whether the menu takes what is pressed.
func (p *frontPanel) answers(ctx context.Context) bool {
	return p.press(ctx, menu.KeyEvent{Key: noKey})
}

// hold presses a key. One that nobody releases is let go by itself.
func (p *frontPanel) hold(ctx context.Context, k menu.Key) bool {
	p.mu.Lock()
	if t := p.injects[k]; t != nil {
		t.Stop()
	}
	p.injects[k] = time.AfterFunc(manage.MaxPanelHold+time.Second, func() {
		guarded(p.log, "key of the panel", func() { p.release(context.Background(), k) })
	})
	p.mu.Unlock()
	return p.press(ctx, menu.KeyEvent{Key: k, Down: true})
}

// release lets a key go.
func (p *frontPanel) release(ctx context.Context, k menu.Key) bool {
	p.mu.Lock()
	if t := p.injects[k]; t != nil {
		t.Stop()
		delete(p.injects, k)
	}
	p.mu.Unlock()
	return p.press(ctx, menu.KeyEvent{Key: k})
}

// A panelEngine calls the engine for the panel.
type panelEngine struct{ state string }

// Call runs a method of the engine over a connection of its own.
func (e panelEngine) Call(ctx context.Context, method string, params, result any) error {
	return menuError(callSocket(ctx, filepath.Join(e.state, api.EngineSocket), "panel", "engine", method, params, result))
}

// A panelMachine calls the supervisor for the panel.
type panelMachine struct{ super *superAPI }

// Call runs a method of the supervisor, within this process.
func (m panelMachine) Call(ctx context.Context, method string, params, result any) error {
	return menuError(m.super.call(ctx, "panel", method, params, result))
}

// An unreachable is an error of a call that nobody has answered, in words.
type unreachable struct{ error }

// Is makes it menu.ErrUnreachable.
func (unreachable) Is(target error) bool { return target == menu.ErrUnreachable }

// menuError tells the menu which errors are no answers of a method.
func menuError(err error) error {
	if err == nil {
		return nil
	}
	if kind := api.AsError(err).Kind; kind == "unreachable" || kind == "method.unknown" {
		return unreachable{err}
	}
	return err
}
