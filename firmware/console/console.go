// SPDX-License-Identifier: Apache-2.0

// Package console is the dialogue of the serial console: the first set-up of a box,
// and a menu with which it can be recovered. It is made for a terminal that knows
// letters and the end of a line, and for a line that may be slow and noisy.
//
// A Console asks two others, the engine and the supervisor, by the methods of their
// APIs. What the engine can do it does, so that a change here is a change like any
// other; while it does not answer, the supervisor's methods recovery.* stand in. The
// package opens no device and knows no password: it decides who may do what, as
// docs/manual/serial.md has it, and words the questions.
package console

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// A Caller calls methods of a part of the box. An error whose Kind is
// "unreachable" says that the part does not answer.
type Caller interface {
	Call(ctx context.Context, method string, params, result any) error
}

// A Line is a terminal. Its bytes come and go as they are typed and shown: no
// echo, no translation.
type Line interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Config says what a Console works with. Engine, Supervisor and Name are required;
// what is nil of the rest is told to be missing.
type Config struct {
	Engine, Supervisor Caller

	Name    string // of the terminal, for logs: ttyS0
	Version string

	// Local says that whoever is at the terminal is root or the box's user already:
	// nobody has to log in, and logging out ends Serve.
	Local bool

	// Rescue says that this is the rescue system: no engine runs, the supervisor's
	// place is taken by what has the methods rescue.*, and the menu is another one.
	Rescue bool

	// Command runs a command line, without the word evener, as the command line
	// tool does, and Shell a shell of the operating system until it ends; it closes
	// in, after which nothing reads from it.
	Command func(ctx context.Context, args []string, out io.Writer) error
	Shell   func(ctx context.Context, in io.ReadCloser, out io.Writer) error

	// Bundle writes a support bundle into a file of the folder dir and returns
	// its name. Disks lists folders of disks that may be plugged in.
	Bundle func(ctx context.Context, dir string) (string, error)
	Disks  func() []string
}

// A Console holds dialogues, one after the other or side by side.
type Console struct {
	cfg Config
	log *slog.Logger

	mu       sync.Mutex // guards what follows
	failures int        // log-ins that failed one after the other
	notUntil time.Time  // no attempt before
}

// New returns a Console.
func New(cfg Config, log *slog.Logger) *Console {
	return &Console{cfg: cfg, log: log.With("terminal", cfg.Name)}
}

// Serve holds dialogues on a terminal until ctx ends, and then returns nil, or
// until the terminal hangs up or takes nothing any more: then the error says why.
// With Config.Local it returns nil when whoever is there leaves.
func (c *Console) Serve(ctx context.Context, line Line) error {
	t, stop := open(line)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for ctx.Err() == nil {
		s := &session{Console: c, ctx: ctx, term: t}
		t.redraw = nil
		err := c.guard(s.run)
		if s.user != "" {
			c.log.Info("serial console left", "user", s.user)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && err != errLeave && err != errIdle:
			return err
		case c.cfg.Local:
			return nil
		}
	}
	return nil
}
