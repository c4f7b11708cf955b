// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"evener/ha/vrrp"
	"evener/ha/wire"
)

// Announcements after a takeover.
const (
	announceGap = 10 * time.Millisecond // between those of one round
	takeRetry   = 5 * time.Second       // after addresses could not be taken
)

// A router is one virtual router of a group: a machine that decides and a station
// that does it.
type router struct {
	set      RouterSettings
	g        *group
	prefixes []netip.Prefix
	unicast  []netip.Addr
	checksum vrrp.Checksum
	m        *vrrp.Machine
	cfg      vrrp.Config // of m
	st       wire.Station

	link    string // why its link is unfit now
	down    string // why its link is unfit as the machine was told, "": it is fit
	fault   string // why it may not be ACTIVE, besides its link, as the machine was told
	refused string // why the addresses could not be taken, "": they could
	retry   time.Duration
	failed  string // why the last advertisement could not be sent

	rounds int // announcements that are still to be made
	next   time.Duration
	said   string // the machine's latest words about its state
	bad    map[vrrp.Reason]uint64
	buf    []byte

	before     netip.Addr    // who handed the group over to this box
	beforeTill time.Duration // and how long its advertisements count as older than that
}

// newRouter checks what s says and makes the router of g that does it, in INIT.
func (r *Runner) newRouter(g *group, s RouterSettings) (*router, error) {
	rt := &router{set: s, g: g, bad: map[vrrp.Reason]uint64{}}
	if err := rt.read(s); err != nil {
		return nil, fmt.Errorf("router %s: %w", s.Name, err)
	}
	rt.cfg = rt.config(g, netip.Addr{})
	var err error
	if rt.m, err = vrrp.New(rt.cfg); err != nil {
		return nil, fmt.Errorf("router %s: %w", s.Name, err)
	}
	rt.down = "not looked at yet"
	rt.m.Handle(r.now(), vrrp.LinkDown{Why: rt.down})
	return rt, nil
}

// read parses the texts of s.
func (rt *router) read(s RouterSettings) error {
	rt.set, rt.prefixes, rt.unicast = s, nil, nil
	for _, text := range s.Addresses {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("an address is written ADDRESS/BITS, not %q", text)
		}
		rt.prefixes = append(rt.prefixes, p)
	}
	if len(rt.prefixes) == 0 {
		return fmt.Errorf("a virtual router needs an address")
	}
	for _, text := range s.Unicast {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return fmt.Errorf("a unicast peer is an IP address, not %q", text)
		}
		rt.unicast = append(rt.unicast, a)
	}
	switch s.Checksum {
	case "pseudo":
		rt.checksum = vrrp.ChecksumPseudo
	case "rfc9568", "":
		rt.checksum = vrrp.ChecksumRFC9568
	default:
		return fmt.Errorf("checksum is rfc9568 or pseudo, not %q", s.Checksum)
	}
	if s.MAC != "virtual" && s.MAC != "port" {
		return fmt.Errorf("mac is virtual or port, not %q", s.MAC)
	}
	return nil
}

// family returns that of the addresses.
func (rt *router) family() wire.Family { return wire.Of(rt.prefixes[0].Addr()) }

// config returns what the machine is to do while the interface has the primary
// address src; without one it keeps a place holder, and is down.
func (rt *router) config(g *group, src netip.Addr) vrrp.Config {
	c := vrrp.Config{Version: rt.set.Version, Family: vrrp.IPv4, VRID: rt.set.VRID, Priority: max(g.priority, 1),
		Interval: g.set.Interval.D(), Source: src, Preempt: g.set.Preempt, PreemptDelay: g.set.PreemptDelay.D(),
		Accept: g.set.Accept, LastAdvert: rt.set.MAC == "port", Checksum: rt.checksum,
		AnnounceAgain: g.set.Announce.Delay.D(), AnnounceRefresh: g.set.Announce.Refresh.D()}
	if rt.set.Owner {
		c.Priority = vrrp.PriorityOwner
	}
	none := netip.AddrFrom4([4]byte{169, 254, 0, 1})
	if rt.family() == wire.IPv6 {
		c.Family, none = vrrp.IPv6, netip.MustParseAddr("fe80::1")
	}
	if !src.IsValid() {
		c.Source = none
	}
	for _, p := range rt.prefixes {
		c.Addresses = append(c.Addresses, p.Addr())
	}
	return c
}

// wireConfig returns what the station is to be.
func (rt *router) wireConfig() wire.Config {
	c := wire.Config{Interface: rt.set.Interface, Family: rt.family(), Addresses: rt.prefixes, Refuse: !rt.g.set.Accept && !rt.set.Owner}
	if rt.set.MAC == "virtual" {
		c.MAC = rt.cfg.Family.VirtualMAC(rt.set.VRID)
	}
	return c
}

