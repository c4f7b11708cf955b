// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/console"
	"evener/firmware/pid1"
	"evener/image/early"
	"evener/image/kmod"
	"evener/image/slot"
)

func newRescue() *cobra.Command {
	return &cobra.Command{
		Use: "rescue", Hidden: true, Args: usageArgs(cobra.NoArgs),
		Short: "be process 1 of the rescue system",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getpid() != 1 {
				return usageError{errors.New("evener rescue is process 1 of the rescue system, which the boot loader starts: choose Rescue system in its menu")}
			}
			return runRescue(cmd.Context(), cmd.ErrOrStderr())
		},
	}
}

// runRescue is the life of the rescue system. It returns only where the machine could
// not be ended.
func runRescue(ctx context.Context, out io.Writer) error {
	a := &appliance{alarms: pid1.NewAlarms("/"), began: time.Now(), dog: adoptDog(os.Getenv(early.WatchdogEnv))}
	a.out = &initLog{console: out}
	a.log = slog.New(slog.NewTextHandler(a.out, nil)).With("role", "rescue")
	os.Unsetenv(early.WatchdogEnv)
	life, end := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGINT, syscall.SIGTERM) // Ctrl-Alt-Del, the power key
	defer end()
	stopDog := keepDog(a.dog.handOver())
	p := &power{log: a.log, end: end}
	fmt.Fprint(out, "\r\nevener: rescue system\r\n")
	r := newRescuer(a)
	r.prepare(life)
	found, err := findBoard(board.Auto, "/")
	if err != nil {
		a.log.Error("board not known: the dialogue is on the kernel's console", "err", err)
		found.Board.Console.Devices = []string{"console"}
	}
	r.board, p.board = found.Board, found.Board
	serveRescue(life, r, p, found.Board.Console)
	stopDog()
	return a.end(p, nil)
}

// serveRescue holds the dialogue on every terminal until the machine is to end.
func serveRescue(ctx context.Context, r *rescuer, p *power, at board.Console) {
	s := stateAlone(boxState, r.log)
	s.add(r.add)
	s.add(p.add)
	s.add(addAlarms("/"))
	i := &installer{root: "/", boot: r.source, log: r.log}
	s.add(i.add)
	var wg sync.WaitGroup
	for _, name := range at.Devices {
		wg.Go(func() {
			cfg := console.Config{Engine: noEngine{}, Supervisor: superCaller{s}, Name: name, Version: version, Rescue: true}
			r.keepTerminal(ctx, name, at.Speed, cfg)
		})
	}
	wg.Wait()
}

// keepTerminal holds the dialogue on a terminal, and opens it again when it has failed.
func (r *rescuer) keepTerminal(ctx context.Context, name string, speed int, cfg console.Config) {
	for ctx.Err() == nil {
		f, err := openTTY(filepath.Join("/dev", name), speed)
		if errors.Is(err, fs.ErrNotExist) {
			return // such as tty1 of a machine without a screen
		}
		if err == nil {
			err = protected(func() error { return console.New(cfg, r.log).Serve(ctx, f) })
			f.Close()
		}
		if err != nil && ctx.Err() == nil {
			r.log.Warn("terminal not served", "device", name, "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Second):
			}
		}
	}
}

// A noEngine is what the rescue system has in the engine's place.
type noEngine struct{}

func (noEngine) Call(context.Context, string, any, any) error {
	return api.Errorf(api.CodeFailed, "unreachable", "no engine runs in the rescue system")
}

// keepDog feeds a watchdog that was armed before, until the function that it returns
// is called.
func keepDog(f *os.File) (stop func()) {
	if f == nil {
		return func() {}
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			_, _ = f.Write([]byte{0}) // one that is gone resets nothing
			select {
			case <-over:
				return
			case <-time.After(5 * time.Second):
			}
		}
	}()
	return func() {
		close(over)
		<-done
	}
}

// prepare makes the machine one that can be mended: devices, the box's disk, its
// file systems.
func (r *rescuer) prepare(ctx context.Context) {
	a := r.appliance
	a.raise("machine", pid1.MountBase("/", a.kernel))
	a.raise("network", pid1.RaiseLoopback())
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) // its keys are a signal for us then
	loader, err := kmod.OpenLoader("/lib/modules")
	if err == nil {
		err = loader.Load("ext4")
	}
	a.raise("modules", err)
	if loader != nil {
		a.plug(ctx, loader)
	}
	a.raise("disk", r.findDisk(ctx))
	if _, err := os.Stat(boxState); err == nil {
		return // a box that could not start has mounted all
	}
	a.volumes(ctx)
	a.clock()
}

// findDisk waits for the disk that the boot loader was started from.
func (r *rescuer) findDisk(ctx context.Context) error {
	boot, err := early.ReadBoot("/")
	if err == nil {
		r.appliance.boot = boot // executed by a box that could not start
		return nil
	}
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err
	}
	cmd, err := early.ParseCmdline(string(text))
	if err != nil {
		return err
	}
	if cmd.Part == "" {
		return errors.New("the boot loader has not said which disk is the box's (evener.part)")
	}
	ctx, cancel := context.WithTimeout(ctx, cmd.Wait)
	defer cancel()
	for {
		disk, err := slot.FindPart("/", cmd.Part)
		if err == nil {
			r.appliance.boot = early.Boot{Part: cmd.Part, Disk: disk, Reset: cmd.Reset, Version: version}
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}
