// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/persist"
	"evener/ha/mirror"
)

// nodeEnv has the setup of a process that mirrors records; it makes this program one.
const nodeEnv = "EVENER_BENCH_RECORDS"

// A nodeSetup says what a process that mirrors records is to do.
type nodeSetup struct {
	Node, Listen string
	Identity     []byte // PEM
	Peer         mirror.Peer
	Records      int // that it has at the start
}

// A recordReport is what such a process answers to an order: "state", "begin" of a
// round, "end".
type recordReport struct {
	Records int
	InStep  bool // the peer has all
	Changes int  // made in the round
	Applied int  // of the peer's changes of the round
	Took    time.Duration
	P99     time.Duration // from a change to its being applied
	Missed  int           // of those that P99 is about: they have not come
	CPU     time.Duration // in the round
}

// A sourceNode has the table of a box and its mirror.
type sourceNode struct {
	table *persist.Sources
	node  *mirror.Node

	mu      sync.Mutex // guards what follows
	changes int
	lags    []time.Duration
	last    time.Time // when a change was applied
	began   time.Time
	cpu     time.Duration
}

// runNode follows orders until they end.
func runNode(ctx context.Context, setup string, orders io.Reader, reports io.Writer) error {
	var s nodeSetup
	if err := json.Unmarshal([]byte(setup), &s); err != nil {
		return fmt.Errorf("%s: %w", nodeEnv, err)
	}
	id, err := mirror.ParseIdentity(s.Identity)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	n := &sourceNode{table: persist.NewSources(persist.SourcesConfig{Max: 2 * recordsHeld})}
	for i := range s.Records {
		n.change(i, 1)
	}
	changes := mirror.NewLog(mirror.LogConfig{})
	n.node, err = mirror.New(mirror.Config{Node: s.Node, Version: "bench", Listener: l, Identity: id, Peers: []mirror.Peer{s.Peer},
		Tables: []mirror.Table{{Name: "sources", Changes: changes, Records: n}}}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { n.node.Run(ctx) }) // that it ended is seen by who waits for records
	wg.Go(func() { n.feed(ctx, changes) })
	return n.follow(ctx, s.Records, orders, reports)
}

// follow does what is ordered.
func (n *sourceNode) follow(ctx context.Context, records int, orders io.Reader, reports io.Writer) error {
	end := func() {}
	defer func() { end() }()
	for in := bufio.NewScanner(orders); in.Scan(); {
		switch in.Text() {
		case "begin":
			n.begin()
			if records > 0 {
				end = n.offer(ctx, records)
			}
		case "end":
			end()
			end = func() {}
		}
		if err := json.NewEncoder(reports).Encode(n.report()); err != nil {
			return err
		}
	}
	return nil
}

func (n *sourceNode) begin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.changes, n.lags, n.began, n.last, n.cpu = 0, nil, time.Now(), time.Now(), ownCPU()
}

func (n *sourceNode) report() recordReport {
	r := recordReport{Records: n.table.Stats().Records, InStep: true}
	for _, p := range n.node.Status().Peers {
		r.InStep = r.InStep && p.Connected && p.Queued == 0
		for _, t := range p.Tables {
			r.InStep = r.InStep && t.State == "in step"
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	r.Changes, r.Applied, r.Took, r.CPU = n.changes, len(n.lags), n.last.Sub(n.began), ownCPU()-n.cpu
	if len(n.lags) > 0 {
		r.P99 = percentile(slices.Sorted(slices.Values(n.lags)), 0.99)
	}
	return r
}

// change brings a client to a member. The reference of the member is the time, which
// tells the other side how old the change is.
func (n *sourceNode) change(i int, ref uint64) {
	key := persist.SourceKey{Scope: 1, Addr: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})}
	now := time.Now().UnixNano()
	n.table.Begin(key, ref, time.Hour, now)
	n.table.End(key, now)
}

// offer changes records at the rate until stop is called.
func (n *sourceNode) offer(ctx context.Context, records int) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		start, made := time.Now(), 0
		for ctx.Err() == nil {
			for due := int(time.Since(start).Seconds() * recordsRate); made < due; made++ {
				n.change(made*7919%records, uint64(time.Now().UnixNano()))
			}
			n.mu.Lock()
			n.changes = made
			n.mu.Unlock()
			await(ctx, tick.C)
		}
	})
	return func() { cancel(); wg.Wait() }
}

// feed tells the mirror of changes as often as a box does.
func (n *sourceNode) feed(ctx context.Context, changes *mirror.Log) {
	feed := n.table.Follow()
	defer feed.Close()
	var key, value []byte
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		now := time.Now().UnixNano()
		feed.Drain(now, func(r persist.SourceRecord) {
			key, value = r.AppendKey(key[:0]), r.AppendValue(value[:0], now)
			_ = changes.Put(key, value) // it refuses only what is too long
		})
		await(ctx, tick.C)
	}
}

// Snapshot gives the peer all records.
func (n *sourceNode) Snapshot(ctx context.Context, yield func(key, value []byte) bool) error {
	var key, value []byte
	now := time.Now().UnixNano()
	n.table.Snapshot(now, func(r persist.SourceRecord) bool {
		key, value = r.AppendKey(key[:0]), r.AppendValue(value[:0], now)
		return ctx.Err() == nil && yield(key, value)
	})
	return ctx.Err()
}

// Apply takes the peer's.
func (n *sourceNode) Apply(_ string, changes []mirror.Change) error {
	now := time.Now().UnixNano()
	for _, c := range changes {
		r, err := persist.ParseRecord(c.Key, c.Value, now)
		if err != nil {
			return err
		}
		if n.table.Merge(r, now) {
			n.applied(r)
		}
	}
	return nil
}

// applied notes a change of this round. One that is told while its client is still
// connected comes again.
func (n *sourceNode) applied(r persist.SourceRecord) {
	if r.Open > 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	made, now := time.Unix(0, int64(r.Ref)), time.Now()
	if !n.began.IsZero() && made.After(n.began) {
		n.lags, n.last = append(n.lags, now.Sub(made)), now
	}
}

// ownCPU returns the time that this process has computed.
func ownCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no other error than a wrong argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
