// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"evener/firmware/balance"
	"evener/firmware/persist"
	"evener/firmware/pool"
	"evener/firmware/stats"
)

func TestConnectFailureIsTriedOnAnotherMember(t *testing.T) {
	list := members(member("dead", refused(t)), member("alive", serve(t, say("alive"))))
	b := newBox(t, "tcp", "127.0.0.1:0", list, nil)
	for range 4 {
		if got := line(t, b.dial()); got != "alive" {
			t.Errorf("got %q", got)
		}
	}
	sum := b.totals()
	if sum.Retries == 0 || sum.ConnectFailures != sum.Retries {
		t.Errorf("retries %d, connect failures %d; want as many, and some", sum.Retries, sum.ConnectFailures)
	}
	if got := b.svc.Default.Pool.Stats[0].Sum().Errors[stats.ErrConnect]; got != sum.Retries {
		t.Errorf("errors of the dead member %d, want %d", got, sum.Retries)
	}
}

func TestRetriesAreBounded(t *testing.T) {
	list := members(member("a", refused(t)), member("b", refused(t)), member("c", refused(t)))
	b := newBox(t, "tcp", "127.0.0.1:0", list, func(b *box) { b.svc.Retries = 1 })
	if err := b.failing(); !isReset(err) {
		t.Errorf("client got %v, want a reset", err)
	}
	b.gone()
	sum := b.totals()
	if sum.Retries != 1 || sum.ConnectFailures != 2 || sum.Aborts[stats.ConnectFailed] != 1 {
		t.Errorf("retries %d, failures %d, connect_failed %d; want 1, 2, 1", sum.Retries, sum.ConnectFailures,
			sum.Aborts[stats.ConnectFailed])
	}
	b.wantLog(`"reason":"connect_failed"`, `"retries":1`, `"member":"`)
}

func TestNoMemberEndsTheConnection(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", refused(t))), nil)
	b.svc.Default.Pool.SetHealth(0, pool.Down, "", time.Now())
	if err := b.failing(); !isReset(err) {
		t.Errorf("client got %v, want a reset", err)
	}
	b.gone()
	if got := b.totals().Aborts[stats.NoMember]; got != 1 {
		t.Errorf("no_member %d, want 1", got)
	}
}

func TestSourceStaysWithItsMember(t *testing.T) {
	list := members(member("a", serve(t, say("a"))), member("b", serve(t, say("b"))))
	b := newBox(t, "tcp", "127.0.0.1:0", list, func(b *box) { b.svc.Default.Persist = keepBySource(list) })
	name := func() string {
		c := b.dial()
		defer c.Close()
		return line(t, c)
	}
	first := name()
	for range 5 {
		if got := name(); got != first {
			t.Errorf("client went to %s after %s", got, first)
		}
	}
	b.gone()
	b.svc.Default.Persist.Table.List(time.Now().UnixNano(), func(r persist.SourceRecord) bool {
		if r.Open != 0 {
			t.Errorf("the record has %d connections open, want none", r.Open)
		}
		return true
	})
	i := strings.Index("ab", first)
	b.svc.Default.Pool.SetHealth(i, pool.Down, "", time.Now())
	other := line(t, b.dial())
	b.svc.Default.Pool.SetHealth(i, pool.Up, "", time.Now())
	if got := line(t, b.dial()); other == first || got != other {
		t.Errorf("after %s went down the client got %s, then %s", first, other, got)
	}
	sum := b.totals()
	if sum.PersistNew != 1 || sum.PersistValid != 6 || sum.PersistForeign != 1 {
		t.Errorf("persistence: %d new, %d valid, %d foreign; want 1, 6, 1", sum.PersistNew, sum.PersistValid, sum.PersistForeign)
	}
}

func TestSourceHashSendsAClientToOneMember(t *testing.T) {
	list := members(member("a", serve(t, say("a"))), member("b", serve(t, say("b"))), member("c", serve(t, say("c"))))
	b := newBox(t, "tcp", "127.0.0.1:0", list, func(b *box) {
		b.svc.Default = b.route(b.svc.Default.Pool, balance.SourceHash)
		b.svc.Default.Hash = true
	})
	first := line(t, b.dial())
	for range 5 {
		if got := line(t, b.dial()); got != first {
			t.Errorf("client went to %s after %s", got, first)
		}
	}
}

func TestRangeKeepsTheDistanceOfThePort(t *testing.T) {
	// Two servers on neighbouring ports; the member is the first of them.
	var list []pool.MemberConfig
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		next, err := net.Listen("tcp", (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: l.Addr().(*net.TCPAddr).Port + 1}).String())
		if err != nil {
			l.Close()
			continue
		}
		for i, l := range []net.Listener{l, next} {
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					io.WriteString(c, string("01"[i])+"\n")
					c.Close()
				}
			}()
		}
		list = members(member("a", l.Addr()))
		break
	}
	if list == nil {
		t.Fatal("no two free ports in a row")
	}
	b := newBox(t, "tcp", "127.0.0.1:0", list, nil)
	fd, addr := listenTest(t, "tcp", "127.0.0.1:0")
	second := &Port{ID: 1}
	b.use(b.svc, b.port, second)
	b.do(func() {
		if err := b.w.Listen(second, fd); err != nil {
			t.Error(err)
		}
	})
	if got := line(t, b.dial()); got != "0" {
		t.Errorf("the first port led to server %s", got)
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := line(t, c); got != "1" {
		t.Errorf("the second port led to server %s", got)
	}
}
