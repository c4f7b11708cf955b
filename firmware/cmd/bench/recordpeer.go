// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	labs "evener/firmware/lab"
)

// recordPeer is what the mirror is compared with.
const recordPeer = "haproxy-peers"

// How changes get into HAProxy's table.
const (
	driveConns = 2
	driveBatch = 100 // in a line; tune.bufsize bounds it
	markEvery  = 10 * time.Millisecond
	lookEvery  = time.Millisecond // for those
)

// peerCalm is how long both keep a connection that they will keep. A HAProxy that found
// the other not up yet tries three times more, a second apart, although the other has
// called it meanwhile; then they give up both connections and begin anew.
const peerCalm = 4 * time.Second

// peerTable is the configuration of HAProxy on both boxes: a table of clients by
// their address that both have.
func peerTable(socket string) string {
	return fmt.Sprintf(`global
	maxconn 100
	stats socket %s mode 600 level admin
	stats timeout 1h
%sbackend clients
	stick-table type ip size %d expire 1h store gpt0 peers pair
`, socket, peerDefaults, 2*recordsHeld)
}

// A tablePair are two HAProxies with one stick table. Those who change it and those
// who look at it have connections of their own.
type tablePair struct {
	programs *peerPair
	records  int            // that are held
	drivers  []*runtimeConn // of the active side
	marker   *runtimeConn   // of the active side
	watch    *runtimeConn   // of the standby
	mark     uint32         // the newest
}

