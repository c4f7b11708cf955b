// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"net/netip"

	"evener/firmware/accesslog"
	"evener/firmware/pool"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A visit is what a connection and a flow have in common: a client, and the
// member that it is with or is to get.
type visit struct {
	w      *Worker
	gen    *Generation
	svc    *Service
	route  *Route // nil until it is known
	peer   netip.AddrPort
	via    netip.AddrPort // who connected to the box, if a PROXY header tells of another
	offset uint16         // of the client's port in its range
	port   uint16         // ours, of the connection with the member; 0: not known

	member  int
	live    *pool.Live // acquired for member
	source  *Sources   // begun, to be ended
	tried   []int      // members that could not be reached
	unstick bool       // waited in vain for the member that it is kept on
	counted bool       // what persistence made of the client
	met     bool       // member is one that was tried
	kept    accesslog.Persist
	retries uint16

	// Loop clock; 0: not yet.
	begun, connecting, connected, spoke, answered int64

	queuedAt int64 // loop clock
	queued   int64 // nanoseconds that it waited
	in, out  uint64
	liveIn   uint64 // of in and out, what was counted for the members so far
	liveOut  uint64
}

// begin counts a client that has come.
func (v *visit) begin(w *Worker, peer netip.AddrPort, b *Binding) {
	v.w, v.gen, v.svc, v.peer, v.offset = w, w.gen, b.Service, peer, b.Offset
	v.begun = w.loop.Now()
	v.gen.live[w.index].n.Add(1)
	w.conns++
	slot := v.slot()
	slot.Accepted.Add(1)
	slot.Connections.Add(1)
	if e := w.cfg.Engine; e != nil {
		e.Accepted.Add(1)
	}
}

func (v *visit) slot() *stats.ClusterSlot { return v.svc.Stats.Slot(v.w.index) }

func (v *visit) snapshot() *pool.Snapshot { return v.route.View.Set().Snapshot() }

// addr returns where the chosen member is reached; ok is false if its port would
// be above 65535.
func (v *visit) addr() (a netip.AddrPort, ok bool) {
	a = v.snapshot().Members[v.member].Addr
	port := int(a.Port()) + int(v.offset)
	return netip.AddrPortFrom(a.Addr(), uint16(port)), port <= 65535
}

// choose returns the member for the client: the one that it is kept on, else one
// that the policy picks; -1 when there is none with room.
func (v *visit) choose() int {
	set := v.route.View.Set()
	snap := set.Snapshot()
	if m := v.keptOn(snap); m >= 0 {
		if snap.Members[m].Live.Full() {
			return -1 // worth waiting for
		}
		return m
	}
	return v.w.cursor(v.route.View).Pick(set, v.hash(), v.tried, v.w.index)
}

// keptOn returns the member on which the client is kept, or -1.
func (v *visit) keptOn(snap *pool.Snapshot) int {
	s := v.route.Persist
	if s == nil || v.unstick || len(v.tried) > 0 {
		return -1
	}
	v.kept = accesslog.PersistNew
	ref, ok := s.Table.Find(s.key(v.peer.Addr()), v.w.wall())
	if !ok {
		return -1
	}
	v.kept = accesslog.PersistForeign
	for m, r := range s.Refs {
		if r != ref {
			continue
		}
		if ok, _ := snap.Sticky(m); !ok {
			return -1
		}
		v.kept = accesslog.PersistValid
		return m
	}
	return -1
}

