// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	labs "evener/firmware/lab"
)

// A peerPair is HAProxy on both boxes with one stick table, and keepalived, which
// has the address where one of the two is active.
type peerPair struct {
	lab      *labs.Lab
	dir      string
	interval time.Duration
	runs     [2]map[string]*resident // by program
}

// peerRouter is the configuration of keepalived on a box. What it does not say is as
// keepalived has it.
func peerRouter(box int, interval time.Duration) string {
	return fmt.Sprintf(`vrrp_instance front {
  state BACKUP
  nopreempt
  interface %s
  version 3
  virtual_router_id 10
  priority %d
  advert_int %g
  virtual_ipaddress {
    %v/24
  }
}
`, labs.Front, 200-50*box, interval.Seconds(), labs.VIP)
}

// peerDefaults is what both configurations of a pair of HAProxies have.
const peerDefaults = `defaults
	mode http
	timeout connect 5s
	timeout client 120s
	timeout server 120s
peers pair
	peer left 10.255.0.1:1024
	peer right 10.255.0.2:1024
`

// peerProxy is the configuration of HAProxy, the same on both boxes.
const peerProxy = `global
	maxconn 8500
` + peerDefaults + `frontend f
	bind :80
	default_backend shop
backend shop
	cookie SRV insert indirect nocache
	stick-table type ip size 1m expire 30m peers pair
	stick on src
	option httpchk GET /health
	server web1 198.51.100.11:80 cookie web1 check inter 1s
	server web2 198.51.100.12:80 cookie web2 check inter 1s
`

// A resident is a program that runs on a box and writes what it says to a file.
type resident struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

func (r *resident) running() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// stop ends it in order, or at once if that takes too long.
func (r *resident) stop() error {
	if !r.running() {
		return nil
	}
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.ended:
		return nil
	case <-time.After(10 * time.Second):
	}
	_ = r.cmd.Process.Kill()
	<-r.ended
	return fmt.Errorf("%s did not end in time", r.cmd.Args[0])
}

// said returns what it has said.
func (r *resident) said() (string, error) {
	text, err := os.ReadFile(r.log)
	return string(text), err
}

// launch starts a program on a box.
func (p *peerPair) launch(box int, name string, args ...string) error {
	b, file := p.lab.Boxes[box], p.file(box, name+".log")
	log, err := os.Create(file)
	if err != nil {
		return err
	}
	defer log.Close()
	r := &resident{cmd: exec.Command(name, args...), log: file, ended: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := b.Space.Start(r.cmd); err != nil {
		return fmt.Errorf("start %s on %s: %w", name, b.Name, err)
	}
	go func() {
		r.cmd.Wait() // how it ended does not matter
		close(r.ended)
	}()
	if p.runs[box] == nil {
		p.runs[box] = map[string]*resident{}
	}
	p.runs[box][name] = r
	return nil
}

func (p *peerPair) start(_ context.Context, box int) error {
	idle, err := idleSpace(p.lab.Boxes[box])
	if err != nil {
		return err
	}
	if idle { // at the beginning, or the power was away
		for _, r := range p.runs[box] {
			<-r.ended
		}
		if err := p.startProxy(box); err != nil {
			return err
		}
	}
	if p.runs[box]["keepalived"].running() {
		return nil
	}
	return p.startRouter(box)
}

// file returns where something of a box is.
func (p *peerPair) file(box int, name string) string {
	return filepath.Join(p.dir, p.lab.Boxes[box].Name+"."+name)
}

// startProxy starts HAProxy on a box that has booted, which has no address of its
// last life.
func (p *peerPair) startProxy(box int) error {
	b := p.lab.Boxes[box]
	has, err := b.Holds(labs.VIP.String())
	if err != nil {
		return err
	}
	if has {
		if _, err := b.Space.Run("ip", "address", "delete", labs.VIP.String()+"/24", "dev", labs.Front); err != nil {
			return err
		}
	}
	file := p.file(box, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(peerProxy), 0o644); err != nil {
		return err
	}
	return p.launch(box, haproxy, "-db", "-L", b.Name, "-f", file)
}

func (p *peerPair) startRouter(box int) error {
	pid, child, file := p.file(box, "keepalived.pid"), p.file(box, "vrrp.pid"), p.file(box, "keepalived.conf")
	for _, old := range []string{pid, child} {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.WriteFile(file, []byte(peerRouter(box, p.interval)), 0o600); err != nil {
		return err
	}
	return p.launch(box, "keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", file, "--pid", pid, "--vrrp_pid", child)
}

func (p *peerPair) ready(_ context.Context, box int) error {
	b := p.lab.Boxes[box]
	for _, name := range []string{haproxy, "keepalived"} {
		if !p.runs[box][name].running() {
			text, err := p.runs[box][name].said()
			return errors.Join(err, fmt.Errorf("%s on %s has ended: %s", name, b.Name, text[max(0, len(text)-500):]))
		}
	}
	text, err := p.runs[box]["keepalived"].said()
	if err != nil {
		return err
	}
	if !strings.Contains(text, "Entering BACKUP STATE") {
		return fmt.Errorf("keepalived on %s takes no part yet", b.Name)
	}
	return visitOnce(p.lab.Neighbour, fmt.Sprintf("192.0.2.%d:80", 2+box))
}

// hand stops keepalived, as people do: HAProxy goes on with the connections that
// still come to it.
func (p *peerPair) hand(_ context.Context, from int) error { return p.runs[from]["keepalived"].stop() }

func (p *peerPair) end() (err error) {
	for _, programs := range p.runs {
		for _, r := range programs {
			err = errors.Join(err, r.stop())
		}
	}
	return err
}
