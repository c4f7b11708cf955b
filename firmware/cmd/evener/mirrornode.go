// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"evener/firmware/lb"
	"evener/firmware/manage"
	"evener/firmware/store"
	"evener/ha/mirror"
)

// Where the vault has what boxes know each other by.
const (
	mirrorIdentity = manage.PairItems + "identity" // PEM of this box's certificate and key
	mirrorPins     = manage.PairItems + "peers"    // JSON, by name of the peer
	mirrorBases    = manage.PairItems + "base/"    // and a peer: the shared text when both were equal last
)

// mirrorAgain is between two tries to get the mirror's listener.
const mirrorAgain = 2 * time.Second

// A pin is what a pairing has given.
type pin struct {
	Address     string             `json:"address"`
	Fingerprint mirror.Fingerprint `json:"fingerprint"`
	Secret      []byte             `json:"secret"`
}

// A mirrorHost runs the mirror as the configuration wants it: the listener is the
// supervisor's, so that an engine that follows refuses nobody; pins and secrets are
// in the vault.
type mirrorHost struct {
	sockets *sockets
	store   *store.Store
	log     *slog.Logger
	box     *manage.Box // set before Run
	tables  []mirror.Table
	wake    chan struct{} // want is another

	mu      sync.Mutex // guards what follows
	want    manage.MirrorSettings
	pins    map[string]pin
	id      *mirror.Identity
	node    *mirror.Node // nil: none runs
	problem string
}

func newMirrorHost(s *sockets, st *store.Store, log *slog.Logger) *mirrorHost {
	h := &mirrorHost{sockets: s, store: st, log: log, wake: make(chan struct{}, 1), pins: map[string]pin{}}
	text, err := st.Vault().Load(mirrorPins)
	if err == nil && text != nil {
		err = json.Unmarshal(text, &h.pins)
	}
	if err != nil {
		h.problem = "the paired boxes are not known: " + err.Error()
		log.Error("paired boxes not read", "err", err)
	}
	return h
}

// attach gives the mirror its box.
func (h *mirrorHost) attach(box *manage.Box) {
	h.box = box
	for _, t := range box.MirrorTables() {
		changes := mirror.NewLog(mirror.LogConfig{})
		t.Attach(changes)
		h.tables = append(h.tables, mirror.Table{Name: t.Name, Changes: changes, Records: recordsOf(t)})
	}
}

// Use listens and dials as s says from now on.
func (h *mirrorHost) Use(s manage.MirrorSettings) {
	h.mu.Lock()
	h.want = s
	h.mu.Unlock()
	h.poke()
}

func (h *mirrorHost) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run keeps the mirror as it is wanted until ctx ends.
func (h *mirrorHost) Run(ctx context.Context) error {
	var running *runningNode
	defer func() { running.stop() }()
	again := time.NewTicker(mirrorAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
		case <-again.C:
			if running.ended() == nil && !h.failed() {
				continue
			}
		}
		running = h.follow(ctx, running)
	}
}

func (h *mirrorHost) failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.problem != "" && h.node == nil && h.want.Listen.IsValid()
}

// A runningNode is a mirror that runs.
type runningNode struct {
	uses   manage.MirrorSettings
	node   *mirror.Node
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once done is closed
}

// stop ends the node and waits for that.
func (r *runningNode) stop() {
	if r != nil {
		r.cancel()
		<-r.done
	}
}

// ended returns why the node has ended by itself, nil if it runs or there is none.
func (r *runningNode) ended() error {
	if r == nil {
		return nil
	}
	select {
	case <-r.done:
		return fmt.Errorf("the mirror has ended: %v", r.err)
	default:
		return nil
	}
}

// follow makes what runs into what is wanted.
func (h *mirrorHost) follow(ctx context.Context, r *runningNode) *runningNode {
	h.mu.Lock()
	want := h.want
	h.mu.Unlock()
	if r != nil && r.ended() == nil && r.uses.Node == want.Node && r.uses.Listen == want.Listen {
		h.fail(r.node.SetPeers(h.peersOf(want)))
		return r
	}
	r.stop()
	h.mu.Lock()
	h.node, h.problem = nil, ""
	h.mu.Unlock()
	if !want.Listen.IsValid() {
		h.fail(h.sockets.keepOwn(ownMirror))
		return nil
	}
	r, err := h.start(ctx, want)
	h.fail(err)
	if err != nil {
		return nil
	}
	return r
}

