// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"evener/board"
	"evener/firmware/api"
)

// A fate is what becomes of the box when its roles have ended.
type fate uint8

const (
	ends   fate = iota // the process ends
	renews             // the box starts anew in the same process
	boots              // the machine reboots
	halts              // the machine is switched off
)

// String is for the log.
func (f fate) String() string { return [...]string{"ends", "renews", "reboots", "halts"}[f] }

// A power ends the box in order: the roles drain first.
type power struct {
	board board.Board
	log   *slog.Logger
	end   context.CancelFunc // of the supervisor

	mu   sync.Mutex // guards what follows
	fate fate
}

// ask ends the box soon: the answer of the call that asks leaves first.
func (p *power) ask(f fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fate == ends {
		p.fate = f
		time.AfterFunc(200*time.Millisecond, p.end)
	}
}

// reboots says whether the machine reboots when the box has ended.
func (p *power) reboots() bool { return p.asked() == boots }

// asked returns what somebody has asked for.
func (p *power) asked() fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fate
}

// renew starts the box anew, and the machine with it where it is ours.
func (p *power) renew() {
	if os.Getpid() == 1 {
		p.ask(boots)
		return
	}
	p.ask(renews)
}

// may says why this process cannot reboot the machine or switch it off.
func (p *power) may() error {
	switch {
	case p.board.Simulated, os.Getpid() == 1:
		return nil
	case p.board.Name == board.Host.Name:
		return api.Errorf(api.CodeFailed, "power.host", "on board %s the machine is somebody else's: reboot it or switch it off with its own means", p.board.Name)
	case os.Getuid() != 0:
		return api.Errorf(api.CodeForbidden, "power.rights", "the box runs without the right to reboot the machine or switch it off: it must run as root")
	}
	return nil
}

// add registers the methods.
func (p *power) add(reg *api.Registry) {
	does := func(f, sim fate) func(context.Context, api.Call, struct{}) (struct{}, error) {
		if p.board.Simulated {
			f = sim
		}
		return func(context.Context, api.Call, struct{}) (struct{}, error) {
			if err := p.may(); err != nil {
				return struct{}{}, err
			}
			p.ask(f)
			return struct{}{}, nil
		}
	}
	api.Add(reg, api.Method{Name: "power.reboot", Purpose: "Drains the roles and reboots the machine; a simulated box starts anew.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "reboot"}, does(boots, renews))
	api.Add(reg, api.Method{Name: "power.halt", Purpose: "Drains the roles and switches the machine off; a simulated box ends.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "power off"}, does(halts, ends))
}

// meet does what was asked for, when nothing of the box runs any more. err is how
// it ended. The end of ctx is that of the program: who has pressed Ctrl-C meanwhile
// does not want the box anew.
func (p *power) meet(ctx context.Context, err error) error {
	f := p.asked()
	if err != nil || f == ends || f == renews && ctx.Err() != nil {
		return err
	}
	unix.Sync()
	switch f {
	case boots:
		err = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	case halts:
		err = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	default:
		exe, look := os.Executable()
		if look != nil {
			return fmt.Errorf("find this program: %w", look)
		}
		err = syscall.Exec(exe, os.Args, os.Environ())
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("the kernel refuses to end the machine: %w", err)
	}
	return err
}
