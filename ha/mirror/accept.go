// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Limits of connections that have not shown yet who they are.
const (
	maxAtDoor     = 32
	maxFromOne    = 4
	refusalLogGap = 10 * time.Second
)

// A door counts the connections that have not shown yet who they are.
type door struct {
	all       int
	byAddress map[string]int
}

// refusals count connections that were not let in.
type refusals struct {
	count  uint64
	last   string
	at     time.Time
	logged time.Time
}

// accept lets in one connection after another until the listener ends.
func (n *Node) accept(ctx context.Context, wg *sync.WaitGroup) error {
	for {
		c, err := n.cfg.Listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("accept connections of peers: %w", err)
		}
		if err != nil {
			n.log.Warn("connection of a peer was not accepted", "err", err)
			if !sleep(ctx, retryMin, nil) { // such as too many open files: they close
				return nil
			}
			continue
		}
		host := hostOf(c)
		if !n.enter(host) {
			c.Close()
			n.refuse(host, errors.New("too many connections at a time that have not shown who they are"))
			continue
		}
		wg.Go(func() { n.welcome(ctx, c, host) })
	}
}

// hostOf returns the address of the other side without its port.
func hostOf(c net.Conn) string {
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return c.RemoteAddr().String()
	}
	return host
}

func (n *Node) enter(host string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.door.all >= maxAtDoor || n.door.byAddress[host] >= maxFromOne {
		return false
	}
	n.door.all++
	n.door.byAddress[host]++
	return true
}

func (n *Node) leave(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.door.all--
	if n.door.byAddress[host]--; n.door.byAddress[host] == 0 {
		delete(n.door.byAddress, host)
	}
}

// refuse counts a connection that was not let in; the log is not flooded.
func (n *Node) refuse(host string, err error) {
	n.mu.Lock()
	r := &n.refused
	r.count++
	r.last, r.at = host+": "+err.Error(), time.Now()
	loud := r.at.Sub(r.logged) > refusalLogGap
	if loud {
		r.logged = r.at
	}
	count := r.count
	n.mu.Unlock()
	if loud {
		n.log.Warn("connection to the mirror refused", "from", host, "err", err, "count", count)
	}
}

// welcome finds out who has connected, and serves it.
func (n *Node) welcome(ctx context.Context, c net.Conn, host string) {
	defer c.Close()
	p := &paced{Conn: c, silence: n.cfg.Silence, bye: n.byeTime}
	p.endAt(time.Now().Add(greetTime))
	conn := tls.Server(p, tlsConfig(n.cfg.Identity, n.admit, alpnMirror, alpnPair))
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	err := conn.HandshakeContext(ctx)
	if err != nil {
		n.leave(host)
		if ctx.Err() == nil {
			n.refuse(host, err)
		}
		return
	}
	st := newStream(conn, p)
	if conn.ConnectionState().NegotiatedProtocol == alpnPair {
		n.leave(host)
		stop()
		n.pairing.serve(ctx, st)
		return
	}
	in, err := n.greetBack(st)
	n.leave(host)
	if err != nil {
		if worthAWord(err) {
			st.bye(byeRefused, err.Error())
		}
		n.refuse(host, err)
		return
	}
	stop()
	p.endAt(time.Time{})
	select {
	case in.peer.link.retry <- struct{}{}:
	default:
	}
	err = in.peer.receive(ctx, in)
	n.log.Info("mirror stream from peer ended", "peer", in.peer.name, "err", err)
}

// admit decides by the certificate who may talk.
func (n *Node) admit(protocol string, f Fingerprint) error {
	switch protocol {
	case alpnPair:
		return n.pairing.admit(f)
	case alpnMirror:
		if n.byFingerprint(f) == nil {
			return fmt.Errorf("its certificate (%.16s…) is not that of a box paired with this one", f)
		}
		return nil
	}
	return errors.New("it does not speak the mirror's protocol")
}

// byFingerprint returns the running peer with a certificate, or nil.
func (n *Node) byFingerprint(f Fingerprint) *peer {
	if f.IsZero() {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.peers {
		if p.fingerprint == f {
			return p
		}
	}
	return nil
}

// greetBack exchanges greetings with a peer that has dialled. With an intake, the
// peer's intakeMu is held: receive lets go of it.
func (n *Node) greetBack(st *stream) (*intake, error) {
	p := n.byFingerprint(peerFingerprint(st.conn))
	if p == nil {
		return nil, errUnpaired
	}
	h, err := st.hello()
	if err != nil {
		return nil, err
	}
	if err := n.checkGreeting(p, h); err != nil {
		return nil, err
	}
	if _, err := choose(n.protocolMin, n.protocolMax, h); err != nil {
		return nil, err
	}
	p.intakeMu.Lock()
	err = p.takeOver()
	var in *intake
	if err == nil {
		answer := n.greeting()
		in, answer.Tables = newIntake(n, p, st, h)
		err = st.writeJSON(frameHello, answer)
	}
	if err != nil {
		p.intakeMu.Unlock()
		return nil, err
	}
	return in, nil
}

// greeting returns this box's, without tables.
func (n *Node) greeting() hello {
	return hello{Min: n.protocolMin, Max: n.protocolMax, Node: n.cfg.Node, Version: n.cfg.Version, Boot: n.boot, Tables: []tableHello{}}
}

// checkGreeting refuses a box that has another name than it was paired with:
// names say whose change wins and where groups are at home.
func (n *Node) checkGreeting(p *peer, h hello) error {
	switch {
	case h.Boot == n.boot:
		return errors.New("this is the same box: a peer's address must be another box's")
	case h.Node == n.cfg.Node:
		return fmt.Errorf("both boxes are called %q: give one another node name", h.Node)
	case h.Node != p.name:
		return fmt.Errorf("the box that was paired as %q calls itself %q now: give it its name back, "+
			"or remove the pairing and pair again", p.name, h.Node)
	}
	return nil
}
