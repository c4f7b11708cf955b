// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
	"evener/firmware/phrase"
)

// A Mirror connects this box with its peers.
type Mirror interface {
	// Use listens and dials as s says from now on. It does not wait; Status tells
	// what fails.
	Use(s MirrorSettings)
	Status() MirrorStatus
	// Call asks the engine of a peer, whose [Box.ServePeer] answers.
	Call(ctx context.Context, peer, method string, body []byte) ([]byte, error)
	// SharedChanged tells that the shared part of the configuration may be another.
	SharedChanged()
	Compare(ctx context.Context, peer string) (HADifferences, error)
	Resolve(ctx context.Context, peer string, r HAResolution, by string) error
	// Secret returns the key of the heartbeats with a peer, nil if it is not paired.
	Secret(peer string) []byte
	Unpair(peer string) error

	PairBegin() (HAPairing, error)
	PairJoin(ctx context.Context, address string) (HAPairing, error)
	PairShow() HAPairing
	PairConfirm(matches bool) (HAPairing, error)
	PairCancel()
}

// MirrorSettings say where this box and its peers are.
type MirrorSettings struct {
	Node   string         `json:"node"`
	Listen netip.AddrPort `json:"listen"` // not valid: no mirror
	Peers  []MirrorPeer   `json:"peers"`
}

// A MirrorPeer is a box that the configuration names.
type MirrorPeer struct {
	Name    string         `json:"name"`
	Address netip.AddrPort `json:"address"`
}

// A MirrorStatus is what the mirror knows.
type MirrorStatus struct {
	Fingerprint string // of this box's certificate; "": it has none yet
	Problem     string // why nothing is mirrored; "": it is
	Peers       map[string]MirrorPeerStatus
}

// A MirrorPeerStatus is how this box and a peer get along. Those that are paired and
// not configured are there too.
type MirrorPeerStatus struct {
	HAPeerMirror
	Paired       bool
	Differences  HADifferences
	RefusedHere  string // why this box does not take the peer's configuration
	RefusedThere string // why the peer does not take this box's
}

// PairItems begin the names of what the vault has of this box among others: its
// certificate, and what it knows its peers by. It is no part of backups, nor does
// any other box get it.
const PairItems = "ha/"

// What boxes ask each other.
const (
	peerOrder = "order"
	peerTrial = "rehearse"
	peerClear = "clear"
)

type pairJoinParams struct {
	Address string `json:"address" doc:"of the other box's mirror, where pairing was begun, as ADDRESS:PORT"`
}

type pairConfirmParams struct {
	Matches bool `json:"code_matches" doc:"both boxes show the same code"`
}

type peerParams struct {
	Peer string `json:"peer" doc:"name of the other box"`
}

// HAResolution says whose objects are to be kept.
type HAResolution struct {
	Peer    string     `json:"peer" doc:"name of the other box"`
	Take    string     `json:"take" doc:"mine: the peer gets this box's; theirs: this box gets the peer's"`
	Objects []HAObjRef `json:"objects,omitempty" doc:"none: all that is shared"`
}

// An HAObjRef names an object of the configuration.
type HAObjRef struct {
	Block string `json:"block" doc:"such as pool"`
	Name  string `json:"name,omitempty" doc:"empty: the block has none"`
}

func (b *Box) addHAMirror(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "ha.pair.show", Purpose: "Shows how far a pairing is.", Role: api.Viewer, Effect: api.Read},
		func(context.Context, api.Call, struct{}) (HAPairing, error) { return b.pairing(), nil })
	api.Add(reg, api.Method{Name: "ha.pair.begin", Purpose: "Opens this box for another one to join, for five minutes and one try.",
		Role: api.Admin, Effect: api.System, Sudo: true, Audit: "begin pairing"}, b.pairBegin)
	api.Add(reg, api.Method{Name: "ha.pair.join", Purpose: "Joins a box on which pairing was begun; both show a code then.",
		Role: api.Admin, Effect: api.System, Sudo: true, Audit: "pair with {address}", Timeout: time.Minute}, b.pairJoin)
	api.Add(reg, api.Method{Name: "ha.pair.confirm", Purpose: "Says whether both boxes show the same code; they are paired once both were told so.",
		Role: api.Admin, Effect: api.System, Sudo: true, Audit: "confirm pairing: {code_matches}"}, b.pairConfirm)
	api.Add(reg, api.Method{Name: "ha.pair.cancel", Purpose: "Ends a pairing that is under way.",
		Role: api.Admin, Effect: api.System, Audit: "cancel pairing", Idempotent: true}, b.pairCancel)
	api.Add(reg, api.Method{Name: "ha.unpair", Purpose: "Forgets another box: nothing is mirrored with it any more.",
		Role: api.Admin, Effect: api.System, Sudo: true, Audit: "unpair {peer}"}, b.unpair)
	api.Add(reg, api.Method{Name: "ha.sync.differences", Purpose: "Compares the shared configuration with a peer's, object by object.",
		Role: api.Viewer, Effect: api.Read}, b.differences)
	api.Add(reg, api.Method{Name: "ha.sync.resolve", Purpose: "Makes what differs equal: as this box has it, or as the peer does.",
		Role: api.Admin, Effect: api.Commit, Audit: "take {take} of the differences with {peer}", Timeout: time.Minute}, b.resolveSync)
}

