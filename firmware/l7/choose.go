// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net/netip"

	"evener/firmware/accesslog"
	"evener/firmware/message"
	"evener/firmware/persist"
	"evener/firmware/pool"
)

// acquire takes a place on the member that the request goes to, and reports
// whether there was one. It makes one choice, and another only if the member
// filled up meanwhile by another loop.
func (x *exchange) acquire() bool {
	for {
		m := x.choose()
		if m < 0 {
			return false
		}
		live := x.route.View.Set().Snapshot().Members[m].Live
		if live.Acquire(x.w.index) {
			x.member, x.live = m, live
			return true
		}
	}
}

// sticks reports whether the request still goes to the member that its client is
// kept on.
func (x *exchange) sticks() bool {
	return len(x.route.Persist) > 0 && !x.unstick && len(x.tried) == 0
}

// choose returns the member that the request goes to: the one that it is kept
// on, else one that the policy picks; -1 when there is none with room.
func (x *exchange) choose() int {
	snap := x.route.View.Set().Snapshot()
	if x.sticks() {
		if m := x.keptOn(snap); m >= 0 {
			if snap.Members[m].Live.Full() {
				return -1 // worth waiting for
			}
			return m
		}
	}
	m := x.w.cursor(x.route.View).Pick(x.route.View.Set(), x.hashKey(), x.tried, x.w.index)
	if m >= 0 && len(x.route.Persist) > 0 {
		if x.kept == accesslog.PersistValid || x.kept == accesslog.PersistRenewed {
			x.kept = accesslog.PersistForeign // it could not be kept
		}
		x.keepOn(m, snap.Members[m].DontPersist)
	}
	return m
}

// keptOn returns the member on which the first method that knows the client
// keeps it, or -1.
func (x *exchange) keptOn(snap *pool.Snapshot) int {
	x.cookies, x.kept = nil, accesslog.PersistNew
	for i := range x.route.Persist {
		p := &x.route.Persist[i]
		m, stale := -1, false
		if p.Cookies != nil {
			m, stale = x.byCookie(p.Cookies)
		} else {
			m = x.bySource(p.Sources)
		}
		if m < 0 {
			continue
		}
		if ok, _ := snap.Sticky(m); !ok {
			x.kept = accesslog.PersistForeign
			continue
		}
		x.kept = accesslog.PersistValid
		switch {
		case p.Cookies == nil:
			x.keepOn(m, snap.Members[m].DontPersist) // known again by a cookie next time
		case stale || p.Cookies.Always():
			x.cookies, x.kept = p.Cookies, accesslog.PersistRenewed
		}
		return m
	}
	return -1
}

// byCookie looks for a cookie of c. A forged or foreign one is noted, no more.
func (x *exchange) byCookie(c *persist.Cookies) (member int, stale bool) {
	member = -1
	best := persist.None
	for i := range x.req.Fields {
		f := &x.req.Fields[i]
		if f.ID != message.Cookie {
			continue
		}
		if m, v := c.Find(x.req.Bytes(f.Value)); v.Better(best) {
			member, best = m, v
		}
	}
	switch best {
	case persist.Valid:
		return member, false
	case persist.Stale:
		return member, true
	case persist.Foreign:
		x.kept = accesslog.PersistForeign
	}
	return -1, false
}

func (s *Sources) key(a netip.Addr) persist.SourceKey {
	return persist.SourceKey{Scope: s.Scope, Addr: persist.Mask(a, s.Bits4, s.Bits6)}
}

func (x *exchange) bySource(s *Sources) int {
	ref, ok := s.Table.Find(s.key(x.c.peer.Addr()), x.w.wall())
	if !ok {
		return -1
	}
	for m, r := range s.Refs {
		if r == ref {
			return m
		}
	}
	return -1
}

// keepOn notes that the client will be kept on a member by a cookie that it did
// not send.
func (x *exchange) keepOn(m int, dont bool) {
	x.cookies = nil
	if dont {
		return
	}
	for i := range x.route.Persist {
		if c := x.route.Persist[i].Cookies; c != nil {
			x.cookies = c
			return
		}
	}
}

// beginSource tells the table of sources that the client uses x.member.
func (x *exchange) beginSource() {
	x.countPersist()
	for i := range x.route.Persist {
		s := x.route.Persist[i].Sources
		if s == nil || x.source != nil {
			continue
		}
		if x.route.View.Set().Snapshot().Members[x.member].DontPersist {
			return
		}
		x.source, x.key = s, s.key(x.c.peer.Addr())
		s.Table.Begin(x.key, s.Refs[x.member], s.Timeout, x.w.wall())
	}
}

func (x *exchange) endSource() {
	if x.source != nil {
		x.source.Table.End(x.key, x.w.wall())
		x.source = nil
	}
}

func (x *exchange) countPersist() {
	if x.retries > 0 || x.fresh {
		return
	}
	slot := x.slot()
	switch x.kept {
	case accesslog.PersistNew:
		slot.PersistNew.Add(1)
	case accesslog.PersistValid:
		slot.PersistValid.Add(1)
	case accesslog.PersistRenewed:
		slot.PersistRenewed.Add(1)
	case accesslog.PersistForeign:
		slot.PersistForeign.Add(1)
	}
}

// hashKey returns what a hashing policy looks at, as a number.
func (x *exchange) hashKey() uint64 {
	switch x.route.Hash {
	case HashSource:
		a := x.c.peer.Addr().As16()
		return hash(a[:])
	case HashURI:
		return hash(x.req.Bytes(x.req.Path))
	}
	return 0
}

// hash is FNV-1a; both boxes of a pair compute the same.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
