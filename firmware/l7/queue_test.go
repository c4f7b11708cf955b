// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"evener/firmware/balance"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/stats"
)

// path makes a request for a path.
func path(p string) string { return "GET /" + p + " HTTP/1.1\r\nHost: a\r\n\r\n" }

// narrow makes a member that serves one exchange at a time.
func narrow(name string, a net.Addr) pool.MemberConfig {
	m := member(name, a)
	m.MaxConnections = 1
	return m
}

func (b *box) waiting(n int64) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("%d exchanges wait", n), func() bool { return b.svc.Stats.Slot(0).Waiting.Value() == n })
}

// TestQueueIsServedInOrder fills a member, queues three more, and sees one more
// turned away; the queue is served in order, with one choice for each.
func TestQueueIsServedInOrder(t *testing.T) {
	next := make(chan struct{})
	var script []step
	for i := range 4 {
		script = append(script, recv(path(fmt.Sprint(i))), await(next), send(okay))
	}
	o := newOrigin(t, script)
	b := newBox(t, []pool.MemberConfig{narrow("m", o.ln.Addr())}, plain)
	b.do(func() { b.pool.Queue = 3 })
	var clients []*client
	for i := range 4 {
		c := b.dial()
		c.send(path(fmt.Sprint(i)))
		clients = append(clients, c)
		b.waiting(int64(i))
	}
	over := b.dial()
	over.send(path("over"))
	over.expectOwn(bare(503))
	if n := b.slot().Aborts[stats.QueueFull].Value(); n != 1 {
		t.Errorf("turned away = %d, want 1", n)
	}
	for i, c := range clients {
		var before, after balance.Cursor
		b.do(func() { before = b.w.cursors[0] })
		next <- struct{}{}
		c.expect(okay)
		b.waiting(int64(max(2-i, 0)))
		b.do(func() { after = b.w.cursors[0] })
		if i == 3 {
			break
		}
		// The place that the next one took was free: its choice is that of a pool
		// that is free now.
		free := balance.Build(balance.RoundRobin, freeCopy(b.pool.Load()))
		before.Pick(free, 0, nil, 0)
		if before != after {
			t.Errorf("request %d: the picker advanced otherwise than by one choice", i+1)
		}
	}
	over.Close()
	for _, c := range clients {
		c.Close()
	}
	b.noneLeft()
}

// freeCopy returns s as if none of its members had a limit.
func freeCopy(s *pool.Snapshot) *pool.Snapshot {
	c := *s
	c.Members = append([]pool.Member(nil), s.Members...)
	for i := range c.Members {
		c.Members[i].Live = pool.NewLive(pool.LiveConfig{})
	}
	return &c
}

func TestQueueTimeoutAndLeaving(t *testing.T) {
	next := make(chan struct{})
	o := newOrigin(t, []step{recv(get), await(next), send(okay), recv(path("later")), send(okay)})
	b := newBox(t, []pool.MemberConfig{narrow("m", o.ln.Addr())}, func(s *Service) {
		plain(s)
		s.Timeouts.Queue = time.Second
	})
	first := b.dial()
	first.send(get)
	b.eventually("the member is full", func() bool { return b.pool.Load().Members[0].Live.Full() })
	late, gone := b.dial(), b.dial()
	gone.send(get)
	late.send(get)
	b.waiting(2)
	_ = gone.SetLinger(0)
	gone.Close()
	late.expectOwn(bare(503))
	b.waiting(0)
	slot := b.slot()
	if n, m := slot.QueueTimeouts.Value(), slot.Aborts[stats.ClientAbort].Value(); n != 1 || m != 1 {
		t.Errorf("timed out, left = %d, %d, want 1, 1", n, m)
	}
	next <- struct{}{}
	first.expect(okay)
	late.send(path("later"))
	late.expect(okay)
	first.Close()
	late.Close()
	b.noneLeft()
}

// sources keeps clients of a service's default route by their address.
func sources(s *Service, members int) *persist.Sources {
	table := persist.NewSources(persist.SourcesConfig{})
	src := &Sources{Table: table, Scope: 1, Bits4: 32, Bits6: 128, Timeout: time.Hour}
	for m := range members {
		src.Refs = append(src.Refs, uint64(100+m))
	}
	s.Default.Persist = []Persist{{Sources: src}}
	return table
}

// dialFrom connects from an address of 127.0.0.0/8.
func (b *box) dialFrom(ip string) *client {
	b.t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 0))}
	c, err := d.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return &client{b.t, c.(*net.TCPConn)}
}

// A client that is kept on a full member waits for it and holds nobody up; when
// it has waited for too long another member is better than none.
func TestKeptClientWaitsForItsMember(t *testing.T) {
	next := make(chan struct{})
	first := newOrigin(t, []step{recv(path("1")), send(okay), recv(path("2")), await(next), send(okay)})
	second := newOrigin(t, []step{recv(path("other")), send(okay), recv(path("3")), send(okay)})
	var table *persist.Sources
	b := newBox(t, []pool.MemberConfig{narrow("first", first.ln.Addr()), member("second", second.ln.Addr())}, func(s *Service) {
		plain(s)
		table = sources(s, 2)
		s.Timeouts.Queue = time.Second
	})
	c, d, other := b.dialFrom("127.0.0.2"), b.dialFrom("127.0.0.2"), b.dialFrom("127.0.0.3")
	c.send(path("1"))
	c.expect(okay)
	c.send(path("2"))
	b.eventually("the member is full", func() bool { return b.pool.Load().Members[0].Live.Full() })
	d.send(path("3"))
	b.waiting(1)
	other.send(path("other"))
	other.expect(okay)
	d.expect(okay) // by the second member, after the time-out
	b.waiting(0)
	next <- struct{}{}
	c.expect(okay)
	for _, c := range []*client{c, d, other} {
		c.Close()
	}
	b.noneLeft()
	table.List(time.Now().UnixNano(), func(r persist.SourceRecord) bool {
		if r.Open != 0 {
			t.Errorf("record of %v has %d open, want 0", r.Key.Addr, r.Open)
		}
		return true
	})
}
