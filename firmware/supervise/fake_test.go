// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A world runs a loop over processes that exist only here, in a synctest
// bubble.
type world struct {
	t       *testing.T
	procs   []*fakeProcess
	broken  error // what the next starts fail with
	signals chan os.Signal
	calls   chan func(*loop)
	over    chan struct{}
	events  []Event
}

// A fakeProcess does nothing until the test lets it speak. It dies when killed.
type fakeProcess struct {
	id      int
	to      sink
	started time.Duration // since the world's beginning
	sent    []frame
	fds     int   // descriptors passed
	full    error // why it takes no connections
	dead    bool
}

func (p *fakeProcess) pid() int { return p.id }

func (p *fakeProcess) send(f frame, fds ...int) {
	p.sent = append(p.sent, f)
	p.fds += len(fds)
}

func (p *fakeProcess) pass(f frame, fds ...int) error {
	if p.full != nil {
		return p.full
	}
	p.send(f, fds...)
	return nil
}

func (p *fakeProcess) kill() { go p.die("signal: killed") }

func (p *fakeProcess) die(cause string) {
	if !p.dead {
		p.dead = true
		p.to.hungUp()
		p.to.ended(cause)
	}
}

// orders returns the frames that p was sent but for its hello.
func (p *fakeProcess) orders() string {
	var names []string
	for _, f := range p.sent {
		if f.Type != hello {
			names = append(names, string(f.Type))
		}
	}
	return strings.Join(names, " ")
}

// inWorld runs test in a world with the given roles and lets it end.
func inWorld(t *testing.T, roles []Role, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, signals: make(chan os.Signal), calls: make(chan func(*loop)), over: make(chan struct{})}
		begin := time.Now()
		for i := range roles {
			roles[i].setDefaults()
		}
		cfg := Config{Roles: roles, Log: slog.New(slog.DiscardHandler), Version: "v1",
			Watch: func(e Event) { w.events = append(w.events, e) }}
		ctx, cancel := context.WithCancel(t.Context())
		l := newLoop(cfg, func(_ Config, _ Role, to sink) (process, error) {
			p := &fakeProcess{id: 100 + len(w.procs), to: to, started: time.Since(begin)}
			p.dead = w.broken != nil
			w.procs = append(w.procs, p)
			return p, w.broken
		})
		go func() { l.run(ctx, w.signals, w.calls); close(w.over) }()
		synctest.Wait()
		test(w)
		cancel()
		synctest.Wait()
		for _, p := range w.procs {
			p.die("exit status 0")
		}
		<-w.over
	})
}

// running makes the role's first process run.
func (w *world) running() *fakeProcess {
	p := w.procs[len(w.procs)-1]
	w.say(p, sayReady)
	return p
}

func (w *world) say(p *fakeProcess, t frameType) {
	p.to.said(frame{Type: t})
	synctest.Wait()
}

func (w *world) die(p *fakeProcess, cause string) {
	p.die(cause)
	synctest.Wait()
}

func (w *world) wait(d time.Duration) {
	select {
	case w.calls <- func(*loop) {}: // what the test has read comes before what follows
	case <-w.over:
	}
	time.Sleep(d)
	synctest.Wait()
}

// errPending is in a channel of restart until the answer comes.
var errPending = errors.New("pending")

// restart asks for a restart and returns where the answer will be.
func (w *world) restart(role string) *error {
	answer := errPending
	w.calls <- func(l *loop) { l.restart(role, func(err error) { answer = err }) }
	synctest.Wait()
	return &answer
}

func (w *world) status() (s RoleStatus) {
	w.calls <- func(l *loop) { s = l.status().Roles[0] }
	synctest.Wait()
	return s
}

func (w *world) wantOrders(p *fakeProcess, want string) {
	w.t.Helper()
	if got := p.orders(); got != want {
		w.t.Fatalf("process %d was sent %q, want %q", p.id, got, want)
	}
}

func (w *world) wantProcs(want int) {
	w.t.Helper()
	if len(w.procs) != want {
		w.t.Fatalf("%d processes were started, want %d", len(w.procs), want)
	}
}

func (w *world) wantStarts(want ...time.Duration) {
	w.t.Helper()
	var got []time.Duration
	for _, p := range w.procs {
		got = append(got, p.started)
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("starts at %v, want %v", got, want)
	}
}
