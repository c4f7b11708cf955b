// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"time"

	"evener/firmware/api"
	"evener/firmware/phrase"
)

// HARole is the name of the role that moves addresses between boxes.
const HARole = "ha"

// The types of this file travel between the engine and the process of the role
// ha. Package ha has the same shapes; a test compares them.

// HASettings are what that process is to do. They hold the secrets of the
// heartbeat, and are for that process alone.
type HASettings struct {
	Number uint64            `json:"number" doc:"counts the changes; ha.pulse tells the newest"`
	Node   string            `json:"node" doc:"name of this box"`
	Listen string            `json:"listen" doc:"address of the heartbeats (UDP); empty: none"`
	Peers  []HAPeerSettings  `json:"peers"`
	Groups []HAGroupSettings `json:"groups"`
}

// HAPeerSettings are another box.
type HAPeerSettings struct {
	Name    string `json:"name"`
	Address string `json:"address" doc:"of its heartbeats (UDP)"`
	Key     []byte `json:"key" secret:"true" doc:"of the heartbeats, known to both boxes; null where they are not paired"`
}

// HAGroupSettings are a failover group that has this box among its homes.
type HAGroupSettings struct {
	Name         string             `json:"name"`
	Homes        []string           `json:"homes" doc:"nodes in order of preference"`
	Base         uint8              `json:"base" doc:"priority of this box: 200, 150, 100, 50 by its place in homes"`
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
	Delay   api.Duration `json:"delay" doc:"before the announcements are repeated"`
	Refresh api.Duration `json:"refresh" doc:"between announcements while active; 0s: none"`
}

// HARouterSettings are one virtual router. All its addresses are of one family.
type HARouterSettings struct {
	Name      string   `json:"name"`
	Interface string   `json:"interface" doc:"as the kernel calls it; empty: the port is missing"`
	Port      string   `json:"port" doc:"as the configuration names it"`
	VRID      uint8    `json:"vrid"`
	Version   uint8    `json:"version" doc:"2 or 3"`
	Addresses []string `json:"addresses" doc:"each with its prefix length"`
	MAC       string   `json:"mac" doc:"virtual or port"`
	Checksum  string   `json:"checksum" doc:"rfc9568 or pseudo"`
	Unicast   []string `json:"unicast" doc:"addresses of the other routers; none: multicast"`
	Owner     bool     `json:"owner" doc:"priority 255, whatever is tracked"`
}

// HATrackSettings say what counts for the priority of a group.
type HATrackSettings struct {
	Kind      string `json:"kind" doc:"port, default_route, pool or custom"`
	Name      string `json:"name" doc:"of the port, pool or custom track; v4 or v6 of the default route"`
	Interface string `json:"interface" doc:"of the port, as the kernel calls it; empty: the port is missing"`
	Weight    uint8  `json:"weight" doc:"taken away while it fails; 0: the group is at fault meanwhile"`
}

// key is the name of the track in the answers of ha.pulse.
func (t HATrackSettings) key() string { return t.Kind + "/" + t.Name }

// An HAReport is what the process of the role ha knows.
type HAReport struct {
	Epoch       uint64           `json:"epoch" doc:"differs for each start of the process"`
	Settings    uint64           `json:"settings" doc:"number of the settings that it follows; 0: none yet"`
	Node        string           `json:"node"`
	Simulated   bool             `json:"simulated" doc:"the LAN is a simulated one"`
	Realtime    bool             `json:"realtime" doc:"advertisements are sent with real-time priority"`
	RealtimeWhy string           `json:"realtime_why,omitempty" doc:"why not"`
	Groups      []HAGroupReport  `json:"groups"`
	Peers       []HAPeerReport   `json:"peers"`
	Alarms      []HAAlarm        `json:"alarms"`
	Changes     []HAChange       `json:"changes" doc:"that the engine has not acknowledged, the oldest first"`
	Lost        uint64           `json:"lost" doc:"changes that were not acknowledged because there were too many"`
	Orders      []HAOrderOutcome `json:"orders" doc:"outcomes of the latest"`
	Problem     string           `json:"problem,omitempty" doc:"why it does not do as the settings want"`
}

