// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"errors"
	"log/slog"
)

// A Node is this box's mirror.
type Node struct{}

var errUnfinished = errors.New("the mirror is being written")

// New checks cfg and returns a Node that does nothing until Run.
func New(cfg Config, log *slog.Logger) (*Node, error) { return nil, errUnfinished }

// Run listens and dials until ctx ends, says goodbye to the peers, and closes the
// listener.
func (n *Node) Run(ctx context.Context) error { return errUnfinished }

// SetPeers replaces the peers. Streams of peers that are the same go on; one that
// is gone is told so. It may be called at any time, before Run too.
func (n *Node) SetPeers(peers []Peer) error { return errUnfinished }

// Status returns what is known now.
func (n *Node) Status() Status { return Status{} }

// Call asks a peer, whose Config.Serve answers. Bodies have at most MaxMessage
// bytes. The error of the other side's Serve comes back as a *RemoteError.
func (n *Node) Call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	return nil, errUnfinished
}

// MaxMessage bounds what Call sends and what comes back, in bytes.
const MaxMessage = 4 << 20

// A RemoteError is what the other box answered to a Call in place of a body.
type RemoteError struct {
	Peer string
	Text string
}

// Error returns the other box's words after its name.
func (e *RemoteError) Error() string { return e.Peer + ": " + e.Text }

// RevisionChanged tells the mirror that the shared configuration was committed.
// It returns at once.
func (n *Node) RevisionChanged() {}

// Compare returns how this box's shared configuration and a peer's differ.
func (n *Node) Compare(ctx context.Context, peer string) (Comparison, error) {
	return Comparison{}, errUnfinished
}

// Resolve carries out what a person decided: "theirs" commits the peer's text (or
// its objects) here, "mine" commits ours there. It returns when that is done or
// refused.
func (n *Node) Resolve(ctx context.Context, peer string, r Resolution) error { return errUnfinished }

// TextHash returns the name of a shared text: its SHA-256 hash in hexadecimal.
func TextHash(text string) string { return "" }

// Pairing returns the node's pairing, of which there is one.
func (n *Node) Pairing() *Pairing { return nil }

// A Pairing makes two boxes known to each other: one begins, the other joins, both
// show the same code, and a person confirms on both.
type Pairing struct{}

// Begin opens this box for another to join, for five minutes and one try.
func (p *Pairing) Begin() (PairingState, error) { return PairingState{}, errUnfinished }

// Join goes to a box that has begun and returns when there is a code to compare.
func (p *Pairing) Join(ctx context.Context, address string) (PairingState, error) {
	return PairingState{}, errUnfinished
}

// Show returns how far the pairing is.
func (p *Pairing) Show() PairingState { return PairingState{} }

// Confirm says whether the person sees the same code on both boxes. The boxes are
// paired when both were told so.
func (p *Pairing) Confirm(matches bool) (PairingState, error) { return PairingState{}, errUnfinished }

// Cancel ends whatever goes on.
func (p *Pairing) Cancel() {}
