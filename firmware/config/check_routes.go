// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// The tables of routes that the kernel has by itself (rtnetlink(7)).
const (
	mainTable  = 254
	localTable = 255
)

// managementMetric is that of the routes of the management port.
const managementMetric = 20

// A wayKey is what only one route can have.
type wayKey struct {
	to            netip.Prefix
	table, metric int
}

// routes checks the static routes.
func (c *checker) routes(l *linkSet) {
	has := make(map[wayKey]string)
	for _, g := range c.cfg.Management.Gateway {
		to := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if g.Is6() {
			to = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		has[wayKey{to, mainTable, managementMetric}] = "gateway of management"
	}
	for _, r := range c.cfg.Routes {
		path := pathOf("route", r.Name)
		c.table(r, r.Table, r.Range, path)
		for i, to := range r.To {
			at := c.element(r, "to", i, r.Range)
			if to.Addr().Is4() != r.To[0].Addr().Is4() {
				c.diags.Add(at, path, "to has %s of %s and %s of %s: make a second route for the other", r.To[0], family(r.To[0].Addr().Is4()), to, family(to.Addr().Is4()))
				continue
			}
			key := wayKey{to.Masked(), r.Table, r.Metric}
			if other := has[key]; other != "" {
				c.diags.Add(at, path, "%s is reached by %s already, with the same metric %d: give one of them another", to, other, r.Metric)
			}
			has[key] = path
		}
		if len(r.To) > 0 {
			c.way(r, l, path)
		}
	}
}

// table checks the number of a table.
func (c *checker) table(owner any, table int, r hcl.Range, path string) {
	if table == localTable {
		c.diags.Add(c.where(owner, "table", r), path, "table 255 is that of the kernel for the addresses of the box; take 1 to 252 for your own")
	}
}

// way checks that a route leads somewhere.
func (c *checker) way(r *Route, l *linkSet, path string) {
	at := c.where(r, "via", c.where(r, "port", r.Range))
	via, _ := netip.ParseAddr(r.Via)
	if source, err := netip.ParseAddr(r.Source); err == nil && source.Is4() != r.To[0].Addr().Is4() {
		c.diags.Add(c.where(r, "source", r.Range), path, "source %s is of %s, and the networks are of %s", source, family(source.Is4()), family(!source.Is4()))
	}
	switch {
	case r.Port != "" && c.usable(l, r.Port) != nil:
		c.diags.Add(c.where(r, "port", r.Range), path, "port %v", c.usable(l, r.Port))
	case c.given(r, "via") && !via.IsValid(): // reported where it was read
	case !via.IsValid() && r.Port == "":
		c.diags.Add(r.Range, path, "it leads nowhere: write via = \"...\" with the router, or port = \"...\" where the networks are on its cable")
	case !via.IsValid():
		if r.OnLink {
			c.diags.Add(c.where(r, "on_link", r.Range), path, "on_link belongs to a route with via")
		}
	case via.Is4() != r.To[0].Addr().Is4():
		c.diags.Add(at, path, "via %s is of %s, and the networks are of %s", via, family(via.Is4()), family(!via.Is4()))
	case r.Port == "" && (r.OnLink || via.IsLinkLocalUnicast()):
		c.diags.Add(at, path, "port is missing: by which one is %s reached?", via)
	case r.OnLink || via.IsLinkLocalUnicast():
	default:
		if err := c.near(l, r.Port, via); err != nil {
			c.diags.Add(at, path, "via %v", err)
		}
	}
}

// near says why a router cannot be reached from the networks of a link, or of any.
// Those that are not known (of DHCP, or of a port that somebody else configures) are
// not doubted.
func (c *checker) near(l *linkSet, port string, via netip.Addr) error {
	m := &c.cfg.Management
	var nets []string
	open := port != "" && l.by[port] == nil && port != m.link()
	look := func(name string, list []netip.Prefix) (bool, error) {
		if port != "" && port != name {
			return false, nil
		}
		for _, p := range list {
			if p.Addr() == via {
				return true, fmt.Errorf("%s is the address of %s itself", via, name)
			}
			if p.Contains(via) {
				return true, nil
			}
			if p.Addr().Is4() == via.Is4() {
				nets = append(nets, p.Masked().String())
			}
		}
		return false, nil
	}
	if m.Method != MethodNone {
		if found, err := look(m.link(), m.Address); found {
			return err
		}
		open = open || m.Method == MethodDHCP && via.Is4() && (port == "" || port == m.link())
	}
	for _, x := range l.list {
		if found, err := look(x.Name, x.Addresses); found {
			return err
		}
	}
	switch {
	case open:
		return nil
	case len(nets) == 0:
		return fmt.Errorf("%s cannot be reached: %s has no address of %s", via, cmp.Or(port, "the box"), family(via.Is4()))
	}
	slices.Sort(nets)
	return fmt.Errorf("%s lies outside of the networks of %s, which are %s: it could not be reached", via, cmp.Or(port, "the box"), strings.Join(slices.Compact(nets), ", "))
}

// routeRules checks the rules that choose a table.
func (c *checker) routeRules(l *linkSet) {
	for _, r := range c.cfg.RouteRules {
		path := pathOf("route_rule", r.Name)
		c.table(r, r.Table, r.Range, path)
		for _, k := range []struct {
			name string
			n    int
		}{{"from", len(r.From)}, {"to", len(r.To)}} {
			if k.n > maxRuleNets {
				c.diags.Add(c.where(r, k.name, r.Range), path, "%s must have at most %d networks, not %d", k.name, maxRuleNets, k.n)
			}
		}
		if err := c.usable(l, r.Port); r.Port != "" && err != nil {
			c.diags.Add(c.where(r, "port", r.Range), path, "port %v", err)
		}
		switch {
		case len(r.From)+len(r.To) == 0 && r.Port == "":
			c.diags.Add(r.Range, path, "it needs from, to or port: without them it would be for every packet")
		case len(r.From) > 0 && len(r.To) > 0 && !meet(r.From, r.To):
			c.diags.Add(c.where(r, "to", r.Range), path, "from and to have no family in common: no packet is both")
		}
		used := r.Table == mainTable || r.Table == 0 || r.Table == localTable
		for _, x := range c.cfg.Routes {
			used = used || x.Table == r.Table
		}
		if !used {
			c.diags.Warn(c.where(r, "table", r.Range), path, "no route stands in table %d: write table = %d in one, or the rule does nothing", r.Table, r.Table)
		}
	}
}

// meet reports whether two lists have networks of one family.
func meet(a, b []netip.Prefix) bool {
	return slices.ContainsFunc(a, func(x netip.Prefix) bool {
		return slices.ContainsFunc(b, func(y netip.Prefix) bool { return x.Addr().Is4() == y.Addr().Is4() })
	})
}

// nats checks the rules of NAT.
func (c *checker) nats(l *linkSet) {
	for _, n := range c.cfg.NATs {
		path := pathOf("nat", n.Name)
		if len(n.From) > maxNATNets {
			c.diags.Add(c.where(n, "from", n.Range), path, "from must have at most %d networks, not %d", maxNATNets, len(n.From))
		}
		if err := c.usable(l, n.Out); n.Out != "" && err != nil {
			c.diags.Add(c.where(n, "out", n.Range), path, "out %v", err)
		}
		to, err := netip.ParseAddr(n.To)
		warned := map[bool]bool{true: c.cfg.Forwarding.IPv4, false: c.cfg.Forwarding.IPv6}
		for i, from := range n.From {
			v4 := from.Addr().Is4()
			at := c.element(n, "from", i, n.Range)
			if err == nil && to.Is4() != v4 {
				c.diags.Add(at, path, "from has %s of %s, and to is of %s", from, family(v4), family(to.Is4()))
			} else if !warned[v4] {
				warned[v4] = true
				c.diags.Warn(at, path, "packets of %s are not passed on, unless the machine does already: write forwarding { %s = true }", family(v4), strings.ToLower(family(v4)))
			}
		}
	}
}
