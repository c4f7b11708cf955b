// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
)

// neighbourPoll is how often the kernel is looked at while it asks.
const neighbourPoll = 2 * time.Millisecond

// Neighbour returns the MAC of the port of another box, for Config.To: that of
// addr, the address which its advertisements come from (their own source MAC
// may be the virtual one). Where the kernel does not know it, it is made to ask,
// until ctx ends. Who may soon be the new box does well to ask beforehand.
func Neighbour(ctx context.Context, iface string, addr netip.Addr) (net.HardwareAddr, error) {
	i, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("asking for %v on %q: %w", addr, iface, err)
	}
	addr = addr.Unmap().WithZone("")
	for asked := false; ; {
		mac, err := known(i.Index, addr)
		if err != nil {
			return nil, fmt.Errorf("asking for %v on %q: %w", addr, iface, err)
		}
		if mac != nil {
			return mac, nil
		}
		if !asked { // once it can: IPv6 has no route for a moment after the link came up
			err = ask(i, addr)
			asked = err == nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return nil, fmt.Errorf("asking for %v on %q: %w", addr, iface, err)
			}
			return nil, fmt.Errorf("nobody on %q answers for %v: %w", iface, addr, ctx.Err())
		case <-time.After(neighbourPoll):
		}
	}
}

// known looks into the kernel's table of neighbours.
func known(index int, addr netip.Addr) (net.HardwareAddr, error) {
	family := netlink.FAMILY_V4
	if addr.Is6() {
		family = netlink.FAMILY_V6
	}
	list, err := netlink.NeighList(index, family)
	if err != nil {
		return nil, err
	}
	const good = netlink.NUD_REACHABLE | netlink.NUD_STALE | netlink.NUD_DELAY | netlink.NUD_PROBE | netlink.NUD_PERMANENT
	for _, n := range list {
		if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == addr && n.State&good != 0 && len(n.HardwareAddr) == 6 {
			return n.HardwareAddr, nil
		}
	}
	return nil, nil
}

// ask makes the kernel ask: it wants to send a datagram to the port that
// discards (RFC 863).
func ask(i *net.Interface, addr netip.Addr) error {
	if addr.IsLinkLocalUnicast() && addr.Is6() {
		addr = addr.WithZone(i.Name)
	}
	c, err := net.Dial("udp", netip.AddrPortFrom(addr, 9).String())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte{0})
	return err
}
