// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"time"

	"evener/firmware/api"
)

// HARole is the name of the role that moves addresses between boxes.
const HARole = "ha"

// HASettings are what the process of the role ha is to do. They hold the secrets
// of the heartbeat, and are for that process alone. Durations are texts such as
// "1s".
type HASettings struct {
	Number    uint64            `json:"number" doc:"counts the changes; ha.pulse tells the newest"`
	Node      string            `json:"node" doc:"name of this box"`
	Simulated bool              `json:"simulated" doc:"the board is simulated: take addresses on the simulated LAN"`
	Listen    string            `json:"listen" doc:"address of the heartbeat (UDP); empty: none"`
	Peers     []HAPeerSettings  `json:"peers"`
	Groups    []HAGroupSettings `json:"groups"`
}

// HAPeerSettings are another box.
type HAPeerSettings struct {
	Name    string `json:"name"`
	Address string `json:"address" doc:"of its heartbeat (UDP)"`
	Paired  bool   `json:"paired" doc:"secret is set"`
	Secret  []byte `json:"secret" secret:"true" doc:"of the heartbeat, 32 bytes that both boxes know; null where they are not paired"`
}

// HAGroupSettings are a failover group that has this box among its homes.
type HAGroupSettings struct {
	Name         string             `json:"name"`
	Homes        []string           `json:"homes" doc:"nodes in order of preference"`
	Base         int                `json:"base" doc:"priority of this box: 200, 150, 100, 50 by its place in homes"`
	Interval     api.Duration       `json:"interval" doc:"between advertisements, 10ms to 40950ms"`
	Preempt      bool               `json:"preempt"`
	PreemptDelay api.Duration       `json:"preempt_delay"`
	StartDelay   api.Duration       `json:"start_delay"`
	Accept       bool               `json:"accept"`
	OnSplit      string             `json:"on_split" doc:"hold or takeover"`
	EngineHold   api.Duration       `json:"engine_hold" doc:"silence of the engine after which the group gives up"`
	Handoff      api.Duration       `json:"handoff" doc:"how long packets of old connections are sent on to the box that was active; 0s: not at all"`
	Announce     HAAnnounce         `json:"announce"`
	Routers      []HARouterSettings `json:"routers"`
	Tracks       []HATrackSettings  `json:"tracks"`
}

// HAAnnounce says how a takeover is announced on the links.
type HAAnnounce struct {
	Repeat  int          `json:"repeat"`
	Delay   api.Duration `json:"delay" doc:"before the second announcement"`
	Refresh api.Duration `json:"refresh" doc:"between announcements while active; 0s: none"`
}

// HARouterSettings are one virtual router. All its addresses are of one family.
type HARouterSettings struct {
	Name      string   `json:"name"`
	Port      string   `json:"port" doc:"as the configuration names it"`
	Interface string   `json:"interface" doc:"as the kernel calls it; empty: the port is missing"`
	VRID      int      `json:"vrid"`
	Version   int      `json:"version" doc:"2 or 3"`
	Addresses []string `json:"addresses" doc:"each with its prefix length"`
	MAC       string   `json:"mac" doc:"virtual or port"`
	Checksum  string   `json:"checksum" doc:"rfc9568 or pseudo"`
	Unicast   []string `json:"unicast" doc:"addresses of the other routers; none: multicast"`
	Priority  int      `json:"priority" doc:"255: this box owns the addresses; 0: as the group has it"`
}

// HATrackSettings say what counts for the priority of a group.
type HATrackSettings struct {
	Key       string `json:"key" doc:"name in the answers of ha.pulse, for kinds pool and custom"`
	Kind      string `json:"kind" doc:"port, default_route, pool or custom"`
	Name      string `json:"name" doc:"of the port, pool or custom track; v4 or v6 of the default route"`
	Interface string `json:"interface" doc:"of the port, as the kernel calls it; empty: the port is missing"`
	Weight    int    `json:"weight" doc:"taken away while it fails; 0: the group is at fault meanwhile"`
}

// HAPulseParams are what the process of the role ha tells the engine.
type HAPulseParams struct {
	Report HAReport `json:"report"`
}

