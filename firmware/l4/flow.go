// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/accesslog"
	"evener/firmware/pool"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A flow is the datagrams between one client and one of our addresses. It has a
// socket of its own, connected to the member: that is how answers find their
// client, and how we hear that the member's port is closed.
type flow struct {
	visit
	next, prev *flow // of its list, by the time of the last datagram
	list       *flowList
	socket     *udpSocket
	key        flowKey
	from       origin
	fd         int // to the member; -1: none
	ref        reactor.Ref
	timer      reactor.Timer
	seen       *pool.Snapshot // that the member was last looked up in
	active     int64          // loop clock of the last datagram
	soon       bool           // Run is going to be called
}

// flowTimeout is how long a flow may be silent by default.
const flowTimeout = 30 * time.Second

// tryMember connects to a member that has room. If there is none the flow ends:
// datagrams do not wait.
func (f *flow) tryMember(otherwise stats.Reason) bool {
	for f.acquire() {
		f.seen = f.snapshot()
		f.connecting = f.w.loop.Now()
		errno := f.connect()
		if errno == 0 {
			f.connected = f.connecting
			f.touch()
			return true
		}
		if errno == unix.EMFILE || errno == unix.ENFILE || errno == unix.ENOBUFS || errno == unix.ENOMEM {
			f.w.complain("opening a flow failed", f.socket.port, errno)
			f.finish(stats.Internal)
			return false
		}
		f.leave()
		otherwise = stats.ConnectFailed
	}
	if f.anyFull() {
		otherwise = stats.QueueFull
	}
	f.finish(otherwise)
	return false
}

// leave takes note that the member cannot be reached.
func (f *flow) leave() {
	f.blame(stats.ErrConnect)
	f.memberSlot().Class[0].Add(1)
	f.slot().Retries.Add(1)
	f.retries++
	f.tried = append(f.tried, f.member)
	f.disconnect()
}

// moveOn goes to another member after leave, or ends the flow.
func (f *flow) moveOn() bool {
	f.leave()
	return f.tryMember(stats.ConnectFailed)
}

func (f *flow) connect() unix.Errno {
	to, ok := f.addr()
	if !ok {
		return unix.EADDRNOTAVAIL
	}
	fd, errno := dialUDP(to)
	if errno != 0 {
		return errno
	}
	ref, err := f.w.loop.Add(fd, f)
	if err != nil {
		reactor.CloseFD(fd)
		return unix.ENOMEM
	}
	f.fd, f.ref = fd, ref
	return 0
}

// disconnect gives the member up.
func (f *flow) disconnect() {
	if f.fd >= 0 {
		f.notePort(f.fd)
		f.w.loop.Close(f.ref, f.fd)
		f.fd = -1
	}
	f.release()
}

// touch notes that a datagram has come.
func (f *flow) touch() {
	d := or(f.svc.Timeouts.Tunnel, flowTimeout)
	if f.w.draining {
		d = min(d, drainGrace)
	}
	f.active = f.w.loop.Now()
	f.w.loop.SetTimer(&f.timer, d)
	f.unlink()
	f.list.append(f)
}

// forward sends the client's datagram, the n bytes in hand, to the member.
func (f *flow) forward(n int) {
	f.touch()
	for {
		switch errno := f.w.packet.send(f.fd, n); errno {
		case 0:
			f.in += uint64(n)
			f.slot().DatagramsIn.Add(1)
			if f.spoke == 0 {
				f.spoke = f.w.loop.Now()
			}
			f.countBytes()
			return
		case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENETDOWN:
			// What an earlier datagram met with: this one has not gone yet.
			if !f.moveOn() {
				return
			}
		default: // no room, too long or forbidden: lost, as on a wire
			return
		}
	}
}

// Ready brings the member's datagrams back.
func (f *flow) Ready(reactor.Events) { f.receive() }

// Run goes on with what a turn was too short for.
func (f *flow) Run() {
	f.soon = false
	if f.fd >= 0 {
		f.receive()
	}
}

func (f *flow) receive() {
	for range datagramsPerTurn {
		n, errno := f.w.packet.receiveFrom(f.fd)
		switch errno {
		case 0:
			f.answer(n)
		case unix.EAGAIN:
			return
		default:
			f.moveOn()
			return
		}
	}
	if !f.soon {
		f.soon = true
		f.w.loop.Soon(f)
	}
}

// answer sends the member's datagram, the n bytes in hand, to the client.
func (f *flow) answer(n int) {
	f.touch()
	f.tried = f.tried[:0]
	if f.answered == 0 {
		f.heard()
	}
	if f.w.packet.answer(f.socket.fd, n, &f.from, f.socket.wild) == 0 {
		f.out += uint64(n)
		f.slot().DatagramsOut.Add(1)
		f.countBytes()
	}
}

// current makes sure that the flow has a member that may serve it now: it goes on
// to the present generation, and leaves a member that is down or disabled. It
// reports false if the flow has ended.
func (f *flow) current() bool {
	if f.gen != f.w.gen && !f.adopt() {
		f.finish(stats.Completed)
		return false
	}
	snap := f.snapshot()
	if snap == f.seen {
		return true
	}
	f.seen = snap
	if m := &snap.Members[f.member]; m.Health != pool.Down && m.Admin != pool.Disabled {
		return true
	}
	f.disconnect()
	f.tried = f.tried[:0]
	return f.tryMember(stats.NoMember)
}

// adopt moves the flow to the present generation, if that has its member at the
// same address and port.
func (f *flow) adopt() bool {
	w := f.w
	b := w.gen.binding(f.socket.port)
	if b == nil || b.Offset != f.offset || b.Service.Stats != f.svc.Stats || b.Service.Default == nil {
		return false
	}
	was := f.snapshot().Members[f.member]
	route := b.Service.Default
	if route.Pool.Name() != f.route.Pool.Name() {
		return false
	}
	m := route.View.Set().Snapshot().Find(was.Name, was.Addr)
	if m < 0 {
		return false
	}
	f.gen.live[w.index].n.Add(-1)
	f.gen = w.gen
	f.gen.live[w.index].n.Add(1)
	f.svc, f.route, f.member, f.tried, f.seen = b.Service, route, m, f.tried[:0], nil
	return true
}

// Expire ends a flow that was silent: that is how every flow ends.
func (f *flow) Expire(*reactor.Timer) { f.finish(stats.Completed) }

// finish gives back all that the flow holds.
func (f *flow) finish(why stats.Reason) {
	f.w.loop.StopTimer(&f.timer)
	f.disconnect()
	f.list.remove(f)
	delete(f.socket.flows, f.key)
	f.end(why, accesslog.UDP, nil)
	f.socket.closeUnused()
}
