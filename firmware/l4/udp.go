// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"fmt"

	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A udpSocket takes the datagrams of one port for one loop. The kernel spreads
// clients over the sockets of a port by their address, so that all datagrams of a
// client come to the same one.
type udpSocket struct {
	w       *Worker
	port    *Port
	fd      int // our own copy: flows answer from it while the worker drains
	ref     reactor.Ref
	wild    wildcard
	stopped bool
	flows   map[flowKey]*flow
}

// A flowKey names a flow of a socket. Which of our addresses the client talks to
// is a part of it, because the answers must come from there.
type flowKey struct {
	addr, local [16]byte
	scope       uint32
	port        uint16
}

// datagramsPerTurn bounds how many datagrams of a socket one turn handles, so
// that others get their share.
const datagramsPerTurn = 64

func (w *Worker) listenUDP(p *Port, fd int) error {
	if w.sockets[fd] != nil {
		return nil
	}
	s := &udpSocket{w: w, port: p, flows: map[flowKey]*flow{}}
	var err error
	if s.wild, err = wildcardOf(fd, reactor.LocalAddr(fd).Addr()); err != nil {
		return fmt.Errorf("ask for the addresses of datagrams: %w", err)
	}
	if s.fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return fmt.Errorf("copy descriptor: %w", err)
	}
	if s.ref, err = w.loop.AddListener(s.fd, s); err != nil {
		reactor.CloseFD(s.fd)
		return err
	}
	if w.packet == nil {
		w.packet = new(packet)
	}
	w.sockets[fd] = s
	return nil
}

// stop takes no more datagrams. The copy is closed when no flow needs it.
func (s *udpSocket) stop() {
	if s.stopped {
		return
	}
	s.stopped = true
	s.w.loop.Remove(s.ref, s.fd)
	s.closeUnused()
}

func (s *udpSocket) closeUnused() {
	if s.stopped && len(s.flows) == 0 && s.fd >= 0 {
		reactor.CloseFD(s.fd)
		s.fd = -1
	}
}

func (s *udpSocket) closeFlows(why stats.Reason) {
	for _, f := range s.flows {
		f.finish(why)
	}
}

// Ready forwards the datagrams that wait.
func (s *udpSocket) Ready(reactor.Events) {
	for range datagramsPerTurn {
		n, errno := s.w.packet.receive(s.fd)
		switch errno {
		case 0:
			s.forward(n)
		case unix.EAGAIN:
			return
		default:
			s.w.complain("receiving failed", s.port, errno)
			return
		}
	}
}

// forward sends the datagram in hand to the member of its flow.
func (s *udpSocket) forward(n int) {
	var o origin
	s.w.packet.origin(&o, s.wild)
	key := flowKey{addr: o.name.Addr, local: o.local, scope: o.name.Scope_id, port: o.name.Port}
	if o.name.Family == unix.AF_INET { // its address is where IPv6 has flowinfo
		key.addr, key.scope = s.w.packet.peer().Addr().As16(), 0
	}
	f := s.flows[key]
	if f != nil && !f.current() {
		f = nil
	}
	if f == nil {
		if f = s.open(key, &o); f == nil {
			return
		}
	}
	f.forward(n)
}

// open begins a flow, unless a limit or the want of a member forbids it: then the
// datagram is lost, as on a wire.
func (s *udpSocket) open(key flowKey, o *origin) *flow {
	w := s.w
	b := w.gen.binding(s.port)
	if b == nil {
		return nil
	}
	list := w.flowList(b.Service)
	if w.full(list, b.Service) && !list.yield() {
		b.Service.Stats.Slot(w.index).Refused.Add(1)
		return nil
	}
	f := &flow{socket: s, key: key, from: *o, fd: -1}
	f.timer.Owner = f
	f.begin(w, w.packet.peer(), b)
	s.flows[key] = f
	list.add(f)
	if f.route = b.Service.Default; f.route == nil {
		f.finish(stats.NoMember)
		return nil
	}
	if !f.tryMember(stats.NoMember) {
		return nil
	}
	return f
}

// full reports whether there may be no more flows of the service.
func (w *Worker) full(list *flowList, s *Service) bool {
	if w.over() {
		return true
	}
	if s.Limits.Connections == 0 {
		return list.n >= DefaultFlows
	}
	return s.over(w.cfg.Loops)
}

// A flowList holds the flows of one cluster on one loop, the one that was silent
// for longest first.
type flowList struct {
	w    *Worker
	head flow // of the circular list
	n    int
}

func (w *Worker) flowList(s *Service) *flowList {
	list := w.flows[s.Stats]
	if list == nil {
		list = &flowList{w: w}
		list.head.next, list.head.prev = &list.head, &list.head
		w.flows[s.Stats] = list
	}
	return list
}

func (l *flowList) add(f *flow) {
	f.list = l
	l.n++
	l.append(f)
}

func (l *flowList) append(f *flow) {
	f.prev, f.next = l.head.prev, &l.head
	f.prev.next, f.next.prev = f, f
}

func (f *flow) unlink() {
	f.prev.next, f.next.prev = f.next, f.prev
	f.next, f.prev = nil, nil
}

func (l *flowList) remove(f *flow) {
	f.unlink()
	l.n--
	if l.n == 0 {
		delete(l.w.flows, f.svc.Stats)
	}
}

// yield ends the flow that was silent for longest, if that is long enough, to
// make room for a new one. A flood of clients that do not exist cannot take the
// place of one that talks.
func (l *flowList) yield() bool {
	f := l.head.next
	if f == &l.head || l.w.loop.Now()-f.active < int64(l.w.yieldAfter) {
		return false
	}
	f.finish(stats.OverLimit)
	return true
}