// mirror returns what connects this box with its peers, and why there is nothing.
func (b *Box) mirror(c api.Call) (Mirror, error) {
	if err := unscoped(c, "the pairing of boxes"); err != nil {
		return nil, err
	}
	if b.cfg.Mirror == nil {
		return nil, api.Errorf(api.CodeFailed, "ha.no_mirror", "this box has no mirror; the log of the engine says why")
	}
	return b.cfg.Mirror, nil
}

// pairing shows how far a pairing is.
func (b *Box) pairing() HAPairing {
	if b.cfg.Mirror == nil {
		return HAPairing{Phase: HAPairIdle}
	}
	p := b.cfg.Mirror.PairShow()
	p.Own = b.cfg.Mirror.Status().Fingerprint
	if cfg := b.standbyConfig(); cfg != nil && cfg.Node.Listen.IsValid() {
		p.Listen = cfg.Node.Listen.String()
	}
	p.Said = phrase.Fields("problem", p.Problem)
	return p
}

// paired is pairing after a step of it.
func (b *Box) paired(err error) (HAPairing, error) {
	b.standbyChanged()
	if err != nil {
		return HAPairing{}, pairError(err)
	}
	return b.pairing(), nil
}

func pairError(err error) error {
	if e := api.AsError(err); e.Kind != "" && e.Kind != "failed" {
		return e
	}
	return api.Errorf(api.CodeConflict, "ha.pairing", "%v", err)
}

func (b *Box) pairBegin(_ context.Context, c api.Call, _ struct{}) (HAPairing, error) {
	m, err := b.mirror(c)
	if err != nil {
		return HAPairing{}, err
	}
	_, err = m.PairBegin()
	return b.paired(err)
}

func (b *Box) pairJoin(ctx context.Context, c api.Call, p pairJoinParams) (HAPairing, error) {
	m, err := b.mirror(c)
	if err != nil {
		return HAPairing{}, err
	}
	if _, err := netip.ParseAddrPort(p.Address); err != nil {
		return HAPairing{}, api.Errorf(api.CodeParams, "params.address", "an address is written ADDRESS:PORT, such as 10.255.0.1:7460, not %q", p.Address)
	}
	_, err = m.PairJoin(ctx, p.Address)
	return b.paired(err)
}

func (b *Box) pairConfirm(_ context.Context, c api.Call, p pairConfirmParams) (HAPairing, error) {
	m, err := b.mirror(c)
	if err != nil {
		return HAPairing{}, err
	}
	b.standby.mu.Lock()
	b.standby.tables.confirmer = c.Author
	b.standby.mu.Unlock()
	_, err = m.PairConfirm(p.Matches)
	return b.paired(err)
}

func (b *Box) pairCancel(_ context.Context, c api.Call, _ struct{}) (HAPairing, error) {
	m, err := b.mirror(c)
	if err != nil {
		return HAPairing{}, err
	}
	m.PairCancel()
	return b.paired(nil)
}

// Paired tells that another box is paired from now on.
func (b *Box) Paired(peer string) {
	b.standby.mu.Lock()
	by := b.standby.tables.confirmer
	b.standby.mu.Unlock()
	b.happened(event.PeerPaired, event.Object("peer", peer), map[string]any{"peer": peer, "by": by})
	b.refreshStandby()
}

// PeersChanged tells that the mirror knows something new of a peer. It does not
// block.
func (b *Box) PeersChanged() { b.standbyChanged() }

func (b *Box) standbyChanged() {
	b.standby.mu.Lock()
	defer b.standby.mu.Unlock()
	b.standby.poke()
}

