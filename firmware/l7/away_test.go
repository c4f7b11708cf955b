// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bufio"
	"testing"

	"evener/firmware/pool"
)

// A client whose address another box has now is told so by its next answer, and
// loses none.
func TestAwayTellsTheClientsOfThatPort(t *testing.T) {
	s := webServer(t, "a", "127.0.0.1:0")
	b := newBox(t, []pool.MemberConfig{member("m", s.Listener.Addr())}, plain)
	c := b.dial()
	r := bufio.NewReader(c)
	for _, step := range []struct {
		name string
		away map[*Port]bool
		last bool
	}{
		{"at the beginning", nil, false},
		{"another port is away", map[*Port]bool{{}: true}, false},
		{"its port is away", map[*Port]bool{b.port: true}, true},
	} {
		b.do(func() { b.w.Away(step.away) })
		if resp, err := ask(c, r); err != nil || resp.Close != step.last {
			t.Fatalf("%s: answer %v, %v; want the last: %v", step.name, resp, err, step.last)
		}
	}
	b.eventually("the connection ends", func() bool { return b.w.conns == 0 })

	b.do(func() { b.w.Away(nil) })
	c = b.dial()
	if resp, err := ask(c, bufio.NewReader(c)); err != nil || resp.Close {
		t.Errorf("back again: answer %v, %v; want one that keeps the connection", resp, err)
	}
}

// A client that asks nothing more is let go.
func TestAwayEndsIdleConnections(t *testing.T) {
	s := webServer(t, "a", "127.0.0.1:0")
	b := newBox(t, []pool.MemberConfig{member("m", s.Listener.Addr())}, plain)
	c := b.dial()
	if resp, err := ask(c, bufio.NewReader(c)); err != nil || resp.Close {
		t.Fatalf("answer %v, %v", resp, err)
	}
	b.do(func() { b.w.Away(map[*Port]bool{b.port: true}) })
	b.eventually("the connection ends", func() bool { return b.w.conns == 0 })
}

// A client of HTTP/2 gets GOAWAY, and what it has asked is answered.
func TestAwaySendsClientsOfHTTP2(t *testing.T) {
	s, let := waitingServer(t)
	b := muxBox(t, s.Listener.Addr(), true, nil)
	p := dial2(t, b)
	p.begin("/slow")
	b.eventually("it runs", func() bool { return b.svc.Stats.Slot(0).Active.Value() == 1 })
	b.do(func() { b.w.Away(map[*Port]bool{b.port: true}) })
	b.eventually("GOAWAY", p.told)
	close(let)
	buf := make([]byte, 5)
	if n, err := p.Read(buf); string(buf[:n]) != "/slow" {
		t.Errorf("what ran: %q, %v", buf[:n], err)
	}
	b.noneLeft()
}
