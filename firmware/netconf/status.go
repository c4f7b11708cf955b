// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
)

// Status tells what holds.
func (c *Conf) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.look(); err != nil {
		s := c.status()
		s.Problems = append(s.Problems, err.Error())
		return s
	}
	return c.status()
}

// status puts together what is known. The caller holds c.mu.
func (c *Conf) status() Status {
	d := c.desired
	s := Status{Desired: d, Lease: c.lease, HostName: c.state.HostName, TimeZone: c.timeZone()}
	s.Managed, s.Why = c.managed()
	seat, link, there := c.state.seat(d.Interface, d.VLAN)
	if there {
		s.Interface = seat
		for _, a := range c.state.Addresses {
			if a.Index == link.Index {
				s.Addresses = append(s.Addresses, a.Prefix)
			}
		}
	}
	for _, r := range c.state.Routes {
		if r.Ours && r.To.Bits() == 0 && r.Table == 0 && r.Gateway.IsValid() {
			s.Gateways = append(s.Gateways, r.Gateway)
		}
	}
	g := goal{Desired: d, lease: c.lease}
	if dns, domain := g.dns(); len(dns) > 0 && c.state.Resolver.equal(File{There: true, Text: resolvConf(dns, domain)}) {
		s.DNS = dns
	}
	s.Problems = c.problems(link, there)
	c.others(&s)
	return s
}

// managed says whether addresses are our business, and why not.
func (c *Conf) managed() (bool, string) {
	if c.desired.Method == None {
		return false, `method is "none": somebody else configures the network`
	}
	var need []string
	for _, right := range []string{"CAP_NET_ADMIN", "CAP_NET_RAW"} {
		if slices.Contains(c.state.Lacks, right) && (right == "CAP_NET_ADMIN" || c.desired.Method == DHCP) {
			need = append(need, right)
		}
	}
	if len(need) > 0 {
		return false, fmt.Sprintf("the engine lacks the right %s: start the box as root, or let somebody else configure the network (method = \"none\")",
			strings.Join(need, " and "))
	}
	return true, ""
}

// problems lists what is not as it should be.
func (c *Conf) problems(link Link, there bool) (out []string) {
	d := c.desired
	if c.forget != "" {
		out = append(out, c.forget+"; what was set before stays")
	}
	managed, why := c.managed()
	switch {
	case d.Method == None:
	case !managed:
		out = append(out, why)
	case d.Port == "":
		out = append(out, "the board has no management port: name one in management { port }")
	case !there && d.VLAN > 0 && c.state.Interfaces[d.Interface].Index > 0:
		out = append(out, fmt.Sprintf("port %s has no VLAN %d yet: it has none of its addresses there", d.Port, d.VLAN))
	case !there:
		out = append(out, fmt.Sprintf("port %s is not there: it has no interface", d.Port))
	default:
		if c.client != "" {
			out = append(out, c.client)
		}
		out = append(out, c.addressProblems(link)...)
		out = append(out, c.conflicts(d.Port, link)...)
	}
	if d.HostName != "" && c.state.HostName != d.HostName && c.lacks(SetHostName) != "" {
		out = append(out, fmt.Sprintf("the host name stays %q: the engine lacks the right CAP_SYS_ADMIN", c.state.HostName))
	}
	return append(out, c.failed...)
}

// addressProblems finds what others do to our addresses and routes.
func (c *Conf) addressProblems(link Link) (out []string) {
	g := goal{Desired: c.desired, lease: c.lease}
	wanted := g.wanted(c.state)
	for _, a := range c.state.Addresses {
		if a.Index == link.Index && a.Duplicate && slices.ContainsFunc(wanted, func(o ours) bool { return o.Index == a.Index && o.Address == a.Prefix }) {
			out = append(out, fmt.Sprintf("address %s cannot be used: another machine on the network has it", a.Prefix.Addr()))
		}
	}
	for _, w := range g.routes(c.state) {
		if w.Index != link.Index || w.Metric != Metric || w.Table != 0 {
			continue
		}
		for _, r := range c.state.Routes {
			if !r.Ours && r.To == w.To && r.Metric < Metric && r.Gateway != w.Gateway && w.To.Bits() == 0 {
				out = append(out, fmt.Sprintf("another program has set %s with metric %d, which the kernel prefers to %s",
					r.via(), r.Metric, w.Gateway))
			}
		}
	}
	return out
}

// timeZone reads the name out of the link that systems have.
func (c *Conf) timeZone() string {
	if _, name, ok := strings.Cut(c.state.Zone.Link, "/zoneinfo/"); ok {
		return name
	}
	name, ok := strings.CutPrefix(c.state.Zone.Link, c.cfg.Zoneinfo+"/")
	if ok {
		return name
	}
	return ""
}

func (s Status) equal(o Status) bool {
	slices.SortFunc(s.Addresses, netip.Prefix.Compare)
	slices.SortFunc(o.Addresses, netip.Prefix.Compare)
	return reflect.DeepEqual(s, o)
}

func (r record) same(o record) bool { return reflect.DeepEqual(r, o) }

// empty reports whether nothing is set by us.
func (r record) empty() bool {
	return len(r.Addresses)+len(r.VLANs)+len(r.Bonds)+len(r.Members)+len(r.MTUs)+len(r.Offs) == 0 && r.Forward == Forwarding{} &&
		r.HostName == nil && r.Resolver == nil && r.Zone == nil
}
