// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"fmt"
	"time"
)

// A Duration is a time.Duration that is text in JSON, such as "1m30s".
type Duration time.Duration

// D returns d as the type of package time.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String returns d in the form that [time.ParseDuration] reads.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText returns what String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("a duration is written such as 250ms or 2s, not %q", b)
	}
	*d = Duration(v)
	return nil
}

// Settings are what hot standby is to do on this box. Without groups it does
// nothing.
type Settings struct {
	Number    uint64  `json:"number"`    // counts the changes; a [Pulse] tells the newest
	Node      string  `json:"node"`      // name of this box
	Simulated bool    `json:"simulated"` // whether the LAN is to be the simulated one
	Listen    string  `json:"listen"`    // ADDRESS:PORT of the heartbeats of this box (UDP); "": none
	Peers     []Peer  `json:"peers"`
	Groups    []Group `json:"groups"`
}

// A Peer says where another box is.
type Peer struct {
	Name    string `json:"name"`
	Address string `json:"address"` // ADDRESS:PORT of its heartbeats
	Paired  bool   `json:"paired"`  // Secret is set
	Secret  []byte `json:"secret"`  // of the pairing, the same on both boxes
}

// A Group is one failover group of which this box is a member.
type Group struct {
	Name         string   `json:"name"`
	Homes        []string `json:"homes"`    // boxes, the preferred one first
	Base         int      `json:"base"`     // priority of this box before tracking, 1 to 254
	Interval     Duration `json:"interval"` // between advertisements
	Preempt      bool     `json:"preempt"`
	PreemptDelay Duration `json:"preempt_delay"`
	StartDelay   Duration `json:"start_delay"`
	Accept       bool     `json:"accept"`
	OnSplit      string   `json:"on_split"`    // [SplitHold] or [SplitTakeover]
	EngineHold   Duration `json:"engine_hold"` // how long the engine may not serve
	Handoff      Duration `json:"handoff"`     // not used here
	Announce     Announce `json:"announce"`
	Routers      []Router `json:"routers"`
	Tracks       []Track  `json:"tracks"`
}

// What a group does whose peer is seen by heartbeats but not by VRRP.
const (
	SplitHold     = "hold"     // leaves the addresses where they are
	SplitTakeover = "takeover" // takes them all the same
)

// An Announce says how often neighbours are told of a taken address.
type Announce struct {
	Repeat  int      `json:"repeat"`  // frames at once, and again after Delay
	Delay   Duration `json:"delay"`   // 0s: no second time
	Refresh Duration `json:"refresh"` // 0s: never again
}

// A Router is one virtual router of a group.
type Router struct {
	Name      string   `json:"name"`
	Port      string   `json:"port"`      // the name for people, such as lan1
	Interface string   `json:"interface"` // the kernel's name, such as eth1; "": the port is missing
	VRID      int      `json:"vrid"`
	Version   int      `json:"version"`   // of VRRP: 2 or 3
	Addresses []string `json:"addresses"` // ADDRESS/BITS, of one family
	MAC       string   `json:"mac"`       // "virtual" or "port"
	Checksum  string   `json:"checksum"`  // of version 3 over IPv4: "rfc9568" or "pseudo"
	Unicast   []string `json:"unicast"`   // addresses of the peers; none: multicast
	Priority  int      `json:"priority"`  // 255: this box owns the addresses; 0: that of the group
}

// The kinds of tracks.
const (
	TrackPort         = "port"          // the link of an interface
	TrackDefaultRoute = "default_route" // Name is v4 or v6
	TrackPool         = "pool"          // judged by whoever answers the pulse
	TrackCustom       = "custom"        // likewise
)

// A Track says what else the priority of a group depends on.
type Track struct {
	Key       string `json:"key"` // its name in a [Pulse], of pools and custom ones
	Kind      string `json:"kind"`
	Name      string `json:"name"`      // of the port, the pool ...; v4 or v6 of a default route
	Interface string `json:"interface"` // the kernel's name of a tracked port
	Weight    int    `json:"weight"`    // taken away while it fails; 0: the group is in FAULT
}

// A Pulse is what the process that serves answers to a [Report].
type Pulse struct {
	Settings uint64               `json:"settings"` // number of the newest settings
	Seen     uint64               `json:"seen"`     // events of this run up to this number are kept
	Engine   Serving              `json:"engine"`
	Tracks   map[string]Tracked   `json:"tracks"` // by Track.Key; what is left out is as it was, and good at first
	Orders   []Order              `json:"orders"` // repeated until a report has their outcome
	Mirror   map[string]Connected `json:"mirror"` // by name of the peer
}

// Serving says whether the box does what its addresses are for.
type Serving struct {
	Serving bool   `json:"serving"`
	Why     string `json:"why"`
}

// A Tracked says how something tracked is.
type Tracked struct {
	OK  bool   `json:"ok"`
	Why string `json:"why"`
}

// A Connected says whether the mirror reaches a peer.
type Connected struct {
	Connected bool `json:"connected"`
}

// The kinds of orders.
const (
	OrderSwitch    = "switch"    // the group goes to Node, or away if that is "", and stays there
	OrderPin       = "pin"       // the group stays where it is
	OrderRebalance = "rebalance" // the group goes to the box that it prefers
	OrderCrash     = "crash"     // the group falls silent for a while, as in a crash
)

// An Order comes from a person.
type Order struct {
	ID    string   `json:"id"` // the same in a repetition
	Kind  string   `json:"kind"`
	Group string   `json:"group"` // "": all
	Node  string   `json:"node,omitempty"`
	For   Duration `json:"for"` // of a crash
	By    string   `json:"by"`  // who gave it
}
