// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"net/netip"
	"time"
)

// confirmWithin is how long the box waits for the confirm of an address.
const confirmWithin = 60 * time.Second

// A wish is how the management port is reached, as far as a panel can say it: one
// address and one router of IPv4. What it has of IPv6 is kept.
type wish struct {
	method  string
	vlan    int // 0: frames without a tag
	addr    netip.Addr
	bits    int
	gateway netip.Addr // not valid: none
}

// A networkEdit changes the management port.
type networkEdit struct {
	list
	was, is wish
	given   bool     // the block is in the configuration
	base    uint64   // the revision that was begun with
	addrs   []string // of IPv6
	gates   []string
}

// newNetworkEdit begins with what the configuration says, or where that says
// nothing, with what the port has.
func newNetworkEdit(s *state) view {
	e := &networkEdit{is: wish{method: "none", bits: 24}, base: s.revision()}
	if st := s.news.status; st != nil {
		e.load(st.Management)
		e.given = st.ManagementGiven
	}
	if n := s.news.network; n != nil && !e.is.addr.IsValid() {
		for _, text := range n.Addresses {
			if p, err := netip.ParsePrefix(text); err == nil && p.Addr().Is4() {
				e.is.addr, e.is.bits = p.Addr(), p.Bits()
				break
			}
		}
		if g, err := netip.ParseAddr(n.Gateway); err == nil && g.Is4() {
			e.is.gateway = g
		}
	}
	e.was = e.is
	e.title, e.choices = titled(tNetwork), e.entries
	return e
}

// load takes what the configuration says.
func (e *networkEdit) load(m management) {
	e.is.method, e.is.vlan = m.Method, m.VLAN
	for _, text := range m.Address {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
		case p.Addr().Is4() && !e.is.addr.IsValid():
			e.is.addr, e.is.bits = p.Addr(), p.Bits()
		default:
			e.addrs = append(e.addrs, text)
		}
	}
	for _, text := range m.Gateway {
		if g, err := netip.ParseAddr(text); err == nil && g.Is4() {
			e.is.gateway = g
		} else {
			e.gates = append(e.gates, text)
		}
	}
}

// entries are what can be changed with the method that is chosen.
func (e *networkEdit) entries(s *state) []choice {
	out := []choice{{s.text(tMethod), s.text(methodText(e.is.method)), func(s *state) { s.push(e.methods()) }}}
	if e.is.method == "static" {
		out = append(out,
			choice{s.text(tAddress), addrText(e.is.addr), func(s *state) {
				s.push(newAddressEdit(tAddress, e.is.addr, usable, func(_ *state, a netip.Addr) { e.is.addr = a }))
			}},
			choice{s.text(tMask), "/" + itoa(e.is.bits), func(s *state) {
				s.push(&numberEdit{title: tMask, v: e.is.bits, low: 1, high: 32, by: 1, show: prefixText,
					then: func(_ *state, v int) { e.is.bits = v }})
			}},
			choice{s.text(tGateway), addrText(e.is.gateway), func(s *state) {
				none := func(a netip.Addr) bool { return a.IsUnspecified() || usable(a) }
				s.push(newAddressEdit(tGateway, e.is.gateway, none, func(_ *state, a netip.Addr) {
					if e.is.gateway = a; a.IsUnspecified() {
						e.is.gateway = netip.Addr{}
					}
				}))
			}})
	}
	if e.is.method != "none" {
		out = append(out, choice{"VLAN", vlanText(e.is.vlan), func(s *state) {
			s.push(newVLANEdit(e.is.vlan, func(_ *state, v int) { e.is.vlan = v }))
		}})
	}
	return append(out, choice{s.text(tApply), "", func(s *state) {
		if e.is == e.was {
			s.tell(tUnchanged)
			return
		}
		s.push(&comparison{pairs: e.pairs(s), then: func(s *state) { s.push(e.sure()) }})
	}})
}

// methods chooses where the address comes from.
func (e *networkEdit) methods() view {
	return &list{title: titled(tMethod), choices: func(s *state) (out []choice) {
		for _, m := range []string{"static", "dhcp", "none"} {
			out = append(out, choice{label: s.text(methodText(m)), act: func(s *state) { e.is.method = m; s.pop() }})
		}
		return out
	}}
}

