// SPDX-License-Identifier: Apache-2.0

package config

// portBlocks are those of the ports for traffic, and of the ways between networks.
var portBlocks = []Block{
	{
		Name: "port", Label: "name", Local: true, field: "Ports", label: "Name",
		Purpose:  "A port of the front that the box configures: its addresses, and the VLANs on it.",
		Keywords: []Keyword{description, linkEnabled, linkMTU, linkAddresses},
	},
	{
		Name: "bond", Label: "name", Local: true, By: "mode", field: "Bonds", label: "Name",
		Purpose: "Several ports that are used as one.",
		Keywords: []Keyword{
			description,
			{Name: "ports", Kind: KindStrings, Required: true, check: checkName,
				Purpose: "The ports, by their names on the front, 8 at most."},
			{Name: "mode", Kind: KindString, OneOf: []string{"lacp", "active_backup"}, Default: "lacp",
				Purpose: "Whether all ports carry traffic, as agreed with the switch by LACP (IEEE 802.1AX), or one at a time."},
			{Name: "hash", Kind: KindString, OneOf: []string{"layer2", "layer2+3", "layer3+4"}, Default: "layer3+4", Only: []string{"lacp"},
				Purpose: "What decides which port carries a packet: MAC addresses, these with IP addresses, or IP addresses with ports."},
			{Name: "rate", Kind: KindString, OneOf: []string{"slow", "fast"}, Default: "slow", Only: []string{"lacp"},
				Purpose: "How often the switch is asked to send its messages: every 30 seconds, or every second."},
			{Name: "monitor", Kind: KindDuration, Min: "10ms", Max: "10s", Default: "100ms",
				Purpose: "How often the links of the ports are looked at."},
			linkEnabled, linkMTU, linkAddresses,
		},
	},
	{
		Name: "vlan", In: []string{"port", "bond"}, Label: "number", field: "VLANs", label: "Number",
		Purpose:  "A VLAN on a port or bond (IEEE 802.1Q), by its number, 1 to 4094.",
		Keywords: []Keyword{description, linkEnabled, linkMTU, linkAddresses},
	},
	{
		Name: "route", Label: "name", Local: true, field: "Routes", label: "Name",
		Purpose: "A way to other networks.",
		Keywords: []Keyword{
			description,
			{Name: "to", Kind: KindNetworks, Required: true,
				Purpose: "The networks that are reached by it, all of one family; 0.0.0.0/0 or ::/0 for all others."},
			{Name: "via", Kind: KindString, check: checkRouter, Unset: "the networks are on the cable of port",
				Purpose: "The router that they are reached by."},
			{Name: "port", Kind: KindString, check: checkName, Unset: "the one in whose networks the router is",
				Purpose: "The port, bond or VLAN that the router is reached by."},
			{Name: "on_link", Kind: KindBool, Default: "false",
				Purpose: "Whether the router is on the cable of port though it lies in none of its networks."},
			{Name: "metric", Kind: KindInt, Min: "1", Max: "65535", Default: "100",
				Purpose: "The preference among ways to the same networks; less is preferred."},
			{Name: "table", Kind: KindInt, Min: "1", Max: "65535", Default: "254",
				Purpose: "The table of routes that it stands in; 254 is the one that every packet meets."},
			{Name: "source", Kind: KindString, check: checkRouter, Unset: "the kernel chooses",
				Purpose: "The address that the box itself sends from by this way."},
		},
	},
	{
		Name: "route_rule", Label: "name", Local: true, field: "RouteRules", label: "Name",
		Purpose: "A rule that sends some packets to a table of routes of their own.",
		Keywords: []Keyword{
			description,
			{Name: "from", Kind: KindNetworks, Unset: "from anywhere",
				Purpose: "The networks that the packets come from, 16 at most."},
			{Name: "to", Kind: KindNetworks, Unset: "to anywhere",
				Purpose: "The networks that they go to, 16 at most."},
			{Name: "port", Kind: KindString, check: checkName, Unset: "by any, and from the box itself",
				Purpose: "The port, bond or VLAN that they come in by."},
			{Name: "table", Kind: KindInt, Min: "1", Max: "65535", Required: true,
				Purpose: "The table of routes that they go by."},
			{Name: "priority", Kind: KindInt, Min: "1", Max: "32765", Default: "1000",
				Purpose: "The order of rules; less is asked first."},
		},
	},
	{
		Name: "nat", Label: "name", Local: true, field: "NATs", label: "Name",
		Purpose: "Another source address for packets of other machines that leave the box.",
		Keywords: []Keyword{
			description,
			{Name: "from", Kind: KindNetworks, Required: true,
				Purpose: "The networks that the packets come from, 64 at most."},
			{Name: "out", Kind: KindString, Required: true, check: checkName,
				Purpose: "The port, bond or VLAN that they leave by."},
			{Name: "to", Kind: KindString, check: checkNAT, Default: "masquerade",
				Purpose: "The address that they get, or \"masquerade\" for the one that the port has."},
		},
	},
	{
		Name: "forwarding", Max: 1, Local: true, field: "Forwarding",
		Purpose: "Whether the box passes on packets that are not for itself, as a router does.",
		Keywords: []Keyword{
			{Name: "ipv4", Kind: KindBool, Default: "false",
				Purpose: "Whether packets of IPv4 are passed on."},
			{Name: "ipv6", Kind: KindBool, Default: "false",
				Purpose: "Whether packets of IPv6 are passed on."},
		},
	},
}

// Keywords that ports, bonds and VLANs have in common.
var (
	linkEnabled = Keyword{Name: "enabled", Kind: KindBool, Default: "true",
		Purpose: "Whether it is switched on."}
	linkMTU = Keyword{Name: "mtu", Kind: KindInt, Min: "0", Max: "9216", Default: "0",
		Purpose: "How long packets may be, in bytes without the header of Ethernet, 1280 to 9216; 0 is what the hardware has, 1500 with most."}
	linkAddresses = Keyword{Name: "addresses", Kind: KindPrefixes, check: checkOutside, Unset: "none",
		Purpose: "Its addresses with the lengths of their networks, 32 at most."}
)
