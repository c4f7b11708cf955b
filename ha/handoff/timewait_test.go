// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netns"
)

// dialFrom connects to an address from a port of the client; 0 is any.
func (l *lab) dialFrom(port int, a netip.Addr) *conn {
	l.t.Helper()
	c := &conn{}
	l.in(l.client, func() (err error) {
		d := net.Dialer{Timeout: long, LocalAddr: &net.TCPAddr{IP: l.addr(1).AsSlice(), Port: port}}
		c.Conn, err = d.Dial("tcp", netip.AddrPortFrom(a, 80).String())
		return err
	})
	l.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(long))
	c.r = bufio.NewReader(c)
	name, err := c.r.ReadString('\n')
	if err != nil {
		l.t.Fatal(err)
	}
	c.name = strings.TrimSpace(name)
	return c
}

// endFirst lets the box end its newest connection, c, before the client does: there
// it is in TIME-WAIT from then on, and the client has forgotten it.
func (h *host) endFirst(c *conn) {
	h.l.t.Helper()
	all := h.accepted()
	all[len(all)-1].Close()
	port := c.LocalAddr().(*net.TCPAddr).Port
	eventually(h.l.t, "the box waits for the client's end", func() bool { return h.l.socketIn(h.ns, finWait2, 80, port) })
	c.Close()
	eventually(h.l.t, "the box has it", func() bool { return h.l.socketIn(h.ns, timeWait, 80, port) })
	eventually(h.l.t, "the client has no socket any more", func() bool { return !h.l.socketIn(h.l.client, "", port, 80) })
}

// States in /proc/net/tcp.
const (
	finWait2 = "05"
	timeWait = "06"
)

// socketIn reports whether a namespace has a socket with these ports in a state; ""
// is any.
func (l *lab) socketIn(ns netns.NsHandle, state string, near, far int) (found bool) {
	l.t.Helper()
	l.in(ns, func() error {
		for _, file := range []string{"tcp", "tcp6"} {
			text, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(text)) {
				f := strings.Fields(line)
				found = found || strings.HasSuffix(f[1], fmt.Sprintf(":%04X", near)) && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", far)) && (state == "" || f[3] == state)
			}
		}
		return nil
	})
	return found
}

// A box may still have in TIME-WAIT what a client has long forgotten, whose port now
// belongs to a connection with the other box.
func TestAConnectionWithThePortOfAnEndedOneIsSentOn(t *testing.T) {
	each(t, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		first := l.dial()
		port := first.LocalAddr().(*net.TCPAddr).Port
		left.endFirst(first)
		l.move(left, right, 0)
		second := l.dialFrom(port, l.vip())
		if second.name != "right" {
			t.Fatalf("the second connection was accepted by %s, want right", second.name)
		}
		l.move(right, left, 0)
		if !l.socketIn(left.ns, timeWait, 80, port) {
			t.Fatal("left has forgotten the first connection, so nothing is tested")
		}
		if err := second.echo("after"); err != nil {
			t.Errorf("the connection from before the switch: %v", err)
		}
		third := l.dial() // its end is for left, which has it in TIME-WAIT by then
		left.endFirst(third)
		if s := left.receiver.Stats(); s.Flows != 1 || s.Ended != 0 {
			t.Errorf("flows, ended = %d, %d, want 1, 0: the second connection alone", s.Flows, s.Ended)
		}
		if n := l.seen.count(reset); n != 0 {
			t.Errorf("%d RST seen", n)
		}
	})
}
