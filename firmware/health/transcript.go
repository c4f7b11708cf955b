// SPDX-License-Identifier: Apache-2.0

package health

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxExcerpt = 2048 // bytes of each direction that a transcript keeps
	maxNotes   = 64
	maxLine    = 256 // bytes of a detail
)

// A transcript records what a probe says and hears. The methods of a nil
// transcript do nothing, so that ordinary probes record nothing.
type transcript struct {
	begin time.Time

	mu             sync.Mutex // guards what follows: an HTTP/2 client writes on after its answer
	sent, received []byte     // the first maxExcerpt bytes
	nSent, nRecv   int
	notes          []string
	connect, first time.Duration
}

func newTranscript() *transcript { return &transcript{begin: time.Now()} }

func (t *transcript) connected() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.connect = time.Since(t.begin)
}

func (t *transcript) send(b []byte) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, b[:min(len(b), maxExcerpt-len(t.sent))]...)
	t.nSent += len(b)
}

func (t *transcript) receive(b []byte) {
	if t == nil || len(b) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nRecv == 0 {
		t.first = time.Since(t.begin)
	}
	t.received = append(t.received, b[:min(len(b), maxExcerpt-len(t.received))]...)
	t.nRecv += len(b)
}

func (t *transcript) notef(format string, args ...any) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.notes) < maxNotes {
		t.notes = append(t.notes, line(fmt.Sprintf(format, args...)))
	}
}

// fill copies what t recorded into e.
func (t *transcript) fill(e *Exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Sent, e.SentBytes = printable(t.sent), t.nSent
	e.Received, e.ReceivedBytes = printable(t.received), t.nRecv
	e.Notes, e.Connect, e.FirstByte = slices.Clone(t.notes), t.connect, t.first
}

// printable returns b as text that no terminal or browser acts upon: of all that
// is not printable only line feeds stay, a carriage return before one is left
// out, and the rest is written as \xNN. It is for people, and not reversible.
func printable(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == '\n', unicode.IsPrint(r) && (r != utf8.RuneError || n > 1):
			s.Write(b[:n])
		case r == '\r' && len(b) > 1 && b[1] == '\n':
		default:
			for _, c := range b[:n] {
				fmt.Fprintf(&s, `\x%02x`, c)
			}
		}
		b = b[n:]
	}
	return s.String()
}

// line returns s as one printable line of at most maxLine bytes.
func line(s string) string {
	long := len(s) > maxLine
	s = strings.ReplaceAll(printable([]byte(s[:min(len(s), maxLine)])), "\n", " ")
	if !long && len(s) <= maxLine {
		return s
	}
	return strings.ToValidUTF8(s[:min(len(s), maxLine-3)], "") + "..."
}
