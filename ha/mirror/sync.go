// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Times of comparing configurations.
const (
	compareEvery = 30 * time.Second
	sayTime      = 10 * time.Second // for a small question
	applyTime    = 2 * time.Minute  // for a commit on the other box
)

// A revisionSync compares this box's shared configuration with each peer's, and
// moves texts. Nothing of it must survive a restart but the Bases: each step
// begins with what both boxes have then.
type revisionSync struct {
	node  *Node
	rev   *Revisions // nil: configurations are not kept equal
	kicks chan struct{}

	applyMu sync.Mutex // one commit at a time

	mu     sync.Mutex // guards what follows
	peers  map[string]*peerSync
	serial uint64 // of the last statement
}

// A peerSync is what is known about one peer's configuration.
type peerSync struct {
	status  SyncStatus
	mine    statement // the newest that was judged
	theirs  statement
	refused refusal
	text    string // theirs, whose hash is textOf
	textOf  string
	diffOf  [3]string // the hashes that status.Objects is of
}

// A refusal is a text that this box did not take, and the one that it had then.
type refusal struct {
	theirs, mine string
	number       uint64 // of this box's revision: another one may take it
	why          string
}

func newRevisionSync(n *Node) *revisionSync {
	return &revisionSync{node: n, rev: n.cfg.Revisions, kicks: make(chan struct{}, 1), peers: map[string]*peerSync{}}
}

// RevisionChanged tells the mirror that a configuration was committed, confirmed or
// taken back here, or that something else may be the end of a refusal: what this box
// did not take before is tried again. It returns at once.
func (n *Node) RevisionChanged() { n.sync.forgive() }

// forgive forgets what this box has refused, and looks again.
func (s *revisionSync) forgive() {
	s.mu.Lock()
	for _, p := range s.peers {
		p.refused = refusal{}
	}
	s.mu.Unlock()
	s.kick()
}

// kick makes run compare with all peers soon.
func (s *revisionSync) kick() {
	select {
	case s.kicks <- struct{}{}:
	default:
	}
}

// run compares until ctx ends.
func (s *revisionSync) run(ctx context.Context) {
	if s.rev == nil {
		return
	}
	t := time.NewTicker(compareEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.kicks:
		case <-t.C:
		}
		for _, p := range s.node.allPeers() {
			if p.session() != nil {
				s.round(ctx, p.name)
			}
		}
	}
}

// round compares with one peer and takes its text if that is to happen by itself.
func (s *revisionSync) round(ctx context.Context, peer string) {
	v, err := s.exchange(ctx, peer)
	if err != nil {
		s.problem(peer, err)
		return
	}
	mine := v.mine
	if err := s.list(ctx, peer, mine); err != nil {
		s.problem(peer, err)
	}
	if !s.shouldTake(peer, mine) {
		return
	}
	theirs := s.said(peer)
	err = s.takeWhole(ctx, peer, mine, theirs, theirs.Who, theirs.Comment)
	s.kick() // the others hear of the new text, or this one of the refusal
	if err == nil || errors.Is(err, ErrChanged) {
		return
	}
	s.node.log.Warn("configuration of peer was not taken", "peer", peer, "err", err)
}

// problem shows what keeps the boxes from comparing.
func (s *revisionSync) problem(peer string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of(peer)
	p.status.Problem = err.Error()
	if errors.Is(err, ErrAway) {
		p.status.State = Unknown
	}
}

// of returns a peer's entry. s.mu is held.
func (s *revisionSync) of(peer string) *peerSync {
	p := s.peers[peer]
	if p == nil {
		p = &peerSync{status: SyncStatus{State: Unknown}}
		s.peers[peer] = p
	}
	return p
}

// status returns what people see; of a peer that is away, the last that is known.
func (s *revisionSync) status(peer string) SyncStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rev == nil {
		return SyncStatus{State: Unknown, Problem: "configurations are not compared on this box"}
	}
	return s.of(peer).status
}

func (s *revisionSync) said(peer string) statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of(peer).theirs
}

// A view is what two boxes have said to each other.
type view struct {
	mine        Revision
	say, theirs statement
}

// state returns how the boxes stand to each other.
func (v view) state() SyncState {
	return compare(v.say.Hash, v.say.Base, v.theirs.Hash, v.theirs.Base)
}

// exchange tells a peer about this box's configuration and hears about its own.
func (s *revisionSync) exchange(ctx context.Context, peer string) (view, error) {
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	mine, say, err := s.mine(ctx, peer)
	if err != nil {
		return view{}, err
	}
	answer, err := s.node.call(ctx, peer, methodRevision, encode(say))
	if err != nil {
		return view{}, err
	}
	theirs, err := parseStatement(answer)
	if err != nil {
		return view{}, err
	}
	v := view{mine, say, theirs}
	return v, s.judge(peer, v)
}

