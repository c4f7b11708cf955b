// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"crypto/tls"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"evener/firmware/reactor"
)

// until waits until cond holds on the loop.
func (l *lab) until(what string, cond func() bool) {
	l.tb.Helper()
	for end := time.Now().Add(patience); ; {
		ok := false
		l.do(func() { ok = cond() })
		if ok {
			return
		}
		if time.Now().After(end) {
			l.tb.Fatalf("%s: does not come", what)
		}
	}
}

// stall brings n handshakes to where they wait for the client's last word.
func (l *lab) stall(n int, s *Setup) []*end {
	l.tb.Helper()
	hello := captureHello(l.tb, l.clientTLS())
	var ends []*end
	for range n {
		fd, peer := socketPair(l.tb)
		ends = append(ends, l.server(fd, s, nil))
		if _, err := peer.Write(hello); err != nil {
			l.tb.Fatal(err)
		}
	}
	l.until("stalled handshakes", func() bool {
		return !slices.ContainsFunc(ends, func(e *end) bool {
			l.gate.mu.Lock()
			defer l.gate.mu.Unlock()
			return e.c.h.phase != parked
		})
	})
	return ends
}

func (l *lab) drop(ends []*end, r Reason) {
	l.do(func() {
		for _, e := range ends {
			e.c.Cancel(r)
			e.c.Cancel(Cancelled) // the second does nothing
		}
	})
	for _, e := range ends {
		if err := e.result().(*Error); err.Reason != r {
			l.tb.Errorf("Shaken(%v), want %v", err, r)
		}
		l.end(e)
	}
}

// Handshakes that wait for their peers hold no slot, and a deadline ends them.
func TestStalledHandshakesHoldNoSlot(t *testing.T) {
	l := newLab(t, Config{Computing: 1})
	setup := l.setup(l.serverTLS())
	stalled := l.stall(100, setup)
	if n := l.gate.Stats().Waiting[Server].Load(); n != 100 {
		t.Errorf("Waiting = %d, want 100", n)
	}
	if n := l.gate.Stats().Computing.Load(); n != 0 {
		t.Errorf("Computing = %d, want 0", n)
	}
	fd, peer := socketPair(t)
	e := l.server(fd, setup, echo)
	talk(t, tls.Client(peer, l.clientTLS()))
	if err := e.result(); err != nil {
		t.Errorf("Shaken(%v) beside stalled ones", err)
	}
	l.end(e)
	l.drop(stalled, Timeout)
	s := l.gate.Stats()
	if n := s.Waiting[Server].Load() + s.Computing.Load(); n != 0 {
		t.Errorf("%d handshakes are left", n)
	}
	if n := s.Results[Server].Failed[Timeout].Load(); n != 100 {
		t.Errorf("Failed[Timeout] = %d, want 100", n)
	}
}

// Over its limit the gate sheds servers' handshakes and counts them; our own
// connections to members have a limit of their own.
func TestFloodIsShed(t *testing.T) {
	l := newLab(t, Config{Computing: 1, Waiting: 10})
	setup := l.setup(l.serverTLS())
	stalled := l.stall(10, setup)
	for range 5 {
		fd, peer := socketPair(t)
		e := l.server(fd, setup, nil)
		_, _ = peer.Write([]byte("\x16\x03\x01"))
		if err := e.result(); err != ErrBusy {
			t.Errorf("Shaken(%v), want ErrBusy", err)
		}
		l.do(func() { e.c.Cancel(Timeout); e.c.Ready(reactor.Readable) }) // too late
		l.end(e)
	}
	if n := l.gate.Stats().Results[Server].Failed[Busy].Load(); n != 5 {
		t.Errorf("Failed[Busy] = %d, want 5", n)
	}
	fd, peer := socketPair(t)
	e := l.client(fd, l.setup(l.clientTLS()), echo)
	talk(t, tls.Server(peer, l.serverTLS()))
	if err := e.result(); err != nil {
		t.Errorf("Shaken(%v) of a client during a flood", err)
	}
	l.end(e)
	l.drop(stalled, Cancelled)
}

// A client that says nothing costs no goroutine and no place, and can be
// cancelled.
func TestSilentClientsCostNothing(t *testing.T) {
	l := newLab(t, Config{Waiting: 1})
	setup := l.setup(l.serverTLS())
	var ends []*end
	for range 5 {
		fd, _ := socketPair(t)
		ends = append(ends, l.server(fd, setup, nil))
	}
	l.do(func() {}) // the events of their registration
	for _, e := range ends {
		if e.c.h.worker != nil || l.gate.Stats().Waiting[Server].Load() != 0 {
			t.Error("a silent client has begun")
		}
	}
	l.drop(ends, Timeout)
}

// Cancel works while a handshake computes and while it is queued, with a
// goroutine and without one.
func TestCancelInEveryPhase(t *testing.T) {
	l := newLab(t, Config{Computing: 1})
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	blocking := l.serverTLS()
	blocking.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		entered <- struct{}{}
		<-leave
		return nil, nil
	}
	begin := func(s *Setup) *end {
		fd, peer := socketPair(t)
		e := l.server(fd, s, nil)
		_, _ = peer.Write(captureHello(t, l.clientTLS()))
		return e
	}
	halfway := l.stall(1, l.setup(l.serverTLS()))[0]
	computes := begin(l.setup(blocking))
	<-entered
	waits := begin(l.setup(blocking))
	l.until("a queued handshake", func() bool { return phaseOf(waits) == queued })
	l.do(func() { halfway.c.Ready(reactor.Readable) }) // its turn has come: queued again
	if p := phaseOf(halfway); p != queued {
		t.Fatalf("phase = %d, want queued", p)
	}
	l.drop([]*end{halfway, waits}, Timeout) // at once, although the slot is taken
	l.do(func() { computes.c.Cancel(Timeout) })
	close(leave)
	wantReason(t, computes.result(), Timeout)
	l.end(computes)
	if n := l.gate.Stats().Waiting[Server].Load(); n != 0 {
		t.Errorf("Waiting = %d, want 0", n)
	}
}

