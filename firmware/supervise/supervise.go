// SPDX-License-Identifier: Apache-2.0

// Package supervise starts the processes of the box, which it calls roles,
// watches them, restarts them when they die, and replaces them without refusing
// a connection. It holds the listening sockets, so that these outlive any role.
//
// It knows nothing of what a role does and imports nothing of ours. Every role
// is the same program with other arguments. The two ends talk over a socket
// pair that the role finds as descriptor 3: the parent's end is a [Supervisor],
// the child's a [Link], made by [Join].
//
// # Life of a role
//
//	            Ready              Go (after the old one's Released)
//	starting ──────────▶ ready ──────────▶ running
//	                                          │ Drain
//	                                          ▼
//	                  gone ◀──────────── releasing ──▶ draining ──▶ gone
//	                          exit, Stop,          Released
//	                          SIGKILL
//
// At most one process of a role is running; it alone may acquire and keep
// listeners. Any number of older ones may be draining.
//
// # A role that is held
//
// [Supervisor.Hold] does the same without a successor: the process releases what
// it owns and nothing is started in its place until [Supervisor.Release]. So
// somebody else can work on what the role owns while the supervisor lives.
//
// # Connections between roles
//
// A role may dial another where its Role says so: [Link.Dial] and
// [Link.Accepted]. The supervisor makes a pair of connected sockets, gives an end
// to each and keeps none. It always gives it to the process that is running:
// during a replacement those who dial wait for the successor's Go.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// A Role is one kind of process to keep alive. Name and Args are required, a
// zero field takes the default named beside it.
type Role struct {
	Name string
	Args []string // arguments after the program's name, such as "role", "engine"
	Env  []string // added to the supervisor's own environment

	// MayListen lets the role acquire listeners, MayControl lets it restart
	// roles and read the status. A role that lacks the right is refused.
	MayListen, MayControl bool

	// MayDial names the roles that this one may connect to with Link.Dial.
	MayDial []string

	// Credential and AmbientCaps are the user and the capabilities to run
	// with; nil and none mean those of the supervisor.
	Credential  *syscall.Credential
	AmbientCaps []uintptr

	// Bound takes every capability but AmbientCaps from what the role, and what it
	// starts, could ever have. The supervisor needs CAP_SETPCAP for it.
	Bound bool

	NoNewPrivs bool // neither the role nor what it starts can gain rights by a program's file
	Nice       int  // 0, that of the supervisor, to 19: how far it stands back for others

	// StopFirst has the role told first when the whole box stops. The others learn of
	// it once this one has called Link.Released or has ended, or its ReleaseTimeout
	// is over.
	StopFirst bool

	// StopLast keeps the role, when the whole box stops, until every role
	// without it has ended: those may need it while they drain.
	StopLast bool

	Restart Policy // how soon to start again after a crash

	ReadyTimeout   time.Duration // 30s from the start to Ready, then it is killed
	ReleaseTimeout time.Duration // 5s from Drain to Released, then it is killed
	DrainTimeout   time.Duration // 10m from Drain to its exit, then it is told to stop
	StopTimeout    time.Duration // 10s to drain when the whole box stops
	KillTimeout    time.Duration // 2s from Stop to its exit, then it is killed

	// Heartbeat is the longest silence between two calls of Link.Alive while
	// running, after which the process counts as hung and is killed. Zero: it
	// is not watched.
	Heartbeat time.Duration
}

// Config says what to supervise. Only Roles is required; a zero field takes the
// default named beside it.
type Config struct {
	Roles   []Role
	Exe     string       // the running program; found anew by name at each start
	Version string       // told to the roles and shown in the status
	Stderr  io.Writer    // os.Stderr; must take writes from several goroutines
	Log     *slog.Logger // discards

	// Signals brings the requests to end: the first ends the roles in order,
	// the second at once. Nil: SIGTERM and SIGINT of this process.
	Signals <-chan os.Signal

	// Watch, if not nil, hears of every change of a role. It is called from
	// the supervisor's only goroutine and must not block.
	Watch func(Event)

	// Reap makes Run also wait for children that are not its own, which is the
	// duty of PID 1. It is always set when the process is PID 1.
	Reap bool
}

