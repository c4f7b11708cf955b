// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Sim is a System in memory, with a DHCP server on its cable, for a board that is
// simulated. Nothing of it reaches the machine.
type Sim struct {
	changed func(iface string, list []netip.Prefix)

	mu    sync.Mutex // guards what follows
	state State
}

// NewSim returns a system with these interfaces, which are all on and plugged in.
// Changed is called with the addresses of an interface when they change; it may be
// nil.
func NewSim(interfaces []string, changed func(iface string, list []netip.Prefix)) *Sim {
	if changed == nil {
		changed = func(string, []netip.Prefix) {}
	}
	s := &Sim{changed: changed, state: State{Boot: rand.Text(), Interfaces: make(map[string]Link), HostName: "evener-sim"}}
	for i, name := range interfaces {
		s.state.Interfaces[name] = Link{Index: i + 1, Up: true, Carrier: true, MTU: 1500}
	}
	return s
}

// Read tells what there is.
func (s *Sim) Read() (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.state
	out.Interfaces = make(map[string]Link, len(s.state.Interfaces))
	for name, l := range s.state.Interfaces {
		out.Interfaces[name] = s.state.seen(l)
	}
	out.Addresses, out.Routes = slices.Clone(out.Addresses), slices.Clone(out.Routes)
	out.Rules, out.NAT = slices.Clone(out.Rules), slices.Clone(out.NAT)
	return out, nil
}

// Plug puts a cable in, or pulls it out.
func (s *Sim) Plug(iface string, in bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if port, ok := s.state.Interfaces[iface]; ok {
		port.Carrier = in
		s.state.Interfaces[iface] = port
	}
}

// Do takes one step.
func (s *Sim) Do(step Step) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := &s.state
	is := func(a Address) bool { return a.Index == step.Index && a.Prefix == step.Address }
	step.Route.Index = step.Index
	switch step.Kind {
	case AddAddress:
		if !slices.ContainsFunc(x.Addresses, is) {
			x.Addresses = append(x.Addresses, Address{Index: step.Index, Prefix: step.Address})
		}
	case RemoveAddress:
		x.Addresses = slices.DeleteFunc(x.Addresses, is)
	case AddRoute:
		if !slices.ContainsFunc(x.Routes, step.Route.same) {
			x.Routes = append(x.Routes, step.Route)
		}
	case RemoveRoute:
		x.Routes = slices.DeleteFunc(x.Routes, step.Route.same)
	case SetHostName:
		x.HostName = step.Name
	case PutResolver:
		x.Resolver = step.File
	case PutZone:
		x.Zone = step.File
	default:
		return s.change(step)
	}
	if (step.Kind == AddAddress || step.Kind == RemoveAddress) && x.Interfaces[step.Interface].port() {
		s.changed(step.Interface, s.addresses(step.Index))
	}
	return nil
}

// addresses lists those of an interface. The caller holds s.mu.
func (s *Sim) addresses(index int) []netip.Prefix {
	out := []netip.Prefix{}
	for _, a := range s.state.Addresses {
		if a.Index == index {
			out = append(out, a.Prefix)
		}
	}
	return out
}

// The simulated DHCP server lends addresses of the network that is for documents
// (RFC 5737), each interface its own, for an hour.
const (
	simLease = time.Hour
	simFirst = 100
)

// Obtain gives the interface its address.
func (s *Sim) Obtain(_ context.Context, iface string, _ netip.Addr) (Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	link, ok := s.state.Interfaces[iface]
	switch {
	case !ok:
		return Lease{}, fmt.Errorf("speak DHCP: there is no interface %s", iface)
	case !link.Carrier:
		return Lease{}, ErrSilent
	}
	now := time.Now().Round(0)
	address := netip.AddrFrom4([4]byte{192, 0, 2, byte(simFirst + link.Index)})
	return Lease{Address: netip.PrefixFrom(address, 24), Server: netip.MustParseAddr("192.0.2.1"),
		Routes: []Route{defaultRoute(netip.MustParseAddr("192.0.2.1"))}, DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
		Domain: "example.com", Obtained: now, Renew: now.Add(simLease / 2), Rebind: now.Add(simLease * 7 / 8), Expires: now.Add(simLease)}, nil
}

// Decline is not heard: nobody else is on the cable.
func (s *Sim) Decline(context.Context, string, Lease) error { return nil }

// Probe finds nobody: there is no other machine on the cable.
func (s *Sim) Probe(context.Context, string, []netip.Addr) (map[netip.Addr]net.HardwareAddr, error) {
	return nil, nil
}

// Verify says that the lease holds.
func (s *Sim) Verify(ctx context.Context, iface string, l Lease) (Lease, error) {
	return s.Obtain(ctx, iface, l.Address.Addr())
}

// Renew gives the lease more time.
func (s *Sim) Renew(ctx context.Context, iface string, l Lease) (Lease, error) {
	return s.Obtain(ctx, iface, l.Address.Addr())
}

// Rebind gives the lease more time.
func (s *Sim) Rebind(ctx context.Context, iface string, l Lease) (Lease, error) {
	return s.Obtain(ctx, iface, l.Address.Addr())
}
