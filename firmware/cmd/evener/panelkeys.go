// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// Times of a keyboard, which tells nothing of a key but that it was struck.
const (
	escapeAfter = 60 * time.Millisecond  // an ESC that nothing follows is the key
	repeatGap   = 100 * time.Millisecond // nobody strikes a key twice so soon: it is held
	letGoAfter  = 300 * time.Millisecond // of a key that repeats no more
	clearHold   = 5200 * time.Millisecond
)

// A keyboard makes presses of the panel's keys of what a terminal sends. Presses
// are carried out one after the other by a goroutine of its own.
type keyboard struct {
	rest    []byte // the beginning of a sequence
	last    string // the key that was struck last
	at      time.Time
	down    string // the key that is held down
	holding bool   // h was struck: the next key is held
	timer   *time.Timer

	presses chan manage.PanelPress
	done    chan struct{}
}

// maxPresses is how many presses wait. What is struck meanwhile is lost: a display
// that lags behind must not go on for long.
const maxPresses = 8

func newKeyboard(press func(manage.PanelPress)) *keyboard {
	k := &keyboard{timer: time.NewTimer(time.Hour), presses: make(chan manage.PanelPress, maxPresses), done: make(chan struct{})}
	go func() {
		defer close(k.done)
		for p := range k.presses {
			press(p)
		}
	}()
	return k
}

// close lets go of what is down, and waits for it.
func (k *keyboard) close() {
	k.release()
	close(k.presses)
	<-k.done
}

// due is when tick is to be called.
func (k *keyboard) due() <-chan time.Time { return k.timer.C }

// hint says what the keyboard waits for.
func (k *keyboard) hint() string {
	switch {
	case k.holding:
		return "now the key that is to be held for 5 s"
	case k.down != "":
		return "holding " + k.down
	}
	return ""
}

// take reads what was struck, and reports whether it ends the program.
func (k *keyboard) take(code []byte, now time.Time) (quit bool) {
	k.rest = append(k.rest, code...)
	for len(k.rest) > 0 {
		key, n := parseKey(k.rest)
		if n == 0 {
			break // more is to come, or nothing does
		}
		k.rest = k.rest[n:]
		switch key {
		case "":
		case "quit":
			return true
		case "hold":
			k.holding = !k.holding
		default:
			k.strike(key, now)
		}
	}
	k.arm()
	return false
}

// strike presses a key, holds it where it repeats, or for five seconds after h.
func (k *keyboard) strike(key string, now time.Time) {
	repeats := key == k.last && now.Sub(k.at) < repeatGap
	k.last, k.at = key, now
	switch {
	case k.holding:
		k.holding = false
		k.release()
		k.push(manage.PanelPress{Key: key, Hold: api.Duration(clearHold)})
	case k.down == key: // it goes on
	case repeats:
		k.release()
		k.down = key
		k.push(manage.PanelPress{Key: key, Action: "down"})
	default:
		k.release()
		k.push(manage.PanelPress{Key: key})
	}
}

// tick does what time brings: the end of a key that repeats no more, and an ESC
// that was the key.
func (k *keyboard) tick(now time.Time) {
	if len(k.rest) > 0 && k.rest[0] == 0x1B {
		k.rest = nil
		k.strike("escape", now)
	}
	k.rest = nil
	if now.Sub(k.at) >= letGoAfter {
		k.release()
	}
	k.arm()
}

// arm sets the timer.
func (k *keyboard) arm() {
	switch {
	case len(k.rest) > 0:
		k.timer.Reset(escapeAfter)
	case k.down != "":
		k.timer.Reset(letGoAfter)
	default:
		k.timer.Stop()
	}
}

// release lets go of the key that is held down. It must not get lost.
func (k *keyboard) release() {
	if k.down != "" {
		k.presses <- manage.PanelPress{Key: k.down, Action: "up"}
		k.down = ""
	}
}

func (k *keyboard) push(p manage.PanelPress) {
	select {
	case k.presses <- p:
	default:
		if p.Action == "down" {
			k.down = ""
		}
	}
}

// keyCodes are what terminals send for keys of the panel, in cursor mode and in
// application mode.
var keyCodes = []struct{ code, key string }{
	{"\x1b[A", "up"}, {"\x1b[B", "down"}, {"\x1b[C", "right"}, {"\x1b[D", "left"},
	{"\x1bOA", "up"}, {"\x1bOB", "down"}, {"\x1bOC", "right"}, {"\x1bOD", "left"},
	{"\r", "enter"}, {"\n", "enter"}, {"h", "hold"}, {"H", "hold"},
	{"q", "quit"}, {"Q", "quit"}, {"\x03", "quit"}, {"\x04", "quit"},
}

// parseKey reads the first key of b, and how many bytes it takes; 0 where b may be
// the beginning of one. A key that means nothing is "".
func parseKey(b []byte) (key string, n int) {
	for _, c := range keyCodes {
		if bytes.HasPrefix(b, []byte(c.code)) {
			return c.key, len(c.code)
		}
	}
	switch {
	case b[0] != 0x1B:
		return "", 1
	case len(b) == 1:
		return "", 0
	case b[1] == 0x1B:
		return "escape", 1
	case b[1] != '[' && b[1] != 'O':
		return "escape", 1 // and a key after it, struck quickly
	}
	for i, c := range b[2:] { // a sequence of another key (ECMA-48, 5.4): ends with a letter
		if c >= 0x40 && c <= 0x7E {
			return "", i + 3
		}
		if i > 16 {
			return "", len(b)
		}
	}
	return "", 0
}