// sameStation says whether rt's place on the network does for what other wants.
func (rt *router) sameStation(other *router) bool {
	a, b := rt.wireConfig(), other.wireConfig()
	a.Addresses, b.Addresses = nil, nil
	return reflect.DeepEqual(a, b) && rt.set.VRID == other.set.VRID
}

// perform does what the machine has decided.
func (r *Runner) perform(rt *router, a vrrp.Action) {
	switch a := a.(type) {
	case vrrp.Send:
		r.send(rt, a.Advertisement)
	case vrrp.Take:
		r.take(rt)
	case vrrp.Release:
		rt.rounds = 0
		if err := rt.st.Reconcile(nil); err != nil {
			r.log.Error("addresses not released", "group", rt.g.set.Name, "router", rt.set.Name, "err", err)
		}
	case vrrp.Announce:
		rt.rounds, rt.next = max(rt.g.set.Announce.Repeat, 1), r.now()
		if a.Once {
			rt.rounds = 1
		}
		r.announce(rt)
	case vrrp.Log:
		r.said(rt, a)
	}
}

// said notes the machine's words; a change of state is told of the group.
func (r *Runner) said(rt *router, l vrrp.Log) {
	if l.From != l.To {
		rt.said = l.Text
		r.log.Debug("router changed", "group", rt.g.set.Name, "router", rt.set.Name, "from", l.From, "to", l.To, "why", l.Text)
		return
	}
	if l.Warn {
		r.tell(rt.g, note{router: rt.set.Name, from: rt.g.state, cause: CauseAdvert, reason: l.Text})
		return
	}
	r.log.Info("router told", "group", rt.g.set.Name, "router", rt.set.Name, "what", l.Text)
}

// send sends an advertisement to all who are to hear it.
func (r *Runner) send(rt *router, a vrrp.Advertisement) {
	to := rt.unicast
	if len(to) == 0 {
		to = append(r.dst[:0], wire.Group(rt.family()))
	}
	src := rt.st.Status().Primary
	var failed string
	for _, dst := range to {
		b, err := a.Append(rt.buf[:0], src, dst, rt.checksum)
		if err == nil {
			rt.buf = b
			err = rt.st.Send(dst, b)
		}
		if err != nil {
			failed = err.Error()
		}
	}
	if failed != "" && failed != rt.failed {
		r.log.Warn("advertisement not sent", "group", rt.g.set.Name, "router", rt.set.Name, "err", failed)
	}
	rt.failed = failed
	// A heartbeat goes with it, so that both fall silent at the same time.
	if every := r.beatEvery(); rt.g.set.Interval.D() == every && r.now()-r.beaten > every/2 {
		r.beatNow = true
	}
}

// take brings the addresses to the interface. A box that cannot take them must not
// be ACTIVE: it tries again later.
func (r *Runner) take(rt *router) {
	err := rt.st.Reconcile(rt.prefixes)
	if err == nil {
		rt.refused = ""
		return
	}
	rt.refused, rt.retry = "the addresses cannot be taken: "+err.Error(), r.now()+takeRetry
	r.log.Error("addresses not taken", "group", rt.g.set.Name, "router", rt.set.Name, "err", err)
}

// announce makes the announcement that is due, if one is.
func (r *Runner) announce(rt *router) {
	if rt.rounds == 0 || r.now() < rt.next {
		return
	}
	rt.rounds--
	rt.next = r.now() + announceGap
	if err := rt.st.Announce(); err != nil {
		rt.rounds = 0
		r.log.Warn("addresses not announced", "group", rt.g.set.Name, "router", rt.set.Name, "err", err)
	}
}

// report tells how rt is.
func (rt *router) report(now time.Duration) RouterReport {
	s, w := rt.m.Status(now), rt.st.Status()
	p := RouterReport{Name: rt.set.Name, Interface: rt.set.Interface, VRID: rt.set.VRID, Version: rt.set.Version,
		Family: "ipv4", Addresses: slices.Clone(rt.set.Addresses), MAC: w.MAC.String(), State: s.State.String(),
		Sent: w.Sent, Received: s.Received, Errors: map[string]uint64{}}
	if rt.family() == wire.IPv6 {
		p.Family = "ipv6"
	}
	for why, n := range rt.bad {
		p.Errors[string(why)] += n
	}
	for why, n := range s.Discarded {
		p.Errors[string(why)] += n
	}
	switch {
	case s.State == vrrp.Active:
		p.Master, p.MasterPriority = w.Primary.String(), s.Priority
	case s.Peer.Addr.IsValid() && !s.Peer.Gone && now-s.Peer.Heard < s.Down:
		p.Master, p.MasterPriority = s.Peer.Addr.String(), s.Peer.Priority
	}
	if s.Peer.Addr.IsValid() && rt.set.Version == 3 && rt.family() == wire.IPv4 { // the others have one form only
		p.PeerChecksum = s.Peer.Checksum.String()
	}
	for _, why := range []string{rt.down, rt.refused, rt.failed} {
		if why != "" {
			p.Problem = why
			break
		}
	}
	return p
}