func methodText(m string) text {
	switch m {
	case "static":
		return tStatic
	case "dhcp":
		return tDHCP
	}
	return tNone
}

// usable reports whether a port can have the address, or a router.
func usable(a netip.Addr) bool {
	b := a.As4()
	return b[0] != 0 && b[0] != 127 && b[0] < 224
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

// pairs is what changes, before and after.
func (e *networkEdit) pairs(s *state) (out [][2]string) {
	add := func(was, is string) {
		if was != is {
			out = append(out, [2]string{was, is})
		}
	}
	add(s.text(methodText(e.was.method)), s.text(methodText(e.is.method)))
	if e.is.method != "none" {
		add("VLAN "+vlanText(e.was.vlan), "VLAN "+vlanText(e.is.vlan))
	}
	if e.is.method == "static" {
		add(addrText(e.was.addr)+"/"+itoa(e.was.bits), addrText(e.is.addr)+"/"+itoa(e.is.bits))
		add("> "+addrText(e.was.gateway), "> "+addrText(e.is.gateway))
	}
	return out
}

// sure asks whether to commit.
func (e *networkEdit) sure() view {
	return &list{title: titled(tNetwork), choices: func(s *state) []choice {
		return []choice{
			{s.text(tCommit), "", func(s *state) { e.commit(s) }},
			{s.text(tCancel), "", func(s *state) { s.pop(); s.pop() }},
		}
	}}
}

// commit makes the change, to be confirmed.
func (e *networkEdit) commit(s *state) {
	var made committed
	c := changing{edit: blockEdit("management", e.given, e.values()), base: e.base,
		comment: "management address, at the panel", confirm: confirmWithin}
	s.order(order{
		limit: 40 * time.Second,
		do:    func(ctx context.Context, engine, _ caller) error { return c.make(ctx, engine, &made) },
		then: func(s *state, err error) {
			s.home()
			if err != nil || made.Pending == nil {
				s.outcome(tDone, err)
				return
			}
			if st := s.news.status; st != nil {
				made.Pending.Left += duration(s.now.Sub(s.news.at)) // it counts from when the status came
				st.Pending, st.ManagementGiven = made.Pending, true
			}
			s.push(newConfirm(s))
		},
	})
}

// values are the attributes of the block; nil is one that it does not have.
func (e *networkEdit) values() map[string]any {
	orNil := func(list []string) any {
		if len(list) == 0 {
			return nil
		}
		return list
	}
	var vlan any
	if e.is.vlan > 0 {
		vlan = e.is.vlan
	}
	switch e.is.method {
	case "static":
		addrs, gates := []string{addrText(e.is.addr) + "/" + itoa(e.is.bits)}, []string{}
		if e.is.gateway.IsValid() {
			gates = append(gates, e.is.gateway.String())
		}
		return map[string]any{"method": "static", "vlan": vlan, "address": append(addrs, e.addrs...), "gateway": orNil(append(gates, e.gates...))}
	case "dhcp":
		return map[string]any{"method": "dhcp", "vlan": vlan, "address": orNil(ofIPv6(e.addrs)), "gateway": orNil(e.gates)}
	}
	return map[string]any{"method": "none", "vlan": nil, "address": nil, "gateway": nil, "dns": nil}
}

// ofIPv6 leaves the addresses out that DHCP gives.
func ofIPv6(list []string) (out []string) {
	for _, text := range list {
		if p, err := netip.ParsePrefix(text); err == nil && p.Addr().Is6() {
			out = append(out, text)
		}
	}
	return out
}

// A comparison shows what changes, one thing at a time.
type comparison struct {
	pairs [][2]string
	at    int
	then  func(*state)
}

func (c *comparison) draw(s *state) Frame {
	p := c.pairs[c.at]
	if s.disp.Rows < 4 {
		return Frame{Lines: []string{p[0], "=" + p[1]}}
	}
	return Frame{Lines: []string{s.text(tBefore), p[0], s.text(tAfter), p[1]}}
}

func (c *comparison) press(s *state, k Key) {
	switch {
	case k == Escape || k == Left:
		s.pop()
	case k == Up:
		c.at = max(0, c.at-1)
	case c.at < len(c.pairs)-1:
		c.at++
	case k == Enter || k == Right:
		s.pop()
		c.then(s)
	}
}
