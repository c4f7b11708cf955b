// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Frames of pairing. docs/notes/2026-11-21-pairing.md says why they are so.
//
//	joins                               began
//	  commit  names, SHA-256(…, N1) ──▶
//	          ◀── names, N2       nonce
//	  reveal  N1 ────────────────────▶        both show the code
//	  confirm ──────────▶ ◀──── confirm       each when its person says so
//	  kept    ──────────▶ ◀──────── kept      each when it has kept the other
const (
	framePairCommit  = 32 // JSON pairCommit
	framePairNonce   = 33 // JSON pairNonce
	framePairReveal  = 34 // the nonce
	framePairConfirm = 35 // nothing
	framePairKept    = 36 // nothing
)

const pairProtocol = 1

// A pairCommit is the joining box's first word.
type pairCommit struct {
	Protocol int    `json:"protocol"`
	Node     string `json:"node"`
	Address  string `json:"address"`
	Commit   []byte `json:"commit"`
}

// A pairNonce is the other's answer.
type pairNonce struct {
	Node    string   `json:"node"`
	Address string   `json:"address"`
	Nonce   [32]byte `json:"nonce"`
}

// talk pairs on a connection and returns the new peer, which Config.Paired has
// kept.
func (p *Pairing) talk(ctx context.Context, a *attempt, st *stream) (Peer, error) {
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		st.bye(byeRefused, context.Cause(ctx).Error())
	})
	hangUp := func(err error) error {
		defer st.conn.NetConn().Close()
		if !stop() {
			if <-said; err != nil {
				return context.Cause(ctx)
			}
		}
		if err != nil && worthAWord(err) {
			st.bye(byeRefused, err.Error())
		}
		return err
	}
	peer, err := p.exchange(a, st)
	if err != nil {
		return peer, hangUp(err)
	}
	return peer, p.persons(ctx, a, st, peer, hangUp)
}

// exchange runs the protocol until both have the code.
func (p *Pairing) exchange(a *attempt, st *stream) (Peer, error) {
	cs := st.conn.ConnectionState()
	exporter, err := cs.ExportKeyingMaterial("EXPORTER-evener-pairing-1", nil, 32)
	if err != nil {
		return Peer{}, fmt.Errorf("bind the pairing to the connection: %w", err)
	}
	cfg := &p.node.cfg
	me := party{node: cfg.Node, address: cfg.Address, cert: cfg.Identity.Fingerprint()}
	other := party{cert: peerFingerprint(st.conn)}
	t := &transcript{exporter: exporter}
	if a.joiner {
		err = p.exchangeJoining(a, st, t, me, &other)
	} else {
		err = p.exchangeBegan(a, st, t, me, &other)
	}
	if err != nil {
		return Peer{}, err
	}
	code, secret, err := t.keys()
	if err != nil {
		return Peer{}, err
	}
	peer := Peer{Name: other.node, Fingerprint: other.cert, Secret: secret}
	if peer.Address = a.address; !a.joiner {
		peer.Address = reachable(other.address, hostOf(st.conn.NetConn()))
	}
	p.show(a, st, code, peer)
	return peer, nil
}

func (p *Pairing) exchangeJoining(a *attempt, st *stream, t *transcript, me party, other *party) error {
	rand.Read(t.joinsN[:]) // never fails
	t.joins, t.began = me, *other
	first := pairCommit{Protocol: pairProtocol, Node: me.node, Address: me.address, Commit: t.commitment()}
	writeErr := st.writeJSON(framePairCommit, first)
	var answer pairNonce
	if err := readPair(st, framePairNonce, &answer); err != nil {
		return err // it says more than writeErr: a refusal waits to be read
	}
	if writeErr != nil {
		return writeErr
	}
	p.nowShown(a)
	other.node, other.address = answer.Node, answer.Address
	t.began, t.beganN = *other, answer.Nonce
	if err := p.acceptable(other); err != nil {
		return err
	}
	return st.write(ended(append(begun(nil, framePairReveal), t.joinsN[:]...)))
}

func (p *Pairing) exchangeBegan(a *attempt, st *stream, t *transcript, me party, other *party) error {
	var first pairCommit
	if err := readPair(st, framePairCommit, &first); err != nil {
		return err
	}
	if first.Protocol != pairProtocol {
		return fmt.Errorf("%.70q speaks pairing protocol %d, %s speaks %d: update the older one",
			first.Node, first.Protocol, me.node, pairProtocol)
	}
	other.node, other.address = first.Node, first.Address
	if err := p.acceptable(other); err != nil {
		return err
	}
	rand.Read(t.beganN[:]) // never fails
	t.joins, t.began = *other, me
	p.nowShown(a)
	if err := st.writeJSON(framePairNonce, pairNonce{Node: me.node, Address: me.address, Nonce: t.beganN}); err != nil {
		return err
	}
	kind, payload, err := nextPair(st)
	if err != nil {
		return err
	}
	if kind != framePairReveal || len(payload) != len(t.joinsN) {
		return errPairOrder
	}
	copy(t.joinsN[:], payload)
	if subtle.ConstantTimeCompare(t.commitment(), first.Commit) != 1 {
		return errors.New("the other side revealed something else than it was committed to: " +
			"somebody may be between the boxes")
	}
	return nil
}

