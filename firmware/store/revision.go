// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// An Origin is the way by which a change came.
type Origin string

// The origins.
const (
	CLI            Origin = "cli"
	API            Origin = "api"
	Console        Origin = "console"
	Web            Origin = "web" // a command line in the console
	Panel          Origin = "panel"
	Serial         Origin = "serial"
	Boot           Origin = "boot"            // the store or the box itself, at its start
	Mirrored       Origin = "mirror"          // another box, which has committed it
	RolledBack     Origin = "rollback"        // Rollback, by whichever way
	ConfirmTimeout Origin = "confirm-timeout" // nobody confirmed in time
)

// A Status is how far a revision has come.
type Status string

// The statuses.
const (
	Confirmed Status = "confirmed" // it runs or ran, and may be gone back to
	Pending   Status = "pending"   // it runs and waits for its confirm
	Reverted  Status = "reverted"  // it ran, and was not confirmed
)

// A Revision describes one configuration that runs or has run. Its text is
// [Store.Text].
type Revision struct {
	Number  uint64    `json:"number"` // from 1; 0 is no revision
	Parent  uint64    `json:"parent"` // what ran when it was committed
	Author  string    `json:"author"`
	Time    time.Time `json:"time"`
	Origin  Origin    `json:"origin"`
	Comment string    `json:"comment,omitempty"`
	SHA256  string    `json:"sha256"` // of the text, in hex
	Size    int       `json:"size"`   // of the text, in bytes
	Status  Status    `json:"status"`

	// Source is the revision whose text a rollback brought back; 0 otherwise.
	Source uint64 `json:"source,omitempty"`

	// Settled says who confirmed or reverted a timed commit, when and why; nil
	// while it is pending and for a commit without a timer.
	Settled *Settlement `json:"settled,omitempty"`
}

// A Settlement is the end of a timed confirm.
type Settlement struct {
	Author string    `json:"author,omitempty"` // empty: the store itself
	Origin Origin    `json:"origin"`
	Time   time.Time `json:"time"`
	Why    string    `json:"why,omitempty"` // of a revert
}

// By is who asks for something and by which way.
type By struct {
	Author string
	Origin Origin
}

// A Candidate is one author's draft of the next revision.
type Candidate struct {
	Author string    `json:"author"`
	Base   uint64    `json:"base"` // the revision it was made on
	Time   time.Time `json:"time"` // of its last change
	SHA256 string    `json:"sha256"`
	Size   int       `json:"size"`
}

// A PendingConfirm is a timed commit that waits.
type PendingConfirm struct {
	Revision Revision
	Left     time.Duration // until it is reverted; never negative
	Deadline time.Time     // Left from now, on the wall clock: for display and for a timer
}

// An EventKind is what an Event tells.
type EventKind string

// The kinds of events.
const (
	Committed  EventKind = "committed"
	Confirming EventKind = "confirming" // committed, and waits for its confirm
	Extended   EventKind = "extended"   // the window of a confirm was moved
	Settled    EventKind = "confirmed"
	WentBack   EventKind = "reverted"
	Damaged    EventKind = "damaged" // a file was not what had been written; Why says which and what counts now
)

// An Event is something that happened to the running revision or to the files.
type Event struct {
	Seq      uint64    `json:"seq"` // from 1 with each Open
	Time     time.Time `json:"time"`
	Kind     EventKind `json:"kind"`
	Revision uint64    `json:"revision,omitempty"` // that it is about
	Running  uint64    `json:"running,omitempty"`  // that runs from now on
	Author   string    `json:"author,omitempty"`   // empty: the store itself
	Origin   Origin    `json:"origin,omitempty"`
	Why      string    `json:"why,omitempty"` // one sentence for people
}
