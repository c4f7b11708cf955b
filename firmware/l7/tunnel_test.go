// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"fmt"
	"io"
	"testing"

	"evener/firmware/pool"
	"evener/firmware/stats"
)

// drainAll reads to the end and expects that it got want.
func drainAll(want string) step {
	return func(c *originConn) error {
		b, err := io.ReadAll(c)
		if string(b) != want {
			return fmt.Errorf("tunnel: got %d bytes, want %d: %v; %q", len(b), len(want), err, b[:min(len(b), 20)])
		}
		return err
	}
}

// TestTunnelEndsOneSideAtATime carries bytes both ways, in either order of the
// two ends. What comes after the other side's end arrives too.
func TestTunnelEndsOneSideAtATime(t *testing.T) {
	for _, test := range []struct {
		name   string
		script []step
		play   func(*client)
	}{
		{"client first", []step{recv(upgrade), send(switched + "early"), recv("ping"), send("pong"), drainAll(large + "end"), send("last"), endWrite},
			func(c *client) {
				c.expect(switched + "early")
				c.send("ping")
				c.expect("pong")
				c.send(large, "end")
				_ = c.CloseWrite()
				c.expect("last")
			}},
		{"server first", []step{recv(upgrade), send(switched + large), endWrite, drainAll("early" + "after" + large)},
			func(c *client) {
				c.send("early") // not read as the tunnel's before the answer, and not lost
				c.expect(switched + large)
				if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					c.t.Errorf("read = %d, %v, want the end", n, err)
				}
				c.send("after", large)
				_ = c.CloseWrite()
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOrigin(t, test.script)
			b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
			c := b.dial()
			c.send(upgrade)
			test.play(c)
			if got, broken := c.rest(); got != "" || broken {
				t.Errorf("at the end: %q, reset %v, want a clean end", got, broken)
			}
			b.eventually("the tunnel ends", func() bool { return b.svc.Stats.Slot(0).Aborts[stats.Completed].Value() == 1 })
			c.Close()
			b.noneLeft()
		})
	}
}

// A reset on either side is passed on at once, also after that side's end.
func TestTunnelIsResetOnBothSides(t *testing.T) {
	done := make(chan struct{})
	defer close(done)
	o := newOrigin(t, []step{recv(upgrade), send(switched), recv("x"), reset},
		[]step{recv(upgrade), send(switched), recvEnd},
		[]step{recv(upgrade), send(switched), recvEnd, await(done)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	c.send(upgrade)
	c.expect(switched)
	c.send("x")
	if got, broken := c.rest(); got != "" || !broken {
		t.Errorf("after the member's reset: %q, reset %v, want a reset", got, broken)
	}
	for _, endFirst := range []bool{false, true} {
		c = b.dial()
		c.send(upgrade)
		c.expect(switched)
		if endFirst {
			_ = c.CloseWrite()
			b.eventually("the end is passed on", func() bool {
				x := b.w.clients.prev.x // of the newest connection
				return x != nil && x.up.closed
			})
		}
		_ = c.SetLinger(0)
		c.Close()
	}
	b.noneLeft()
}
