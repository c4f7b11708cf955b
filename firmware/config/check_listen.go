// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
)

// A claim is one address of a cluster, or of the statistics or the console.
type claim struct {
	Listen
	owner string // path of the block
	udp   bool
	at    hcl.Range
}

// listeners reports addresses that two sockets would claim. Those of disabled
// clusters do not count.
func (c *checker) listeners() {
	claims := make(map[bool][]claim) // by transport
	if m := c.cfg.Metrics; m != nil && m.Listen.IsValid() {
		claims[false] = append(claims[false], claim{
			Listen: Listen{Addr: m.Listen, Last: m.Listen.Port()}, owner: "metrics", at: c.at[place{m, "listen", -1}]})
	}
	claims[false] = append(claims[false], c.consoleClaims()...)
	if n := &c.cfg.Node; n.Listen.IsValid() {
		l := claim{Listen: Listen{Addr: n.Listen, Last: n.Listen.Port()}, owner: "node", at: c.at[place{n, "listen", -1}]}
		claims[false] = append(claims[false], l)
		l.udp = true
		claims[true] = append(claims[true], l)
	}
	for _, cl := range c.cfg.Clusters {
		for i, l := range cl.Listen {
			if cl.Disabled || cl.Protocol == "" || !l.Addr.IsValid() {
				continue
			}
			udp := cl.Protocol == UDP
			claims[udp] = append(claims[udp], claim{Listen: l, owner: pathOf("cluster", cl.Name), udp: udp, at: c.listen(cl, i)})
		}
	}
	c.overlaps(claims[false])
	c.overlaps(claims[true])
}

// overlaps sweeps over the claims of one transport by their first port and
// reports, for each, one that it collides with.
func (c *checker) overlaps(claims []claim) {
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.Addr.Port(), b.Addr.Port()) })
	open := make(map[netip.Addr]claim) // claims that reach the port of the sweep
	for _, l := range claims {
		if other, ok := collision(open, l); ok {
			c.collide(other, l)
		}
		if o, ok := open[l.Addr.Addr()]; !ok || o.Last < l.Last {
			open[l.Addr.Addr()] = l
		}
	}
}

// collision returns one of open that l overlaps. It drops the claims that end
// before l when it has to look at all of them.
func collision(open map[netip.Addr]claim, l claim) (claim, bool) {
	addr := l.Addr.Addr()
	for _, a := range []netip.Addr{addr, netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if o, ok := open[a]; ok && o.overlaps(l.Listen) {
			return o, true
		}
	}
	if !addr.IsUnspecified() {
		return claim{}, false
	}
	var first claim
	for a, o := range open {
		if o.Last < l.Addr.Port() {
			delete(open, a)
		} else if o.overlaps(l.Listen) && (first.owner == "" || before(o, first)) {
			first = o
		}
	}
	return first, first.owner != ""
}

func before(a, b claim) bool { return a.at.Start.Byte < b.at.Start.Byte }

// collide reports the later of two claims. Where one is a default, which is not
// in the text, it is the other.
func (c *checker) collide(a, b claim) {
	if before(b, a) {
		a, b = b, a
	}
	if b.at.Start.Line == 0 {
		a, b = b, a
	}
	first := a.owner
	if a.owner == b.owner {
		first = "the same cluster"
	}
	where := "the default"
	if a.at.Start.Line > 0 {
		where = "line " + strconv.Itoa(a.at.Start.Line)
	}
	c.diags.Add(b.at, b.owner, "listen %q overlaps %q of %s (%s)", b.String(), a.String(), first, where)
}
