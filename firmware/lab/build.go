// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The networks, by the names of their bridges and of the boxes' ports.
const (
	Front = "front"
	Back  = "back"
	Link  = "link"
	far   = "far" // between client and router
)

// Where the clusters are.
var (
	VIP  = netip.MustParseAddr("192.0.2.10")
	VIP6 = netip.MustParseAddr("2001:db8:1::10")
)

// A cable leads from a port of a space to a bridge.
type cable struct {
	space  *Space
	port   string
	bridge string
	addrs  []string
}

// wire makes the bridges and all cables.
func (l *Lab) wire() error {
	err := l.Switch.Do(func() error {
		for _, name := range []string{Front, Back, Link, far} {
			br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}, MulticastSnooping: new(bool)}
			if err := errors.Join(netlink.LinkAdd(br), netlink.LinkSetUp(br)); err != nil {
				return fmt.Errorf("bridge %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	cables := []cable{
		{l.Client, far, far, []string{"203.0.113.2/24", "2001:db8:2::2/64"}},
		{l.Router, far, far, []string{"203.0.113.1/24", "2001:db8:2::1/64"}},
		{l.Router, Front, Front, []string{"192.0.2.1/24", "2001:db8:1::1/64"}},
		{l.Neighbour, Front, Front, []string{"192.0.2.100/24", "2001:db8:1::100/64"}},
	}
	for i, o := range l.Origins {
		cables = append(cables, cable{o.Space, Back, Back, []string{fmt.Sprintf("198.51.100.%d/24", 11+i)}})
	}
	for i, b := range l.Boxes {
		cables = append(cables,
			cable{b.Space, Front, Front, []string{fmt.Sprintf("192.0.2.%d/24", 2+i), fmt.Sprintf("2001:db8:1::%d/64", 2+i)}},
			cable{b.Space, Back, Back, []string{fmt.Sprintf("198.51.100.%d/24", 2+i)}},
			cable{b.Space, Link, Link, []string{fmt.Sprintf("10.255.0.%d/24", 1+i)}})
	}
	for _, c := range cables {
		if err := l.lay(c); err != nil {
			return fmt.Errorf("cable from %s in %s: %w", c.port, c.space.Name, err)
		}
	}
	return errors.Join(l.Router.set("net/ipv4/ip_forward", "1"), l.Router.set("net/ipv6/conf/all/forwarding", "1"),
		l.gateway(l.Client, "203.0.113.1", "2001:db8:2::1"), l.boxGateways())
}

// plug names the far end of a cable: the port of the bridge, in the namespace of the switch.
func (s *Space) plug(port string) string { return port + "-" + s.short }

// lay makes a cable.
func (l *Lab) lay(c cable) error {
	err := l.Switch.Do(func() error {
		veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: c.space.plug(c.port)}, PeerName: c.port, PeerNamespace: netlink.NsFd(c.space.handle)}
		if err := netlink.LinkAdd(veth); err != nil {
			return err
		}
		br, err := netlink.LinkByName(c.bridge)
		if err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetMaster(veth, br), netlink.LinkSetUp(veth))
	})
	if err != nil {
		return err
	}
	if err := c.space.set("net/ipv6/conf/"+c.port+"/accept_dad", "0"); err != nil {
		return err
	}
	return c.space.Do(func() error {
		link, err := netlink.LinkByName(c.port)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
		for _, a := range c.addrs {
			addr, err := netlink.ParseAddr(a)
			if err != nil {
				return err
			}
			if addr.IP.To4() == nil {
				addr.Flags = unix.IFA_F_NODAD
			}
			if err := netlink.AddrAdd(link, addr); err != nil {
				return fmt.Errorf("address %s: %w", a, err)
			}
		}
		return nil
	})
}

// boxGateways lets the boxes answer clients behind the router.
func (l *Lab) boxGateways() error {
	for _, b := range l.Boxes {
		if err := l.gateway(b.Space, "192.0.2.1", "2001:db8:1::1"); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) gateway(s *Space, via ...string) error {
	return s.Do(func() error {
		for _, v := range via {
			if err := netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(v)}); err != nil {
				return fmt.Errorf("default route via %s in %s: %w", v, s.Name, err)
			}
		}
		return nil
	})
}