var errPairOrder = errors.New("the other side does not keep to the order of pairing")

// readPair reads a frame of JSON of one kind.
func readPair(st *stream, want byte, v any) error {
	kind, payload, err := nextPair(st)
	if err != nil {
		return err
	}
	if kind != want {
		return errPairOrder
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return fmt.Errorf("read a message of pairing: %w", err)
	}
	return nil
}

// nextPair reads the next frame that is no heartbeat.
func nextPair(st *stream) (byte, []byte, error) {
	for {
		kind, payload, err := st.in.next()
		if err == nil && kind == frameGoodbye {
			err = parseGoodbye(payload)
		}
		if err != nil || kind != frameHeartbeat {
			return kind, payload, err
		}
	}
}

// show lets people compare the code.
func (p *Pairing) show(a *attempt, st *stream, code string, peer Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attempt != a {
		return
	}
	p.reset(PairCode, peer.Address)
	p.state.Code, p.state.Peer, p.state.Fingerprint = code, peer.Name, peer.Fingerprint
	p.expire(pairWindow, "the code was not confirmed on both boxes within five minutes")
	st.paced.endAt(time.Now().Add(pairWindow + greetTime))
	close(a.ready)
}

// persons waits until both people have confirmed, keeps the peer and hangs up.
func (p *Pairing) persons(ctx context.Context, a *attempt, st *stream, peer Peer, hangUp func(error) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	frames, read := make(chan byte, 2), make(chan error, 1)
	wg.Go(func() {
		err := readMarks(st, frames)
		read <- err
		if err != nil {
			cancel(err)
		}
	})
	lastWord := func(err error) error {
		if worthAWord(err) {
			return err
		}
		end := time.Now().Add(st.paced.bye)
		st.paced.endAt(end)
		st.paced.SetReadDeadline(end)
		var bye *goodbye
		if last := <-read; errors.As(last, &bye) {
			return last // it says more than that nothing can be written any more
		}
		return err
	}
	wg.Go(func() { cancel(orEnded(st.beat(ctx, p.node.cfg.Heartbeat))) })
	err := p.confirmed(ctx, a, st, frames)
	if err == nil {
		err = p.keep(ctx, st, peer, frames, lastWord)
	} else {
		err = lastWord(err)
	}
	err = hangUp(err)
	cancel(nil)
	wg.Wait()
	return err
}

// confirmed waits until the people at both boxes have confirmed.
func (p *Pairing) confirmed(ctx context.Context, a *attempt, st *stream, frames <-chan byte) error {
	here, there := false, false
	for !here || !there {
		select {
		case matches := <-a.confirm:
			if !matches {
				return fmt.Errorf("the codes differ, says the person at %s: somebody may be between the boxes", p.node.cfg.Node)
			}
			if err := st.write(ended(begun(nil, framePairConfirm))); err != nil {
				return err
			}
			here = true
		case kind := <-frames:
			if kind != framePairConfirm || there {
				return errPairOrder
			}
			there = true
			p.confirmedThere(a)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// readMarks passes on the two frames without content that end a pairing.
func readMarks(st *stream, frames chan<- byte) error {
	for range 2 {
		kind, payload, err := nextPair(st)
		if err != nil {
			return err
		}
		if len(payload) != 0 {
			return errPairOrder
		}
		frames <- kind
	}
	return nil
}

func (p *Pairing) confirmedThere(a *attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attempt == a {
		p.state.ConfirmedThere = true
	}
}

// keep has the peer kept on this box, and taken back if the other box could not.
func (p *Pairing) keep(ctx context.Context, st *stream, peer Peer, frames <-chan byte, lastWord func(error) error) error {
	if err := p.node.cfg.Paired(peer); err != nil {
		return fmt.Errorf("%s could not keep the pairing: %w", p.node.cfg.Node, err)
	}
	err := st.write(ended(begun(nil, framePairKept)))
	if err == nil {
		err = waitKept(ctx, peer.Name, frames)
	}
	if err == nil {
		return nil
	}
	err = lastWord(err)
	if undo := p.node.cfg.Unpaired(peer.Name); undo != nil {
		err = fmt.Errorf("%w; and it could not be taken back: %w", err, undo)
	}
	return err
}

// waitKept waits until the other box says that it has kept the pairing.
func waitKept(ctx context.Context, peer string, frames <-chan byte) error {
	var kind byte
	select {
	case kind = <-frames:
	case <-time.After(greetTime):
		return fmt.Errorf("%s does not say that it has kept the pairing", peer)
	case <-ctx.Done():
		select {
		case kind = <-frames: // it was the last word before the end
		default:
			return context.Cause(ctx)
		}
	}
	if kind != framePairKept {
		return errPairOrder
	}
	return nil
}

// nowShown notes that the nonces are exchanged: from here on a try counts.
func (p *Pairing) nowShown(a *attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.shown = true
}