// startRecordTables starts both, as far as it can.
func startRecordTables(d *labs.Lab, dir string, records int) (*tablePair, error) {
	p := &tablePair{programs: &peerPair{lab: d, dir: dir}, records: records, mark: uint32(records)}
	for i, b := range d.Boxes {
		file, socket := p.programs.file(i, "cfg"), p.programs.file(i, "sock")
		if err := os.WriteFile(file, []byte(peerTable(socket)), 0o644); err != nil {
			return p, err
		}
		if err := p.programs.launch(i, haproxy, "-db", "-L", b.Name, "-f", file); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (p *tablePair) end() (err error) {
	for _, c := range append(p.drivers, p.marker, p.watch) {
		if c != nil {
			err = errors.Join(err, c.c.Close())
		}
	}
	return errors.Join(err, p.programs.end())
}

// connect opens the connections.
func (p *tablePair) connect(ctx context.Context) error {
	dial := func(box int) (c *runtimeConn, err error) {
		err = soon(ctx, "HAProxy takes orders", func() (err error) {
			c, err = dialRuntime(p.programs.file(box, "sock"))
			return err
		})
		return c, err
	}
	var err error
	for err == nil && len(p.drivers) < driveConns {
		var c *runtimeConn
		if c, err = dial(0); err == nil {
			p.drivers = append(p.drivers, c)
		}
	}
	if err == nil {
		p.marker, err = dial(0)
	}
	if err == nil {
		p.watch, err = dial(1)
	}
	return err
}

// settle fills the table.
func (p *tablePair) settle(ctx context.Context) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	if err := p.fill(ctx); err != nil {
		return err
	}
	calm := time.Now()
	return soon(ctx, "the standby has all records and keeps its connection", func() error {
		err := p.unsettled()
		if err != nil {
			calm = time.Now()
		} else if since := time.Since(calm); since < peerCalm {
			err = fmt.Errorf("only for %v", since)
		}
		return err
	})
}

// unsettled tells what is still under way: records, or the connection.
func (p *tablePair) unsettled() error {
	n, err := p.watch.used()
	if err != nil {
		return err
	}
	given, err := p.marker.given()
	if err != nil {
		return err
	}
	taken, err := p.watch.taken()
	if err == nil && (int(n) != p.records || taken != given) {
		err = fmt.Errorf("%d of %d, change %d of %d", n, p.records, taken, given)
	}
	return err
}

func (p *tablePair) fill(ctx context.Context) error {
	var next atomic.Int64
	return p.drive(func(c *runtimeConn) error {
		for ctx.Err() == nil {
			from := int(next.Add(driveBatch)) - driveBatch
			if from >= p.records {
				return nil
			}
			if err := c.set(from, min(from+driveBatch, p.records), func(i int) int { return i }); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// drive has f work with every driver.
func (p *tablePair) drive(f func(*runtimeConn) error) error {
	errs := make([]error, len(p.drivers))
	var wg sync.WaitGroup
	for i, c := range p.drivers {
		wg.Go(func() { errs[i] = f(c) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (p *tablePair) round(ctx context.Context, d time.Duration) (got [2]recordReport, err error) {
	first, err := p.watch.taken()
	if err != nil {
		return got, err
	}
	cpu, err := p.cpu()
	if err != nil {
		return got, err
	}
	timed, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	start := time.Now()
	var wg sync.WaitGroup
	var offered, marked error
	var marks int
	wg.Go(func() { got[0].Changes, offered = p.offer(timed, start) })
	wg.Go(func() { marks, got[1].Missed, got[1].P99, marked = p.marks(timed) })
	wg.Wait()
	got[0].Changes += marks
	if err := errors.Join(offered, marked, ctx.Err()); err != nil {
		return got, err
	}
	if got[1].Applied, got[1].Took, err = p.drained(ctx, first, start); err != nil {
		return got, err
	}
	after, err := p.cpu()
	for i := range got {
		got[i].CPU = after[i] - cpu[i]
	}
	return got, err
}

// offer changes records at the rate, or as fast as HAProxy takes them, and returns how
// many.
func (p *tablePair) offer(ctx context.Context, start time.Time) (int, error) {
	var next, made atomic.Int64
	err := p.drive(func(c *runtimeConn) error {
		for ctx.Err() == nil {
			from := int(next.Add(driveBatch)) - driveBatch
			at := start.Add(time.Duration(from) * time.Second / recordsRate)
			if pause(ctx, time.Until(at)) != nil {
				return nil
			}
			if err := c.set(from, from+driveBatch, func(i int) int { return markRecords + i*7919%(p.records-markRecords) }); err != nil {
				return err
			}
			made.Add(driveBatch)
		}
		return nil
	})
	return int(made.Load()), err
}

// A mark is a change that the standby is asked for.
type mark struct {
	value uint32
	made  time.Time
}

// marks changes records of its own in even steps and returns how many times, how many
// of these the standby misses, and how long nearly all of them took to it.
func (p *tablePair) marks(ctx context.Context) (n, missed int, p99 time.Duration, err error) {
	made := make(chan mark, 1024)
	sent := make(chan error, 1)
	go func() {
		defer close(made)
		sent <- p.sendMarks(ctx, made)
	}()
	lags, missed, err := p.look(made)
	if err = errors.Join(err, <-sent); err != nil || len(lags) == 0 {
		return 0, 0, 0, errors.Join(err, ctx.Err())
	}
	slices.Sort(lags)
	return len(lags), missed, percentile(lags, 0.99), nil
}

// look asks the standby for marks until there are no more, and returns how long each
// took. Those that it still misses some time after the last count as long as it has.
func (p *tablePair) look(made <-chan mark) (lags []time.Duration, missed int, err error) {
	var open []mark
	for end := (<-chan time.Time)(nil); made != nil || len(open) > 0; {
		wait := time.After(lookEvery)
		if len(open) == 0 {
			wait = nil
		}
		select {
		case m, ok := <-made:
			if open = append(open, m); !ok {
				open, made, end = open[:len(open)-1], nil, time.After(recordsDrain)
			}
		case <-wait:
		case <-end:
			for _, m := range open {
				lags = append(lags, time.Since(m.made))
			}
			return lags, len(open), err
		}
		if err == nil {
			open, err = p.watch.without(open, func(m mark) { lags = append(lags, time.Since(m.made)) })
		}
		if err != nil {
			open = nil // who makes them must not wait
		}
	}
	return lags, 0, err
}

func (p *tablePair) sendMarks(ctx context.Context, made chan<- mark) error {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for await(ctx, tick.C); ctx.Err() == nil; await(ctx, tick.C) {
		p.mark++
		if err := p.marker.mark(p.mark); err != nil {
			return err
		}
		made <- mark{p.mark, time.Now()}
	}
	return nil
}

// drained waits for what is under way, and returns how many changes the standby has
// taken since first, and when the last.
func (p *tablePair) drained(ctx context.Context, first uint32, start time.Time) (n int, took time.Duration, err error) {
	took = time.Since(start)
	for end := time.Now().Add(recordsDrain); time.Now().Before(end); {
		now, err := p.watch.taken()
		if err != nil {
			return n, took, err
		}
		if int(now-first) > n {
			n, took = int(now-first), time.Since(start)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return n, took, err
		}
	}
	return n, took, nil
}

// cpu returns what both have computed.
func (p *tablePair) cpu() (cpu [2]time.Duration, err error) {
	for i, programs := range p.programs.runs {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", programs[haproxy].cmd.Process.Pid))
		if err != nil {
			said, _ := programs[haproxy].said()
			return cpu, fmt.Errorf("HAProxy: %w: %s", err, said)
		}
		st, err := parseStat(string(text))
		if err != nil {
			return cpu, err
		}
		cpu[i] = st.cpu
	}
	return cpu, nil
}
