// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// A tape notes each write.
type tape struct {
	net.Conn
	writes []string
	until  time.Time
}

func (c *tape) Write(b []byte) (int, error) {
	c.writes = append(c.writes, string(b))
	return len(b), nil
}

func (c *tape) SetWriteDeadline(t time.Time) error {
	c.until = t
	return nil
}

func TestCorkedWritesLeaveTogether(t *testing.T) {
	wire := &tape{}
	c := &corked{Conn: wire, lock: make(chan struct{}, 1)}
	say := func(s string) { _, _ = c.Write([]byte(s)) }
	say("a")
	c.cork(true)
	say("b")
	say("c")
	c.cork(false)
	if want := []string{"a"}; !slices.Equal(wire.writes, want) {
		t.Errorf("corked: written %q, want %q", wire.writes, want)
	}
	say("d")
	if want := []string{"a", "bcd"}; !slices.Equal(wire.writes, want) {
		t.Errorf("in the end: written %q, want %q", wire.writes, want)
	}
	c.cork(true)
	say(strings.Repeat("x", heldBack))
	if n := len(wire.writes); n != 3 {
		t.Errorf("%d writes after as much as may be held back, want 3", n)
	}
	say("last words")
	end := time.Now().Add(time.Second)
	c.pull(end)
	c.cork(true)
	say(", bye")
	if got := wire.writes[len(wire.writes)-1]; got != "last words, bye" || wire.until != end {
		t.Errorf("after the end was announced %q was written, until %v", got, wire.until)
	}
}
