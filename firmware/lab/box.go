// SPDX-License-Identifier: Apache-2.0

package lab

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

	"evener/firmware/api"
	"evener/firmware/manage"
)

const (
	startTime = 30 * time.Second
	stopTime  = 20 * time.Second
	callTime  = 10 * time.Second
)

// A Box is an Evener in a namespace of its own.
type Box struct {
	Space *Space
	Name  string
	State string // its folder

	lab   *Lab
	index int
	cmd   *exec.Cmd
	ended chan struct{} // closed when the supervisor is gone
}

// Start starts the box. Its first configuration is [Box.Config]; later it goes on
// with what it has.
func (b *Box) Start() error {
	file := filepath.Join(b.lab.cfg.Dir, b.Name+".hcl")
	if err := os.WriteFile(file, []byte(b.Config()), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(b.lab.cfg.Evener, "run", "--board", "host", "--state", b.State, "--config", file)
	cmd.Stdout, cmd.Stderr = b.lab.cfg.Log, b.lab.cfg.Log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is the lab's, not the box's
	if err := b.Space.Start(cmd); err != nil {
		return fmt.Errorf("start box %s: %w", b.Name, err)
	}
	ended := make(chan struct{})
	b.cmd, b.ended = cmd, ended
	go func() {
		cmd.Wait()   // how it ended does not matter: it may have been killed
		close(ended) // not that of a later start
	}()
	return nil
}

// Await waits until the box answers.
func (b *Box) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("box %s does not answer after %v", b.Name, startTime))
	defer cancel()
	for {
		_, err := b.HA(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-b.ended:
			return fmt.Errorf("box %s has ended: %s", b.Name, b.cmd.ProcessState)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Call calls a method of the box's API.
func (b *Box) Call(ctx context.Context, method string, params, result any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	c, err := api.DialEngine(ctx, b.State)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Call(ctx, method, params, result)
}

// HA asks the box for the state of its groups and peers.
func (b *Box) HA(ctx context.Context) (s manage.HAShow, err error) {
	return s, b.Call(ctx, "ha.show", struct{}{}, &s)
}

// PID returns the running process of a role of the box.
func (b *Box) PID(ctx context.Context, role string) (int, error) {
	var info manage.Info
	if err := b.Call(ctx, "sys.info", struct{}{}, &info); err != nil {
		return 0, err
	}
	for _, r := range info.Roles {
		if r.Name == role && r.PID > 0 {
			return r.PID, nil
		}
	}
	return 0, fmt.Errorf("box %s runs no role %q", b.Name, role)
}

// Supervisor returns the process that all others come from.
func (b *Box) Supervisor() int { return b.cmd.Process.Pid }

// Signal sends a signal to every process of the box, as if the machine did.
func (b *Box) Signal(sig syscall.Signal) error {
	pids, err := b.Space.pids()
	for _, pid := range pids {
		if e := syscall.Kill(pid, sig); e != nil && !errors.Is(e, syscall.ESRCH) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Stop ends the box in order, or at once if that takes too long.
func (b *Box) Stop() error {
	if b.cmd == nil {
		return nil
	}
	select {
	case <-b.ended:
		return nil
	default:
	}
	b.Signal(syscall.SIGCONT) // it may be frozen
	b.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-b.ended:
		return nil
	case <-time.After(stopTime):
	}
	b.Signal(syscall.SIGKILL)
	<-b.ended
	return fmt.Errorf("box %s did not end within %v", b.Name, stopTime)
}

// Holds reports whether the box has an address on a network. Its loopback is none:
// there it keeps addresses for connections from before a switch.
func (b *Box) Holds(addr string) (bool, error) {
	out, err := b.Space.Run("ip", "-o", "address", "show", "to", addr)
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 1 && f[1] != "lo" {
			return true, err
		}
	}
	return false, err
}
