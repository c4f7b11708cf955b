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

// Settings are what the boxes' hot standby is to do on this box. Without groups it
// does nothing.
type Settings struct {
	Number uint64          `json:"number"` // counts the changes; of the pulse that says so
	Node   string          `json:"node"`   // name of this box
	Listen string          `json:"listen"` // ADDRESS:PORT of the heartbeats of this box (UDP); "": none
	Peers  []PeerSettings  `json:"peers"`
	Groups []GroupSettings `json:"groups"`
}

// PeerSettings say where another box is.
type PeerSettings struct {
	Name    string `json:"name"`
	Address string `json:"address"` // ADDRESS:PORT of its heartbeats
	Key     []byte `json:"key"`     // the secret of the pairing, the same on both boxes; none: not paired, no heartbeats
}

// GroupSettings are one failover group of which this box is a member.
type GroupSettings struct {
	Name         string           `json:"name"`
	Homes        []string         `json:"homes"` // boxes, the preferred one first
	Base         uint8            `json:"base"`  // priority of this box before tracking: 1 to 254
	Interval     Duration         `json:"interval"`
	Preempt      bool             `json:"preempt"`
	PreemptDelay Duration         `json:"preempt_delay"`
	StartDelay   Duration         `json:"start_delay"`
	Accept       bool             `json:"accept"`
	OnSplit      string           `json:"on_split"` // "hold" or "takeover"
	EngineHold   Duration         `json:"engine_hold"`
	Handoff      Duration         `json:"handoff"` // how long packets of old connections go on to the box that was active; 0s: not at all
	Announce     AnnounceSettings `json:"announce"`
	Routers      []RouterSettings `json:"routers"`
	Tracks       []TrackSettings  `json:"tracks"`
}

// AnnounceSettings say how often neighbours are told of a taken address.
type AnnounceSettings struct {
	Repeat  int      `json:"repeat"`  // frames at once, and again after Delay
	Delay   Duration `json:"delay"`   // 0s: no second time
	Refresh Duration `json:"refresh"` // 0s: never again
}

// RouterSettings are one virtual router of a group.
type RouterSettings struct {
	Name      string   `json:"name"`
	Interface string   `json:"interface"` // the kernel's name, such as eth1
	Port      string   `json:"port"`      // the name for people, such as lan1
	VRID      uint8    `json:"vrid"`
	Version   uint8    `json:"version"`   // of VRRP: 2 or 3
	Addresses []string `json:"addresses"` // ADDRESS/BITS, of one family
	MAC       string   `json:"mac"`       // "virtual" or "port"
	Checksum  string   `json:"checksum"`  // of version 3 over IPv4: "rfc9568" or "pseudo"
	Unicast   []string `json:"unicast"`   // addresses of the peers; none: multicast
	Owner     bool     `json:"owner"`     // priority 255, whatever is tracked
}

// The kinds of tracks.
const (
	TrackPort         = "port"          // the link of an interface
	TrackDefaultRoute = "default_route" // Name is v4 or v6
	TrackPool         = "pool"          // judged by whoever answers the pulse
	TrackCustom       = "custom"        // likewise
)

// TrackSettings say what else the priority of a group depends on.
type TrackSettings struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`      // of the port, the pool ...; v4 or v6 of a default route
	Interface string `json:"interface"` // the kernel's name of a tracked port
	Weight    uint8  `json:"weight"`    // subtracted while it fails; 0: the group is in FAULT
}

// Key is the name of the track in a [Pulse], such as "pool/shop".
func (t TrackSettings) Key() string { return t.Kind + "/" + t.Name }

// A Pulse is what the process that serves answers to a [Report].
type Pulse struct {
	Settings uint64                `json:"settings"` // number of the settings that are to be in force
	Engine   Serving               `json:"engine"`
	Tracks   map[string]TrackState `json:"tracks"` // by [TrackSettings.Key]; those of pools and custom ones
	Orders   []Order               `json:"orders"` // repeated until a report has their outcome
	Mirror   map[string]MirrorLink `json:"mirror"` // by name of the peer
	Acked    uint64                `json:"acked"`  // changes up to this number of this epoch are kept
}

// Serving says whether the box does what its addresses are for.
type Serving struct {
	Serving bool   `json:"serving"`
	Why     string `json:"why,omitempty"`
}

// A TrackState says how something tracked is.
type TrackState struct {
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty"`
}

// A MirrorLink says how the stream with a peer is.
type MirrorLink struct {
	Connected bool `json:"connected"`
}

// The kinds of orders.
const (
	OrderSwitch    = "switch"    // give the group to another box, which keeps it
	OrderRebalance = "rebalance" // groups go to the boxes that they prefer
	OrderStay      = "stay"      // this box keeps or gets the group
	OrderCrash     = "crash"     // this box falls silent for the time For, as if it had died: releases, sends no priority 0
)

// An Order comes from a person.
type Order struct {
	ID    uint64 `json:"id"` // grows; the same after a repetition
	Kind  string `json:"kind"`
	Group string `json:"group,omitempty"` // "": all
	Node  string `json:"node,omitempty"`  // of a switch: to whom; "": to whoever comes next
	By    string `json:"by,omitempty"`    // who gave it

	For Duration `json:"for,omitempty"` // of a crash; then the group begins anew
}
