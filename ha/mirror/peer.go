// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A peer is another box as the running Node deals with it. What names it never
// changes: a Peer with another address or certificate is another peer.
type peer struct {
	name, address string
	fingerprint   Fingerprint
	link          *link
	stop          context.CancelCauseFunc // nil until it is started

	sent, received atomic.Uint64

	intakeMu sync.Mutex // held while an intake takes the place of another

	mu          sync.Mutex // guards what follows
	gone        error      // why it is no peer any more
	tables      []*outTable
	live        *session // nil: no stream to the peer
	protocol    int
	version     string
	linkProblem string
	in          *intake // nil: no stream from the peer
	inStop      context.CancelCauseFunc
	inDone      chan struct{}
	inProblem   string
	inLost      time.Time // when in became nil
	inAsked     bool      // others were asked for what only this peer had sent
	since       time.Time
	acked       uint64
	snapshots   uint64
	skew        time.Duration
	lags        []time.Duration // the last maxLags
	nextLag     int
	cursors     map[string]cursor
	faults      map[string]string
}

const maxLags = 1024

func newPeer(p Peer) *peer {
	return &peer{
		name: p.Name, address: p.Address, fingerprint: p.Fingerprint, since: time.Now(),
		linkProblem: "not connected yet", inProblem: "it has not connected yet",
		cursors: map[string]cursor{}, faults: map[string]string{},
	}
}

// same reports whether p is what want says.
func (p *peer) same(want Peer) bool {
	return p.name == want.Name && p.address == want.Address && p.fingerprint == want.Fingerprint
}

func (p *peer) session() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live
}

func (p *peer) setTables(tables []*outTable) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tables = tables
}

// linkUp notes a new stream to the peer.
func (p *peer) linkUp(s *session, version string, protocol int) {
	p.mu.Lock()
	p.live, p.version, p.protocol, p.linkProblem = s, version, protocol, ""
	if p.in != nil {
		p.since = time.Now()
	}
	p.mu.Unlock()
	p.link.node.sync.kick()
}

// linkDown notes that there is no stream to the peer, and why.
func (p *peer) linkDown(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live != nil && p.in != nil {
		p.since = time.Now()
	}
	p.live, p.linkProblem = nil, problem
}

// errReplaced is why an intake ends when the peer has opened a newer stream.
var errReplaced = errors.New("a newer stream takes its place")

// takeOver ends the intake before and waits for that, so that changes are never
// applied by two.
func (p *peer) takeOver() error {
	p.mu.Lock()
	stop, done := p.inStop, p.inDone
	p.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop(errReplaced)
	select {
	case <-done:
		return nil
	case <-time.After(greetTime / 2):
		return fmt.Errorf("the stream of %s before this one still applies changes", p.name)
	}
}

// end says why the box is no peer any more, and ends its streams.
func (p *peer) end(why error) {
	p.mu.Lock()
	p.gone = why
	inStop := p.inStop
	p.mu.Unlock()
	p.stop(why)
	if inStop != nil {
		inStop(why)
	}
}

// lost reports, once for each time, that the peer's stream to this box has been
// gone for long.
func (p *peer) lost(long time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.in != nil || p.inAsked || p.inLost.IsZero() || time.Since(p.inLost) < long {
		return false
	}
	p.inAsked = true
	return true
}

// intake returns the stream from the peer, or nil.
func (p *peer) intake() *intake {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in
}

// receive runs an intake as the peer's only one. intakeMu is held and let go.
func (p *peer) receive(ctx context.Context, in *intake) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	p.mu.Lock()
	p.in, p.inStop, p.inDone, p.inProblem = in, cancel, done, ""
	if p.live != nil {
		p.since = time.Now()
	}
	if p.gone != nil {
		cancel(p.gone)
	}
	p.mu.Unlock()
	p.intakeMu.Unlock()
	err := in.run(ctx)
	p.mu.Lock()
	if p.live != nil {
		p.since = time.Now()
	}
	p.in, p.inStop, p.inDone, p.inProblem = nil, nil, nil, err.Error()
	p.inLost, p.inAsked = time.Now(), false
	p.mu.Unlock()
	close(done)
	return err
}

func (p *peer) cursor(table string) cursor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cursors[table]
}

func (p *peer) setCursor(table string, c cursor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cursors[table] = c
}

func (p *peer) setFault(table, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[table] = text
}

func (p *peer) setSkew(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skew = d
}

func (p *peer) snapshotSent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.snapshots++
}

// acknowledged notes a frame that the peer has applied; lag is 0 for frames of a
// snapshot.
func (p *peer) acknowledged(records int, lag time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acked += uint64(records)
	if lag <= 0 {
		return
	}
	if len(p.lags) < maxLags {
		p.lags = append(p.lags, lag)
		return
	}
	p.lags[p.nextLag] = lag
	p.nextLag = (p.nextLag + 1) % maxLags
}

// status returns what is known about the peer.
func (p *peer) status() PeerStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PeerStatus{
		Name: p.name, Address: p.address, Paired: !p.fingerprint.IsZero(),
		Connected: p.live != nil && p.in != nil, Since: p.since,
		Version: p.version, Protocol: p.protocol, Problem: p.problem(),
		Skew: p.skew, Sent: p.sent.Load(), Acked: p.acked, Received: p.received.Load(), Snapshots: p.snapshots,
	}
	sorted := slices.Sorted(slices.Values(p.lags))
	if n := len(sorted); n > 0 {
		s.LagP50, s.LagP99 = sorted[n/2], sorted[n*99/100]
	}
	for _, t := range p.tables {
		ts := TableStatus{
			Name: t.Name, State: stateNames[t.state.Load()], Queued: t.Changes.waiting(t.reader),
			Acked: t.acked.Load(), Applied: p.cursors[t.Name].seq, Problem: p.faults[t.Name],
		}
		if text := t.broken.Load(); text != nil && *text != "" {
			ts.Problem = *text
		}
		s.Queued += ts.Queued
		s.Tables = append(s.Tables, ts)
	}
	return s
}

// problem returns why the boxes are not connected both ways.
func (p *peer) problem() string {
	switch {
	case p.fingerprint.IsZero():
		return "not paired: pair this box with it first"
	case p.linkProblem != "":
		return p.linkProblem
	case p.in == nil:
		return fmt.Sprintf("this box reaches %s, but %s does not reach this box: %s", p.name, p.name, p.inProblem)
	}
	return ""
}