// fail notes why nothing is mirrored, for people and once for the log.
func (h *mirrorHost) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.problem
	if h.problem = ""; err != nil {
		if h.problem = err.Error(); h.problem != was {
			h.log.Error("mirror does not work as configured", "err", err)
		}
	}
}

// start opens the listener and runs a mirror on it.
func (h *mirrorHost) start(ctx context.Context, want manage.MirrorSettings) (*runningNode, error) {
	id, err := h.identity(want.Node)
	if err != nil {
		return nil, err
	}
	spec := lb.Spec{Network: "tcp", Addr: want.Listen}
	own, err := h.sockets.acquireOwn(spec)
	if err != nil {
		return nil, err
	}
	l, err := own.Net(0)
	if err != nil {
		return nil, err
	}
	if err := h.sockets.keepOwn(ownMirror, spec); err != nil {
		h.log.Warn("listener not released", "err", err)
	}
	node, err := mirror.New(mirror.Config{Node: want.Node, Version: version, Address: want.Listen.String(), Listener: l, Identity: id,
		Peers: h.peersOf(want), Tables: h.tables, Serve: h.box.ServePeer, Paired: h.pair, Unpaired: h.drop,
		Revisions: &mirror.Revisions{Repository: repository{h.box}, Objects: objects{}, Bases: bases{h.store}, Auto: true}}, h.log)
	if err != nil {
		l.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &runningNode{uses: want, node: node, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = node.Run(ctx)
	}()
	h.mu.Lock()
	h.node = node
	h.mu.Unlock()
	h.box.PeersChanged()
	return r, nil
}

// identity returns the box's certificate, and makes it at the first use.
func (h *mirrorHost) identity(node string) (*mirror.Identity, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.id != nil {
		return h.id, nil
	}
	vault := h.store.Vault()
	text, err := vault.Load(mirrorIdentity)
	if err != nil {
		return nil, err
	}
	if text != nil {
		h.id, err = mirror.ParseIdentity(text)
		return h.id, err
	}
	id, err := mirror.NewIdentity(node)
	if err != nil {
		return nil, err
	}
	if err := vault.Save(mirrorIdentity, id.PEM()); err != nil {
		return nil, err
	}
	h.id = id
	return id, nil
}

// peersOf returns the configured peers, with what is known of those that are paired.
func (h *mirrorHost) peersOf(s manage.MirrorSettings) []mirror.Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []mirror.Peer
	for _, p := range s.Peers {
		x := mirror.Peer{Name: p.Name, Address: p.Address.String()}
		if k, ok := h.pins[p.Name]; ok && len(k.Secret) == len(x.Secret) {
			x.Fingerprint, x.Secret = k.Fingerprint, [32]byte(k.Secret)
		}
		out = append(out, x)
	}
	return out
}

// pair keeps a box that was paired.
func (h *mirrorHost) pair(p mirror.Peer) error {
	err := h.changePins(func(pins map[string]pin) {
		pins[p.Name] = pin{p.Address, p.Fingerprint, slices.Clone(p.Secret[:])}
	})
	if err == nil {
		go h.box.Paired(p.Name)
	}
	return err
}

// drop forgets a box.
func (h *mirrorHost) drop(peer string) error {
	return h.changePins(func(pins map[string]pin) { delete(pins, peer) })
}

// changePins keeps pins as f leaves them, durably first.
func (h *mirrorHost) changePins(f func(map[string]pin)) error {
	h.mu.Lock()
	next := map[string]pin{}
	maps.Copy(next, h.pins)
	f(next)
	text, err := json.Marshal(next)
	if err == nil {
		err = h.store.Vault().Save(mirrorPins, text)
	}
	if err == nil {
		h.pins = next
	}
	h.mu.Unlock()
	h.poke()
	return err
}

// current returns the mirror that runs.
func (h *mirrorHost) current() (*mirror.Node, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.node != nil:
		return h.node, nil
	case h.problem != "":
		return nil, fmt.Errorf("the mirror of this box does not work: %s", h.problem)
	case !h.want.Listen.IsValid():
		return nil, fmt.Errorf("this box has no mirror: give the block node a listen address, such as %s", net.JoinHostPort("10.255.0.1", "7460"))
	}
	return nil, fmt.Errorf("the mirror of this box is starting")
}
