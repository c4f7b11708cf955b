// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// simPartner is the switch that simulated bonds with LACP are plugged into: a MAC
// address for documents (RFC 7042).
const simPartner = "00:00:5e:00:53:01"

// port reports whether l is a port, and not something that is made of ports.
func (l Link) port() bool { return l.Bond == nil && l.VLAN == 0 }

// seen is l as a kernel shows it: a VLAN has a link where what it is on has one, and
// a bond where one of its ports has.
func (s State) seen(l Link) Link {
	switch {
	case l.VLAN > 0:
		below := s.seen(s.link(l.Parent))
		l.Carrier = below.Carrier && below.Up
	case l.Bond != nil:
		b := *l.Bond
		b.Active, b.Partner = nil, ""
		for _, name := range slices.Sorted(maps.Keys(s.Interfaces)) {
			if m := s.Interfaces[name]; m.Master == l.Index && m.Carrier && m.Up && (b.Mode == LACP || len(b.Active) == 0) {
				b.Active = append(b.Active, m.Index)
			}
		}
		l.Carrier = len(b.Active) > 0
		if l.Carrier && b.Mode == LACP {
			b.Partner = simPartner
		}
		l.Bond = &b
	}
	return l
}

// change does what concerns links, rules, NAT and forwarding. The caller holds s.mu.
func (s *Sim) change(step Step) error {
	x := &s.state
	switch step.Kind {
	case AddRule:
		if !slices.Contains(x.Rules, step.Rule) {
			x.Rules = append(x.Rules, step.Rule)
		}
		return nil
	case RemoveRule:
		x.Rules = slices.DeleteFunc(x.Rules, func(r Rule) bool { return r == step.Rule })
		return nil
	case PutNAT:
		x.NAT = slices.DeleteFunc(slices.Clone(x.NAT), func(n NAT) bool { return n.From.Addr().Is4() != step.V6 })
		x.NAT = append(x.NAT, step.NAT...)
		return nil
	case SetForward:
		if step.V6 {
			x.Forward.IPv6 = step.On
		} else {
			x.Forward.IPv4 = step.On
		}
		return nil
	case AddVLAN:
		return s.add(step.Name, Link{Parent: step.Index, VLAN: step.VLAN, MTU: x.link(step.Index).MTU})
	case AddBond:
		b := step.Bond
		return s.add(step.Interface, Link{Bond: &b, MTU: 1500})
	case RemoveVLAN, RemoveBond:
		s.remove(step.Index)
		return nil
	}
	return s.set(step)
}

// set changes one link, as a kernel would.
func (s *Sim) set(step Step) error {
	name := s.state.name(step.Index)
	l, there := s.state.Interfaces[name]
	if !there {
		return fmt.Errorf("there is no interface %s", step.Interface)
	}
	switch step.Kind {
	case LinkUp:
		l.Up = true
	case LinkDown:
		l.Up = false
		s.state.Routes = slices.DeleteFunc(s.state.Routes, func(r Route) bool { return r.Index == l.Index })
	case SetMTU:
		if below := s.state.link(l.Parent); l.VLAN > 0 && below.MTU < step.MTU {
			return fmt.Errorf("what the VLAN is on has packets of %d bytes at most", below.MTU)
		}
		l.MTU = step.MTU
	case AddMember:
		if l.Up {
			return errors.New("a port must be off to be put into a bond")
		}
		l.Up, l.Master = true, step.Master
	case RemoveMember:
		l.Up, l.Master = false, 0
	case ChangeBond:
		b := *l.Bond
		b.Hash, b.Monitor = step.Bond.Hash, step.Bond.Monitor
		l.Bond = &b
	}
	s.state.Interfaces[name] = l
	return nil
}

// add makes an interface, as a kernel does: it is off, and has its own index.
func (s *Sim) add(name string, l Link) error {
	if _, taken := s.state.Interfaces[name]; taken {
		return fmt.Errorf("there is an interface %s already", name)
	}
	for _, other := range s.state.Interfaces {
		l.Index = max(l.Index, other.Index+1)
	}
	s.state.Interfaces[name] = l
	return nil
}

// remove takes an interface away, with the VLANs on it and all that it had. Its
// ports are off then.
func (s *Sim) remove(index int) {
	x := &s.state
	for name, l := range x.Interfaces {
		switch {
		case l.Parent == index && l.VLAN > 0:
			s.remove(l.Index)
		case l.Master == index:
			l.Master, l.Up = 0, false
			x.Interfaces[name] = l
		}
	}
	maps.DeleteFunc(x.Interfaces, func(_ string, l Link) bool { return l.Index == index })
	x.Addresses = slices.DeleteFunc(x.Addresses, func(a Address) bool { return a.Index == index })
	x.Routes = slices.DeleteFunc(x.Routes, func(r Route) bool { return r.Index == index })
}
