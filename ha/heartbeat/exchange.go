// SPDX-License-Identifier: Apache-2.0

package heartbeat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// IntervalMin is the shortest interval between heartbeats.
const IntervalMin = 10 * time.Millisecond

// A Remote says how to reach and believe one other box.
type Remote struct {
	Name   string
	Addr   netip.AddrPort
	Secret []byte // KeySize bytes, from the pairing
}

// An Exchange sends and receives heartbeats of several boxes on one socket.
type Exchange struct {
	self   string
	conn   net.PacketConn
	report func() Report
	heard  func(name string)
	log    *slog.Logger
	begin  time.Time
	beat   chan struct{}

	mu       sync.Mutex // guards what follows
	interval time.Duration
	remotes  []*remote
	strange  uint64
}

// A remote is a Remote and what is known of it.
type remote struct {
	Remote
	peer    *Peer
	problem string // why the last heartbeat was not sent
}

// NewExchange returns an exchange of the box named self over conn, a UDP
// socket that stays the caller's. report says what to tell the others; it is
// called for each heartbeat. heard is called after each one that was believed,
// from the goroutine that reads: it must not block. Set must follow.
func NewExchange(self string, conn net.PacketConn, report func() Report, heard func(name string),
	log *slog.Logger,
) *Exchange {
	return &Exchange{
		self: self, conn: conn, report: report, heard: heard, log: log,
		begin: time.Now(), beat: make(chan struct{}, 1), interval: time.Second,
	}
}

// Set says who the others are and how often to send. What is known of a box
// whose name and secret stay is kept.
func (x *Exchange) Set(interval time.Duration, remotes []Remote) error {
	if interval < IntervalMin {
		return fmt.Errorf("interval of heartbeats must be at least %v, not %v", IntervalMin, interval)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	var list []*remote
	for _, r := range remotes {
		peer := x.peerOf(r)
		if peer == nil {
			var err error
			if peer, err = NewPeer(x.self, r.Name, r.Secret); err != nil {
				return fmt.Errorf("peer %q: %w", r.Name, err)
			}
		}
		list = append(list, &remote{Remote: r, peer: peer})
	}
	x.interval, x.remotes = interval, list
	x.Beat()
	return nil
}

// peerOf returns what is known of r, nil if it is new.
func (x *Exchange) peerOf(r Remote) *Peer {
	for _, old := range x.remotes {
		if old.Name == r.Name && bytes.Equal(old.Secret, r.Secret) {
			return old.peer
		}
	}
	return nil
}

// Beat sends a heartbeat to everybody now, because there is something new.
func (x *Exchange) Beat() {
	select {
	case x.beat <- struct{}{}:
	default:
	}
}

// A State is what an Exchange knows of one box.
type State struct {
	Name    string
	Addr    netip.AddrPort
	Heard   bool // since the start of the exchange; else Seen is empty
	Seen    Seen
	Problem string // why heartbeats to it are not sent; "" if they are
	Refused map[Reason]uint64
}

// States returns what is known of every box, in the order of Set.
func (x *Exchange) States() []State {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Since(x.begin)
	var list []State
	for _, r := range x.remotes {
		s := State{Name: r.Name, Addr: r.Addr, Problem: r.problem, Refused: r.peer.Refused()}
		s.Seen, s.Heard = r.peer.Seen(now)
		list = append(list, s)
	}
	return list
}

// Strange returns how many datagrams came that belong to no box of Set.
func (x *Exchange) Strange() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.strange
}

// Run sends and receives until ctx ends. It returns an error only if the
// socket was closed before.
func (x *Exchange) Run(ctx context.Context) error {
	if err := x.conn.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("receive heartbeats: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { x.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	read := make(chan error, 1)
	go func() {
		err := x.receive(ctx)
		cancel()
		read <- err
	}()
	x.send(ctx)
	cancel()
	return <-read
}

// send sends once per interval, and on Beat.
func (x *Exchange) send(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-x.beat:
		}
		timer.Reset(x.sendAll())
	}
}

// sendAll sends one heartbeat to each box and returns when the next is due.
func (x *Exchange) sendAll() time.Duration {
	report := x.report()
	x.mu.Lock()
	defer x.mu.Unlock()
	report.Interval = x.interval
	for _, r := range x.remotes {
		problem := ""
		if err := x.sendTo(r, report); err != nil {
			problem = err.Error()
		}
		if problem != r.problem {
			x.log.Warn("heartbeat sending changed", "peer", r.Name, "addr", r.Addr, "err", problem)
		}
		r.problem = problem
	}
	return x.interval
}

// sendTo seals and sends. A datagram that finds no room in the socket within
// an interval is given up.
func (x *Exchange) sendTo(r *remote, report Report) error {
	b, err := r.peer.Seal(report)
	if err != nil {
		return err
	}
	if err := x.conn.SetWriteDeadline(time.Now().Add(x.interval)); err != nil {
		return err
	}
	_, err = x.conn.WriteTo(b, net.UDPAddrFromAddrPort(r.Addr))
	return err
}

// receive reads until ctx ends or the socket is closed. Other errors of the
// socket pass, such as those of an interface that goes down.
func (x *Exchange) receive(ctx context.Context) error {
	b := make([]byte, MaxSize+1)
	for {
		n, from, err := x.conn.ReadFrom(b)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("receive heartbeats: %w", err)
		case err != nil:
			x.log.Warn("heartbeat not received", "err", err)
			x.pause(ctx)
		default:
			x.deliver(b[:n], from)
		}
	}
}

// pause waits a second or for the end of ctx.
func (x *Exchange) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// deliver hands a datagram to the box that sealed it.
func (x *Exchange) deliver(b []byte, from net.Addr) {
	name, err := x.open(b)
	if err != nil {
		x.log.Debug("heartbeat refused", "from", from, "err", err)
		return
	}
	x.heard(name)
}

func (x *Exchange) open(b []byte) (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range x.remotes {
		if r.peer.Owns(b) {
			return r.Name, r.peer.Open(time.Since(x.begin), b)
		}
	}
	x.strange++
	return "", &Error{Stranger, "it was sealed by no box that this one is paired with"}
}
