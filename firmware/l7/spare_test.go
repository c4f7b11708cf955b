// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"strings"
	"testing"

	"evener/firmware/pool"
)

// An exchange that is kept for use again holds no part of a connection's buffer: a
// later head of HTTP/2 would be decoded into what another client has sent.
func TestSpareExchangeHoldsNoBuffer(t *testing.T) {
	body := strings.Repeat("b", 13_000)
	o := newOrigin(t, []step{recv(post + "Content-Length: 13000\r\n\r\n" + body), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	c.send(post + "Content-Length: 13000\r\n\r\n" + body + "GET / HT")
	c.expect(okay)
	b.eventually("the next head is begun", func() bool { return b.w.clients.next.state == clientHead })
	b.do(func() {
		if len(b.w.spare.free) == 0 {
			t.Fatal("no exchange is kept")
		}
		for _, x := range b.w.spare.free {
			if n := cap(x.req.Buf); n > 0 {
				t.Errorf("a spare exchange holds %d bytes that it had borrowed", n)
			}
		}
	})
	c.Close()
	b.noneLeft()
}