// The states of a group and of a router.
const (
	HAInit   = "init"
	HABackup = "backup"
	HAActive = "active"
	HAFault  = "fault"
)

// An HAGroupReport is what the process of the role ha tells of a group.
type HAGroupReport struct {
	Name     string     `json:"name"`
	State    string     `json:"state" doc:"init, backup, active or fault"`
	Since    time.Time  `json:"since" doc:"of the state"`
	Reason   string     `json:"reason" doc:"why it is in this state, in one line"`
	Active   string     `json:"active" doc:"node that is active, as far as known; empty: none is known"`
	Healthy  bool       `json:"healthy" doc:"this box could be active"`
	Pinned   bool       `json:"pinned" doc:"an order has put it where it is: it does not move back by preference until rebalanced"`
	Held     string     `json:"held,omitempty" doc:"why takeover is held back; empty: it is not"`
	Base     uint8      `json:"base" doc:"priority of this box, by its place in homes"`
	Priority uint8      `json:"priority" doc:"in effect; 0: it gives up"`
	Parts    []HAPart   `json:"parts" doc:"what makes the priority what it is"`
	Routers  []HARouter `json:"routers"`
	Handoff  *HAHandoff `json:"handoff,omitempty" doc:"null: switched off"`

	Said phrase.Words `json:"said,omitempty" says:"reason,held" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HAHandoff tells how connections fare that began on the box which had the group
// before: their packets go on to it.
type HAHandoff struct {
	Limit       api.Duration `json:"limit"`
	Problem     string       `json:"problem,omitempty" doc:"why connections end with a switch"`
	Packets     uint64       `json:"packets" doc:"sent on since the group came here last"`
	Connections uint64       `json:"connections" doc:"that they belong to"`
	Ended       uint64       `json:"ended" doc:"of those, ended by their client"`
	Until       time.Time    `json:"until,omitzero" doc:"when packets are not sent on any more, or were not"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HAPart is one cause that counts for the priority.
type HAPart struct {
	Cause  string `json:"cause" doc:"such as port lan2, pool shop, engine, custom db"`
	Weight int    `json:"weight" doc:"taken away while the cause fails; 0: all"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail" doc:"in words"`

	Said phrase.Words `json:"said,omitempty" says:"cause,detail" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HARouter is one virtual router of a group.
type HARouter struct {
	Name           string            `json:"name"`
	Interface      string            `json:"interface" doc:"as the kernel calls it"`
	VRID           uint8             `json:"vrid"`
	Version        uint8             `json:"version" doc:"of VRRP, 2 or 3"`
	Family         string            `json:"family" doc:"ipv4 or ipv6"`
	Addresses      []string          `json:"addresses"`
	MAC            string            `json:"mac" doc:"that its addresses have while they are here"`
	State          string            `json:"state" doc:"init, backup, active or fault"`
	Master         string            `json:"master" doc:"address of the router that advertised last; empty: none is known"`
	MasterPriority uint8             `json:"master_priority" doc:"of that"`
	PeerChecksum   string            `json:"peer_checksum,omitempty" doc:"by which rule the peer reckons checksums: rfc9568, pseudo; empty: unknown"`
	Sent           uint64            `json:"sent" doc:"advertisements"`
	Received       uint64            `json:"received" doc:"advertisements"`
	Errors         map[string]uint64 `json:"errors" doc:"packets that were refused, by reason"`
	Problem        string            `json:"problem,omitempty"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HAPeerReport is what heartbeats tell of a peer.
type HAPeerReport struct {
	Name   string                 `json:"name"`
	Paired bool                   `json:"paired"`
	Seen   bool                   `json:"seen" doc:"lately"`
	Age    api.Duration           `json:"age" doc:"since the last one; 0s if none ever came"`
	Groups map[string]HAPeerGroup `json:"groups"`
}

// An HAPeerGroup is what a peer tells of a group.
type HAPeerGroup struct {
	State    string `json:"state" doc:"init, backup, active or fault"`
	Priority uint8  `json:"priority"`
	Healthy  bool   `json:"healthy" doc:"it could be active there"`
	Reason   string `json:"reason"`

	Said phrase.Words `json:"said,omitempty" says:"reason" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HAAlarm is something about hot standby that needs attention.
type HAAlarm struct {
	Severity string    `json:"severity" doc:"error or warning"`
	Group    string    `json:"group,omitempty"`
	Text     string    `json:"text" doc:"with the cause, in one line"`
	Since    time.Time `json:"since"`

	Said phrase.Words `json:"said,omitempty" says:"text" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HAChange is one entry of the timeline: a group came into another state or
// priority, or was held back.
type HAChange struct {
	Number   uint64       `json:"number" doc:"from 1 in each epoch"`
	Time     time.Time    `json:"time"`
	Uptime   api.Duration `json:"uptime" doc:"of the process, by its monotonic clock"`
	Group    string       `json:"group"`
	Router   string       `json:"router,omitempty" doc:"where it began"`
	From     string       `json:"from" doc:"state"`
	To       string       `json:"to" doc:"state; the same if it stayed"`
	Priority uint8        `json:"priority"`
	Cause    string       `json:"cause" doc:"start, stop, advert, link, track, engine, operator, settings or heartbeat"`
	By       string       `json:"by,omitempty" doc:"who gave the order"`
	Reason   string       `json:"reason" doc:"in one line, for people"`
}

// An HAOrderOutcome is what became of an order.
type HAOrderOutcome struct {
	ID   uint64 `json:"id"`
	OK   bool   `json:"ok"`
	Text string `json:"text" doc:"what was done, or why not"`
}

// An HAPulse is the answer to ha.pulse. It comes at once when something in it is
// new for the caller, otherwise after 250 ms.
type HAPulse struct {
	Settings uint64                  `json:"settings" doc:"number of the newest settings"`
	Engine   HAEngine                `json:"engine"`
	Tracks   map[string]HATrackState `json:"tracks" doc:"of pools and custom ones, by KIND/NAME; what is left out stays as it was, and is ok at first"`
	Orders   []HAOrder               `json:"orders" doc:"each is repeated until a report has its outcome"`
	Mirror   map[string]HAConnected  `json:"mirror" doc:"by peer"`
	Acked    uint64                  `json:"acked" doc:"changes of this epoch are kept up to this number"`
}

// An HAEngine says whether clients are served.
type HAEngine struct {
	Serving bool   `json:"serving"`
	Why     string `json:"why,omitempty" doc:"why not"`
}

// An HATrackState is a pool or custom track.
type HATrackState struct {
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty" doc:"in words"`
}

// An HAConnected says whether the mirror reaches a peer.
type HAConnected struct {
	Connected bool `json:"connected"`
}

// The kinds of an HAOrder.
const (
	HAOrderSwitch    = "switch"    // the group moves to node, which keeps it; without one to whoever comes next
	HAOrderRebalance = "rebalance" // groups go to the boxes that they prefer
	HAOrderStay      = "stay"      // this box keeps or gets the group
	HAOrderCrash     = "crash"     // this box releases without a word, and is silent for a time
)

// An HAOrder is something to do for the process of the role ha.
type HAOrder struct {
	ID    uint64 `json:"id" doc:"grows"`
	Kind  string `json:"kind" doc:"switch, rebalance, stay or crash"`
	Group string `json:"group,omitempty" doc:"empty: all"`
	Node  string `json:"node,omitempty" doc:"of a switch: to whom"`
	By    string `json:"by,omitempty" doc:"who has ordered it"`

	For api.Duration `json:"for,omitempty" doc:"of a crash"`
}
