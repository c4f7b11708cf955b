// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	labs "evener/firmware/lab"
	"evener/ha/mirror"
)

// What is mirrored.
const (
	recordsHeld  = 1_000_000
	recordsRate  = 100_000 // changes each second
	recordsDrain = 500 * time.Millisecond
)

// recordMetrics are of the standby. The rate is seen as its inverse, for the less the
// better; a hundredth more than what is offered is for what is under way at the end.
var recordMetrics = []metric{
	{"/lag-p99", "ms from a change to the standby's table", 100},
	{"/each", "µs for each change applied, 100 000/s offered", 10.1},
}

// A recordPair are two processes on the lab's link that keep a table of clients equal.
type recordPair interface {
	// settle waits until both hold all records.
	settle(ctx context.Context) error
	// round changes records on the active side for that long, and returns what both have
	// done. Those of the active side are Changes and CPU, those of the standby the others.
	round(ctx context.Context, d time.Duration) ([2]recordReport, error)
	end() error
}

// mirrorRecords measures how the table of clients kept by their source gets to the
// other box.
func mirrorRecords(l *lab) ([]row, error) {
	back, err := allProcessors()
	if err != nil {
		return nil, err
	}
	defer back()
	values, note := map[string][][]float64{}, ""
	about := fmt.Sprintf("Not whole boxes, because a lab has no million clients: two processes on the lab's link that hold %d records.", recordsHeld)
	for _, kind := range []string{evener, recordPeer} {
		got, seen, err := l.recordRounds(kind)
		if l.ctx.Err() != nil {
			return nil, l.ctx.Err()
		}
		if errors.Is(err, errNoRoot) {
			note = err.Error()
			break // nor can the other be
		}
		if values[kind] = got; len(got) > 0 {
			about += " " + recordHow[kind] + " " + seen.String()
		}
		if err != nil {
			note += fmt.Sprintf("%s: %v. ", kind, err)
		}
	}
	return sumUp("mirror-records", recordPeer, about, recordMetrics, values, note), nil
}

// recordHow says of each contender what it is here, and how it was driven.
var recordHow = map[string]string{
	evener: "Evener: the bench's own processes with the box's table and mirror; every change is timed.",
	recordPeer: fmt.Sprintf("HAProxy: its own processes with a stick table and peers; changes are \"set table\" on %d connections with its runtime socket, "+
		"%d in a line, and what it could not take of them was not offered; what is timed is a change each %v, from its answer until \"show table\" on the standby has it.",
		driveConns, driveBatch, markEvery),
}