// An EventKind says what happened to a process.
type EventKind string

// The kinds of events.
const (
	Started  EventKind = "started"  // the process exists
	Running  EventKind = "running"  // it was told to go
	Draining EventKind = "draining" // it released what it owned
	Exited   EventKind = "exited"   // it is gone; Cause says why
)

// An Event is one change in the life of a role's process.
type Event struct {
	Role  string
	Kind  EventKind
	PID   int
	Cause string // Exited: the signal or exit status, and the last words
	Owner bool   // Exited: it was the running process, nobody has its place yet
}

// ErrStopping is returned by Restart when the supervisor is ending.
var ErrStopping = errors.New("the supervisor is stopping")

// A Supervisor keeps the roles of one Config alive while Run runs.
type Supervisor struct {
	cfg   Config
	calls chan func(*loop) // requests of other goroutines, run by Run's
	done  chan struct{}    // closed when Run has returned
}

// New checks cfg and returns a supervisor that runs nothing yet.
func New(cfg Config) (*Supervisor, error) {
	if len(cfg.Roles) == 0 {
		return nil, errors.New("supervise: no roles")
	}
	if cfg.Exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("supervise: find this program: %w", err)
		}
		cfg.Exe = exe
	}
	if cfg.Stderr == nil {
		cfg.Stderr = os.Stderr
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Reap = cfg.Reap || os.Getpid() == 1
	cfg.Roles = append([]Role(nil), cfg.Roles...)
	seen := map[string]bool{}
	for i := range cfg.Roles {
		r := &cfg.Roles[i]
		if r.Name == "" || seen[r.Name] {
			return nil, fmt.Errorf("supervise: role %d has the name %q, which is empty or taken", i, r.Name)
		}
		seen[r.Name] = true
		r.setDefaults()
	}
	return &Supervisor{cfg: cfg, calls: make(chan func(*loop)), done: make(chan struct{})}, nil
}

func (r *Role) setDefaults() {
	orDuration(&r.ReadyTimeout, 30*time.Second)
	orDuration(&r.ReleaseTimeout, 5*time.Second)
	orDuration(&r.DrainTimeout, 10*time.Minute)
	orDuration(&r.StopTimeout, 10*time.Second)
	orDuration(&r.KillTimeout, 2*time.Second)
	r.Restart.setDefaults()
}

func orDuration(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

// Run starts the roles and keeps them alive until ctx ends or a signal asks it
// to end. It then drains and stops them, closes the listeners and returns nil.
// It may be called once.
func (s *Supervisor) Run(ctx context.Context) error {
	defer close(s.done)
	signals := s.cfg.Signals
	if signals == nil {
		c := make(chan os.Signal, 2)
		signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
		defer signal.Stop(c)
		signals = c
	}
	kids := &children{pids: map[int]bool{}}
	if s.cfg.Reap {
		defer kids.reapStrangers()()
	}
	l := newLoop(s.cfg, kids.start)
	l.run(ctx, signals, s.calls)
	return nil
}

// Restart replaces the running process of role by a new one, started from the
// program as it is on disk now, and returns when the new one is ready and the
// hand-over begins. If the new one fails before that, the old one goes on and
// the error says why the new one failed.
func (s *Supervisor) Restart(ctx context.Context, role string) error {
	result := make(chan error, 1)
	err := s.do(ctx, func(l *loop) { l.restart(role, func(err error) { result <- err }) })
	if err != nil {
		return err
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return ErrStopping
	}
}

// Status returns what runs now.
func (s *Supervisor) Status(ctx context.Context) (Status, error) {
	result := make(chan Status, 1)
	if err := s.do(ctx, func(l *loop) { result <- l.status() }); err != nil {
		return Status{}, err
	}
	return <-result, nil
}

// do runs f on Run's goroutine, after Run has been called.
func (s *Supervisor) do(ctx context.Context, f func(*loop)) error {
	select {
	case s.calls <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return ErrStopping
	}
}
