// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"evener/firmware/pid1"
	"evener/image/early"
	"evener/image/kmod"
	"evener/image/slot"
)

// Where an appliance keeps what is its own.
const (
	stateMount = "/state"
	dataMount  = "/data"
	boxState   = "/state/evener"
	boxData    = "/data/evener"
)

func newInit() *cobra.Command {
	return &cobra.Command{
		Use: "init", Hidden: true, Args: usageArgs(cobra.NoArgs),
		Short: "be process 1 of an appliance",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getpid() != 1 {
				return usageError{errors.New("evener init is process 1 of an appliance, which its kernel starts; to start a box here use evener run")}
			}
			return runInit(cmd.Context(), cmd.ErrOrStderr())
		},
	}
}

// An appliance is the machine as its process 1 has it.
type appliance struct {
	kernel pid1.Kernel
	alarms *pid1.Alarms
	out    *initLog
	log    *slog.Logger
	boot   early.Boot // zero where no program of ours ran before this one
	dog    *armedDog

	devices *pid1.Devices
	began   time.Time
}

// runInit is the life of an appliance. It returns only where the machine could not be
// ended.
func runInit(ctx context.Context, console io.Writer) error {
	a := &appliance{alarms: pid1.NewAlarms("/"), began: time.Now()}
	a.out = &initLog{console: console}
	a.log = slog.New(slog.NewTextHandler(a.out, nil)).With("role", "init")
	a.dog = adoptDog(os.Getenv(early.WatchdogEnv))
	os.Unsetenv(early.WatchdogEnv)
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	a.prepare(life)
	var p power
	c := runConfig{board: "auto", state: boxState, engine: engineUser, raise: a.raise, watchdog: a.dog.handOver}
	err := superviseBox(ctx, c, &p, io.Discard, a.out)
	end()
	return a.end(&p, err)
}

// prepare makes the machine one that a box can run on. It goes on after every failure.
func (a *appliance) prepare(ctx context.Context) {
	a.raise("machine", pid1.MountBase("/", a.kernel))
	a.raise("kernel", pid1.ApplySysctls("/", pid1.Sysctls))
	a.raise("machine", pid1.RaiseFiles("/"))
	a.raise("machine", a.kernel.SetHostname("evener"))
	a.raise("network", pid1.RaiseLoopback())
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) // its keys are a signal for us then
	boot, err := early.ReadBoot("/")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		a.raise("machine", err)
	}
	a.boot = boot
	plugged := make(chan struct{})
	loader, err := kmod.OpenLoader("/lib/modules")
	if err == nil {
		err = loader.Load("ext4")
	}
	a.raise("modules", err)
	go func() {
		defer close(plugged)
		if loader != nil {
			a.plug(ctx, loader)
		}
	}()
	a.volumes(ctx)
	a.records()
	<-plugged
	a.clock()
	if said, err := pid1.Lockdown("/"); err != nil {
		a.raise("kernel", err)
	} else {
		a.log.Info("kernel locked as far as it goes", "lockdown", said)
	}
	fmt.Fprintf(a.out.console, "evener: %s\r\n", whatRuns(a.boot))
	a.log.Info("machine prepared", "took", time.Since(a.began).Round(time.Millisecond), "slot", a.boot.Slot, "version", version,
		"checked", a.boot.Checked, "uptime_at_init", a.boot.Entered)
	go a.keepNotes(ctx)
}

// whatRuns says for the console which version has come up, and why that one where it is
// not just the good one.
func whatRuns(b early.Boot) string {
	out := "version " + cmp.Or(b.Version, version)
	if b.Slot != "" {
		out += ", slot " + b.Slot
	}
	switch {
	case b.Recovery:
		out += ", in recovery: no slot has come up in its tries"
	case b.Try > 0:
		out += fmt.Sprintf(", try %d of %d", b.Try, slot.MaxTries)
	}
	return out
}

// raise makes an alarm of an error.
func (a *appliance) raise(object string, err error) {
	if err == nil {
		return
	}
	a.log.Error("machine not as it should be", "object", object, "err", err)
	a.alarm(&pid1.Alarm{Object: object, Text: strings.ReplaceAll(err.Error(), "\n", "; ")})
}

