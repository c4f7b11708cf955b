// SPDX-License-Identifier: Apache-2.0

package wire

import "net/netip"

// LinuxConfig says how to use the networks of the kernel.
type LinuxConfig struct {
	// Journal is the file in which is noted what may have to be undone, such as
	// "/var/lib/evener/ha/addresses". Required; its folder exists.
	Journal string
}

// SimConfig says how to join simulated networks.
type SimConfig struct {
	Dir  string // a folder that all boxes share; made if it is not there
	Node string // the name of this box, which no other one there has

	// Interfaces are those of this box. Interfaces of one name are on one network.
	Interfaces []SimInterface
}

// A SimInterface is a simulated interface. It is up; its cable is pulled by [Plug].
type SimInterface struct {
	Name string

	// Addresses are its own. Of a family that has none it gets one that is made of the
	// names of box and interface: in 198.18.0.0/15 (RFC 2544) or fe80::/64.
	Addresses []netip.Prefix

	// Gateways are those of its default routes.
	Gateways []netip.Addr
}
