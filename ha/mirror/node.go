// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// A Node is this box's mirror.
type Node struct {
	cfg     Config
	log     *slog.Logger
	boot    uint64
	pairing *Pairing
	sync    *revisionSync
	changed chan struct{} // the peers are others

	// The same for all nodes of this software; tests make older, newer and more patient ones.
	protocolMin, protocolMax int
	ackTime                  time.Duration // without an acknowledgement ends a stream
	byeTime                  time.Duration

	mu      sync.Mutex // guards what follows
	want    []Peer
	peers   map[string]*peer // running, by name
	door    door
	refused refusals
}

// New checks cfg and returns a Node that does nothing until Run.
func New(cfg Config, log *slog.Logger) (*Node, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, time.Second)
	cfg.Silence = cmp.Or(cfg.Silence, 5*time.Second)
	cfg.Retry = cmp.Or(cfg.Retry, 5*time.Second)
	cfg.Address = cmp.Or(cfg.Address, cfg.Listener.Addr().String())
	n := &Node{
		cfg: cfg, log: log, boot: randomUint64(), changed: make(chan struct{}, 1),
		protocolMin: protocolMin, protocolMax: protocolMax, ackTime: ackTime, byeTime: byeTime,
		peers: map[string]*peer{}, door: door{byAddress: map[string]int{}},
	}
	n.sync = newRevisionSync(n)
	n.pairing = newPairing(n)
	if err := n.SetPeers(cfg.Peers); err != nil {
		return nil, err
	}
	return n, nil
}

func (c *Config) check() error {
	switch {
	case !validName(c.Node):
		return fmt.Errorf("a node name has 1 to %d printable characters without blanks and quotes; %.70q has not", maxName, c.Node)
	case len(c.Version) > maxVersion:
		return fmt.Errorf("a version has at most %d bytes", maxVersion)
	case c.Listener == nil || c.Identity == nil:
		return errors.New("a mirror needs a listener and an identity")
	case len(c.Tables) > maxTables:
		return fmt.Errorf("%d tables cannot be mirrored; at most %d can", len(c.Tables), maxTables)
	}
	if r := c.Revisions; r != nil && (r.Repository == nil || r.Objects == nil || r.Bases == nil) {
		return errors.New("revisions need a repository, objects and bases")
	}
	seen := map[string]bool{}
	for _, t := range c.Tables {
		if t.Name == "" || len(t.Name) > maxName || seen[t.Name] || t.Changes == nil || t.Records == nil {
			return fmt.Errorf("table %.70q needs a name of its own of 1 to %d bytes, changes and records", t.Name, maxName)
		}
		seen[t.Name] = true
	}
	return nil
}

// SetPeers replaces the peers. Streams of peers that are the same go on; one that
// is gone is told so. It may be called at any time, before Run too.
func (n *Node) SetPeers(peers []Peer) error {
	if len(peers) >= MaxBoxes {
		return fmt.Errorf("%d peers are too many: %d boxes can be kept equal, this one included", len(peers), MaxBoxes)
	}
	names, certs := map[string]bool{n.cfg.Node: true}, map[Fingerprint]bool{n.cfg.Identity.Fingerprint(): true}
	for _, p := range peers {
		if !validName(p.Name) || names[p.Name] {
			return fmt.Errorf("peer %.70q needs a proper name that no other box has", p.Name)
		}
		if !p.Fingerprint.IsZero() && certs[p.Fingerprint] {
			return fmt.Errorf("peer %q has the same certificate as another box", p.Name)
		}
		if _, _, err := net.SplitHostPort(p.Address); err != nil {
			return fmt.Errorf("peer %q: its address must be host:port: %w", p.Name, err)
		}
		names[p.Name], certs[p.Fingerprint] = true, true
	}
	n.mu.Lock()
	n.want = slices.Clone(peers)
	n.mu.Unlock()
	select {
	case n.changed <- struct{}{}:
	default:
	}
	return nil
}

// Run listens and dials until ctx ends, says goodbye to the peers, and closes the
// listener. It returns an error if the listener ends before ctx does.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { // waited for: then the address is free
		<-ctx.Done()
		n.cfg.Listener.Close()
	})
	wg.Go(func() { cancel(n.accept(ctx, &wg)) })
	wg.Go(func() { n.sync.run(ctx) })
	wg.Go(func() { n.pairing.run(ctx) })
	n.supervise(ctx, &wg)
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// supervise keeps one link for each paired peer.
func (n *Node) supervise(ctx context.Context, wg *sync.WaitGroup) {
	tick := time.NewTicker(idle)
	defer tick.Stop()
	for {
		n.reconcile(ctx, wg)
		select {
		case <-ctx.Done():
			return
		case <-n.changed:
		case <-tick.C:
			n.askForTheLost()
		}
	}
}

// reconcile stops the peers that are gone and starts the new ones.
func (n *Node) reconcile(ctx context.Context, wg *sync.WaitGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	for name, p := range n.peers {
		i := slices.IndexFunc(n.want, func(w Peer) bool { return p.same(w) })
		if i >= 0 {
			continue
		}
		why := errUnpaired
		if n.wants(p.fingerprint) {
			why = context.Canceled // it has only moved
		}
		p.end(why)
		delete(n.peers, name)
	}
	for _, w := range n.want {
		if n.peers[w.Name] != nil {
			continue
		}
		p := newPeer(w)
		p.link = newLink(n, p)
		peerCtx, stop := context.WithCancelCause(ctx)
		p.stop = stop
		n.peers[w.Name] = p
		if !p.fingerprint.IsZero() {
			wg.Go(func() { p.link.run(peerCtx) })
		}
	}
}

// wants reports whether a wanted peer has the certificate. n.mu is held.
func (n *Node) wants(f Fingerprint) bool {
	return !f.IsZero() && slices.ContainsFunc(n.want, func(w Peer) bool { return w.Fingerprint == f })
}

// peer returns a running peer by its name, or nil.
func (n *Node) peer(name string) *peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.peers[name]
}

// allPeers returns the running peers in the order of their names.
func (n *Node) allPeers() []*peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []*peer
	for _, p := range n.peers {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *peer) int { return cmp.Compare(a.name, b.name) })
	return all
}

// table returns the table with a name, or nil.
func (n *Node) table(name string) *Table {
	i := slices.IndexFunc(n.cfg.Tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &n.cfg.Tables[i]
}

// Pairing returns the node's pairing, of which there is one.
func (n *Node) Pairing() *Pairing { return n.pairing }

// Status returns what is known now.
func (n *Node) Status() Status {
	var s Status
	for _, p := range n.allPeers() {
		ps := p.status()
		ps.Sync = n.sync.status(p.name)
		s.Peers = append(s.Peers, ps)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Refused, s.LastRefusal, s.LastRefused = n.refused.count, n.refused.last, n.refused.at
	return s
}

// lostFor is how long a peer is away before the others are asked for what they
// had from it and this box had not.
const lostFor = 10 * time.Second

// askForTheLost makes boxes equal again which had got different parts of what a
// third one sent before it went away.
func (n *Node) askForTheLost() {
	all := n.allPeers()
	for _, p := range all {
		if !p.lost(lostFor) {
			continue
		}
		for _, other := range all {
			if in := other.intake(); in != nil {
				in.want()
			}
		}
	}
}