// An HAReport is what the process of the role ha knows.
type HAReport struct {
	Run      string                  `json:"run" doc:"random, another one for each process"`
	Settings uint64                  `json:"settings" doc:"number of the settings that it follows; 0: none yet"`
	Problem  string                  `json:"problem,omitempty" doc:"why it does not do as the settings want"`
	Groups   []HAGroup               `json:"groups"`
	Peers    map[string]HAPeerReport `json:"peers"`
	Alarms   []HAAlarm               `json:"alarms"`
	Events   []HAEvent               `json:"events" doc:"after the one that the engine has seen, the oldest first, 256 at most"`
	Done     []HADone                `json:"done" doc:"orders that were carried out, until the engine no longer repeats them"`
}

// An HAPeerReport is what heartbeats tell of a peer.
type HAPeerReport struct {
	Heartbeat HAHeartbeat            `json:"heartbeat"`
	Groups    map[string]HAPeerGroup `json:"groups"`
}

// An HAEvent is something that happened in the process of the role ha.
type HAEvent struct {
	Seq    uint64    `json:"seq" doc:"from 1 in each run"`
	Time   time.Time `json:"time"`
	Kind   string    `json:"kind" doc:"state, priority, link, held or note"`
	Group  string    `json:"group"`
	Router string    `json:"router,omitempty"`
	From   string    `json:"from,omitempty" doc:"state or priority before"`
	To     string    `json:"to,omitempty" doc:"state or priority from then on"`
	Reason string    `json:"reason" doc:"in one line, for people"`
}

// The kinds of an HAEvent.
const (
	HAEventState    = "state"    // of a group; From and To are states
	HAEventPriority = "priority" // From and To are numbers
	HAEventLink     = "link"     // a link or address that a group needs has come or gone
	HAEventHeld     = "held"     // takeover is held back, or no longer
	HAEventNote     = "note"     // anything else worth a line
)

// An HADone is the outcome of an order.
type HADone struct {
	ID    string `json:"id"`
	Error string `json:"error,omitempty" doc:"empty: it was carried out"`
}

// An HAPulse is the answer to ha.pulse. It comes at once when something in it is
// new for the caller, otherwise after 250 ms.
type HAPulse struct {
	Settings uint64                  `json:"settings" doc:"number of the newest settings"`
	Seen     uint64                  `json:"seen" doc:"number of the newest event of this run that the engine has kept"`
	Engine   HAEngine                `json:"engine"`
	Tracks   map[string]HATrackState `json:"tracks" doc:"by key; what is left out stays as it was, and is ok at first"`
	Orders   []HAOrder               `json:"orders" doc:"each is repeated until the report has it among done; carry it out once"`
	Mirror   map[string]HAConnected  `json:"mirror" doc:"by peer"`
}

// An HAEngine says whether clients are served.
type HAEngine struct {
	Serving bool   `json:"serving"`
	Why     string `json:"why" doc:"why not"`
}

// An HATrackState is a pool or custom track.
type HATrackState struct {
	OK  bool   `json:"ok"`
	Why string `json:"why" doc:"in words, also when it is ok"`
}

// An HAConnected says whether the mirror reaches a peer.
type HAConnected struct {
	Connected bool `json:"connected"`
}

// The kinds of an HAOrder.
const (
	HAOrderSwitch    = "switch"    // the group moves to node, or away from here where node is empty, and stays: it is pinned
	HAOrderPin       = "pin"       // the group does not preempt until rebalanced
	HAOrderRebalance = "rebalance" // every group forgets its pin and preempts as its settings want
	HAOrderCrash     = "crash"     // the group stops advertising and releases without priority 0, for the time for; then it begins anew
)

// An HAOrder is something to do for the process of the role ha.
type HAOrder struct {
	ID    string       `json:"id"`
	Kind  string       `json:"kind" doc:"switch, pin, rebalance or crash"`
	Group string       `json:"group" doc:"empty: every group"`
	Node  string       `json:"node,omitempty" doc:"that is to be active"`
	For   api.Duration `json:"for" doc:"of crash"`
	By    string       `json:"by" doc:"who has ordered it, for reasons"`
}
