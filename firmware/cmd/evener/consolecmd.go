// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"evener/firmware/api"
	"evener/firmware/console"
)

func newSerialMenu() *cobra.Command {
	return &cobra.Command{
		Use: "console", Short: "the serial console's menu in this terminal; works without an engine, and without a box",
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runConsole(cmd.Context(), stateDir(cmd))
		},
	}
}

// runConsole holds the dialogue in the terminal of this process.
func runConsole(ctx context.Context, state string) error {
	log := slog.New(slog.DiscardHandler) // it would scribble over the menu
	super, done, err := superOrState(ctx, state, log)
	if err != nil {
		return err
	}
	defer done()
	line, restore, err := ownTerminal()
	if err != nil {
		return err
	}
	defer restore()
	engine := socketCaller{path: filepath.Join(state, api.EngineSocket), who: "engine"}
	err = console.New(console.Config{Engine: engine, Supervisor: super, Name: "evener console", Version: version, Local: true,
		Command: consoleCommand(state),
		Bundle:  func(ctx context.Context, dir string) (string, error) { return saveBundle(ctx, engine.path, dir) }, Disks: mountedDisks,
	}, log).Serve(ctx, line)
	if errors.Is(err, io.EOF) || errors.Is(err, unix.EIO) { // the end of what was typed, or of the terminal
		return nil
	}
	return err
}

// superOrState returns the supervisor of the box or, where none lives, one that
// does what can be done with the state alone. That one keeps a box from starting.
func superOrState(ctx context.Context, state string, log *slog.Logger) (c console.Caller, done func(), err error) {
	super := socketCaller{path: filepath.Join(state, api.SupervisorSocket), who: "supervisor"}
	if err := super.Call(ctx, "role.list", struct{}{}, nil); err == nil {
		return super, func() {}, nil
	}
	if _, err := os.Stat(filepath.Join(state, "store")); err != nil {
		return nil, nil, fmt.Errorf("there is no box with the state %s: %w", state, err)
	}
	lock, err := lockState(state)
	if err != nil {
		return nil, nil, fmt.Errorf("the supervisor does not answer, and %w", err)
	}
	return superCaller{stateAlone(state, log)}, func() { lock.Close() }, nil
}

// stateAlone offers what package recovery does, with nothing running.
func stateAlone(state string, log *slog.Logger) *superAPI {
	s := newSuperAPI(state, nil, log)
	s.adds = nil // what is about roles needs a supervisor
	r := &recoverer{state: state, log: log,
		free:    func(_ context.Context, _ string, f func() error) error { return f() },
		alone:   func(_ context.Context, _ string, f func() (bool, error)) error { _, err := f(); return err },
		answers: func(context.Context) bool { return false }}
	s.add(r.add)
	return s
}

// ownTerminal returns the terminal of this process, with its settings for a
// dialogue, and a function that puts them back.
func ownTerminal() (console.Line, func(), error) {
	if !isTerminal(os.Stdin) {
		return nil, nil, errors.New("evener console needs a terminal: standard input is none")
	}
	// The standard files cannot have deadlines; the terminal opened anew can.
	f, err := os.OpenFile("/proc/self/fd/0", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	var before *unix.Termios
	err = control(f, func(fd int) error {
		var err error
		if before, err = unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
			return err
		}
		raw := *before
		raw.Iflag &^= unix.ICRNL | unix.INLCR | unix.IGNCR | unix.ISTRIP | unix.IXON
		raw.Oflag &^= unix.OPOST
		raw.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG | unix.IEXTEN
		return unix.IoctlSetTermios(fd, unix.TCSETS, &raw)
	})
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, func() {
		_ = control(f, func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, before) })
		f.Close()
	}, nil
}
