// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	labs "evener/firmware/lab"
	"evener/firmware/manage"
)

// failoverTime is more than anything takes that a pair does.
const failoverTime = 45 * time.Second

// A pair are two boxes of a lab, in which something stands by for itself.
type pair struct {
	lab *labs.Lab
	standby
	failed []string // what became of the requests of a switch that failed
}

// A standby is what runs on both boxes.
type standby interface {
	// ready says why box is not ready to be active, or to take over.
	ready(ctx context.Context, box int) error
	// hand moves the place of a box to the other as planned.
	hand(ctx context.Context, from int) error
	// start starts what does not run on a box.
	start(ctx context.Context, box int) error
	end() error
}

// newPair builds a lab and starts a contender in it.
func (l *lab) newPair(kind string, interval time.Duration) (p *pair, err error) {
	dir, err := os.MkdirTemp(l.dir, "pair-")
	if err != nil {
		return nil, err
	}
	if kind == standbyPeer {
		if err := requireStandby(); err != nil {
			return nil, err
		}
	}
	d, err := labs.New(labs.Config{Evener: l.evener, Dir: dir, Prefix: labPrefix(),
		Group: fmt.Sprintf("interval = %q\n  preempt  = false", interval)})
	if err != nil {
		return nil, err
	}
	p = &pair{lab: d, standby: &evenerPair{d}}
	if kind == standbyPeer {
		p.standby = &peerPair{lab: d, dir: dir, interval: interval}
	}
	for i := range d.Boxes {
		err = errors.Join(err, p.start(l.ctx, i))
	}
	if err == nil && kind == evener {
		err = d.Pair(l.ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// labPrefix begins the names of a lab's namespaces: no other lab's.
func labPrefix() string { return fmt.Sprintf("b%d", os.Getpid()%1e7) }

func requireStandby() error {
	if _, err := exec.LookPath("keepalived"); err != nil {
		return errors.New("not measured: keepalived is not installed (apt-get install keepalived)")
	}
	return nil
}

func (p *pair) close() error { return errors.Join(p.end(), p.lab.Close()) }

// holder returns which box has the address; it is an error if not exactly one has.
func (p *pair) holder() (int, error) {
	found := -1
	for i, b := range p.lab.Boxes {
		switch has, err := b.Holds(labs.VIP.String()); {
		case err != nil:
			return -1, err
		case has && found >= 0:
			return -1, fmt.Errorf("both boxes have %v", labs.VIP)
		case has:
			found = i
		}
	}
	if found < 0 {
		return -1, fmt.Errorf("no box has %v", labs.VIP)
	}
	return found, nil
}

// settle waits until one box is active and the other stands by, and returns the
// active one.
func (p *pair) settle(ctx context.Context) (active int, err error) {
	err = soon(ctx, "one box is active and the other stands by", func() error {
		if active, err = p.holder(); err != nil {
			return err
		}
		for i := range p.lab.Boxes {
			if err := p.ready(ctx, i); err != nil {
				return err
			}
		}
		return visitOnce(p.lab.Client, atVIP)
	})
	return active, err
}

// revive gives a box back what it lost: power, cables, programs.
func (p *pair) revive(ctx context.Context, box int) error {
	b := p.lab.Boxes[box]
	for _, port := range []string{labs.Front, labs.Back, labs.Link} {
		if err := p.lab.Plug(b.Space, port); err != nil {
			return err
		}
	}
	return p.start(ctx, box)
}

// soon waits until there is nothing wrong any more.
func soon(ctx context.Context, what string, wrong func() error) error {
	for end := time.Now().Add(failoverTime); ; {
		err := wrong()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within %v: %s: %w", failoverTime, what, err)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// idleSpace reports whether no process is in the namespace of a box.
func idleSpace(b *labs.Box) (bool, error) {
	out, err := exec.Command("ip", "netns", "pids", b.Space.Name).CombinedOutput()
	if err != nil {
		return false, fmt.Errorf("ip netns pids: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)) == "", nil
}

// An evenerPair is a pair of ours.
type evenerPair struct{ lab *labs.Lab }

func (p *evenerPair) ready(ctx context.Context, box int) error {
	b := p.lab.Boxes[box]
	s, err := b.HA(ctx)
	if err != nil {
		return err
	}
	has, err := b.Holds(labs.VIP.String())
	if err != nil {
		return err
	}
	for _, peer := range s.Peers {
		if !peer.Mirror.Connected || !peer.Heartbeat.Seen || peer.Differences.State != manage.HAInSync {
			return fmt.Errorf("box %s is not in sync with %s", b.Name, peer.Name)
		}
	}
	for _, g := range s.Groups {
		if want := map[bool]string{true: manage.HAActive, false: manage.HABackup}[has]; g.State != want {
			return fmt.Errorf("box %s is %s, not %s: %s", b.Name, g.State, want, g.Reason)
		}
	}
	return nil
}

func (p *evenerPair) hand(ctx context.Context, from int) error {
	return p.lab.Boxes[from].Call(ctx, "ha.switch", map[string]string{"group": "front"}, nil)
}

func (p *evenerPair) start(ctx context.Context, box int) error {
	b := p.lab.Boxes[box]
	idle, err := idleSpace(b)
	if err != nil || !idle {
		return err
	}
	if err := b.Start(); err != nil {
		return err
	}
	return b.Await(ctx)
}

func (p *evenerPair) end() error { return nil } // the lab does

// allProcessors lets this program, and what it starts, use the processor of the
// proxies too until back is called: two boxes and their clients are one system.
func allProcessors() (back func(), err error) {
	set := func(cpus ...int) error {
		var mask unix.CPUSet
		for _, cpu := range cpus {
			mask.Set(cpu)
		}
		threads, err := os.ReadDir("/proc/self/task")
		for _, t := range threads {
			var id int
			if _, err := fmt.Sscan(t.Name(), &id); err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(id, &mask); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("choose processors: %w", err)
			}
		}
		return err
	}
	return func() { _ = set(loadCPU) }, set(proxyCPU, loadCPU)
}
