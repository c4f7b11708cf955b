// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// A Node is this box among those that stand in for each other. Without its
// block the box has a name and no peers.
type Node struct {
	Name   string         `json:"name,omitempty"` // empty: the host name; see Config.NodeName
	Listen netip.AddrPort `json:"listen"`         // mirror (TCP) and heartbeat (UDP); not valid: none
	Peers  []*Peer        `json:"peers"`          // 3 at most

	Range hcl.Range `json:"-"`
}

// A Peer is another box, by the name that it has in its own node block.
type Peer struct {
	Name    string         `json:"name"`
	Address netip.AddrPort `json:"address"`
	Range   hcl.Range      `json:"-"`
}

// MaxPeers is how many peers a box can have: four boxes stand in for each other.
const MaxPeers = 3

// A Group is a set of virtual routers whose addresses move together from box to
// box.
type Group struct {
	Name         string    `json:"name"`
	Description  string    `json:"description,omitempty"`
	Homes        []string  `json:"homes"`         // nodes in the order of preference; see Base
	Interval     Duration  `json:"interval"`      // 1s between advertisements; version 2: whole seconds
	Preempt      bool      `json:"preempt"`       // true
	PreemptDelay Duration  `json:"preempt_delay"` // 0s
	StartDelay   Duration  `json:"start_delay"`   // 0s
	Accept       bool      `json:"accept"`        // true
	OnSplit      OnSplit   `json:"on_split"`      // hold
	EngineHold   Duration  `json:"engine_hold"`   // 2s without a serving engine: the group gives up
	Handoff      Duration  `json:"handoff"`       // 30s; 0s: off
	Announce     Announce  `json:"announce"`
	Routers      []*Router `json:"routers"`
	Tracks       []*Track  `json:"tracks"`
	Range        hcl.Range `json:"-"`
}

// OnSplit says what a group does when its peer is silent on the data networks
// and well on the mirror's.
type OnSplit string

// The choices for a split.
const (
	SplitHold     OnSplit = "hold"     // stay as it is, and raise an alarm
	SplitTakeover OnSplit = "takeover" // believe VRRP alone
)

// An Announce says how often the network is told that addresses have moved, by
// gratuitous ARP and unsolicited neighbour advertisements.
type Announce struct {
	Repeat  int       `json:"repeat"`  // 5 at once
	Delay   Duration  `json:"delay"`   // 5s later the same again; 0s: not
	Refresh Duration  `json:"refresh"` // 0s: never again while active
	Range   hcl.Range `json:"-"`
}

// A Router is one virtual router of VRRP: addresses of one family on one port.
type Router struct {
	Name      string         `json:"name"`
	Port      string         `json:"port"` // as on the front
	VRID      int            `json:"vrid"` // 1 to 255
	Version   int            `json:"version"`
	Addresses []netip.Prefix `json:"addresses"` // of IPv6 as written; see Advertised
	MAC       RouterMAC      `json:"mac"`
	Checksum  string         `json:"checksum"` // rfc9568 (default), pseudo; of version 3 with IPv4 alone
	Unicast   []netip.Addr   `json:"unicast"`  // the peers; none: multicast
	Priority  int            `json:"priority"` // 0: of the group's homes; 255: the first home owns the addresses
	Range     hcl.Range      `json:"-"`
}

// A RouterMAC says from which hardware address a router's addresses answer.
type RouterMAC string

// The hardware addresses.
const (
	MACVirtual RouterMAC = "virtual" // 00-00-5e-00-01-VRID, of IPv6 00-00-5e-00-02-VRID
	MACPort    RouterMAC = "port"    // the port's own
)

// A Track takes weight from a group's priority while something fails.
type Track struct {
	Kind    TrackKind `json:"kind"`
	Name    string    `json:"name"`     // of the port or pool; "v4" or "v6"; of a custom one as it likes
	Weight  int       `json:"weight"`   // 0: the group is at fault, whatever its priority
	AtLeast int       `json:"at_least"` // pool: available members; 1
	TTL     Duration  `json:"ttl"`      // custom: how long a report holds; 30s
	Range   hcl.Range `json:"-"`
}

// A TrackKind is what a track watches.
type TrackKind string

// The kinds of tracks.
const (
	TrackPort         TrackKind = "port"
	TrackDefaultRoute TrackKind = "default_route"
	TrackPool         TrackKind = "pool"
	TrackCustom       TrackKind = "custom"
)
