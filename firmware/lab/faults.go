// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Plug and Unplug put the cable of a port in and out, at the end of the switch: the
// box sees its carrier go and come.
func (l *Lab) Plug(s *Space, port string) error   { return l.link(s, port, netlink.LinkSetUp) }
func (l *Lab) Unplug(s *Space, port string) error { return l.link(s, port, netlink.LinkSetDown) }

func (l *Lab) link(s *Space, port string, set func(netlink.Link) error) error {
	return l.Switch.Do(func() error {
		link, err := netlink.LinkByName(s.plug(port))
		if err != nil {
			return err
		}
		return set(link)
	})
}

// Block makes the switch forward nothing to or from a port, whose carrier stays, as one
// that runs the spanning tree protocol does for half a minute after a cable came in.
// [Lab.Heal] ends it. The state "blocking" of a port of a Linux bridge would not last:
// the bridge sets it back whenever another port comes or goes.
func (l *Lab) Block(s *Space, port string) error {
	return errors.Join(l.Drop(s, port, true, 100, ""), l.Drop(s, port, false, 100, ""))
}

// table holds the rules that drop packets on their way through the switch.
const table = "faults"

// Drop makes the switch drop so many percent of what a port sends (from) or gets (to)
// that fits an expression of nftables such as "ip protocol 112"; empty: all.
func (l *Lab) Drop(s *Space, port string, from bool, percent int, match string) error {
	way := "oifname"
	if from {
		way = "iifname"
	}
	if percent < 1 || percent > 100 {
		return fmt.Errorf("drop %d %%: it is 1 to 100", percent)
	}
	if percent < 100 { // nft takes no comparison that is always true
		match += fmt.Sprintf(" numgen random mod 100 < %d", percent)
	}
	rule := fmt.Sprintf("add table bridge %s\nadd chain bridge %s forward { type filter hook forward priority 0 ; }\n"+
		"add rule bridge %s forward %s %s %s drop\n", table, table, table, way, s.plug(port), match)
	return l.Switch.feed(rule, "nft", "-f", "-")
}

// Heal ends all drops.
func (l *Lab) Heal() error {
	return l.Switch.feed(fmt.Sprintf("add table bridge %s\ndelete table bridge %s\n", table, table), "nft", "-f", "-")
}

// Neighbour returns who the space believes to have an address: one hardware address,
// or none.
func (s *Space) Neighbour(port, addr string) (string, error) {
	found := ""
	err := s.Do(func() error {
		link, err := netlink.LinkByName(port)
		if err != nil {
			return err
		}
		list, err := netlink.NeighList(link.Attrs().Index, unix.AF_UNSPEC)
		for _, n := range list {
			if n.IP.String() == addr && n.HardwareAddr != nil {
				found = n.HardwareAddr.String()
			}
		}
		return err
	})
	return found, err
}
