// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"errors"
	"time"
)

// A Revision is an accepted state of the shared configuration.
type Revision struct {
	Text    string    `json:"text,omitempty"`
	Number  uint64    `json:"number"` // as the box that has it counts
	Who     string    `json:"who"`
	When    time.Time `json:"when"`
	Comment string    `json:"comment,omitempty"`
}

// ErrChanged is what Repository.Apply returns when the text in force is not the
// one that was expected. The mirror looks again.
var ErrChanged = errors.New("the configuration has changed meanwhile")

// Revisions says where the shared configuration is and what it is made of. All
// collaborators are required.
type Revisions struct {
	Repository Repository
	Objects    Objects
	Bases      Bases
	// Auto takes a newer text of a peer without being asked, as long as this box
	// has not changed its own since both were equal.
	Auto bool
}

// A Repository has the shared configuration of this box.
type Repository interface {
	// Current returns the revision in force, in a form that is the same on boxes
	// whose shared objects are the same.
	Current(ctx context.Context) (Revision, error)
	// Apply commits a shared text. It returns ErrChanged, and commits nothing, if
	// the hash (TextHash) of the text in force is not t.Expect. Another error is a
	// refusal; it is shown on both boxes. ctx may end with the stream: a commit
	// that has begun is then finished, or not done at all.
	Apply(ctx context.Context, t Take) error
}

// A Take is a shared text to commit.
type Take struct {
	Expect  string // TextHash of the text that it replaces
	Text    string
	Peer    string // where it is from
	Author  string
	Comment string
}

// Objects takes shared texts apart.
type Objects interface {
	// Diff returns the objects in which mine and theirs differ. base is the text
	// when both were equal last; "" if they never were.
	Diff(base, mine, theirs string) ([]Difference, error)
	// Merge returns the text "into" with the given objects as "from" has them: one
	// that from does not have goes.
	Merge(into, from string, objects []Object) (string, error)
}

// Bases keeps, for each peer, the shared text when both boxes were equal last. It
// survives restarts.
type Bases interface {
	Load(peer string) (text string, known bool, err error)
	Save(peer, text string) error
}

// An Object names one object of a configuration: a block and its label.
type Object struct {
	Block string `json:"block"`
	Name  string `json:"name"`
}

// A Difference is an object that is not the same on two boxes.
type Difference struct {
	Object
	Mine   string // text on this box, "" if it is not there
	Theirs string
	Who    string // who changed it since both were equal: "mine", "theirs", "both"
}

// A SyncState is how the shared configurations of two boxes stand to each other.
type SyncState string

// The states. Unknown lasts until both boxes have spoken.
const (
	Unknown     SyncState = "unknown"
	InSync      SyncState = "in sync"
	MineNewer   SyncState = "mine newer"
	TheirsNewer SyncState = "theirs newer"
	Conflict    SyncState = "conflict"
)

// A SyncStatus is what is known about the configurations of this box and a peer.
type SyncStatus struct {
	State        SyncState
	Mine, Theirs Revision // without Text
	RefusedHere  string   // why this box did not take the peer's text
	RefusedThere string   // why the peer did not take ours
	Problem      string   // what keeps the boxes from comparing, "" if nothing
	// Objects are what differs, without the texts; empty while that is not known.
	Objects []Difference
}

// A Resolution is what a person decided.
type Resolution struct {
	Take    string   // "mine" or "theirs"
	Objects []Object // none: the whole text
	Who     string   // the person
	// Theirs is the TextHash of the peer's text that the person saw (Comparison);
	// "": whatever the peer has now.
	Theirs string
}

// A Comparison is two texts object by object.
type Comparison struct {
	State        SyncState
	Mine, Theirs string // TextHash
	Objects      []Difference
}
