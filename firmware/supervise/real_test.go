// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A box is a supervisor of real server processes, under way.
type box struct {
	*Supervisor
	t      *testing.T
	addr   string
	stderr *lockedBuffer
	events chan Event
	stop   func()
}

// newBox starts a supervisor with one role, "engine", and waits until it serves.
func newBox(t *testing.T, exe string, env ...string) *box {
	t.Helper()
	addr := freePort(t)
	return newBoxOf(t, exe, addr, []Role{{
		Name: "engine", MayListen: true, MayControl: true, DrainTimeout: 20 * time.Second,
		Env: append([]string{roleEnv + "=server", "GORACE=atexit_sleep_ms=0", "VERSION=v1", "ADDR=" + addr}, env...),
	}})
}

// newBoxOf starts a supervisor of roles and waits until one answers at addr.
func newBoxOf(t *testing.T, exe, addr string, roles []Role) *box {
	t.Helper()
	b := &box{t: t, addr: addr, stderr: &lockedBuffer{}, events: make(chan Event, 1000)}
	var err error
	b.Supervisor, err = New(Config{
		Roles:   roles,
		Exe:     exe,
		Stderr:  b.stderr,
		Signals: make(chan os.Signal),
		Watch:   func(e Event) { b.events <- e },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = b.Run(ctx) }()
	b.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(b.stop)
	for range roles {
		b.await(Running)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err = b.ask("who"); err == nil { // it may still be opening its listener for the first time
			return b
		}
	}
	t.Fatalf("the engine does not answer: %v; standard error: %s", err, b.stderr)
	return nil
}

// await returns the next event of the given kind.
func (b *box) await(kind EventKind) Event {
	b.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case e := <-b.events:
			if e.Kind == kind {
				return e
			}
		case <-timeout:
			b.t.Fatalf("no event %q in 20s; standard error: %s", kind, b.stderr)
		}
	}
}

// ask sends one line over a new connection and returns the answer.
func (b *box) ask(line string) (string, error) {
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "", err
	}
	got, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(got), err
}

// load calls f from several goroutines until the returned function is called.
func load(f func()) (stop func()) {
	var over atomic.Bool
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			for !over.Load() {
				f()
			}
		})
	}
	return func() { over.Store(true); g.Wait() }
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freePort returns an address on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestKilledEngineRefusesNoConnection(t *testing.T) {
	b := newBox(t, "")
	var connects, refused atomic.Int64
	stop := load(func() {
		c, err := net.Dial("tcp", b.addr)
		if err != nil {
			refused.Add(1)
			return
		}
		connects.Add(1)
		c.(*net.TCPConn).SetLinger(0) // leaves no port behind in TIME_WAIT
		c.Close()
	})
	for range 4 {
		s, err := b.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before := connects.Load()
		if err := unix.Kill(s.Roles[0].PID, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if e := b.await(Exited); e.Cause != "signal: killed" || !e.Owner {
			t.Errorf("event = %+v, want the owner killed", e)
		}
		b.await(Running)
		for connects.Load() < before+100 && refused.Load() == 0 {
		}
	}
	stop()
	if refused.Load() > 0 {
		t.Errorf("%d connections were refused, %d were not", refused.Load(), connects.Load())
	}
	if got, err := b.ask("who"); err != nil || !strings.HasPrefix(got, "v1 ") {
		t.Errorf("answer = %q, %v after the crashes", got, err)
	}
}

func TestPlannedRestartFailsNoRequest(t *testing.T) {
	b := newBox(t, "")
	first, _ := b.Status(t.Context())
	if group, err := unix.Getpgid(first.Roles[0].PID); err != nil || group != first.Roles[0].PID {
		t.Errorf("process group = %d, %v: the terminal's interrupt would reach the role", group, err)
	}
	var asked, failed atomic.Int64
	var lastErr atomic.Value
	stop := load(func() {
		if got, err := b.ask("who"); err != nil {
			failed.Add(1)
			lastErr.Store(fmt.Sprint(got, err))
		}
		asked.Add(1)
	})
	for range 3 {
		before := asked.Load()
		// As the API does it: the running engine asks for its own restart, and
		// can still answer the one who wanted it.
		if got, err := b.ask("restart"); err != nil || got != "<nil>" {
			t.Fatalf("restart = %q, %v", got, err)
		}
		b.await(Running)
		for asked.Load() < before+100 {
		}
		if e := b.await(Exited); e.Owner || e.Cause != "exit status 0" {
			t.Errorf("event = %+v, want the old one to end by itself", e)
		}
	}
	stop()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed, the last with %v", failed.Load(), asked.Load(), lastErr.Load())
	}
	last, err := b.Status(t.Context())
	if err != nil || last.Roles[0].Restarts != 3 || last.Roles[0].Crashes != 0 || last.Roles[0].PID == first.Roles[0].PID {
		t.Errorf("status = %+v, %v, want 3 restarts and another process", last, err)
	}
	if want := []string{"tcp " + b.addr}; !slices.Equal(last.Roles[0].Listeners, want) {
		t.Errorf("listeners = %q, want %q", last.Roles[0].Listeners, want)
	}
}

