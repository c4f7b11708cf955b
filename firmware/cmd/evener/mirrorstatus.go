// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/ha/mirror"
)

// Status tells what the mirror knows.
func (h *mirrorHost) Status() manage.MirrorStatus {
	h.mu.Lock()
	node := h.node
	out := manage.MirrorStatus{Problem: h.problem, Peers: map[string]manage.MirrorPeerStatus{}}
	if h.id != nil {
		out.Fingerprint = h.id.Fingerprint().String()
	}
	for name := range h.pins {
		x := manage.MirrorPeerStatus{Paired: true}
		x.Problem = h.problem
		if x.Problem == "" && node == nil {
			x.Problem = "this box has no mirror (listen of the block node)"
		}
		out.Peers[name] = x
	}
	h.mu.Unlock()
	if node == nil {
		return out
	}
	for _, p := range node.Status().Peers {
		out.Peers[p.Name] = peerStatus(p)
	}
	return out
}

func peerStatus(p mirror.PeerStatus) manage.MirrorPeerStatus {
	out := manage.MirrorPeerStatus{Paired: p.Paired, RefusedHere: p.Sync.RefusedHere, RefusedThere: p.Sync.RefusedThere,
		HAPeerMirror: manage.HAPeerMirror{Connected: p.Connected, Since: p.Since, Version: p.Protocol, Software: p.Version,
			Lag: api.Duration(p.LagP99), Acked: p.Acked, Queued: p.Queued, Problem: p.Problem},
		Differences: manage.HADifferences{State: string(p.Sync.State), Problem: p.Sync.Problem}}
	for _, d := range p.Sync.Objects {
		out.Differences.Objects = append(out.Differences.Objects, manage.HADifference{Block: d.Block, Name: d.Name, Who: d.Who})
	}
	for _, t := range p.Tables {
		if t.Problem != "" && out.Problem == "" {
			out.Problem = fmt.Sprintf("%s: %s", t.Name, t.Problem)
		}
	}
	return out
}

// Call asks the engine of a peer.
func (h *mirrorHost) Call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	node, err := h.current()
	if err != nil {
		return nil, err
	}
	return node.Call(ctx, peer, method, body)
}

// SharedChanged has the mirror look at the shared configuration.
func (h *mirrorHost) SharedChanged() {
	if node, err := h.current(); err == nil {
		node.RevisionChanged()
	}
}

// Compare compares the shared configuration with a peer's.
func (h *mirrorHost) Compare(ctx context.Context, peer string) (manage.HADifferences, error) {
	node, err := h.current()
	if err != nil {
		return manage.HADifferences{}, err
	}
	c, err := node.Compare(ctx, peer)
	out := manage.HADifferences{State: string(c.State), Objects: []manage.HADifference{}}
	for _, d := range c.Objects {
		out.Objects = append(out.Objects, manage.HADifference{Block: d.Block, Name: d.Name, Who: d.Who, Mine: d.Mine, Theirs: d.Theirs})
	}
	return out, err
}

// Resolve makes what differs equal.
func (h *mirrorHost) Resolve(ctx context.Context, peer string, r manage.HAResolution, by string) error {
	node, err := h.current()
	if err != nil {
		return err
	}
	res := mirror.Resolution{Take: r.Take, Who: by}
	for _, o := range r.Objects {
		res.Objects = append(res.Objects, mirror.Object(o))
	}
	return node.Resolve(ctx, peer, res)
}

// Secret returns the key of the heartbeats with a peer.
func (h *mirrorHost) Secret(peer string) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.pins[peer].Secret)
}

// Unpair forgets a peer.
func (h *mirrorHost) Unpair(peer string) error {
	if err := h.drop(peer); err != nil {
		return err
	}
	return h.store.Vault().Delete(mirrorBases + peer)
}

// PairBegin opens this box for another one to join.
func (h *mirrorHost) PairBegin() (manage.HAPairing, error) {
	node, err := h.current()
	if err != nil {
		return manage.HAPairing{}, err
	}
	s, err := node.Pairing().Begin()
	return pairingOf(s), err
}

// PairJoin joins a box on which pairing was begun.
func (h *mirrorHost) PairJoin(ctx context.Context, address string) (manage.HAPairing, error) {
	node, err := h.current()
	if err != nil {
		return manage.HAPairing{}, err
	}
	s, err := node.Pairing().Join(ctx, address)
	return pairingOf(s), err
}

// PairShow tells how far a pairing is.
func (h *mirrorHost) PairShow() manage.HAPairing {
	node, err := h.current()
	if err != nil {
		return manage.HAPairing{Phase: manage.HAPairIdle}
	}
	return pairingOf(node.Pairing().Show())
}

// PairConfirm says whether both boxes show the same code.
func (h *mirrorHost) PairConfirm(matches bool) (manage.HAPairing, error) {
	node, err := h.current()
	if err != nil {
		return manage.HAPairing{}, err
	}
	s, err := node.Pairing().Confirm(matches)
	return pairingOf(s), err
}

// PairCancel ends a pairing.
func (h *mirrorHost) PairCancel() {
	if node, err := h.current(); err == nil {
		node.Pairing().Cancel()
	}
}

func pairingOf(s mirror.PairingState) manage.HAPairing {
	out := manage.HAPairing{Phase: string(s.Phase), Code: s.Code, Peer: s.Peer, Address: s.Address, ConfirmedHere: s.ConfirmedHere,
		ConfirmedThere: s.ConfirmedThere, Until: s.Until, Problem: s.Problem, NotBefore: s.NotBefore}
	if !s.Fingerprint.IsZero() {
		out.Fingerprint = s.Fingerprint.String()
	}
	return out
}
