// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// routes lists those that are ours, of all tables, and the default routes of
// everybody in the main one.
func routes() (out []Route, err error) {
	filter := &netlink.Route{Table: unix.RT_TABLE_UNSPEC} // all
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		list, err := retried(func() ([]netlink.Route, error) {
			return netlink.RouteListFiltered(family, filter, netlink.RT_FILTER_TABLE)
		})
		if err != nil {
			return nil, fmt.Errorf("list the routes: %w", err)
		}
		for _, r := range list {
			x := routeOf(r, family)
			if x.Ours || x.Table == 0 && x.To.Bits() == 0 && r.Type == unix.RTN_UNICAST {
				out = append(out, x)
			}
		}
	}
	return out, nil
}

func routeOf(r netlink.Route, family int) Route {
	x := Route{Index: r.LinkIndex, Metric: r.Priority, Ours: r.Protocol == Protocol, To: everywhere(family == netlink.FAMILY_V6)}
	if r.Dst != nil {
		x.To = prefix(r.Dst)
	}
	if r.Table != unix.RT_TABLE_MAIN {
		x.Table = r.Table
	}
	if gw, ok := netip.AddrFromSlice(r.Gw); ok {
		x.Gateway = gw.Unmap()
	}
	if src, ok := netip.AddrFromSlice(r.Src); ok {
		x.Source = src.Unmap()
	}
	return x
}

func everywhere(v6 bool) netip.Prefix {
	if v6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

func changeRoute(s Step) error {
	table := unix.RT_TABLE_MAIN
	if s.Route.Table != 0 {
		table = s.Route.Table
	}
	r := &netlink.Route{LinkIndex: s.Index, Dst: ipNet(s.Route.To), Protocol: Protocol, Priority: s.Route.Metric, Table: table}
	if s.Route.Gateway.IsValid() {
		r.Gw = s.Route.Gateway.AsSlice()
	} else {
		r.Scope = netlink.SCOPE_LINK
	}
	if s.Route.Source.IsValid() {
		r.Src = s.Route.Source.AsSlice()
	}
	if s.Route.OnLink {
		r.Flags = int(netlink.FLAG_ONLINK)
	}
	if s.Kind == RemoveRoute {
		if err := netlink.RouteDel(r); !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.ENODEV) {
			return err
		}
		return nil
	}
	err := netlink.RouteAdd(r)
	switch {
	case errors.Is(err, unix.EEXIST):
		return fmt.Errorf("another program has set a route to there with the same metric %d: %w", s.Route.Metric, err)
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH):
		return fmt.Errorf("the gateway cannot be reached from the addresses of the port: %w", err)
	case errors.Is(err, unix.EINVAL) && s.Route.Source.IsValid():
		return fmt.Errorf("the box has no address %s: %w", s.Route.Source, err)
	}
	return err
}

// rules lists those that are ours.
func rules() (out []Rule, err error) {
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		list, err := retried(func() ([]netlink.Rule, error) { return netlink.RuleList(family) })
		if errors.Is(err, unix.EOPNOTSUPP) {
			continue // a kernel that has none, where the family has none
		}
		if err != nil {
			return nil, fmt.Errorf("list the rules of routes: %w", err)
		}
		for _, r := range list {
			if r.Protocol == Protocol {
				out = append(out, Rule{V6: family == netlink.FAMILY_V6, From: prefix(r.Src), To: prefix(r.Dst), In: r.IifName, Table: r.Table, Priority: r.Priority})
			}
		}
	}
	return out, nil
}

func changeRule(s Step) error {
	r := netlink.NewRule()
	r.Family, r.Table, r.Priority, r.IifName, r.Protocol = netlink.FAMILY_V4, s.Rule.Table, s.Rule.Priority, s.Rule.In, Protocol
	if s.Rule.V6 {
		r.Family = netlink.FAMILY_V6
	}
	if s.Rule.From.IsValid() {
		r.Src = ipNet(s.Rule.From)
	}
	if s.Rule.To.IsValid() {
		r.Dst = ipNet(s.Rule.To)
	}
	if s.Kind == AddRule {
		err := netlink.RuleAdd(r)
		if errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("another program has set the same rule: %w", err)
		}
		return err
	}
	if err := netlink.RuleDel(r); !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

// The switches of forwarding. That of IPv6 makes the box ignore what routers
// advertise (accept_ra = 1), as a router does.
const (
	forward4 = "/proc/sys/net/ipv4/ip_forward"
	forward6 = "/proc/sys/net/ipv6/conf/all/forwarding"
)

func forwarding() Forwarding {
	on := func(file string) bool {
		b, err := os.ReadFile(file)
		return err == nil && strings.TrimSpace(string(b)) == "1" // a kernel without the family forwards nothing
	}
	return Forwarding{on(forward4), on(forward6)}
}

func setForwarding(s Step) error {
	file, value := forward4, "0\n"
	if s.V6 {
		file = forward6
	}
	if s.On {
		value = "1\n"
	}
	return os.WriteFile(file, []byte(value), 0)
}
