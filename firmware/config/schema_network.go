// SPDX-License-Identifier: Apache-2.0

package config

var networkBlocks = []Block{
	{
		Name: "system", Max: 1, Local: true, field: "System",
		Purpose: "What the box calls itself, and where it is.",
		Keywords: []Keyword{
			{Name: "host_name", Kind: KindString, check: checkHostName, Unset: "the name that the machine has",
				Purpose: "The name of the box, in its log and to others."},
			{Name: "time_zone", Kind: KindString, check: checkTimeZone, Unset: "the zone that the machine has",
				Purpose: "The time zone of the box, by its name in the IANA database."},
			{Name: "ntp", Kind: KindStrings, check: checkTimeServer, Unset: "the time servers that DHCP gives to the management port; otherwise the clock is not touched",
				Purpose: "The time servers that the clock of the box follows, 8 at most, by name or address; \"none\" alone for none."},
		},
	},
	{
		Name: "management", Max: 1, Local: true, field: "Management", By: "method",
		Purpose: "How the box is reached to be administered: the addresses of one port. Without the block they are none of the box's business.",
		Keywords: []Keyword{
			{Name: "port", Kind: KindString, check: checkName, Unset: "the port that the board calls its management port",
				Purpose: "The port, by its name on the front."},
			{Name: "vlan", Kind: KindInt, Min: "0", Max: "4094", Default: "0", Only: []string{"static", "dhcp"},
				Purpose: "The VLAN in which the box has its addresses on the port (IEEE 802.1Q); 0 for frames without a tag."},
			{Name: "method", Kind: KindString, OneOf: []string{"none", "static", "dhcp"}, Default: "none",
				Purpose: "Where the addresses come from: somebody else gives them, they are given here, or a DHCP server gives one."},
			{Name: "address", Kind: KindPrefixes, check: checkOutside, Only: []string{"static", "dhcp"}, Unset: "none; \"static\" needs one",
				Purpose: "The addresses of the port with the lengths of their networks, 8 at most; with \"dhcp\" IPv6 ones only."},
			{Name: "gateway", Kind: KindIPs, Only: []string{"static", "dhcp"}, Unset: "no default route but what DHCP gives",
				Purpose: "The router to everywhere else: one of IPv4, one of IPv6 at most; with \"dhcp\" of IPv6 only."},
			{Name: "dns", Kind: KindIPs, Only: []string{"static", "dhcp"}, Unset: "those that DHCP gives; otherwise the machine's own stay",
				Purpose: "The name servers, 3 at most; they are taken in place of those that DHCP gives."},
		},
	},
}
