// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// A Phase is how far a pairing has come.
type Phase string

// The phases.
const (
	PairIdle    Phase = "idle"    // nobody pairs
	PairOpen    Phase = "open"    // this box waits for another to join
	PairJoining Phase = "joining" // this box is on its way to another
	PairCode    Phase = "code"    // both show the code
	PairDone    Phase = "done"
	PairFailed  Phase = "failed"
)

// A PairingState is what people see of a pairing.
type PairingState struct {
	Phase          Phase
	Code           string      // six digits, in PairCode
	Peer           string      // the other's node name, from PairCode on
	Address        string      // where the other is
	Fingerprint    Fingerprint // the other's, from PairCode on
	ConfirmedHere  bool
	ConfirmedThere bool
	Until          time.Time // when this phase ends by itself
	Problem        string    // why it failed
	Failures       int       // tries that failed since the last that went well
	NotBefore      time.Time // when the next may begin, after failures
}

// Times of pairing.
const (
	pairWindow  = 5 * time.Minute
	pairStrange = 10 // connections that end before the code close the window
	failPause   = 5 * time.Second
	failLongest = 10 * time.Minute
)

// A Pairing makes two boxes known to each other: one begins, the other joins, both
// show the same code, and a person confirms on both.
type Pairing struct {
	node *Node
	jobs chan func(context.Context)

	mu        sync.Mutex // guards what follows
	state     PairingState
	attempt   *attempt // the one that goes on, or nil
	strangers int      // that came and went in this window
	expiry    *time.Timer
}

// An attempt is one connection on which boxes pair.
type attempt struct {
	joiner  bool
	address string        // that a joiner dials
	confirm chan bool     // what the person says
	ready   chan struct{} // closed when there is a code, or the attempt has ended
	cancel  context.CancelCauseFunc
	shown   bool // nonces were exchanged: a failure counts
}

func newPairing(n *Node) *Pairing {
	return &Pairing{node: n, jobs: make(chan func(context.Context)), state: PairingState{Phase: PairIdle}}
}

func newAttempt(joiner bool, address string) *attempt {
	return &attempt{joiner: joiner, address: address, confirm: make(chan bool, 1), ready: make(chan struct{})}
}

// run carries out joins until ctx ends.
func (p *Pairing) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			p.end(errors.New("the mirror of this box stops"))
			return
		case job := <-p.jobs:
			wg.Go(func() { job(ctx) })
		}
	}
}

// Show returns how far the pairing is.
func (p *Pairing) Show() PairingState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Begin opens this box for another to join, for five minutes and one try.
func (p *Pairing) Begin() (PairingState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.mayBegin(); err != nil {
		return p.state, err
	}
	p.reset(PairOpen, "")
	p.strangers = 0
	p.expire(pairWindow, "no box has joined within five minutes")
	p.node.log.Info("pairing opened", "until", p.state.Until)
	return p.state, nil
}

// mayBegin says why no pairing can begin now.
func (p *Pairing) mayBegin() error {
	switch p.state.Phase {
	case PairOpen, PairJoining, PairCode:
		return fmt.Errorf("a pairing goes on (%s): finish or cancel it first", p.state.Phase)
	}
	if p.node.cfg.Paired == nil || p.node.cfg.Unpaired == nil {
		return errors.New("this box has no place to keep a pairing")
	}
	if wait := time.Until(p.state.NotBefore); wait > 0 {
		return fmt.Errorf("after %d tries that failed, the next can begin in %v", p.state.Failures, wait.Round(time.Second))
	}
	if len(p.node.paired()) >= MaxBoxes-1 {
		return fmt.Errorf("this box has %d peers, and %d boxes can be kept equal: unpair one first", MaxBoxes-1, MaxBoxes)
	}
	return nil
}

// reset begins a phase with nothing known but the failures before.
func (p *Pairing) reset(phase Phase, address string) {
	p.state = PairingState{Phase: phase, Address: address, Failures: p.state.Failures, NotBefore: p.state.NotBefore}
}

// expire ends what goes on after d, unless it has moved on. p.mu is held.
func (p *Pairing) expire(d time.Duration, why string) {
	if p.expiry != nil {
		p.expiry.Stop()
	}
	until := time.Now().Add(d)
	p.state.Until = until
	p.expiry = time.AfterFunc(d, func() {
		p.mu.Lock()
		same := p.state.Until.Equal(until)
		p.mu.Unlock()
		if same {
			p.end(errors.New(why))
		}
	})
}

// Join goes to a box that has begun and returns when there is a code to compare.
// ctx bounds the wait for that; the pairing itself goes on.
func (p *Pairing) Join(ctx context.Context, address string) (PairingState, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return p.Show(), fmt.Errorf("join %q: the address must be host:port of the other box's mirror", address)
	}
	a := newAttempt(true, address)
	p.mu.Lock()
	if err := p.mayBegin(); err != nil {
		defer p.mu.Unlock()
		return p.state, err
	}
	p.reset(PairJoining, address)
	p.attempt = a
	p.expire(dialTime+greetTime, address+" does not answer")
	p.mu.Unlock()
	select {
	case p.jobs <- func(ctx context.Context) { p.join(ctx, a) }:
	case <-ctx.Done():
		p.end(ctx.Err())
		return p.Show(), ctx.Err()
	}
	select {
	case <-a.ready:
	case <-ctx.Done():
		return p.Show(), ctx.Err()
	}
	s := p.Show()
	if s.Phase == PairFailed {
		return s, errors.New(s.Problem)
	}
	return s, nil
}

