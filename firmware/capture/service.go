// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// A Span is an address with a port, or with a range of ports. The unspecified
// address is every one.
type Span struct {
	Addr netip.AddrPort
	Last uint16 // 0: one port
}

func (s Span) has(a netip.AddrPort) bool {
	return a.Port() >= s.Addr.Port() && a.Port() <= max(s.Last, s.Addr.Port()) &&
		(s.Addr.Addr().IsUnspecified() || s.Addr.Addr().Unmap() == a.Addr())
}

// A Service is a cluster as packets show it.
type Service struct {
	UDP     bool // what it listens to
	Listen  []Span
	Members []Span // of all pools that it may use
}

// Filter wants what clients and members of the service send and get. Where that is
// too long for the kernel, it wants the ports of the members at any address.
func (s Service) Filter() Expr {
	proto := TCP
	if s.UDP {
		proto = UDP
	}
	exact := either(proto, append(slices.Clone(s.Listen), s.Members...))
	if _, err := Compile(exact, maxSnaplen, true); err == nil {
		return exact
	}
	ports := slices.Clone(s.Listen)
	for _, m := range s.Members {
		ports = append(ports, Span{netip.AddrPortFrom(netip.IPv4Unspecified(), m.Addr.Port()), m.Last})
	}
	return either(proto, ports)
}

// either wants a port of one of the spans, at its address. It asks for the port
// first and once.
func either(proto Proto, list []Span) Expr {
	type ports struct{ low, high uint16 }
	at := map[ports][]Expr{} // nil: at any address
	for _, s := range list {
		k := ports{s.Addr.Port(), max(s.Last, s.Addr.Port())}
		hosts, known := at[k]
		switch a := s.Addr.Addr().Unmap(); {
		case a.IsUnspecified():
			at[k] = nil
		case known && hosts == nil:
		default:
			p := Primitive{Kind: Net, Proto: IP, Net: netip.PrefixFrom(a, a.BitLen())}
			if a.Is6() {
				p.Proto = IP6
			}
			if !slices.Contains(hosts, Expr(p)) {
				at[k] = append(hosts, p)
			}
		}
	}
	var out []Expr
	for _, k := range slices.SortedFunc(maps.Keys(at), func(a, b ports) int { return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.high, b.high)) }) {
		var e Expr = Primitive{Kind: Port, Proto: proto, Low: k.low, High: k.high}
		if hosts := at[k]; hosts != nil {
			e = and{e, some(hosts...)}
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return and{Primitive{Proto: IP}, Primitive{Proto: IP6}} // nothing is both
	}
	return some(out...)
}

// Join wants what both want; either may be nil.
func Join(a, b Expr) Expr {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return and{a, b}
}

// Text writes e as a filter.
func Text(e Expr) string {
	if e == nil {
		return ""
	}
	return text(e)
}
