// SPDX-License-Identifier: Apache-2.0

package heartbeat

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the size of the secret of a pair in bytes.
const KeySize = 32

// The fields before the sealed part.
const (
	version    = 1
	idSize     = 8
	epochSize  = 16
	headerSize = 1 + idSize + epochSize + 8
)

// maxCandidates bounds the epochs of the peer that are echoed before it proved
// that it is alive with one of them; maxRetired how many of its earlier epochs
// are remembered before this side starts a new epoch itself.
const (
	maxCandidates = 4
	maxRetired    = 64
)

// An epoch names one run of a sender.
type epoch [epochSize]byte

// A Peer is one other box as this one knows it. It is not safe for concurrent
// use.
type Peer struct {
	self, name string
	send, recv direction

	epoch    epoch // this side's
	sequence uint64

	known      epoch // the peer's, proven to be of now
	alive      bool  // known is set
	last       uint64
	candidates []epoch // seen, but perhaps replayed: oldest first
	retired    map[epoch]struct{}

	report  Report
	heard   time.Duration
	since   time.Duration
	missed  int
	refused map[Reason]uint64
}

// A direction is the key of what one box sends the other, and its public name.
type direction struct {
	aead cipher.AEAD
	id   [idSize]byte
}

// A Reason names why a datagram was refused. Reasons are few and fixed, so
// that they can be counted.
type Reason string

// The reasons, in the order of the checks.
const (
	Malformed Reason = "malformed" // too short, or a version that this box does not know
	Stranger  Reason = "stranger"  // of no pair, of another one, or our own
	Tampered  Reason = "tampered"  // the seal is broken
	Replayed  Reason = "replayed"  // of an earlier run of the peer, or not newer than the last
	NoEcho    Reason = "echo"      // the peer has not heard this run yet, or it is a replay
	Garbled   Reason = "report"    // sealed rightly, but not a report
)

