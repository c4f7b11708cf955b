// SPDX-License-Identifier: Apache-2.0

package ha

import "time"

// A Report is what a Runner tells of itself with each pulse.
type Report struct {
	Epoch       uint64        `json:"epoch"`    // differs for each start of the process
	Settings    uint64        `json:"settings"` // number of those in force
	Node        string        `json:"node"`
	Simulated   bool          `json:"simulated"` // whether the LAN is a simulated one
	Realtime    bool          `json:"realtime"`  // whether advertisements go out from a thread of real-time priority
	RealtimeWhy string        `json:"realtime_why,omitempty"`
	Groups      []GroupReport `json:"groups"`
	Peers       []PeerReport  `json:"peers"`
	Alarms      []Alarm       `json:"alarms"`
	Changes     []Change      `json:"changes"` // those that nobody has acknowledged, the oldest first
	Lost        uint64        `json:"lost"`    // changes that went unacknowledged because there were too many
	Orders      []OrderResult `json:"orders"`  // outcomes of the latest orders
	Problem     string        `json:"problem,omitempty"`
}

// The states of a group.
const (
	Init   = "init"
	Backup = "backup"
	Active = "active"
	Fault  = "fault"
)

// A GroupReport is how a group is on this box.
type GroupReport struct {
	Name     string         `json:"name"`
	State    string         `json:"state"`
	Since    time.Time      `json:"since"`
	Reason   string         `json:"reason"`  // of the last change, for people
	Active   string         `json:"active"`  // the box that is active as far as known; "": not known
	Healthy  bool           `json:"healthy"` // whether this box could be active
	Pinned   bool           `json:"pinned"`  // an order has put it where it is
	Held     string         `json:"held,omitempty"`
	Base     uint8          `json:"base"`
	Priority uint8          `json:"priority"` // 0: gives up
	Parts    []PriorityPart `json:"parts"`
	Routers  []RouterReport `json:"routers"`
	Handoff  *HandoffReport `json:"handoff,omitempty"` // nil: switched off
}

// A HandoffReport tells how connections fare that began on the box which had the group
// before: their packets go on to it.
type HandoffReport struct {
	Limit       Duration  `json:"limit"`
	Problem     string    `json:"problem,omitempty"` // why connections end with a switch
	Packets     uint64    `json:"packets"`           // sent on since the group came here last
	Connections uint64    `json:"connections"`       // that they belong to
	Ended       uint64    `json:"ended"`             // of those, ended by their client
	Until       time.Time `json:"until,omitzero"`    // when packets are not sent on any more, or were not
}

// A PriorityPart is one reason for a group's priority.
type PriorityPart struct {
	Cause  string `json:"cause"`  // such as "port lan2", "engine"
	Weight int    `json:"weight"` // what it takes away while it fails; 0: all
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// A RouterReport is how one virtual router is on this box.
type RouterReport struct {
	Name           string            `json:"name"`
	Interface      string            `json:"interface"`
	VRID           uint8             `json:"vrid"`
	Version        uint8             `json:"version"`
	Family         string            `json:"family"` // "ipv4" or "ipv6"
	Addresses      []string          `json:"addresses"`
	MAC            string            `json:"mac"` // that the addresses have while they are here
	State          string            `json:"state"`
	Master         string            `json:"master"`          // address of the box that advertised last
	MasterPriority uint8             `json:"master_priority"` // of that
	PeerChecksum   string            `json:"peer_checksum,omitempty"`
	Sent           uint64            `json:"sent"`
	Received       uint64            `json:"received"`
	Errors         map[string]uint64 `json:"errors"` // refused packets by reason
	Problem        string            `json:"problem,omitempty"`
}

// A PeerReport is how another box is seen by heartbeats.
type PeerReport struct {
	Name   string               `json:"name"`
	Paired bool                 `json:"paired"`
	Seen   bool                 `json:"seen"` // freshly
	Age    Duration             `json:"age"`  // of the last heartbeat; 0s if none ever came
	Groups map[string]PeerGroup `json:"groups"`
}

// A PeerGroup is what a heartbeat says of a group on the box that sent it.
type PeerGroup struct {
	State    string `json:"state"`
	Priority uint8  `json:"priority"`
	Healthy  bool   `json:"healthy"`
	Reason   string `json:"reason"`
}

// An Alarm is something that a person should look at.
type Alarm struct {
	Severity string    `json:"severity"` // "warning" or "error"
	Group    string    `json:"group,omitempty"`
	Text     string    `json:"text"`
	Since    time.Time `json:"since"`
}

// The causes of changes.
const (
	CauseStart     = "start"     // of the process
	CauseStop      = "stop"      // of the process
	CauseAdvert    = "advert"    // another box advertised, or ceased to
	CauseLink      = "link"      // a link, an address or a route
	CauseTrack     = "track"     // a pool or a custom track
	CauseEngine    = "engine"    // the engine serves, or does not
	CauseOperator  = "operator"  // a person's order
	CauseSettings  = "settings"  // a commit
	CauseHeartbeat = "heartbeat" // what heartbeats say
)

// A Change is one entry of the timeline: a group came into another state, another
// priority, or was held back.
type Change struct {
	Number   uint64    `json:"number"` // from 1, in this epoch
	Time     time.Time `json:"time"`
	Uptime   Duration  `json:"uptime"` // of the process: monotonic, for order and distances
	Group    string    `json:"group"`
	Router   string    `json:"router,omitempty"` // where it began
	From     string    `json:"from"`
	To       string    `json:"to"` // the same as From if the state stayed
	Priority uint8     `json:"priority"`
	Cause    string    `json:"cause"`
	By       string    `json:"by,omitempty"` // who gave the order
	Reason   string    `json:"reason"`
}

// An OrderResult is what became of an order.
type OrderResult struct {
	ID   uint64 `json:"id"`
	OK   bool   `json:"ok"`
	Text string `json:"text"` // what was done, or why not
}
