// SPDX-License-Identifier: Apache-2.0

package config

var haBlocks = []Block{
	{
		Name: "node", Max: 1, Local: true, field: "Node",
		Purpose: "This box among those that stand in for each other. Without the block it has no peers that it talks to.",
		Keywords: []Keyword{
			{Name: "name", Kind: KindString, check: checkName, Unset: "host_name of the system block, or else the name that the machine has",
				Purpose: "The name of this box, as homes and its peers have it."},
			{Name: "listen", Kind: KindAddress, check: checkServerAddress, Unset: "no mirror and no heartbeat beside VRRP",
				Purpose: "The address of this box for its peers: TCP for the mirror, UDP for heartbeats."},
		},
	},
	{
		Name: "peer", In: []string{"node"}, Label: "name", field: "Peers", label: "Name", Max: MaxPeers,
		Purpose: "Another box of the pair, by the name that it calls itself.",
		Keywords: []Keyword{
			{Name: "address", Kind: KindAddress, Required: true, check: checkServerAddress,
				Purpose: "The address that the peer listens on for this box."},
		},
	},
	{
		Name: "group", Label: "name", field: "Groups", label: "Name",
		Purpose: "A failover group: addresses that move together from one box to another.",
		Keywords: []Keyword{
			description,
			{Name: "homes", Kind: KindStrings, Required: true, check: checkName,
				Purpose: "The boxes that may have the addresses, by their names, the preferred first, 4 at most."},
			{Name: "interval", Kind: KindDuration, Min: "10ms", Max: "40950ms", Default: "1s",
				Purpose: "The time between two advertisements of the active box."},
			{Name: "preempt", Kind: KindBool, Default: "true",
				Purpose: "Whether a box with a higher priority takes the group from one that serves."},
			{Name: "preempt_delay", Kind: KindDuration, Min: "0s", Max: "1000s", Default: "0s",
				Purpose: "How long a box is well before it takes the group from one with a lower priority."},
			{Name: "start_delay", Kind: KindDuration, Min: "0s", Max: "1000s", Default: "0s",
				Purpose: "How long after its start a box takes no part, even if it hears from no other."},
			{Name: "accept", Kind: KindBool, Default: "true",
				Purpose: "Whether the active box answers on the addresses itself where it does not own them."},
			{Name: "on_split", Kind: KindString, OneOf: []string{"hold", "takeover"}, Default: "hold",
				Purpose: "What the standby does when the active box is silent on the data networks and well by its heartbeat."},
			{Name: "engine_hold", Kind: KindDuration, Min: "500ms", Max: "1m", Default: "2s",
				Purpose: "How long the engine may serve nothing before the box gives the group up."},
			{Name: "handoff", Kind: KindDuration, Min: "0s", Max: "1h", Default: "30s",
				Purpose: "How long connections that the old box holds are passed on to it after a planned switch; 0s is not at all."},
		},
	},
	{
		Name: "announce", In: []string{"group"}, Max: 1, field: "Announce",
		Purpose: "How the network is told that addresses have moved: by gratuitous ARP and unsolicited neighbour advertisements.",
		Keywords: []Keyword{
			{Name: "repeat", Kind: KindInt, Min: "1", Max: "100", Default: "5",
				Purpose: "How many announcements of each address are sent at once."},
			{Name: "delay", Kind: KindDuration, Min: "0s", Max: "1m", Default: "5s",
				Purpose: "How long afterwards they are sent once more; 0s is not at all."},
			{Name: "refresh", Kind: KindDuration, Min: "0s", Max: "1d", Default: "0s",
				Purpose: "How often they are sent while the box is active; 0s is never again."},
		},
	},
	{
		Name: "router", In: []string{"group"}, Label: "name", field: "Routers", label: "Name",
		Purpose:  "A virtual router of VRRP: addresses of one family on one port.",
		Keywords: routerKeywords,
	},
	{
		Name: "track", In: []string{"group"}, Label: "kind", Labels: trackKinds, Second: "name", By: "kind", field: "Tracks", label: "Kind", second: "Name",
		Purpose: "Something that the box must have to be a good home for the group.",
		Keywords: []Keyword{
			{Name: "weight", Kind: KindInt, Min: "0", Max: "253", Default: "60",
				Purpose: "What the priority loses while it fails; 0 takes the box out of the group."},
			{Name: "at_least", Kind: KindInt, Min: "1", Max: "10000", Default: "1", Only: []string{"pool"},
				Purpose: "How many members of the pool must be available."},
			{Name: "ttl", Kind: KindDuration, Min: "1s", Max: "1d", Default: "30s", Only: []string{"custom"},
				Purpose: "How long a report holds; without a newer one the track fails."},
		},
	},
}

// trackKinds are the kinds of tracks.
var trackKinds = []string{"port", "default_route", "pool", "custom"}

var routerKeywords = []Keyword{
	{Name: "port", Kind: KindString, Required: true, check: checkName,
		Purpose: "The port by its name on the front, or a bond or VLAN of the box, such as \"bond0\" or \"lan1.100\"."},
	{Name: "vrid", Kind: KindInt, Min: "1", Max: "255", Required: true,
		Purpose: "The number of the virtual router, one of its own on the port for each family."},
	{Name: "version", Kind: KindInt, Min: "2", Max: "3", Default: "3",
		Purpose: "The version of VRRP; 2 is for old peers, of IPv4, in whole seconds."},
	{Name: "addresses", Kind: KindPrefixes, Required: true,
		Purpose: "The addresses, all of one family, each with the length of its network, 16 at most."},
	{Name: "mac", Kind: KindString, OneOf: []string{"virtual", "port"}, Default: "virtual",
		Purpose: "The hardware address that the addresses answer from: one that moves with them, or the port's own."},
	{Name: "checksum", Kind: KindString, OneOf: []string{"rfc9568", "pseudo"}, Default: "rfc9568",
		Purpose: "What the checksum of version 3 over IPv4 covers: the packet alone, or a pseudo header too, as older routers have it."},
	{Name: "unicast", Kind: KindIPs, Unset: "advertisements go to everyone on the network, by multicast",
		Purpose: "The addresses of the peers' ports, which advertisements are sent to one by one, 8 at most."},
	{Name: "priority", Kind: KindInt, Min: "0", Max: "255", Default: "0",
		Purpose: "0 for what homes say, or 255 where the addresses are the own ones of the first home's port."},
}