// mine returns this box's revision and what to say about it to a peer.
func (s *revisionSync) mine(ctx context.Context, peer string) (Revision, statement, error) {
	s.mu.Lock()
	s.serial++
	serial := s.serial
	s.mu.Unlock()
	mine, err := s.rev.Repository.Current(ctx)
	if err != nil {
		return Revision{}, statement{}, fmt.Errorf("read this box's configuration: %w", err)
	}
	base, known, err := s.rev.Bases.Load(peer)
	if err != nil {
		return Revision{}, statement{}, fmt.Errorf("read what %s and this box had in common: %w", peer, err)
	}
	say := statement{
		Hash: TextHash(mine.Text), Number: mine.Number, When: mine.When,
		Who: clip(mine.Who, maxWords), Comment: clip(mine.Comment, maxWords),
		Boot: s.node.boot, Serial: serial,
	}
	if known {
		say.Base = TextHash(base)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.of(peer).refused; r.mine == say.Hash {
		say.Refused = clip(r.why, maxWords)
	}
	return mine, say, nil
}

// judge notes how this box and a peer stand, and keeps the text when both are
// equal.
func (s *revisionSync) judge(peer string, v view) error {
	mine, say, theirs := v.mine, v.say, v.theirs
	if s.overtaken(peer, say, theirs) {
		s.kick()
		return nil
	}
	state := v.state()
	var err error
	if state == InSync && say.Base != say.Hash {
		if err = s.rev.Bases.Save(peer, mine.Text); err != nil {
			err = fmt.Errorf("keep what %s and this box have in common: %w", peer, err)
		}
	}
	shown := mine
	shown.Text = ""
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of(peer)
	p.mine, p.theirs = say, theirs
	if p.refused.theirs != theirs.Hash || p.refused.mine != say.Hash {
		p.refused = refusal{}
	}
	objects := p.status.Objects
	if p.diffOf != [3]string{say.Hash, theirs.Hash, say.Base} {
		objects, p.diffOf = nil, [3]string{}
	}
	if state == InSync {
		p.text, p.textOf = "", ""
	}
	p.status = SyncStatus{
		State: state, Mine: shown, Theirs: theirs.revision(), Objects: objects,
		RefusedHere: p.refused.why, RefusedThere: theirs.Refused,
	}
	return err
}

// overtaken reports whether something newer was judged already.
func (s *revisionSync) overtaken(peer string, say, theirs statement) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of(peer)
	return say.before(p.mine) || theirs.before(p.theirs)
}

// shouldTake reports whether a peer's text is to be taken without being asked.
func (s *revisionSync) shouldTake(peer string, mine Revision) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of(peer)
	refused := p.refused.why != "" && p.refused.number == mine.Number
	return s.rev.Auto && p.status.State == TheirsNewer && !refused
}

// list finds the objects in which this box and a peer differ, if that is not
// known yet.
func (s *revisionSync) list(ctx context.Context, peer string, mine Revision) error {
	s.mu.Lock()
	p := s.of(peer)
	state, theirs, have := p.status.State, p.theirs, p.diffOf
	s.mu.Unlock()
	if state == InSync || state == Unknown {
		return nil
	}
	base, known, err := s.rev.Bases.Load(peer)
	if err != nil {
		return err
	}
	now := [3]string{TextHash(mine.Text), theirs.Hash, ""}
	if known { // as judge has it: it may be known to be empty
		now[2] = TextHash(base)
	}
	if have == now {
		return nil
	}
	_, list, err := s.diff(ctx, peer, mine, theirs.Hash)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Mine, list[i].Theirs = "", ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.theirs.Hash == theirs.Hash {
		p.diffOf, p.status.Objects = now, list
	}
	return nil
}

// diff returns a peer's text and how it differs from this box's.
func (s *revisionSync) diff(ctx context.Context, peer string, mine Revision, hash string) (string, []Difference, error) {
	base, _, err := s.rev.Bases.Load(peer)
	if err != nil {
		return "", nil, err
	}
	theirs, err := s.fetch(ctx, peer, hash)
	if err != nil {
		return "", nil, err
	}
	list, err := s.rev.Objects.Diff(base, mine.Text, theirs)
	if err != nil {
		return "", nil, fmt.Errorf("compare the configuration with that of %s: %w", peer, err)
	}
	return theirs, list, nil
}
