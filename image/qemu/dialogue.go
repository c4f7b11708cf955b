// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Bounds of a dialogue.
const (
	maxUnread  = 1 << 20 // bytes that nobody has expected yet
	maxTold    = 3000    // bytes of them that an error shows
	writeLimit = 30 * time.Second
)

// A Dialogue is a serial line as somebody at a terminal has it: what comes is
// read, and what is waited for has to come in order. Sequences that move a
// cursor or set colours are left out.
type Dialogue struct {
	conn net.Conn
	copy io.Writer // gets all that comes; may be nil
	done chan struct{}

	mu    sync.Mutex // guards what follows
	text  []byte     // that came and was not expected yet
	esc   escape
	over  error         // why nothing comes any more
	fresh chan struct{} // closed when something has come
}

// newDialogue reads conn until it ends.
func newDialogue(conn net.Conn, copy io.Writer) *Dialogue {
	d := &Dialogue{conn: conn, copy: copy, done: make(chan struct{}), fresh: make(chan struct{})}
	go d.read()
	return d
}

func (d *Dialogue) read() {
	defer close(d.done)
	buf := make([]byte, 4096)
	for {
		n, err := d.conn.Read(buf)
		if n > 0 && d.copy != nil {
			_, _ = d.copy.Write(buf[:n]) // a record for people
		}
		d.mu.Lock()
		for _, b := range buf[:n] {
			if d.esc.plain(b) {
				d.text = append(d.text, b)
			}
		}
		if len(d.text) > maxUnread {
			d.text = append([]byte(nil), d.text[len(d.text)-maxUnread:]...)
		}
		if err != nil {
			d.over = fmt.Errorf("the line has ended: %w", err)
		}
		close(d.fresh)
		d.fresh = make(chan struct{})
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Expect waits until the line shows one of the regular expressions and returns
// which one, and what it and its groups have matched. All that came before, and
// the match, count as read. The error shows what came instead.
func (d *Dialogue) Expect(ctx context.Context, patterns ...string) (which int, match []string, err error) {
	var list []*regexp.Regexp
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return 0, nil, err
		}
		list = append(list, re)
	}
	for {
		d.mu.Lock()
		which, match = d.find(list)
		over, fresh := d.over, d.fresh
		seen := string(d.text)
		d.mu.Unlock()
		if match != nil {
			return which, match, nil
		}
		if over == nil {
			select {
			case <-fresh:
				continue
			case <-ctx.Done():
				over = context.Cause(ctx)
			}
		}
		return 0, nil, fmt.Errorf("wait for %q on the serial line: %w; what came last:\n%s", patterns, over, tail(seen))
	}
}

// find takes the first match of any of the list out of the text.
func (d *Dialogue) find(list []*regexp.Regexp) (which int, match []string) {
	var at []int
	for i, re := range list {
		if m := re.FindSubmatchIndex(d.text); m != nil && (at == nil || m[0] < at[0]) {
			which, at = i, m
		}
	}
	if at == nil {
		return 0, nil
	}
	for i := 0; i < len(at); i += 2 {
		group := ""
		if at[i] >= 0 {
			group = string(d.text[at[i]:at[i+1]])
		}
		match = append(match, group)
	}
	d.text = append([]byte(nil), d.text[at[1]:]...)
	return which, match
}

func tail(s string) string {
	if len(s) > maxTold {
		s = "..." + s[len(s)-maxTold:]
	}
	return s
}

// Unread returns what came and was not expected yet.
func (d *Dialogue) Unread() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.text)
}

// Send types text. A line ends with "\r".
func (d *Dialogue) Send(text string) error {
	if err := d.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	if _, err := io.WriteString(d.conn, text); err != nil {
		return fmt.Errorf("type %q: %w", strings.TrimRight(text, "\r"), err)
	}
	return nil
}

// Answer waits for a question and types the answer and the Enter key.
func (d *Dialogue) Answer(ctx context.Context, question, answer string) error {
	if _, _, err := d.Expect(ctx, question); err != nil {
		return err
	}
	return d.Send(answer + "\r")
}

// close ends the line and waits until nothing is read any more.
func (d *Dialogue) close() {
	d.conn.Close()
	<-d.done
}

// An escape tells text from the sequences that terminals understand: ESC [ with
// parameters and a letter, ESC and one or two characters (ECMA-48, section 5).
type escape struct{ state byte }

// plain reports whether b is text. Carriage returns are left out too, so that
// lines end in one way.
func (e *escape) plain(b byte) bool {
	switch {
	case b == 0x1b:
		e.state = 'E'
		return false
	case e.state == 'E':
		e.state = 0
		if b == '[' || b == '(' || b == ')' || b == '#' {
			e.state = b
		}
		return false
	case e.state == '[':
		if b >= 0x40 && b < 0x7f {
			e.state = 0
		}
		return false
	case e.state != 0:
		e.state = 0
		return false
	}
	return b == '\n' || b == '\t' || b >= 0x20 && b != 0x7f
}
