// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"testing"
	"time"

	"evener/firmware/stats"
)

func TestFullMembersMakeClientsWait(t *testing.T) {
	m := member("a", serve(t, say("a")))
	m.MaxConnections = 1
	b := newBox(t, "tcp", "127.0.0.1:0", members(m), func(b *box) { b.svc.Default.Pool.Queue = 2 })
	first := b.dial()
	line(t, first)
	second, third := b.dial(), b.dial()
	b.eventually("two wait", func() bool { return b.totals().Waiting == 2 })
	if err := b.failing(); !isReset(err) {
		t.Errorf("the one too many got %v, want a reset", err)
	}
	first.Close()
	line(t, second)
	if got := b.totals().Waiting; got != 1 {
		t.Errorf("%d wait, want 1", got)
	}
	second.SetLinger(0)
	second.Close()
	line(t, third)
	third.Close()
	b.gone()
	sum := b.totals()
	if sum.Queued != 2 || sum.Waiting != 0 || sum.Aborts[stats.QueueFull] != 1 {
		t.Errorf("queued %d, waiting %d, queue_full %d; want 2, 0, 1", sum.Queued, sum.Waiting, sum.Aborts[stats.QueueFull])
	}
}

func TestQueueTimeoutAndDepartureFreeThePlace(t *testing.T) {
	m := member("a", serve(t, say("a")))
	m.MaxConnections = 1
	b := newBox(t, "tcp", "127.0.0.1:0", members(m), func(b *box) { b.svc.Timeouts.Queue = 50 * time.Millisecond })
	first := b.dial()
	line(t, first)
	if err := b.failing(); !isReset(err) {
		t.Errorf("the one that waited got %v, want a reset", err)
	}
	b.eventually("the queue is empty", func() bool { return b.totals().Waiting == 0 })
	b.do(func() { b.svc.Timeouts.Queue = time.Hour })
	gone := b.dial()
	b.eventually("one waits", func() bool { return b.totals().Waiting == 1 })
	gone.SetLinger(0)
	gone.Close()
	b.eventually("the queue is empty", func() bool { return b.totals().Waiting == 0 })
	last := b.dial()
	b.eventually("one waits", func() bool { return b.totals().Waiting == 1 })
	first.Close()
	line(t, last)
	sum := b.totals()
	if sum.QueueTimeouts != 1 || sum.Aborts[stats.QueueTimeout] != 1 || sum.Aborts[stats.ClientAbort] != 1 {
		t.Errorf("queue timeouts %d, queue_timeout %d, client_abort %d; want 1, 1, 1", sum.QueueTimeouts,
			sum.Aborts[stats.QueueTimeout], sum.Aborts[stats.ClientAbort])
	}
}

func TestConnectionLimitLeavesClientsInTheBacklog(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, say("a")))), func(b *box) {
		b.svc.Limits.Connections = 1
	})
	first, second := b.dial(), b.dial()
	line(t, first)
	b.eventually("the listener pauses", func() bool { return b.w.listeners[b.fd].paused })
	if got := b.totals().Accepted; got != 1 {
		t.Errorf("accepted %d, want 1", got)
	}
	first.Close()
	line(t, second)
}

func TestClientOfAFullMemberGetsAnotherInTheEnd(t *testing.T) {
	list := members(member("a", serve(t, say("a"))), member("b", serve(t, say("b"))))
	for i := range list {
		list[i].MaxConnections = 1
	}
	b := newBox(t, "tcp", "127.0.0.1:0", list, func(b *box) {
		b.svc.Default.Persist = keepBySource(list)
		b.svc.Timeouts.Queue = 50 * time.Millisecond
	})
	first, second := line(t, b.dial()), line(t, b.dial())
	if first == second {
		t.Errorf("both clients are on %s, which takes one", first)
	}
	if sum := b.totals(); sum.Queued != 1 || sum.QueueTimeouts != 0 {
		t.Errorf("queued %d, of these in vain %d; want 1, 0", sum.Queued, sum.QueueTimeouts)
	}
}

func TestWakeUpForNobodyIsHandedOn(t *testing.T) {
	m := member("a", serve(t, say("a")))
	m.MaxConnections = 1
	b := newBox(t, "tcp", "127.0.0.1:0", members(m), nil)
	first := b.dial()
	line(t, first)
	gone := b.dial()
	b.eventually("one waits", func() bool { return b.totals().Waiting == 1 })
	gone.SetLinger(0)
	gone.Close()
	b.eventually("the queue is empty", func() bool { return b.totals().Waiting == 0 })
	b.svc.Default.Pool.Load().Members[0].Live.Wait(1)
	first.Close()
	select {
	case <-b.other:
	case <-time.After(10 * time.Second):
		t.Error("the other loop was not woken")
	}
}
