// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"evener/board"
	"evener/firmware/manage"
	"evener/firmware/supervise"
	"evener/ha"
	"evener/ha/wire"
)

// How the role that moves addresses lives.
const (
	haBeat   = 5 * time.Second // silence after which it counts as hung
	haHang   = 3 * time.Second // after which its runner does, before that
	haLeave  = 2 * time.Second // to give everything up when it ends
	haShakes = time.Second     // for the handshakes of clients that are under way at a hand-over
	haMemory = 64 << 20        // of its heap, in bytes
)

// haDir is the folder below the state that belongs to the role.
func haDir(state string) string { return filepath.Join(state, "ha") }

// Files of the role. The journal lists the addresses that it may have taken; the lock
// is held by the process that may; what a process hands over to its successor is in
// the third.
func haJournal(state string) string  { return filepath.Join(haDir(state), "addresses") }
func haLock(state string) string     { return filepath.Join(haDir(state), "lock") }
func haHandover(state string) string { return filepath.Join(haDir(state), "handover") }

// newHA is the role that runs VRRP: it takes and releases the addresses of failover
// groups.
func newHA() *cobra.Command {
	r := &haRole{}
	var name string
	cmd := &cobra.Command{Use: manage.HARole, Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r.log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("role", manage.HARole)
			var err error
			if r.board, err = board.ByName(name); err != nil {
				return err
			}
			debug.SetMemoryLimit(haMemory)
			link, err := supervise.Join(version)
			if err != nil {
				return err
			}
			defer link.Close()
			if err := link.Ready(); err != nil {
				return err
			}
			return r.obey(cmd.Context(), link)
		}}
	cmd.Flags().StringVar(&r.state, "state", "", "")
	cmd.Flags().StringVar(&name, "board", "", "")
	cmd.Flags().StringVar(&r.lan, "lan", "", "")
	return cmd
}

// A haRole is the process that moves addresses.
type haRole struct {
	state string
	lan   string // folder of the simulated LAN, "": the networks of the kernel
	board board.Board
	log   *slog.Logger
}

// obey works from the order Go until it is told to end.
func (r *haRole) obey(ctx context.Context, link *supervise.Link) error {
	if o := <-link.Orders(); o.Kind != supervise.Go {
		return nil
	}
	lock, err := lockHA(r.state, haLeave)
	if err != nil {
		return err
	}
	defer lock.Close()
	resume := r.inherit()
	flows := r.openHandoff()
	defer flows.end()
	dial := func(ctx context.Context) (net.Conn, error) { return link.Dial(ctx, "engine") }
	w := newHAWork(haWorkConfig{dial: dial, open: r.open, alive: link.Alive, simulated: r.lan != "", board: r.board, resume: resume, handoff: flows}, r.log)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- w.run(ctx) }()
	select {
	case err := <-done: // also after SIGTERM
		return err
	case o := <-link.Orders():
		if o.Kind != supervise.Drain {
			cancel()
			return <-done
		}
		if !succeeded(link) {
			return r.depart(w, link, cancel, done)
		}
		if err := r.leave(w, cancel, done); err != nil {
			return err
		}
		flows.end()
		lock.Close()
		return link.Released()
	}
}

// depart gives the groups away because the box stops. The engine does not until they are:
// who connects meanwhile is served by another box. What it still finishes reaches it
// by this process.
func (r *haRole) depart(w *haWork, link *supervise.Link, cancel func(), done <-chan error) error {
	ctx, stop := context.WithTimeout(context.Background(), haLeave)
	kept, err := w.depart(ctx)
	stop()
	if err != nil {
		r.log.Error("groups not handed over before the end", "err", err)
	}
	if kept {
		time.Sleep(haShakes) // they end in the queue of a listener, which the engine still empties
	}
	if err := link.Released(); err != nil {
		r.log.Error("the supervisor does not learn that the groups are gone", "err", err)
	}
	if kept {
		outliveEngine(link)
	}
	cancel()
	return <-done
}

// outliveEngine waits until the engine has ended, at most for as long as it may take.
func outliveEngine(link *supervise.Link) {
	for end := time.Now().Add(engineStop + haLeave); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		st, err := link.Status()
		if err != nil {
			return
		}
		i := slices.IndexFunc(st.Roles, func(s supervise.RoleStatus) bool { return s.Name == "engine" })
		if i < 0 || st.Roles[i].PID == 0 && len(st.Roles[i].Draining) == 0 {
			return
		}
	}
}

// leave hands the groups over to the process that comes next.
func (r *haRole) leave(w *haWork, cancel func(), done <-chan error) error {
	ctx, stop := context.WithTimeout(context.Background(), haLeave)
	defer stop()
	h, err := w.handOver(ctx)
	if err == nil && h.Groups != nil {
		err = writeHandover(r.state, h)
	}
	cancel()
	if err != nil {
		r.log.Error("groups not handed over: the process that comes next begins anew", "err", err)
	}
	return errors.Join(err, <-done)
}

// succeeded says whether a process waits to take the place of this one.
func succeeded(link *supervise.Link) bool {
	st, err := link.Status()
	if err != nil {
		return false
	}
	for _, role := range st.Roles {
		if role.Name == link.Role() {
			return role.Next != nil
		}
	}
	return false
}

// inherit reads what the process before this one has handed over. What one has left
// that handed nothing over is taken away.
func (r *haRole) inherit() *ha.Handover {
	h, err := readHandover(r.state)
	if h != nil && err == nil {
		return h
	}
	if err != nil {
		r.log.Error("hand-over not read: beginning anew", "err", err)
	}
	if r.lan == "" {
		if err := wire.Clean(haJournal(r.state)); err != nil {
			r.log.Error("addresses of an earlier process not released", "err", err)
		}
	}
	return nil
}

// open joins the networks that s needs.
func (r *haRole) open(s ha.Settings) (wire.LAN, error) {
	if r.lan == "" {
		return wire.OpenLinux(wire.LinuxConfig{Journal: haJournal(r.state)}, r.log)
	}
	c := wire.SimConfig{Dir: r.lan, Node: s.Node}
	for i, name := range haInterfaces(r.board, s) {
		face := wire.SimInterface{Name: name}
		if i == 0 {
			face.Gateways = simGateways
		}
		c.Interfaces = append(c.Interfaces, face)
	}
	return wire.OpenSim(c, r.log)
}

// lockHA waits for the right to move the addresses of the box whose state this is,
// and keeps it as long as the file is open.
func lockHA(state string, patience time.Duration) (*os.File, error) {
	if err := os.MkdirAll(haDir(state), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(haLock(state), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(end) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// writeHandover leaves h for the process that comes next.
func writeHandover(state string, h ha.Handover) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	name := haHandover(state)
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// readHandover reads what the process before this one has left, once: nil if nothing.
func readHandover(state string) (*ha.Handover, error) {
	name := haHandover(state)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	err = errors.Join(err, os.Remove(name))
	if err != nil {
		return nil, err
	}
	h := new(ha.Handover)
	if err := json.Unmarshal(text, h); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return h, nil
}
