// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"fmt"
	"net/netip"
	"time"
)

// A Snapshot is a pool at one moment. It is never changed, only replaced; the
// counters behind Member.Live go on counting.
type Snapshot struct {
	Pool    string
	Version uint64   // grows by one with each change
	Members []Member // in an order fixed for the pool's life: an index names a member
	Usable  []int    // who may get a new client now: all members of Tier
	Tier    Tier     // the first that has a member
}

// newSnapshot settles who is usable.
func newSnapshot(name string, version uint64, members []Member) *Snapshot {
	s := &Snapshot{Pool: name, Version: version, Members: members}
	for i := range members {
		if t := members[i].tier(); t != NoTier && (s.Tier == NoTier || t < s.Tier) {
			s.Tier = t
		}
	}
	for i := range members {
		if t := members[i].tier(); t != NoTier && t == s.Tier {
			s.Usable = append(s.Usable, i)
		}
	}
	return s
}

// Find returns the index of the member with this name and address, or -1.
func (s *Snapshot) Find(name string, addr netip.AddrPort) int {
	for i := range s.Members {
		if s.Members[i].Name == name && s.Members[i].Addr == addr {
			return i
		}
	}
	return -1
}

// Sticky reports whether a client that is kept on member i may still be sent
// there, and if not, why. A weight of 0, an agent's -1 and a tier that is not in
// use stop new clients only; a full member is the caller's to wait for.
func (s *Snapshot) Sticky(i int) (ok bool, why string) {
	if i < 0 || i >= len(s.Members) {
		return false, "not in the pool"
	}
	m := &s.Members[i]
	switch {
	case !m.alive():
		return false, m.downText()
	case m.Admin == Disabled:
		return false, m.adminText()
	case m.Admin == Quiesced && !m.KeepSticky:
		return false, m.adminText() + ", persistent clients too"
	}
	return true, ""
}

// Why returns why a new client does not get member i, in words for people, or ""
// if it may.
func (s *Snapshot) Why(i int) string {
	if i < 0 || i >= len(s.Members) {
		return "not in the pool"
	}
	m := &s.Members[i]
	switch t := m.tier(); {
	case !m.alive():
		return m.downText()
	case m.Admin == Disabled:
		return m.adminText()
	case m.Static <= 0:
		return "weight 0"
	case m.Dynamic <= 0:
		return because("taken out", m.WeightReason)
	case t == s.Tier:
		return m.fullText()
	case m.Admin == Quiesced:
		return m.adminText()
	}
	return "hot spare, waiting: a regular member is usable"
}

func (m *Member) fullText() string {
	if !m.Live.Full() {
		return ""
	}
	return fmt.Sprintf("full: %d of %d active", m.Live.Active(), m.Live.Limit())
}

func (m *Member) downText() string { return because("down"+since(m.Since), m.Reason) }

func (m *Member) adminText() string {
	return because(m.Admin.String()+since(m.AdminSince), m.AdminReason)
}

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + t.UTC().Format(time.DateTime) + " UTC"
}

func because(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + reason
}