// join dials and talks.
func (p *Pairing) join(ctx context.Context, a *attempt) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.mu.Lock()
	a.cancel = cancel
	current := p.attempt == a
	p.mu.Unlock()
	if !current {
		return // cancelled meanwhile; its ready is closed
	}
	raw, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", a.address)
	if err != nil {
		p.finish(a, Peer{}, err)
		return
	}
	defer raw.Close()
	c := &paced{Conn: raw, silence: p.node.cfg.Silence, bye: p.node.byeTime}
	c.endAt(time.Now().Add(greetTime))
	whoever := func(string, Fingerprint) error { return nil } // the code decides
	conn := tls.Client(c, tlsConfig(p.node.cfg.Identity, whoever, alpnPair))
	if err := conn.HandshakeContext(ctx); err != nil {
		p.finish(a, Peer{}, notOpen(a.address, err))
		return
	}
	peer, err := p.talk(ctx, a, newStream(conn, c))
	p.finish(a, peer, notOpen(a.address, err))
}

// notOpen explains that the other box refused to pair.
func notOpen(address string, err error) error {
	if isTLSAlert(err) {
		return fmt.Errorf("the box at %s is not open for pairing: begin the pairing there first, and again after each try", address)
	}
	return err
}

// isTLSAlert reports whether the other side has ended the handshake.
func isTLSAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" // crypto/tls words it so
}

// admit says whether a box may connect to pair.
func (p *Pairing) admit(Fingerprint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.Phase != PairOpen || p.attempt != nil {
		return errors.New("it wants to pair, and this box is not open for pairing")
	}
	return nil
}

// serve talks to a box that has joined.
func (p *Pairing) serve(ctx context.Context, st *stream) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	host := hostOf(st.conn.NetConn())
	a := newAttempt(false, "")
	a.cancel = cancel
	p.mu.Lock()
	if p.state.Phase != PairOpen || p.attempt != nil {
		p.mu.Unlock()
		st.bye(byeRefused, "this box is not open for pairing")
		return
	}
	p.attempt = a
	p.mu.Unlock()
	peer, err := p.talk(ctx, a, st)
	if err != nil && p.stranger(a, host, err) {
		return
	}
	p.finish(a, peer, err)
}

// stranger counts a connection that ended before there was a code; the window
// stays open for some of them.
func (p *Pairing) stranger(a *attempt, host string, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.shown {
		return false
	}
	p.node.refuse(host, fmt.Errorf("pairing: %w", err))
	p.strangers++
	if p.attempt != a || p.strangers >= pairStrange {
		return false
	}
	p.attempt = nil
	close(a.ready)
	return true
}

// finish notes how an attempt ended.
func (p *Pairing) finish(a *attempt, peer Peer, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attempt != a {
		return
	}
	p.attempt = nil
	p.expiry.Stop()
	if p.state.Phase == PairJoining || p.state.Phase == PairOpen {
		close(a.ready)
	}
	p.state.Code, p.state.Until = "", time.Time{}
	if err == nil {
		p.state.Phase, p.state.Failures, p.state.NotBefore = PairDone, 0, time.Time{}
		p.node.log.Info("boxes paired", "peer", peer.Name, "address", peer.Address, "certificate", peer.Fingerprint.String())
		return
	}
	p.state.Phase, p.state.Problem = PairFailed, err.Error()
	if a.shown {
		p.state.Failures++
		pause := failPause << min(p.state.Failures-1, 10)
		p.state.NotBefore = time.Now().Add(min(pause, failLongest))
	}
	p.node.log.Warn("pairing did not come about", "peer", p.state.Peer, "address", p.state.Address, "err", err, "count", p.state.Failures)
}

// Confirm says whether the person sees the same code on both boxes. The boxes are
// paired when both were told so.
func (p *Pairing) Confirm(matches bool) (PairingState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.Phase != PairCode || p.attempt == nil {
		return p.state, errors.New("there is no code to confirm: begin a pairing on one box and join it from the other")
	}
	if p.state.ConfirmedHere {
		return p.state, errors.New("the code was confirmed on this box already: confirm it on the other one")
	}
	p.state.ConfirmedHere = matches
	p.attempt.confirm <- matches
	return p.state, nil
}

// Cancel ends whatever goes on.
func (p *Pairing) Cancel() { p.end(fmt.Errorf("the pairing was cancelled on %s", p.node.cfg.Node)) }

// end ends whatever goes on, with a reason.
func (p *Pairing) end(why error) {
	p.mu.Lock()
	a := p.attempt
	switch p.state.Phase {
	case PairOpen, PairJoining, PairCode:
	default:
		p.mu.Unlock()
		return
	}
	if a == nil {
		p.reset(PairFailed, "")
		p.state.Problem = why.Error()
		p.expiry.Stop()
		p.mu.Unlock()
		return
	}
	cancel := a.cancel
	p.mu.Unlock()
	if cancel != nil {
		cancel(why)
	}
	p.finish(a, Peer{}, why)
}

// paired returns the peers that have a certificate.
func (n *Node) paired() []Peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.want), func(p Peer) bool { return p.Fingerprint.IsZero() })
}
