// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"io"
	"net"
	"testing"
	"time"

	"evener/firmware/pool"
	"evener/firmware/stats"
)

// cut moves new clients from member 0 to member 1 and cuts the first, called a.
func (b *box) cut() {
	p := b.svc.Default.Pool
	p.SetAdmin(0, pool.Disabled, false, "", time.Now())
	p.SetAdmin(1, pool.Enabled, false, "", time.Now())
	b.do(func() { b.w.CutMember("pool", "a") })
}

func TestCutResetsBothEndsOfARelay(t *testing.T) {
	seen := make(chan error, 1)
	origin := serve(t, func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 1))
		io.WriteString(c, "x")
		_, err := c.Read(make([]byte, 1))
		seen <- err
	})
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", origin), member("b", serve(t, say("b")))), nil)
	b.svc.Default.Pool.SetAdmin(1, pool.Disabled, false, "", time.Now())
	c := b.dial()
	io.WriteString(c, "x")
	io.ReadFull(c, make([]byte, 1))
	b.cut()
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("client read %v, want a reset", err)
	}
	if err := <-seen; !isReset(err) {
		t.Errorf("member read %v, want a reset", err)
	}
	b.gone()
	if got := line(t, b.dial()); got != "b" {
		t.Errorf("the next client got %q, want b", got)
	}
	if got := b.totals().Aborts[stats.MemberCut]; got != 1 {
		t.Errorf("member_cut = %d, want 1", got)
	}
	b.wantLog(`"reason":"member_cut"`)
}

// A member of the same name in another pool, and the other members, are left alone.
func TestCutLeavesOthersAlone(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, echo)), member("b", serve(t, echo))), nil)
	first, second := b.dial(), b.dial()
	for _, c := range []*net.TCPConn{first, second} { // one is with a, one with b
		io.WriteString(c, "x")
		io.ReadFull(c, make([]byte, 1))
	}
	b.do(func() {
		b.w.CutMember("other", "a")
		b.w.CutMember("pool", "c")
	})
	if b.open() != 2 {
		t.Fatalf("%d connections are open, want 2", b.open())
	}
	b.cut()
	if b.open() != 1 {
		t.Errorf("%d connections are open, want 1", b.open())
	}
}

func TestCutDropsFlows(t *testing.T) {
	b := newBox(t, "udp", "127.0.0.1:0", members(member("a", echoUDP(t, "a ")), member("b", echoUDP(t, "b "))), nil)
	b.svc.Default.Pool.SetAdmin(1, pool.Disabled, false, "", time.Now())
	c := dialUDPTest(t, b.addr)
	if got := ask(t, c, "x"); got != "a x" {
		t.Fatalf("got %q, want a x", got)
	}
	b.cut()
	if b.open() != 0 {
		t.Errorf("%d flows are open, want 0", b.open())
	}
	if got := ask(t, c, "y"); got != "b y" {
		t.Errorf("got %q, want b y", got)
	}
	if got := b.totals().Aborts[stats.MemberCut]; got != 1 {
		t.Errorf("member_cut = %d, want 1", got)
	}
	b.wantLog(`"reason":"member_cut"`)
}

func TestCutOfManyRelays(t *testing.T) {
	const n = 2*cutsPerTurn + 7
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, echo)), member("b", serve(t, echo))), nil)
	b.svc.Default.Pool.SetAdmin(1, pool.Disabled, false, "", time.Now())
	for range n {
		c := b.dial()
		io.WriteString(c, "x")
		io.ReadFull(c, make([]byte, 1))
	}
	b.cut()
	b.gone()
	if got := b.totals().Aborts[stats.MemberCut]; got != n {
		t.Errorf("member_cut = %d, want %d", got, n)
	}
}