// recordRounds returns the values of the rounds of one contender and what else was seen.
func (l *lab) recordRounds(kind string) (values [][]float64, seen recordSeen, err error) {
	if os.Geteuid() != 0 {
		return nil, seen, errNoRoot
	}
	dir, err := os.MkdirTemp(l.dir, "records-")
	if err != nil {
		return nil, seen, err
	}
	d, err := labs.New(labs.Config{Evener: l.evener, Dir: dir, Prefix: labPrefix()})
	if err != nil {
		return nil, seen, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var p recordPair
	if kind == evener {
		p, err = startRecordNodes(d)
	} else {
		p, err = startRecordTables(d, dir, recordsHeld)
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err == nil {
		err = p.settle(l.ctx)
	}
	for err == nil && len(values) < l.failovers {
		var got [2]recordReport
		if got, err = p.round(l.ctx, l.duration); err == nil && got[1].Applied == 0 {
			err = errors.New("the standby has applied nothing")
		}
		if err != nil {
			break
		}
		values = append(values, []float64{milliseconds(got[1].P99), 1e6 * got[1].Took.Seconds() / float64(got[1].Applied)})
		seen.add(got, l.duration)
		fmt.Fprintf(l.progress, "  %-14s %8d changed, %8d applied, lag p99 %v\n", kind, got[0].Changes, got[1].Applied, got[1].P99.Round(time.Microsecond))
	}
	return values, seen, err
}

// A recordSeen is what else was seen in the rounds.
type recordSeen struct {
	made []float64    // changes each second
	cpu  [2][]float64 // per cent of a processor

	missed int // changes
}

func (s *recordSeen) add(got [2]recordReport, d time.Duration) {
	s.made = append(s.made, float64(got[0].Changes)/d.Seconds())
	s.missed += got[1].Missed
	for i := range s.cpu {
		s.cpu[i] = append(s.cpu[i], 100*got[i].CPU.Seconds()/d.Seconds())
	}
}

func (s *recordSeen) String() string {
	text := fmt.Sprintf("%.0f changes were made each second. The process where they are made takes %.0f%% of a processor, the standby %.0f%%.",
		median(s.made), median(s.cpu[0]), median(s.cpu[1]))
	if s.missed > 0 {
		text += fmt.Sprintf(" %d changes that were looked for were not there %v after the last.", s.missed, recordsDrain)
	}
	return text
}

// A recordNode is a process of this program that mirrors records.
type recordNode struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	errors strings.Builder // written by exec until the process has ended
}

// A nodePair are two of them that know each other, the active one first.
type nodePair []*recordNode

// startRecordNodes starts a pair, as far as it can.
func startRecordNodes(d *labs.Lab) (p nodePair, err error) {
	var setups [2]nodeSetup
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	for i, b := range d.Boxes {
		id, err := mirror.NewIdentity(b.Name)
		if err != nil {
			return nil, err
		}
		me, other := &setups[i], &setups[1-i]
		me.Node, me.Listen, me.Identity = b.Name, fmt.Sprintf("10.255.0.%d:7460", i+1), id.PEM()
		other.Peer = mirror.Peer{Name: b.Name, Address: me.Listen, Fingerprint: id.Fingerprint(), Secret: [32]byte(secret)}
	}
	setups[0].Records = recordsHeld
	for i, b := range d.Boxes {
		n, err := startRecordNode(b.Space, setups[i])
		if err != nil {
			return p, err
		}
		p = append(p, n)
	}
	return p, nil
}

func (p nodePair) settle(ctx context.Context) error {
	return soon(ctx, "the standby has all records", func() error {
		a, err := p[0].ask("state")
		if err != nil {
			return err
		}
		s, err := p[1].ask("state")
		if err == nil && (!a.InStep || a.Records != recordsHeld || s.Records != recordsHeld) {
			err = fmt.Errorf("%d of %d, in step: %v", s.Records, a.Records, a.InStep)
		}
		return err
	})
}

func (p nodePair) round(ctx context.Context, d time.Duration) (got [2]recordReport, err error) {
	for _, n := range []*recordNode{p[1], p[0]} {
		if _, err := n.ask("begin"); err != nil {
			return got, err
		}
	}
	if err := pause(ctx, d); err != nil {
		return got, err
	}
	if got[0], err = p[0].ask("end"); err != nil {
		return got, err
	}
	if err := pause(ctx, recordsDrain); err != nil { // what is under way counts
		return got, err
	}
	got[1], err = p[1].ask("end")
	return got, err
}

func (p nodePair) end() (err error) {
	for _, n := range p {
		err = errors.Join(err, n.stop())
	}
	return err
}

func startRecordNode(space *labs.Space, s nodeSetup) (*recordNode, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	n := &recordNode{cmd: exec.Command(exe)}
	n.cmd.Env = append(os.Environ(), nodeEnv+"="+string(text))
	n.cmd.Stderr = &n.errors
	if n.in, err = n.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	n.out = bufio.NewScanner(out)
	return n, space.Start(n.cmd)
}

// ask gives an order and returns the report on it.
func (n *recordNode) ask(order string) (r recordReport, err error) {
	if _, err := fmt.Fprintln(n.in, order); err != nil {
		return r, err
	}
	if !n.out.Scan() {
		return r, errors.Join(fmt.Errorf("a process that mirrors records does not answer to %q", order), n.out.Err())
	}
	return r, json.Unmarshal(n.out.Bytes(), &r)
}

// stop ends the process, whose orders end.
func (n *recordNode) stop() error {
	n.in.Close()
	timer := time.AfterFunc(10*time.Second, func() { _ = n.cmd.Process.Kill() })
	defer timer.Stop()
	if err := n.cmd.Wait(); err != nil {
		return fmt.Errorf("mirror records: %w: %s", err, n.errors.String())
	}
	return nil
}