func (a *appliance) alarm(x *pid1.Alarm) {
	if x == nil {
		return
	}
	if err := a.alarms.Raise(*x); err != nil {
		a.log.Error("alarm not kept for the engine", "alarm", x.Text, "err", err)
	}
}

// plug loads the drivers, and looks after devices that come later until ctx ends.
func (a *appliance) plug(ctx context.Context, loader *kmod.Loader) {
	a.devices = pid1.NewDevices("/", loader, a.log)
	ready := make(chan struct{})
	go guarded(a.log, "devices", func() {
		if err := a.devices.Run(ctx, func() { close(ready) }); err != nil {
			a.raise("modules", fmt.Errorf("devices that come later get no driver: %w", err))
		}
	})
	<-ready
	time.AfterFunc(whenQuiet, a.devices.Later)
}

// whenQuiet is how long after the drivers those are loaded for which nothing waits.
const whenQuiet = 30 * time.Second

// clock sets the time.
func (a *appliance) clock() {
	floor, err := pid1.NotedTime(boxState)
	if err != nil {
		a.log.Warn("time of the last run not known", "err", err)
	}
	if built, err := time.Parse(time.RFC3339, a.boot.Created); err == nil && built.After(floor) {
		floor = built
	}
	said, alarm := pid1.SetTime(a.kernel, hardwareClock, time.Now(), floor)
	a.log.Info(said)
	a.alarm(alarm)
}

// noteEvery is how often the time is noted: a box without a battery goes back by as
// much after a power cut.
const noteEvery = 15 * time.Minute

const hardwareClock = "/dev/rtc0"

// keepNotes notes the time, and a new seed, now and then, and the time whenever somebody
// sets the clock: the hardware clock has it then too.
func (a *appliance) keepNotes(ctx context.Context) {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	set := make(chan struct{}, 1)
	go guarded(a.log, "clock", func() {
		err := pid1.WatchClock(ctx, func() {
			select {
			case set <- struct{}{}:
			default: // it is about to be noted
			}
		})
		if err != nil {
			a.log.Warn("hardware clock not kept", "err", err)
		}
	})
	for {
		a.note()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-set:
			if err := a.kernel.WriteRTC(hardwareClock, time.Now()); err != nil {
				a.log.Warn("hardware clock not set", "err", err)
			} else {
				a.log.Info("hardware clock set")
			}
		}
	}
}

func (a *appliance) note() {
	err := errors.Join(pid1.NoteTime(boxState, time.Now()), pid1.SaveSeed(a.kernel, boxState, pid1.Machine("/")))
	if err != nil {
		a.log.Warn("time and seed not noted", "err", err)
	}
}

// rescueAfter is how long a person can read why the box did not start.
const rescueAfter = 10 * time.Second

// end ends the machine as p says. A box that could not start leads to the rescue
// system's dialogue, unless its slot is being tried: then the machine starts again, and
// the boot loader counts.
func (a *appliance) end(p *power, failed error) error {
	if failed != nil {
		a.log.Error("box not started", "err", failed)
		fmt.Fprintf(a.out.console, "\r\nevener: the box cannot start: %v\r\n", failed)
		time.Sleep(rescueAfter)
		if a.boot.Try == 0 {
			err := syscall.Exec("/sbin/evener", []string{"evener", "rescue"}, os.Environ())
			a.log.Error("rescue not started", "err", err)
		}
	}
	a.note()
	a.log.Info("machine ends", "fate", p.asked())
	_ = a.out.Close()
	a.out.quiet()
	err := pid1.Unmount(a.kernel, "/", 4*time.Second, a.log, dataMount, stateMount)
	if err != nil {
		fmt.Fprintf(a.out.console, "\r\nevener: %v\r\n", err)
	}
	unix.Sync()
	how := unix.LINUX_REBOOT_CMD_RESTART // also where nobody asked: process 1 may not end
	if p.asked() == halts {
		how = unix.LINUX_REBOOT_CMD_POWER_OFF
	}
	return fmt.Errorf("end the machine: %w", unix.Reboot(how))
}

// descriptor reads the number of a descriptor that was left open for this program.
func descriptor(s string) (int, error) {
	fd, err := strconv.Atoi(s)
	if err != nil || fd < 3 {
		return 0, fmt.Errorf("%q is no descriptor", s)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
		return 0, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	return fd, nil
}
