// SPDX-License-Identifier: Apache-2.0

// Package menu is what the small display on the front of a box shows and what its
// keys do: pages of the status that turn by themselves, and a menu.
//
// It draws lines of text on a screen and asks and changes the box through two
// callers: the engine's API, by which every change goes, and the supervisor's,
// which answers while no engine does. It knows no display, no protocol and no
// type of the methods: package main of the program hands these in.
//
//	keys ─▶ keypad ─ gestures ─▶ state ─▶ Frame ─▶ screen
//	          news of the box ─▶   │
//	                               └─▶ orders ─▶ engine, machine
//
// A state is a pure state machine: keys, time and news come in, a frame and orders
// come out. [Menu.Run] does the rest.
package menu

import (
	"context"
	"errors"
	"time"
)

// A Key is one of the keys that a panel can have.
type Key uint8

// The keys.
const (
	Up Key = iota
	Down
	Left
	Right
	Enter
	Escape

	keyCount = iota
)

var keyNames = [keyCount]string{"up", "down", "left", "right", "enter", "escape"}

// String returns the name that the API uses.
func (k Key) String() string {
	if int(k) < len(keyNames) {
		return keyNames[k]
	}
	return "unknown"
}

// ParseKey returns the key that s names.
func ParseKey(s string) (Key, bool) {
	for k, name := range keyNames {
		if s == name {
			return Key(k), true
		}
	}
	return 0, false
}

// A KeyEvent says that a key goes down or up.
type KeyEvent struct {
	Key  Key
	Down bool
}

// A Colour is that of a lamp.
type Colour uint8

// The colours.
const (
	Off Colour = iota
	Green
	Amber
	Red
)

// String returns the name that the API uses.
func (c Colour) String() string { return [...]string{"off", "green", "amber", "red"}[c&3] }

// A Frame is what the display shall show.
type Frame struct {
	Lines     []string // one for each row, at most as wide as the display
	Cursor    Cursor
	Backlight int      // percent
	Contrast  int      // percent; 0: as the display has it
	LEDs      []Colour // the state of the box, its alarms
	Private   bool     // for nobody who does not stand before it or is an admin
	Problem   string   // of the keys, in English; empty: none
	Mode      string   // of the settings
}

// A Cursor is the place that somebody edits.
type Cursor struct {
	On       bool
	Row, Col int
}

// A Display is what a display can do.
type Display struct {
	Rows, Cols int
	Unicode    bool  // it shows Chinese characters, two columns wide
	Releases   bool  // it tells when a key goes up
	Backlight  bool  // its brightness can be set
	Contrast   bool  // its contrast can be set
	Keys       []Key // that it has
}

// A screen is the display and its keys. Display may change when another one is
// connected; Show must not block.
type screen interface {
	Display() Display
	Show(Frame)
	Keys() <-chan KeyEvent
}

// A caller calls methods of the box. An error for people to read is one that the
// method has answered with; one that wraps ErrUnreachable says that nobody did, or
// that the other end has no such method.
type caller interface {
	Call(ctx context.Context, method string, params, result any) error
}

// ErrUnreachable says that a call found nobody to answer it.
var ErrUnreachable = errors.New("it does not answer")

// Settings say what the panel is for. They are the block panel of the
// configuration.
type Settings struct {
	Mode      string   `json:"mode"` // full, read-only or off
	PIN       string   `json:"pin"`  // digits; empty: none is asked for
	Language  string   `json:"language"`
	Rotate    duration `json:"rotate"`
	Backlight int      `json:"backlight"` // percent
	Contrast  int      `json:"contrast"`  // percent; 0: as the display has it
	Idle      duration `json:"idle"`
	Given     bool     `json:"given"` // the block is in the configuration
}

// Defaults are the settings of a box that has never said any.
func Defaults() Settings {
	return Settings{Mode: full, Language: "en", Rotate: duration(5 * time.Second), Backlight: 100, Idle: duration(time.Minute)}
}

// The modes.
const (
	full     = "full"
	ReadOnly = "read-only" // it can be looked at, and changes nothing
	off      = "off"
)

// A duration is written like "5s" in JSON.
type duration time.Duration

// UnmarshalText reads what time.ParseDuration reads.
func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = duration(v)
	return err
}

// MarshalText writes d as Go does.
func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