func phaseOf(e *end) phase {
	e.l.gate.mu.Lock()
	defer e.l.gate.mu.Unlock()
	return e.c.h.phase
}

// A handshake that was cancelled fails, even if it had ended well before its
// owner was told.
func TestCancelledNeverSucceeds(t *testing.T) {
	l := newLab(t, Config{})
	fd, peer := socketPair(t)
	e := l.server(fd, l.setup(l.serverTLS()), nil)
	client := tls.Client(peer, l.clientTLS())
	var wg sync.WaitGroup
	wg.Go(func() { _ = client.Handshake() })
	l.do(func() { // on the loop, which can be told of nothing meanwhile
		for end := time.Now().Add(patience); phaseOf(e) != over && time.Now().Before(end); {
			e.c.Ready(reactor.Readable)
		}
		e.c.Cancel(Cancelled)
	})
	wg.Wait()
	wantReason(t, e.result(), Cancelled)
	l.end(e)
}

// Slots go round in order of arrival, and to both roles in turn.
func TestSlotsAreGivenInOrder(t *testing.T) {
	g := NewGate(Config{Computing: 1})
	g.computing = 1 // taken
	var order []*handshake
	var want []*handshake
	for i := range 6 {
		h := &handshake{role: Role(i / 4), worker: &worker{wake: make(chan *handshake, 1)}}
		g.enqueue(h)
		order = append(order, h)
	}
	want = []*handshake{order[0], order[4], order[1], order[5], order[2], order[3]}
	for i, h := range want {
		g.yield()
		if h.phase != computing || len(h.worker.wake) != 1 {
			t.Errorf("slot %d went to another", i)
		}
	}
	g.queues[Server].push(order[0])
	g.queues[Server].push(order[1])
	g.queues[Server].push(order[2])
	g.queues[Server].remove(order[1])
	if a, b, c := g.queues[Server].pop(), g.queues[Server].pop(), g.queues[Server].pop(); a != order[0] ||
		b != order[2] || c != nil {
		t.Error("a queue is not what is left after a removal")
	}
}

// Many handshakes at once, some of which are cancelled at any point: each is
// told once, and nothing is left.
func TestManyHandshakesAtOnce(t *testing.T) {
	l := newLab(t, Config{Computing: 2, Waiting: 64})
	setup := l.setup(l.serverTLS())
	client := l.clientTLS()
	var wg sync.WaitGroup
	var ends []*end
	for i := range 200 {
		fd, peer := socketPair(t)
		e := l.server(fd, setup, echo)
		ends = append(ends, e)
		wg.Go(func() {
			c := net.Conn(tls.Client(peer, client))
			_ = c.(*tls.Conn).Handshake()
			if i%3 == 0 {
				c.Close()
			}
		})
		if i%4 == 0 {
			l.do(func() { e.c.Cancel(Timeout) })
		}
	}
	for _, e := range ends {
		_ = e.result()
		l.end(e)
	}
	wg.Wait()
	s, sum := l.gate.Stats(), uint64(0)
	for i := range s.Results[Server].Failed {
		sum += s.Results[Server].Failed[i].Load()
	}
	if sum += s.Results[Server].Done.Load(); sum != 200 {
		t.Errorf("%d results for 200 handshakes", sum)
	}
	if n := s.Waiting[Server].Load() + s.Computing.Load(); n != 0 {
		t.Errorf("%d handshakes are left", n)
	}
}

// An event that comes between a read that found nothing and the parking after
// it is not lost, and one that came before the read does not count.
func TestNoLostWakeUp(t *testing.T) {
	g := NewGate(Config{Computing: 1})
	h := &handshake{worker: &worker{wake: make(chan *handshake, 1)}}
	g.enqueue(h)
	<-h.worker.wake
	g.event(h, reactor.Readable)
	g.clear(h, inbound) // the read follows
	g.event(h, reactor.Writable)
	g.event(h, reactor.Readable)
	h.worker.wake <- h // so that parking after all ends too
	g.park(h, inbound)
	if len(h.worker.wake) != 1 {
		t.Fatal("parked although an event had come")
	}
	<-h.worker.wake
	g.clear(h, inbound)
	parked := make(chan struct{})
	go func() { g.park(h, inbound); close(parked) }()
	for g.Stats().Computing.Load() != 0 {
		runtime.Gosched()
	}
	g.event(h, reactor.Writable) // not what it waits for
	if n := g.Stats().Computing.Load(); n != 0 {
		t.Error("woken by a strange event")
	}
	g.event(h, reactor.PeerClosed)
	select {
	case <-parked:
	case <-time.After(patience):
		t.Fatal("not woken")
	}
}

// Close ends all goroutines, those of idle workers too, of which there is a
// bounded number.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	l := newLab(t, Config{})
	l.drop(l.stall(maxIdle+20, l.setup(l.serverTLS())), Cancelled)
	l.until("idle workers", func() bool {
		l.gate.mu.Lock()
		defer l.gate.mu.Unlock()
		return len(l.gate.idle) == maxIdle
	})
	l.gate.Close()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before+1; { // the loop's
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
	fd, peer := socketPair(t)
	e := l.server(fd, l.setup(l.serverTLS()), echo)
	talk(t, tls.Client(peer, l.clientTLS())) // a closed gate still lets through
	l.end(e)
}
