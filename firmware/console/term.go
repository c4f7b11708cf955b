// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what a terminal says and is told.
const (
	maxLine    = 256 // characters in a line that is typed
	maxAhead   = 4096
	maxEscape  = 16 // bytes of a sequence that a key sends
	width      = 79 // columns that are used
	screenful  = 20 // lines between two prompts for more
	writeLimit = 30 * time.Second
)

// Why a line does not come. errBack and errLeave are what people do, errIdle is
// that they do nothing.
var (
	errBack  = errors.New("Ctrl-C was typed")
	errLeave = errors.New("logged out")
	errIdle  = errors.New("nothing was typed for too long")
)

// A lostError says that the terminal cannot be used any more.
type lostError struct {
	what string
	err  error
}

func (e *lostError) Error() string { return e.what + ": " + e.err.Error() }

func (e *lostError) Unwrap() error { return e.err }

// The keys that are not letters.
const (
	keyBack   = 0x03 // Ctrl-C
	keyLeave  = 0x04 // Ctrl-D
	keyRedraw = 0x0c // Ctrl-L
	keyEnter  = '\r'
	keyErase  = 0x7f
	keyKill   = 0x15 // Ctrl-U
)

// A term reads keys from a line and writes text to it.
type term struct {
	line   Line
	bytes  chan []byte // what was read; closed at its end
	failed error       // why it ended; read it after that
	broken error       // why nothing can be written any more

	ahead  []byte // bytes that wait to be decoded
	wasCR  bool   // a line feed now belongs to it
	escape int    // bytes of a sequence that is swallowed; 0: none
	redraw func() // what Ctrl-L shows again; nil: the prompt alone
}

// open begins to read line. stop ends that and waits for it.
func open(line Line) (t *term, stop func()) {
	t = &term{line: line, bytes: make(chan []byte)}
	over, done := make(chan struct{}), make(chan struct{})
	_ = line.SetReadDeadline(time.Time{}) // of a session before; what cannot be set shows when it is read
	go func() {
		defer close(done)
		defer close(t.bytes)
		for {
			b := make([]byte, 512)
			n, err := line.Read(b)
			if n > 0 {
				select {
				case t.bytes <- b[:n]:
				case <-over:
					return
				}
			}
			if err != nil {
				t.failed = err
				return
			}
		}
	}()
	return t, func() {
		close(over)
		_ = line.SetReadDeadline(time.Unix(1, 0))
		<-done
	}
}

// key returns the next key: a character or one of the constants. Sequences that
// other keys send and what no key sends are swallowed. Idle is how long to wait; 0
// is for ever.
func (t *term) key(ctx context.Context, idle time.Duration, hidden bool) (byte, error) {
	var over <-chan time.Time
	if idle > 0 {
		timer := time.NewTimer(idle)
		defer timer.Stop()
		over = timer.C
	}
	for {
		for len(t.ahead) > 0 {
			b := t.ahead[0]
			t.ahead = t.ahead[1:]
			if k, ok := t.decode(b, hidden); ok {
				return k, nil
			}
		}
		if t.broken != nil {
			return 0, t.broken
		}
		select {
		case b, ok := <-t.bytes:
			if !ok {
				return 0, &lostError{"the terminal hung up", t.failed}
			}
			t.ahead = b
		case <-over:
			return 0, errIdle
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// decode makes a key of a byte, if it is one.
func (t *term) decode(b byte, hidden bool) (key byte, ok bool) {
	afterCR := t.wasCR
	t.wasCR = b == '\r'
	if t.escape > 0 && b >= 0x20 && b < 0x7f {
		t.swallow(b)
		return 0, false
	}
	t.escape = 0
	switch {
	case b == '\n' && afterCR:
		return 0, false
	case b == '\n':
		return keyEnter, true
	case b == 0x08:
		return keyErase, true
	case b == 0x1b:
		t.escape = 1
		return 0, false
	case b == keyBack, b == keyLeave, b == keyRedraw, b == keyEnter, b == keyErase, b == keyKill, b >= 0x20 && b < 0x7f:
		return b, true
	}
	return b, hidden && b >= 0x80 // a password may have any letter
}

// swallow takes a byte of what a function key sends: ESC [ or ESC O, parameters
// and one letter, or ESC and one character (ECMA-48, section 5.4).
func (t *term) swallow(b byte) {
	t.escape++
	first := t.escape == 2
	switch {
	case first && (b == '[' || b == 'O'):
	case first, b >= 0x40, t.escape > maxEscape:
		t.escape = 0
	}
}

// readLine shows a prompt and returns the line that is typed then. Hidden, it is
// not shown.
func (t *term) readLine(ctx context.Context, prompt string, idle time.Duration, hidden bool) (string, error) {
	t.print(prompt)
	var typed []byte
	for {
		k, err := t.key(ctx, idle, hidden)
		if err != nil {
			return "", err
		}
		switch k {
		case keyEnter:
			t.print("\n")
			if hidden && !utf8.Valid(typed) {
				return strings.ToValidUTF8(string(typed), ""), nil
			}
			return string(typed), nil
		case keyBack:
			t.print("^C\n")
			return "", errBack
		case keyLeave:
			t.print("\n")
			return "", errLeave
		case keyRedraw:
			t.print("\n")
			if t.redraw != nil {
				t.redraw()
			}
			t.print(prompt)
			if !hidden {
				t.print(string(typed))
			}
		case keyErase, keyKill:
			n := min(1, len(typed))
			if k == keyKill {
				n = len(typed)
			}
			typed = typed[:len(typed)-n]
			if !hidden {
				t.print(strings.Repeat("\b \b", n))
			}
		default:
			if len(typed) >= maxLine {
				t.print("\a")
				continue
			}
			typed = append(typed, k)
			if !hidden {
				t.print(string(rune(k)))
			}
		}
	}
}

// print writes text that is ours: lines end as terminals want them.
func (t *term) print(s string) {
	if t.broken != nil || s == "" {
		return
	}
	err := t.line.SetWriteDeadline(time.Now().Add(writeLimit))
	if err == nil {
		_, err = t.line.Write([]byte(strings.ReplaceAll(s, "\n", "\r\n")))
	}
	if err != nil {
		t.broken = &lostError{"the terminal takes nothing", err}
	}
}

// clean makes of a text from elsewhere one that does nothing to a terminal: a line of
// printable ASCII. Lines, such as those of several errors in one, follow each other.
func clean(s string) string {
	if strings.ContainsAny(s, "\n\t") {
		s = strings.NewReplacer(":\n", ": ", "\r\n", "; ", "\n", "; ", "\t", " ").Replace(strings.Trim(s, "\r\n"))
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'µ', r == 'μ': // of microseconds
			return 'u'
		case r < 0x20, r > 0x7e:
			return '?'
		}
		return r
	}, s)
}

// wrap breaks a line of text so that it fits; what follows the first is indented, by
// half of the columns at most.
func wrap(s, indent string) []string {
	indent = indent[:min(len(indent), width/2)]
	var out []string
	lead := ""
	for len(lead)+len(s) > width {
		room := width - len(lead)
		at := strings.LastIndexByte(s[:room], ' ')
		if len(lead)+at <= len(indent) {
			at = room - 1
		}
		out = append(out, strings.TrimRight(lead+s[:at], " "))
		s, lead = strings.TrimLeft(s[at:], " "), indent
	}
	return append(out, lead+s)
}