func TestOldConnectionsFinishOnTheOldProcess(t *testing.T) {
	b := newBox(t, "")
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	who := func() string {
		fmt.Fprintln(c, "who")
		got, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := who()
	if err := b.Restart(t.Context(), "engine"); err != nil {
		t.Fatal(err)
	}
	b.await(Running)
	if after := who(); after != before {
		t.Errorf("the connection moved from %q to %q", before, after)
	}
	if s, _ := b.Status(t.Context()); len(s.Roles[0].Draining) != 1 || s.Roles[0].Draining[0].Version != "v1" {
		t.Errorf("status = %+v, want one process draining", s)
	}
	if fresh, err := b.ask("who"); err != nil || fresh == strings.TrimSpace(before) {
		t.Errorf("a new connection went to %q, %v, want the new process", fresh, err)
	}
	c.Close()
	b.await(Exited)
}

func TestUpgradeRunsTheNewProgram(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "evener")
	install := func(body string) {
		t.Helper()
		if err := os.WriteFile(exe+".new", []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(exe+".new", exe); err != nil {
			t.Fatal(err)
		}
	}
	install(`exec "$TEST_BINARY" "$@"`)
	b := newBox(t, exe, "TEST_BINARY="+os.Args[0])

	install("echo no such library >&2; exit 3")
	err := b.Restart(t.Context(), "engine")
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such library") {
		t.Errorf("restart with a broken program = %v, want its exit status and last words", err)
	}
	if got, err := b.ask("who"); err != nil || !strings.HasPrefix(got, "v1 ") {
		t.Errorf("answer = %q, %v after a failed upgrade, want that of v1", got, err)
	}

	install(`VERSION=v2 exec "$TEST_BINARY" "$@"`)
	if err := b.Restart(t.Context(), "engine"); err != nil {
		t.Fatal(err)
	}
	b.await(Running)
	if got, err := b.ask("who"); err != nil || !strings.HasPrefix(got, "v2 ") {
		t.Errorf("answer = %q, %v, want that of v2", got, err)
	}
	if s, _ := b.Status(t.Context()); s.Roles[0].Version != "v2" {
		t.Errorf("status = %+v, want version v2", s)
	}
}

func TestCrashIsReportedWithItsLastWords(t *testing.T) {
	var stderr lockedBuffer
	events := make(chan Event, 100)
	s, err := New(Config{
		Roles:   []Role{{Name: "bad", Env: []string{roleEnv + "=crasher"}}},
		Stderr:  &stderr,
		Signals: make(chan os.Signal),
		Watch:   func(e Event) { events <- e },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	for e := range events {
		if e.Kind != Exited {
			continue
		}
		if !strings.Contains(e.Cause, "exit status 2") || !strings.Contains(e.Cause, "panic: out of oats") {
			t.Errorf("cause = %q, want the exit status and the panic", e.Cause)
		}
		break
	}
	cancel()
	<-done
	if !strings.Contains(stderr.String(), "panic: out of oats") {
		t.Errorf("standard error = %q, want the role's to go through", &stderr)
	}
}

func TestStopClosesTheListeners(t *testing.T) {
	b := newBox(t, "")
	b.stop()
	if _, err := net.Dial("tcp", b.addr); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("dial = %v after the stop, want it refused", err)
	}
	if err := b.Restart(context.Background(), "engine"); !errors.Is(err, ErrStopping) {
		t.Errorf("restart = %v after the stop, want %v", err, ErrStopping)
	}
}
