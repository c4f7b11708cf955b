// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"net/netip"

	"evener/firmware/config"
	"evener/firmware/netconf"
)

// desiredLinks adds to d what cfg says of ports, bonds, VLANs, routes and NAT. faces
// are the interfaces of the board's ports by name; of one that the board does not
// have the name is taken for the kernel's own.
func desiredLinks(d *netconf.Desired, cfg *config.Config, faces map[string]string) {
	d.Faces = faces
	face := func(port string) string {
		if f, known := faces[port]; known {
			return f
		}
		return port
	}
	for _, l := range cfg.Links() {
		x := netconf.LinkSpec{Name: l.Name, Over: l.Over, VLAN: l.VLAN, Off: !l.Enabled, MTU: l.MTU, Addresses: l.Addresses}
		switch {
		case l.Bond != nil:
			x.Interface, x.Bond = l.Name, bondSpec(l.Bond, face)
		case l.VLAN == 0:
			x.Interface = face(l.Name)
		}
		d.Links = append(d.Links, x)
	}
	addr := func(s string) netip.Addr {
		a, _ := netip.ParseAddr(s) // checked; "" and "masquerade" are none
		return a
	}
	for _, r := range cfg.Routes {
		for i, to := range r.To {
			name := r.Name
			if i > 0 {
				name = fmt.Sprintf("%s (%s)", r.Name, to)
			}
			d.Routes = append(d.Routes, netconf.RouteSpec{Name: name, To: to, Via: addr(r.Via), Dev: r.Port, Metric: r.Metric, Table: r.Table,
				Source: addr(r.Source), OnLink: r.OnLink})
		}
	}
	for _, r := range cfg.RouteRules {
		d.Rules = append(d.Rules, netconf.RuleSpec{Name: r.Name, From: r.From, To: r.To, In: r.Port, Table: r.Table, Priority: r.Priority})
	}
	for _, n := range cfg.NATs {
		d.NAT = append(d.NAT, netconf.NATSpec{Name: n.Name, From: n.From, Out: n.Out, To: addr(n.To)})
	}
	d.Forward = netconf.Forwarding{IPv4: cfg.Forwarding.IPv4, IPv6: cfg.Forwarding.IPv6}
}

func bondSpec(b *config.Bond, face func(string) string) *netconf.BondSpec {
	out := &netconf.BondSpec{Mode: netconf.BondMode(b.Mode), Hash: netconf.Hash(b.Hash), Fast: b.Rate == "fast", Monitor: b.Monitor.D()}
	for _, p := range b.Ports {
		out.Members = append(out.Members, netconf.Member{Port: p, Interface: face(p)})
	}
	return out
}

// concerns reports whether a port is in use by what cfg configures beside the
// management port.
func concerns(cfg *config.Config, port string) bool {
	if cfg.BondOf(port) != "" {
		return true
	}
	for _, l := range cfg.Links() {
		if l.Name == port {
			return true
		}
	}
	for _, r := range cfg.Routes {
		if r.Port == port {
			return true
		}
	}
	for _, n := range cfg.NATs {
		if n.Out == port {
			return true
		}
	}
	for _, r := range cfg.RouteRules {
		if r.Port == port {
			return true
		}
	}
	return false
}

// linkFaces returns the interfaces of bonds and VLANs, as far as they are there, or
// as they will most likely be called.
func (b *Box) linkFaces(cfg *config.Config, ports map[string]string) map[string]string {
	out := make(map[string]string)
	face := func(name string) string {
		if f := out[name]; f != "" {
			return f
		}
		if f := ports[name]; f != "" {
			return f
		}
		return name
	}
	for _, l := range cfg.Links() {
		switch {
		case l.Bond != nil:
			out[l.Name] = l.Name
		case l.VLAN > 0:
			out[l.Name] = fmt.Sprintf("%s.%d", face(l.Over), l.VLAN)
		}
	}
	if b.cfg.Network == nil {
		return out
	}
	for _, l := range b.cfg.Network.Status().Links {
		if _, wanted := out[l.Spec.Name]; wanted && l.Interface != "" {
			out[l.Spec.Name] = l.Interface
		}
	}
	return out
}
