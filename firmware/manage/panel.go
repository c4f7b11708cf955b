// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
	"evener/firmware/phrase"
)

// A PanelScreen is what the panel on the front of the box shows.
type PanelScreen struct {
	Model     string      `json:"model,omitempty" doc:"of the display; empty: there is none"`
	Connected bool        `json:"connected" doc:"the display answers"`
	Problem   string      `json:"problem,omitempty" doc:"why it does not, or which key is stuck"`
	Mode      string      `json:"mode" doc:"full, read-only or off"`
	Rows      int         `json:"rows"`
	Cols      int         `json:"cols"`
	Private   bool        `json:"private" doc:"what it shows is for admins and whoever stands before it: others get no lines"`
	Lines     []string    `json:"lines" doc:"rows of text, each at most cols wide; Chinese characters are two wide"`
	Cursor    PanelCursor `json:"cursor"`
	Backlight int         `json:"backlight" doc:"percent"`
	LEDs      []string    `json:"leds" doc:"lamps of the panel, off, green, red or amber: of the state of the box, then of its alarms"`
	Keys      []string    `json:"keys" doc:"that the panel has: up, down, left, right, enter, escape"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// A PanelCursor is the place that somebody edits.
type PanelCursor struct {
	On  bool `json:"on"`
	Row int  `json:"row" doc:"from 0"`
	Col int  `json:"col" doc:"from 0"`
}

// A PanelPress is what is done to a key.
type PanelPress struct {
	Key    string       `json:"key" doc:"up, down, left, right, enter or escape"`
	Action string       `json:"action,omitempty" doc:"press, down or up; press"`
	Hold   api.Duration `json:"hold,omitempty" doc:"of a press: how long the key is down, at most 10s; 50ms"`
	Until  time.Time    `json:"until,omitzero" doc:"when it is too late to begin: a press that has waited is meant for another screen; none: it never is"`
}

// MaxPanelHold is how long a press of the panel may hold a key.
const MaxPanelHold = 10 * time.Second

// Check says what is wrong with p.
func (p *PanelPress) Check() error {
	bad := func(field, format string, args ...any) error {
		e := api.Errorf(api.CodeParams, "params."+field, format, args...)
		e.Path = "/" + field
		return e
	}
	switch p.Key {
	case "up", "down", "left", "right", "enter", "escape":
	default:
		return bad("key", "key must be up, down, left, right, enter or escape, not %.40q", p.Key)
	}
	switch p.Action {
	case "", "press", "down", "up":
	default:
		return bad("action", "action must be press, down or up, not %.40q", p.Action)
	}
	if p.Hold < 0 || p.Hold > api.Duration(MaxPanelHold) {
		return bad("hold", "hold must be 0s to %v, not %v", MaxPanelHold, time.Duration(p.Hold))
	}
	if p.Hold > 0 && p.Action != "" && p.Action != "press" {
		return bad("hold", "hold is for the action press")
	}
	if !p.Until.IsZero() && time.Now().After(p.Until) {
		return api.Errorf(api.CodeFailed, "panel.late", "the press has waited for too long: look at the panel and press again")
	}
	return nil
}

// addPanel registers the panel, which the supervisor has.
func (b *Box) addPanel(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "panel.screen", Purpose: "Shows what the panel on the front of the box shows.", Role: api.Viewer},
		func(ctx context.Context, c api.Call, _ struct{}) (PanelScreen, error) { return b.panelScreen(ctx, c) })
	topic := api.AddState(reg, api.Topic{Name: "state.panel", Purpose: "What the panel shows, as one object named panel.",
		Role: api.Viewer, Rate: 10, Every: 250 * time.Millisecond},
		func(ctx context.Context, c api.Call, _ struct{}) (map[string]PanelScreen, error) {
			s, err := b.panelScreen(ctx, c)
			return map[string]PanelScreen{"panel": s}, err
		})
	api.Add(reg, api.Method{Name: "panel.press", Purpose: "Presses a key of the panel, which can restart the box and turn it off.", Role: api.Admin, Sudo: true, Effect: api.System,
		Audit: "press {key} of the panel"},
		func(ctx context.Context, c api.Call, p PanelPress) (PanelScreen, error) {
			if err := unscoped(c, "the panel"); err != nil {
				return PanelScreen{}, err
			}
			if err := p.Check(); err != nil {
				return PanelScreen{}, err
			}
			var s PanelScreen
			err := b.askMachine(ctx, "panel.press", p, &s)
			topic.Changed()
			return s, err
		})
	b.addPanelStatus(reg)
}

// panelScreen returns the screen as c may see it: the set-up code would make a
// viewer an admin.
func (b *Box) panelScreen(ctx context.Context, c api.Call) (s PanelScreen, err error) {
	err = b.askMachine(ctx, "panel.screen", struct{}{}, &s)
	if s.Private && c.Role < api.Admin {
		s.Lines, s.Cursor = []string{}, PanelCursor{}
	}
	s.Said = phrase.Fields("problem", s.Problem)
	return s, err
}