// hash returns what a hashing policy looks at, as a number: FNV-1a of the
// client's address. Both boxes of a pair compute the same.
func (v *visit) hash() uint64 {
	if !v.route.Hash {
		return 0
	}
	h := uint64(14695981039346656037)
	for _, c := range v.peer.Addr().As16() {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// acquire takes a place on a member that has room, and reports whether there was
// one.
func (v *visit) acquire() bool {
	for {
		m := v.choose()
		if m < 0 {
			return false
		}
		live := v.snapshot().Members[m].Live
		if !live.Acquire(v.w.index) {
			continue // filled up meanwhile by another loop; choose sees that
		}
		v.member, v.live, v.met = m, live, true
		s := live.Slot(v.w.index)
		s.Picked.Store(s.Picked.Load() + 1)
		s.Open.Store(s.Open.Load() + 1)
		v.beginSource()
		return true
	}
}

// beginSource tells the table of sources that the client uses the member.
func (v *visit) beginSource() {
	v.countPersist()
	s := v.route.Persist
	if s == nil || v.snapshot().Members[v.member].DontPersist {
		return
	}
	v.source = s
	s.Table.Begin(s.key(v.peer.Addr()), s.Refs[v.member], s.Timeout, v.w.wall())
}

func (v *visit) countPersist() {
	if v.counted {
		return
	}
	v.counted = true
	switch v.kept {
	case accesslog.PersistNew:
		v.slot().PersistNew.Add(1)
	case accesslog.PersistValid:
		v.slot().PersistValid.Add(1)
	case accesslog.PersistForeign:
		v.slot().PersistForeign.Add(1)
	}
}

// heard notes that the member has said something. The delay counts from what the
// client said first, or from the connecting where the member speaks first.
func (v *visit) heard() {
	v.answered = v.w.loop.Now()
	from := v.spoke
	if from == 0 {
		from = v.connecting
	}
	s := v.live.Slot(v.w.index)
	s.Answered.Store(s.Answered.Load() + 1)
	s.FirstByte.Store(s.FirstByte.Load() + uint64(v.answered-from))
	v.memberSlot().Duration.Observe(v.answered - from)
}

func (v *visit) memberSlot() *stats.MemberSlot {
	return v.route.Pool.Stats[v.member].Slot(v.w.index)
}

// blame counts a fault of the member.
func (v *visit) blame(kind stats.ErrorKind) {
	s := v.live.Slot(v.w.index)
	s.Failed.Store(s.Failed.Load() + 1)
	m := v.memberSlot()
	m.Errors[kind].Add(1)
	if kind == stats.ErrConnect {
		v.slot().ConnectFailures.Add(1)
	}
}

// release gives the member's place back.
func (v *visit) release() {
	if v.live == nil {
		return
	}
	v.countBytes()
	s := v.live.Slot(v.w.index)
	s.Open.Store(s.Open.Load() - 1)
	v.live.Release(v.w.index)
	v.live = nil
	if v.source != nil {
		v.source.Table.End(v.source.key(v.peer.Addr()), v.w.wall())
		v.source = nil
	}
}

// countBytes brings the counters up to what has moved. Connections may last for
// days: it is done as they go, not only at their end.
func (v *visit) countBytes() {
	in, out := v.in-v.liveIn, v.out-v.liveOut
	v.liveIn, v.liveOut = v.in, v.out
	s := v.live.Slot(v.w.index)
	s.BytesIn.Store(s.BytesIn.Load() + in)
	s.BytesOut.Store(s.BytesOut.Load() + out)
	slot := v.slot()
	slot.BytesIn.Add(in)
	slot.BytesOut.Add(out)
}

// end counts a client that has gone.
func (v *visit) end(r stats.Reason, p accesslog.Protocol, name []byte) {
	w := v.w
	v.release()
	slot := v.slot()
	slot.Connections.Add(-1)
	slot.Aborts[r].Add(1)
	slot.Duration.Observe(w.loop.Now() - v.begun)
	v.logAccess(r, p, name)
	v.gen.live[w.index].n.Add(-1)
	w.conns--
}

// closeSocket ends a registration, with a reset if the other end must not take
// it for a proper end.
func (w *Worker) closeSocket(ref reactor.Ref, fd int, reset bool) {
	if reset {
		reactor.ResetOnClose(fd)
	}
	w.loop.Close(ref, fd)
}
