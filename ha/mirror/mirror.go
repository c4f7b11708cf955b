// SPDX-License-Identifier: Apache-2.0

// Package mirror keeps up to four boxes equal: records of tables, configuration
// revisions, and small questions and answers between them.
//
// It does not know what a record or a configuration means, where either is kept,
// or which box is active: the side that needs it fills Records, Repository,
// Objects and Bases. Boxes are paired by people who compare a code of six digits
// (Pairing); from then on each knows the other by its certificate. Each box dials
// each peer and sends its own changes on that stream; acknowledgements come back
// on it.
//
//	box A                                   box B
//	Table.Changes ─▶ link ── TLS 1.3 ──▶ intake ─▶ Records.Apply
//	Records.Apply ◀─ intake ◀── TLS 1.3 ── link ◀─ Table.Changes
package mirror

import (
	"context"
	"net"
	"time"
)

// MaxBoxes is how many boxes can keep each other equal.
const MaxBoxes = 4

// A Peer is another box as this one keeps it. A Peer without a Fingerprint is not
// paired: it is shown, and neither dialled nor let in.
type Peer struct {
	Name        string      // the other's node name
	Address     string      // host:port of its mirror
	Fingerprint Fingerprint // of its certificate
	Secret      [32]byte    // shared with it alone; a key for the heartbeat
}

// A Table is one kind of record that the boxes keep equal.
type Table struct {
	Name    string // the same on all boxes, at most 64 bytes
	Changes *Log   // what this box changes
	Records Records
}

// Records are what a Table holds. All methods are called from several goroutines.
type Records interface {
	// Snapshot calls yield for every record that a peer should have, also those
	// that came from a peer, until yield returns false. Key and value may be used
	// again after yield returns. yield waits while the peer is slow, so no lock
	// may be held around it. Changes go on between records: a value that was read
	// some time before it is given to yield may come after a newer one of the same
	// key, so values then need to say which is the newer.
	Snapshot(ctx context.Context, yield func(key, value []byte) bool) error
	// Apply takes changes that a peer made, in their order; they may come twice,
	// and of several boxes in any order, so the table decides which value wins,
	// alike on all boxes. The bytes are valid only until Apply returns. An error is shown
	// in Status; the stream goes on.
	Apply(origin string, changes []Change) error
}

// A Replacer is Records which hold what each box says about itself, so that what
// is not in a box's snapshot is to be forgotten; its Snapshot gives only what this
// box says. SnapshotBegin is called before
// the first Apply of a snapshot of origin, SnapshotEnd after its last; a snapshot
// that was cut short has no end and begins again.
type Replacer interface {
	SnapshotBegin(origin string)
	SnapshotEnd(origin string)
}

// A Change is one changed record.
type Change struct {
	Key     []byte
	Value   []byte
	Deleted bool // Value is nil
}

// Config describes this box to the mirror. Node, Listener and Identity are
// required; a zero field takes the default named beside it.
type Config struct {
	Node     string       // this box's name
	Version  string       // of the software, for people
	Address  string       // host:port that peers dial; default: the listener's
	Listener net.Listener // closed when Run ends
	Identity *Identity
	Peers    []Peer
	Tables   []Table
	// Revisions keeps the shared configuration equal; nil: it is not.
	Revisions *Revisions
	// Serve answers what a peer's Call asks; nil: every question is refused. ctx
	// ends with the stream, and Serve then returns soon. At most 8 run at a time for each peer.
	Serve func(ctx context.Context, peer, method string, body []byte) ([]byte, error)
	// Paired keeps a new peer; its error undoes the pairing on both boxes. It
	// calls SetPeers in its own time, or not. Unpaired takes back what Paired kept,
	// when the other box could not keep it. Without both, boxes cannot be paired.
	Paired   func(Peer) error
	Unpaired func(peer string) error

	Heartbeat time.Duration // 1s between heartbeats of a stream
	Silence   time.Duration // 5s without a byte end a stream
	Retry     time.Duration // 5s is the longest pause between two tries to dial
}

// A Status is what the mirror knows about itself and each peer.
type Status struct {
	Peers       []PeerStatus // in the order of their names
	Refused     uint64       // connections that were refused: a foreign certificate, too many at a time
	LastRefusal string       // "" before the first
	LastRefused time.Time
}

// A PeerStatus is how this box and one peer get along.
type PeerStatus struct {
	Name, Address string
	Paired        bool
	Connected     bool      // both streams are up
	Since         time.Time // when Connected changed last
	Version       string    // the peer's software
	Protocol      int       // of the stream to the peer
	Problem       string    // why it is not connected, "" while it is
	LagP50        time.Duration
	LagP99        time.Duration // from Log.Put to the peer's acknowledgement, over the last 1024 frames
	Skew          time.Duration // the peer's clock minus ours, as far as the heartbeats tell
	Queued        int           // changes not acknowledged; of tables whose snapshot is due, none are counted
	Sent, Acked   uint64        // changes and records of snapshots since the process began
	Received      uint64        // changes and records of the peer that were applied
	Snapshots     uint64        // snapshots sent whole
	Tables        []TableStatus
	Sync          SyncStatus
}

// A TableStatus is one table as one peer has it.
type TableStatus struct {
	Name    string
	State   string // "away", "snapshot", "in step"
	Queued  int    // changes not acknowledged
	Acked   uint64 // the newest sequence number that the peer acknowledged
	Applied uint64 // of the peer's changes, the newest applied
	Problem string // the last error of Records.Snapshot or Records.Apply, "" if none
}