// An Error says why a datagram was refused.
type Error struct {
	Reason Reason
	Text   string
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

// NewPeer returns the box named name as the box named self sees it. The names
// must differ, and be the same on both. The secret of the pair has KeySize
// bytes.
func NewPeer(self, name string, secret []byte) (*Peer, error) {
	switch {
	case len(secret) != KeySize:
		return nil, fmt.Errorf("the secret of a pair has %d bytes, not %d", KeySize, len(secret))
	case self == "" || name == "" || self == name:
		return nil, fmt.Errorf("the boxes of a pair need two different names, not %q and %q", self, name)
	case len(self) > maxName || len(name) > maxName:
		return nil, fmt.Errorf("the name of a box has at most %d bytes", maxName)
	}
	p := &Peer{self: self, name: name, retired: map[epoch]struct{}{}, refused: map[Reason]uint64{}}
	var errs [2]error
	p.send, errs[0] = newDirection(secret, self, name)
	p.recv, errs[1] = newDirection(secret, name, self)
	p.newEpoch()
	return p, errors.Join(errs[:]...)
}

// newDirection derives the key and the id of what from sends to.
func newDirection(secret []byte, from, to string) (d direction, err error) {
	info := "evener heartbeat 1\x00" + from + "\x00" + to
	b, err := hkdf.Key(sha256.New, secret, nil, info, chacha20poly1305.KeySize+idSize)
	if err != nil {
		return d, fmt.Errorf("derive the key of heartbeats: %w", err)
	}
	d.id = [idSize]byte(b[chacha20poly1305.KeySize:])
	d.aead, err = chacha20poly1305.NewX(b[:chacha20poly1305.KeySize])
	return d, err
}

// newEpoch begins a run: all that the peer sealed for earlier ones is worthless.
func (p *Peer) newEpoch() {
	rand.Read(p.epoch[:])
	p.sequence = 0
	clear(p.retired)
}

// Seal returns the next datagram for the peer, and counts it as missed until
// the peer is heard. The error says what in r does not fit a datagram.
func (p *Peer) Seal(r Report) ([]byte, error) {
	r.Node = p.self
	echo := p.candidates
	if p.alive {
		echo = append([]epoch{p.known}, echo...)
	}
	plain := []byte{byte(len(echo))}
	for _, e := range echo {
		plain = append(plain, e[:]...)
	}
	plain, err := fit(plain, r)
	if err != nil {
		return nil, err
	}
	p.sequence++
	p.missed++
	b := append([]byte{version}, p.send.id[:]...)
	b = append(b, p.epoch[:]...)
	b = binary.BigEndian.AppendUint64(b, p.sequence)
	return p.send.aead.Seal(b, nonce(b), plain, b), nil
}

// fit appends r to b with reasons as long as the datagram has room for.
func fit(b []byte, r Report) ([]byte, error) {
	room := MaxSize - headerSize - chacha20poly1305.Overhead
	for _, most := range []int{400, 200, 100, 50, 25, 0} {
		all, err := appendReport(b, r, most)
		if err != nil {
			return nil, err
		}
		if len(all) <= room {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%d groups do not fit a heartbeat of %d bytes: shorten their names", len(r.Groups), MaxSize)
}

// nonce returns the nonce in a datagram: epoch and sequence.
func nonce(b []byte) []byte { return b[1+idSize : headerSize] }

// Owns says whether b is a datagram that the peer sealed for this box, going
// by its id alone.
func (p *Peer) Owns(b []byte) bool {
	return len(b) > headerSize && bytes.Equal(b[1:1+idSize], p.recv.id[:])
}

// Open judges the datagram b at the monotonic time now, and takes its report
// over. The error is an *Error.
func (p *Peer) Open(now time.Duration, b []byte) error {
	if e := p.open(now, b); e != nil {
		p.refused[e.Reason]++
		return e
	}
	return nil
}

func (p *Peer) open(now time.Duration, b []byte) *Error {
	if len(b) <= headerSize || len(b) > MaxSize || b[0] != version {
		return &Error{Malformed, "it is not a heartbeat of version 1"}
	}
	if !p.Owns(b) {
		return &Error{Stranger, fmt.Sprintf("it was not sealed by %s for this box", p.name)}
	}
	plain, err := p.recv.aead.Open(nil, nonce(b), b[headerSize:], b[:headerSize])
	if err != nil {
		return &Error{Tampered, "its seal is broken"}
	}
	from := epoch(b[1+idSize:])
	sequence := binary.BigEndian.Uint64(b[1+idSize+epochSize:])
	if _, old := p.retired[from]; old || p.alive && from == p.known && sequence <= p.last {
		return &Error{Replayed, fmt.Sprintf("%s sent it before what was heard last", p.name)}
	}
	r, echoed, err := p.read(plain)
	if err != nil {
		return &Error{Garbled, err.Error()}
	}
	if !echoed {
		p.propose(from)
		return &Error{NoEcho, fmt.Sprintf("%s has not heard this box since its start, or somebody replays", p.name)}
	}
	p.accept(now, from, sequence, r)
	return nil
}

// read takes a sealed part to pieces: the report, and whether the epochs in
// front of it name this side's.
func (p *Peer) read(plain []byte) (r Report, echoed bool, err error) {
	q := reader{rest: plain}
	for range q.byte() {
		if epoch(q.take(epochSize)) == p.epoch {
			echoed = true
		}
		if q.short {
			return r, false, errPayload
		}
	}
	if q.short {
		return r, false, errPayload
	}
	r, err = parseReport(q.rest)
	if err == nil && r.Node != p.name {
		err = fmt.Errorf("it tells of %q, not of %q", r.Node, p.name)
	}
	return r, echoed, err
}

// propose notes an epoch that the next heartbeats echo, so that the peer can
// prove it.
func (p *Peer) propose(e epoch) {
	if p.alive && e == p.known || slices.Contains(p.candidates, e) {
		return
	}
	if len(p.candidates) == maxCandidates {
		p.candidates = p.candidates[1:]
	}
	p.candidates = append(slices.Clip(p.candidates), e)
}

// accept takes over the report of a datagram that is of now.
func (p *Peer) accept(now time.Duration, from epoch, sequence uint64, r Report) {
	if !p.alive || from != p.known {
		if p.alive {
			p.retired[p.known] = struct{}{}
		}
		if len(p.retired) > maxRetired {
			p.newEpoch()
		}
		p.known, p.alive, p.since = from, true, now
		p.candidates = nil
	}
	p.last, p.report, p.heard, p.missed = sequence, r, now, 0
}

// A Seen is what is known of a peer that was heard.
type Seen struct {
	Report Report
	Age    time.Duration // since it was heard last
	Since  time.Duration // when this run of it was heard first

	// Missed counts the heartbeats that this box sent since it heard the peer.
	// Unlike Age it does not grow while this box itself stands still.
	Missed int
}

// Seen returns what is known of the peer; ok is false if it was never heard.
func (p *Peer) Seen(now time.Duration) (s Seen, ok bool) {
	if !p.alive {
		return Seen{}, false
	}
	return Seen{Report: p.report, Age: now - p.heard, Since: p.since, Missed: p.missed}, true
}

// Refused returns how many datagrams were refused, by reason.
func (p *Peer) Refused() map[Reason]uint64 { return maps.Clone(p.refused) }
