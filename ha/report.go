// SPDX-License-Identifier: Apache-2.0

package ha

import "time"

// A Report is what a Runner tells of itself with each pulse.
type Report struct {
	Run         string                `json:"run"`               // random, another one for each process
	Settings    uint64                `json:"settings"`          // number of those in force; 0: none yet
	Problem     string                `json:"problem,omitempty"` // why it does not do as they want
	Realtime    bool                  `json:"realtime"`          // advertisements go out from a thread of real-time priority
	RealtimeWhy string                `json:"realtime_why,omitempty"`
	Groups      []GroupReport         `json:"groups"`
	Peers       map[string]PeerReport `json:"peers"`
	Alarms      []Alarm               `json:"alarms"`
	Events      []Event               `json:"events"` // that were not seen yet, the oldest first
	Done        []Done                `json:"done"`   // until the order is no longer repeated
}

// The states of a group and of a router.
const (
	StateInit   = "init"
	StateBackup = "backup"
	StateActive = "active"
	StateFault  = "fault"
)

// A GroupReport is how a group is on this box.
type GroupReport struct {
	Name      string         `json:"name"`
	State     string         `json:"state"`
	Since     time.Time      `json:"since,omitzero"` // of the state
	Reason    string         `json:"reason"`         // of the last change, for people
	Home      bool           `json:"home"`           // this box is the one that it prefers
	Preferred string         `json:"preferred"`
	Active    string         `json:"active"`   // the box that is ACTIVE as far as known; "": not known
	Priority  int            `json:"priority"` // in effect; 0: it gives up
	Base      int            `json:"base"`
	Parts     []PriorityPart `json:"parts"`
	Pinned    bool           `json:"pinned"` // an order has put it where it is
	Held      string         `json:"held"`   // why a takeover is held back
	Routers   []RouterReport `json:"routers"`
	Clusters  []string       `json:"clusters"` // not known here
}

// A PriorityPart is one reason for a group's priority.
type PriorityPart struct {
	Cause  string `json:"cause"`  // such as "port lan2", "engine"
	Weight int    `json:"weight"` // what it takes away while it fails; 0: the group is in FAULT
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// A RouterReport is how one virtual router is on this box.
type RouterReport struct {
	Name           string            `json:"name"`
	Interface      string            `json:"interface"`
	VRID           int               `json:"vrid"`
	Version        int               `json:"version"`
	Family         string            `json:"family"` // "IPv4" or "IPv6"
	Addresses      []string          `json:"addresses"`
	MAC            string            `json:"mac"` // that the addresses have while they are here
	State          string            `json:"state"`
	Master         string            `json:"master"`          // address of the ACTIVE router; "": none is known
	MasterPriority int               `json:"master_priority"` // of that
	PeerChecksum   string            `json:"peer_checksum"`   // "rfc9568", "pseudo"; "": not known
	Sent           uint64            `json:"sent"`
	Received       uint64            `json:"received"`
	Errors         map[string]uint64 `json:"errors"` // refused packets by reason
}

// A PeerReport is how another box is seen by heartbeats.
type PeerReport struct {
	Heartbeat Heartbeat            `json:"heartbeat"`
	Groups    map[string]PeerGroup `json:"groups"`
}

// A Heartbeat says when a peer was heard.
type Heartbeat struct {
	Seen bool     `json:"seen"` // lately enough to count
	Age  Duration `json:"age"`  // 0s: none was heard
}

// A PeerGroup is what a heartbeat says of a group on the box that sent it.
type PeerGroup struct {
	State    string `json:"state"`
	Priority int    `json:"priority"`
	Healthy  bool   `json:"healthy"` // it could be ACTIVE
	Reason   string `json:"reason"`
}

// An Alarm is something that a person should look at.
type Alarm struct {
	ID       string    `json:"id"`   // stable while it lasts, such as split/front/lan
	Kind     string    `json:"kind"` // one of the kinds below
	Severity string    `json:"severity"`
	Group    string    `json:"group,omitempty"`
	Peer     string    `json:"peer,omitempty"`
	Text     string    `json:"text"`
	Since    time.Time `json:"since,omitzero"`
}

// The kinds of alarms, and their severities.
const (
	AlarmSplit     = "split"      // a peer is seen by heartbeats and not by VRRP
	AlarmTwoActive = "two_active" // another box is ACTIVE too
	AlarmWire      = "wire"       // the kernel refuses what a group needs

	SeverityError   = "error"
	SeverityWarning = "warning"
)

// An Event is one entry of the timeline.
type Event struct {
	Seq    uint64    `json:"seq"` // from 1 in each run
	Time   time.Time `json:"time"`
	Uptime Duration  `json:"uptime"` // of the process: monotonic, for order and distances
	Kind   string    `json:"kind"`
	Group  string    `json:"group"`
	Router string    `json:"router,omitempty"` // where it began
	From   string    `json:"from,omitempty"`   // state or priority before
	To     string    `json:"to,omitempty"`     // state or priority from then on
	Cause  string    `json:"cause"`
	By     string    `json:"by,omitempty"` // who gave the order
	Reason string    `json:"reason"`
}

// The kinds of events.
const (
	EventState    = "state"    // of a group; From and To are states
	EventPriority = "priority" // From and To are numbers
	EventLink     = "link"     // a link or address that a group needs has come or gone
	EventHeld     = "held"     // a takeover is held back, or no longer
	EventNote     = "note"     // anything else worth a line
)

// The causes of events.
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

// A Done is what became of an order.
type Done struct {
	ID    string `json:"id"`
	Error string `json:"error,omitempty"` // "": it was carried out
}
