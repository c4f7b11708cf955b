// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"time"

	"evener/firmware/api"
	"evener/firmware/phrase"
)

// An HAShow is what people are shown of hot standby.
type HAShow struct {
	Configured bool      `json:"configured" doc:"the running revision has a group, or a peer"`
	Node       string    `json:"node" doc:"name of this box"`
	Simulated  bool      `json:"simulated" doc:"the network of the groups is simulated"`
	Summary    string    `json:"summary" doc:"one line for people"`
	Groups     []HAGroup `json:"groups"`
	Peers      []HAPeer  `json:"peers"`
	Mirror     HAMirror  `json:"mirror"`
	Alarms     []HAAlarm `json:"alarms" doc:"the worst first"`
	Problem    string    `json:"problem" doc:"why hot standby does not work on this box; empty: it does"`
	Realtime   bool      `json:"realtime" doc:"advertisements are sent with real-time priority"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HAGroup is a failover group as this box sees it.
type HAGroup struct {
	HAGroupReport
	Home      bool     `json:"home" doc:"this box is the group's first choice"`
	Preferred string   `json:"preferred" doc:"node that is the group's first choice"`
	Homes     []string `json:"homes" doc:"nodes in order of preference"`
	Clusters  []string `json:"clusters" doc:"that follow the group"`
}

// An HAPeer is another box of the pair, or of up to four.
type HAPeer struct {
	Name        string                 `json:"name"`
	Address     string                 `json:"address" doc:"of its mirror and heartbeat"`
	Paired      bool                   `json:"paired" doc:"its identity is known here"`
	Heartbeat   HAHeartbeat            `json:"heartbeat"`
	Mirror      HAPeerMirror           `json:"mirror"`
	Groups      map[string]HAPeerGroup `json:"groups" doc:"as the peer tells them"`
	Differences HADifferences          `json:"differences"`
}

// An HAHeartbeat says when a peer was heard.
type HAHeartbeat struct {
	Seen bool         `json:"seen" doc:"lately enough to count"`
	Age  api.Duration `json:"age" doc:"since the last one; 0: none was heard"`
}

// An HAPeerMirror is the stream to a peer.
type HAPeerMirror struct {
	Connected bool         `json:"connected"`
	Since     time.Time    `json:"since,omitzero" doc:"of being connected, or not"`
	Version   int          `json:"version" doc:"of the stream's language; 0: not known yet"`
	Software  string       `json:"software" doc:"version that the peer runs; empty: not known yet"`
	Lag       api.Duration `json:"lag" doc:"from a change to its acknowledgement, 99 of 100 of the last"`
	Acked     uint64       `json:"acked" doc:"changes that the peer has acknowledged"`
	Queued    int          `json:"queued" doc:"changes that wait"`
	Problem   string       `json:"problem" doc:"why it is not connected, or not whole; empty: none"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// The states of HADifferences.
const (
	HAInSync     = "in sync"
	HAMineNewer  = "mine newer"
	HATheirNewer = "theirs newer"
	HAConflict   = "conflict"
	HAUnknown    = "unknown"
)

// HADifferences compare the shared part of the configuration with a peer's.
type HADifferences struct {
	State   string         `json:"state" doc:"in sync, mine newer, theirs newer, conflict or unknown"`
	Objects []HADifference `json:"objects" doc:"that differ"`
	Problem string         `json:"problem" doc:"why they are not made equal; empty: nothing is in the way"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HADifference is one object that differs.
type HADifference struct {
	Block string `json:"block" doc:"such as pool"`
	Name  string `json:"name" doc:"empty: the block has none"`
	Who   string `json:"who" doc:"who has changed it since both boxes were equal: mine, theirs, both"`

	Mine   string `json:"mine,omitempty" doc:"its text on this box, in ha.sync.differences; empty: it is not there"`
	Theirs string `json:"theirs,omitempty" doc:"its text on the peer, likewise"`
}

// An HAMirror is this box's end of the mirror.
type HAMirror struct {
	Listen      string    `json:"listen" doc:"empty: there is no mirror"`
	Fingerprint string    `json:"fingerprint" doc:"SHA-256 of the box's own certificate, hexadecimal"`
	Pairing     string    `json:"pairing" doc:"phase of a pairing: idle, open, joining, code, done or failed"`
	Keys        string    `json:"keys" doc:"node whose cookie and ticket keys all boxes use; empty: each uses its own"`
	Tables      []HATable `json:"tables"`
	Problem     string    `json:"problem" doc:"why it does not work; empty: it does"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HATable is one replicated table.
type HATable struct {
	Name    string `json:"name" doc:"sources, verdicts, runtime, keys, certificates or timeline"`
	Applied uint64 `json:"applied" doc:"changes that came from peers since the engine started"`
	Refused uint64 `json:"refused" doc:"changes from peers that could not be used"`
}

// The phases of an HAPairing.
const (
	HAPairIdle    = "idle"
	HAPairOpen    = "open"
	HAPairJoining = "joining"
	HAPairCode    = "code"
	HAPairDone    = "done"
	HAPairFailed  = "failed"
)

// An HAPairing is how far two boxes are in getting to know each other.
type HAPairing struct {
	Phase          string    `json:"phase" doc:"idle: nobody pairs; open: this box waits for another to join; joining; code: compare it; done; failed"`
	Code           string    `json:"code" doc:"six digits that both boxes show; empty: none yet"`
	Peer           string    `json:"peer" doc:"name of the other box, once it is known"`
	Address        string    `json:"address" doc:"of the other box"`
	Fingerprint    string    `json:"fingerprint" doc:"SHA-256 of the other box's certificate, hexadecimal; empty: not known yet"`
	Own            string    `json:"own" doc:"SHA-256 of this box's certificate, hexadecimal; empty: it has none yet"`
	Listen         string    `json:"listen" doc:"address that the other box joins at; empty: this box has no mirror"`
	ConfirmedHere  bool      `json:"confirmed_here"`
	ConfirmedThere bool      `json:"confirmed_there"`
	Until          time.Time `json:"until,omitzero" doc:"when the phase ends by itself"`
	Problem        string    `json:"problem" doc:"why it failed; empty: it did not"`
	NotBefore      time.Time `json:"not_before,omitzero" doc:"when the next may begin, after failures"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HAEntry is one line of the timeline.
type HAEntry struct {
	Time     time.Time      `json:"time"`
	Node     string         `json:"node" doc:"box that it happened on"`
	ID       string         `json:"id" doc:"unique on that box; for before"`
	Kind     string         `json:"kind" doc:"of the event"`
	Severity string         `json:"severity" doc:"info, warning or error"`
	Object   string         `json:"object,omitempty" doc:"such as group/front, port/lan1, pool/shop/member/web1"`
	Args     map[string]any `json:"args,omitempty" doc:"the values inside text, for translation"`
	Text     string         `json:"text"`

	Said phrase.Words `json:"said,omitempty" doc:"what the args that are sentences say, by name: kind and args"`
}

// An HATimeline is what happened on all boxes, the newest first.
type HATimeline struct {
	Entries []HAEntry `json:"entries"`
	Missing []string  `json:"missing" doc:"peers whose part could not be had, each with the cause"`

	Said phrase.Words `json:"said,omitempty" says:"missing" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HARehearsal is a failover that was performed to see what it costs.
type HARehearsal struct {
	ID       string         `json:"id"`
	Group    string         `json:"group"`
	Kind     string         `json:"kind" doc:"planned or crash"`
	By       string         `json:"by"`
	Started  time.Time      `json:"started"`
	State    string         `json:"state" doc:"waiting, away, back, done or failed"`
	From     string         `json:"from" doc:"node that was active"`
	To       string         `json:"to" doc:"node that took over"`
	Target   string         `json:"target" doc:"what was asked, such as GET http://192.0.2.10/ or tcp 192.0.2.10:25"`
	Prober   string         `json:"prober" doc:"node whose engine asked"`
	Outside  bool           `json:"outside" doc:"the prober is neither of the two boxes: its connections fare as those of clients do. One of the two cannot keep connections with an address that it takes itself"`
	Away     HARehearsalLeg `json:"away" doc:"measured while the other box took over"`
	Back     HARehearsalLeg `json:"back" doc:"measured on the way back"`
	Problem  string         `json:"problem,omitempty" doc:"why it failed"`
	Finished time.Time      `json:"finished,omitzero"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An HARehearsalLeg is the loss of one takeover, as the probe client has seen it.
type HARehearsalLeg struct {
	Asked    int          `json:"asked" doc:"requests, one every 10 ms"`
	Failed   int          `json:"failed" doc:"of these, without an answer"`
	Gap      api.Duration `json:"gap" doc:"longest time between two answers"`
	Kept     int          `json:"kept" doc:"connections of HTTP that were open before and still answered afterwards"`
	Broken   int          `json:"broken" doc:"those that did not"`
	Takeover api.Duration `json:"takeover" doc:"from the order until the other box was active"`
}