func (b *Box) unpair(_ context.Context, c api.Call, p peerParams) (HAPairing, error) {
	m, err := b.mirror(c)
	if err != nil {
		return HAPairing{}, err
	}
	if st, ok := m.Status().Peers[p.Peer]; !ok || !st.Paired {
		return HAPairing{}, api.Errorf(api.CodeNotFound, "not_found", "this box is not paired with %q%s", p.Peer, pairedWith(m.Status()))
	}
	if err := m.Unpair(p.Peer); err != nil {
		return HAPairing{}, apiError(err)
	}
	b.happened(event.PeerUnpaired, event.Object("peer", p.Peer), map[string]any{"peer": p.Peer, "by": c.Author})
	b.refreshStandby()
	return b.pairing(), nil
}

func pairedWith(s MirrorStatus) string {
	var have []string
	for name, p := range s.Peers {
		if p.Paired {
			have = append(have, name)
		}
	}
	if len(have) == 0 {
		return ", nor with any other"
	}
	return "; it is with " + strings.Join(have, ", ")
}

func (b *Box) differences(ctx context.Context, c api.Call, p peerParams) (HADifferences, error) {
	m, err := b.mirror(c)
	if err != nil {
		return HADifferences{}, err
	}
	if st, ok := m.Status().Peers[p.Peer]; !ok || !st.Paired {
		return HADifferences{}, api.Errorf(api.CodeNotFound, "not_found", "this box is not paired with %q%s", p.Peer, pairedWith(m.Status()))
	}
	d, err := m.Compare(ctx, p.Peer)
	if err != nil {
		return HADifferences{}, api.Errorf(api.CodeFailed, "ha.compare", "%v", err)
	}
	d.Objects, d.Said = stringsOf(d.Objects), phrase.Fields("problem", d.Problem)
	return d, nil
}

func (b *Box) resolveSync(ctx context.Context, c api.Call, p HAResolution) (HADifferences, error) {
	m, err := b.mirror(c)
	if err != nil {
		return HADifferences{}, err
	}
	if p.Take != "mine" && p.Take != "theirs" {
		return HADifferences{}, api.Errorf(api.CodeParams, "params.take", "take is mine or theirs, not %q", p.Take)
	}
	before, err := b.differences(ctx, c, peerParams{p.Peer})
	if err != nil {
		return HADifferences{}, err
	}
	for _, o := range p.Objects {
		if !before.has(o) {
			return HADifferences{}, api.Errorf(api.CodeParams, "params.objects", "%s does not differ from %s's (evener ha sync --peer %s)", o, p.Peer, p.Peer)
		}
	}
	if err := m.Resolve(ctx, p.Peer, p, c.Author); err != nil {
		return HADifferences{}, api.Errorf(api.CodeConflict, "ha.resolve", "%v", err)
	}
	return b.differences(ctx, c, peerParams{p.Peer})
}

// String returns the object as people write it.
func (o HAObjRef) String() string { return strings.TrimSuffix(o.Block+"/"+o.Name, "/") }

func (d HADifferences) has(o HAObjRef) bool {
	for _, x := range d.Objects {
		if x.Block == o.Block && x.Name == o.Name {
			return true
		}
	}
	return false
}

// callBox asks the box called node: a peer, or this one, for which here answers.
func (b *Box) callBox(ctx context.Context, node, method string, params, result any, here func() (any, error)) error {
	if node != b.nodeName() {
		return b.callPeer(ctx, node, method, params, result)
	}
	out, err := here()
	if err != nil {
		return err
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, result)
}

// callPeer asks the engine of a peer.
func (b *Box) callPeer(ctx context.Context, peer, method string, params, result any) error {
	if b.cfg.Mirror == nil {
		return api.Errorf(api.CodeFailed, "ha.no_mirror", "%s cannot be asked: this box has no mirror", peer)
	}
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer, err := b.cfg.Mirror.Call(ctx, peer, method, body)
	if err != nil {
		return api.Errorf(api.CodeFailed, "ha.peer", "%s was asked in vain: %v", peer, err)
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("read the answer of %s: %w", peer, err)
	}
	return nil
}

// ServePeer answers what the engine of a peer asks.
func (b *Box) ServePeer(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	var out any
	var err error
	switch method {
	case peerOrder:
		out, err = b.serveOrder(ctx, peer, body)
	case peerTrial:
		out, err = b.serveTrial(ctx, peer, body)
	case peerClear:
		out, err = b.serveClear(body)
	case peerUpgrade:
		out, err = b.serveUpgrade(ctx, peer, body)
	default:
		err = fmt.Errorf("version %s of the box does not know %q", b.cfg.Version, method)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}
