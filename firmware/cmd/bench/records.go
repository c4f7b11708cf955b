// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
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

// mirrorRecords measures how the table of clients kept by their source gets to the
// other box.
func mirrorRecords(l *lab) ([]row, error) {
	back, err := allProcessors()
	if err != nil {
		return nil, err
	}
	defer back()
	values, about, err := l.recordRounds()
	if l.ctx.Err() != nil {
		return nil, l.ctx.Err()
	}
	note := ""
	if err != nil {
		note = err.Error()
	}
	return sumUp("mirror-records", "", about, recordMetrics, map[string][][]float64{evener: values}, note), nil
}

// recordRounds returns the values of the rounds and what else was seen.
func (l *lab) recordRounds() (values [][]float64, about string, err error) {
	if os.Geteuid() != 0 {
		return nil, "", errNoRoot
	}
	dir, err := os.MkdirTemp(l.dir, "records-")
	if err != nil {
		return nil, "", err
	}
	d, err := labs.New(labs.Config{Evener: l.evener, Dir: dir, Prefix: labPrefix()})
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	nodes, err := startRecordNodes(d)
	defer func() {
		for _, n := range nodes {
			err = errors.Join(err, n.stop())
		}
	}()
	if err != nil {
		return nil, "", err
	}
	active, standby := nodes[0], nodes[1]
	if err := l.awaitRecords(active, standby); err != nil {
		return nil, "", err
	}
	var seen recordSeen
	for range l.failovers {
		got, err := l.recordRound(active, standby)
		if err != nil {
			return values, "", err
		}
		values = append(values, []float64{milliseconds(got[1].P99), 1e6 * got[1].Took.Seconds() / float64(got[1].Applied)})
		seen.add(got, l.duration)
		fmt.Fprintf(l.progress, "  %8d changed, %8d applied, lag p99 %v\n", got[0].Changes, got[1].Applied, got[1].P99.Round(time.Millisecond))
	}
	return values, seen.String(), nil
}

// A recordSeen is what else was seen in the rounds.
type recordSeen struct {
	made []float64    // changes each second
	cpu  [2][]float64 // per cent of a processor
}

func (s *recordSeen) add(got [2]recordReport, d time.Duration) {
	s.made = append(s.made, float64(got[0].Changes)/d.Seconds())
	for i := range s.cpu {
		s.cpu[i] = append(s.cpu[i], 100*got[i].CPU.Seconds()/d.Seconds())
	}
}

func (s *recordSeen) String() string {
	return fmt.Sprintf("Not whole boxes, because a lab has no million clients: two processes of the bench with the box's table and mirror, "+
		"on the lab's link. They hold %d records; %.0f changes were made each second. The one that makes them takes %.0f%% of a processor for that and for "+
		"telling them, the standby %.0f%%.", recordsHeld, median(s.made), median(s.cpu[0]), median(s.cpu[1]))
}

// awaitRecords waits until the standby has all.
func (l *lab) awaitRecords(active, standby *recordNode) error {
	return soon(l.ctx, "the standby has all records", func() error {
		a, err := active.ask("state")
		if err != nil {
			return err
		}
		s, err := standby.ask("state")
		if err == nil && (!a.InStep || a.Records != recordsHeld || s.Records != recordsHeld) {
			err = fmt.Errorf("%d of %d, in step: %v", s.Records, a.Records, a.InStep)
		}
		return err
	})
}

// recordRound changes records for the length of a round.
func (l *lab) recordRound(active, standby *recordNode) (got [2]recordReport, err error) {
	for _, n := range []*recordNode{standby, active} {
		if _, err := n.ask("begin"); err != nil {
			return got, err
		}
	}
	if err := pause(l.ctx, l.duration); err != nil {
		return got, err
	}
	if got[0], err = active.ask("end"); err != nil {
		return got, err
	}
	if err := pause(l.ctx, recordsDrain); err != nil { // what is under way counts
		return got, err
	}
	if got[1], err = standby.ask("end"); err == nil && got[1].Applied == 0 {
		err = errors.New("the standby has applied nothing")
	}
	return got, err
}

// A recordNode is a process of this program that mirrors records.
type recordNode struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	errors strings.Builder // written by exec until the process has ended
}

// startRecordNodes starts two that know each other, as far as it can.
func startRecordNodes(d *labs.Lab) (nodes []*recordNode, err error) {
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
			return nodes, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
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
