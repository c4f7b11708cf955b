// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/supervise"
	"evener/ha"
	"evener/ha/wire"
)

// haPatience bounds what a busy machine may take.
const haPatience = 30 * time.Second

// A fakeEngine answers the process that moves addresses over pipes.
type fakeEngine struct {
	reg *api.Registry

	mu       sync.Mutex // guards what follows
	settings manage.HASettings
	serving  bool
	dead     bool
	conns    []net.Conn
	report   manage.HAReport
	pulses   int
}

func newFakeEngine(node string) *fakeEngine {
	e := &fakeEngine{serving: true, settings: manage.HASettings{Number: 1, Node: node, Peers: []manage.HAPeerSettings{}, Groups: []manage.HAGroupSettings{}}}
	e.reg = api.New(slog.New(slog.DiscardHandler), api.Config{})
	api.Add(e.reg, api.Method{Name: "ha.settings", Purpose: "Tells.", Open: true, Effect: api.Read},
		func(context.Context, api.Call, struct{}) (manage.HASettings, error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.settings, nil
		})
	type params struct {
		Report manage.HAReport `json:"report"`
	}
	api.Add(e.reg, api.Method{Name: "ha.pulse", Purpose: "Takes.", Open: true, Effect: api.Read},
		func(_ context.Context, _ api.Call, p params) (manage.HAPulse, error) {
			time.Sleep(10 * time.Millisecond) // the engine waits for something new
			e.mu.Lock()
			defer e.mu.Unlock()
			e.report, e.pulses = p.Report, e.pulses+1
			return manage.HAPulse{Settings: e.settings.Number, Engine: manage.HAEngine{Serving: e.serving}, Tracks: map[string]manage.HATrackState{},
				Orders: []manage.HAOrder{}, Mirror: map[string]manage.HAConnected{}}, nil
		})
	return e
}

// dial connects the role with the engine, as the supervisor does.
func (e *fakeEngine) dial(ctx context.Context) (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		return nil, errors.New("nobody is there")
	}
	near, far := net.Pipe()
	e.conns = append(e.conns, far)
	go func() {
		_ = api.Serve(context.WithoutCancel(ctx), &onePipe{conns: []net.Conn{far}, done: make(chan struct{})}, e.reg, slog.New(slog.DiscardHandler),
			api.ServerConfig{Identify: func(net.Conn) (api.Call, error) { return api.Call{Origin: manage.HARole, Role: api.Nobody}, nil }})
	}()
	return near, nil
}

func (e *fakeEngine) set(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

func (e *fakeEngine) last() manage.HAReport {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.report
}

// state returns that of the first group, "" if there is none.
func (e *fakeEngine) state() string {
	if p := e.last(); len(p.Groups) > 0 {
		return p.Groups[0].State
	}
	return ""
}

// A onePipe is a listener of connections that are there already.
type onePipe struct {
	mu    sync.Mutex
	conns []net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *onePipe) Accept() (net.Conn, error) {
	l.mu.Lock()
	if len(l.conns) > 0 {
		c := l.conns[0]
		l.conns = l.conns[1:]
		l.mu.Unlock()
		return c, nil
	}
	l.mu.Unlock()
	<-l.done
	return nil, net.ErrClosed
}

func (l *onePipe) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *onePipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// haSettingsOf is a group front with one address on sim1.
func haSettingsOf(node string) manage.HASettings {
	return manage.HASettings{Number: 2, Node: node, Peers: []manage.HAPeerSettings{}, Groups: []manage.HAGroupSettings{{Name: "front", Homes: []string{node}, Base: 200,
		Interval: api.Duration(100 * time.Millisecond), Preempt: true, Accept: true, OnSplit: "hold", EngineHold: api.Duration(time.Second),
		Routers: []manage.HARouterSettings{{Name: "a", Interface: "sim1", Port: "1", VRID: 10, Version: 3, Addresses: []string{"192.0.2.10/24"}, MAC: "virtual", Checksum: "rfc9568", Unicast: []string{}}},
		Tracks:  []manage.HATrackSettings{}}}}
}

// startHA runs the work of the role on a simulated LAN.
func startHA(t *testing.T, e *fakeEngine, lan string, resume *ha.Handover) (w *haWork, end func(), ended chan error) {
	t.Helper()
	r := &haRole{lan: lan, log: slog.New(slog.DiscardHandler)}
	w = newHAWork(haWorkConfig{dial: e.dial, open: r.open, alive: func() error { return nil }, simulated: true, resume: resume, handoff: r.openHandoff()}, r.log)
	ctx, cancel := context.WithCancel(t.Context())
	ended = make(chan error, 1)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		ended <- w.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-gone
	})
	return w, cancel, ended
}

// inTime waits until ok.
func inTime(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(haPatience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", haPatience, what)
		}
	}
}

// hasAddress says whether a box has the address on the simulated LAN.
func hasAddress(t *testing.T, lan string) bool {
	t.Helper()
	list, err := wire.Holders(lan)
	if err != nil {
		t.Fatal(err)
	}
	return len(list) > 0
}

func TestHAFollowsTheEngine(t *testing.T) {
	e, lan := newFakeEngine("left"), t.TempDir()
	_, end, ended := startHA(t, e, lan, nil)
	inTime(t, "a report without groups", func() bool { p := e.last(); return p.Settings == 1 && p.Simulated && p.RealtimeWhy != "" })
	e.set(func() { e.settings = haSettingsOf("left") })
	inTime(t, "active", func() bool { return e.state() == manage.HAActive && hasAddress(t, lan) })
	if p := e.last(); p.Settings != 2 || p.Node != "left" || !p.Simulated || p.Groups[0].Reason == "" {
		t.Errorf("report = %+v, want that of left with settings 2 and a reason", p)
	}
	e.set(func() { e.serving = false })
	inTime(t, "given up: the engine does not serve", func() bool { return e.state() == manage.HAFault && !hasAddress(t, lan) })
	e.set(func() { e.serving = true })
	inTime(t, "active again", func() bool { return e.state() == manage.HAActive && hasAddress(t, lan) })

	e.set(func() { e.settings.Groups[0].Routers[0].Interface, e.settings.Number = "sim9", 3 }) // the LAN is made anew for it
	inTime(t, "active on another interface", func() bool {
		p := e.last()
		return p.Settings == 3 && e.state() == manage.HAActive && p.Groups[0].Routers[0].Interface == "sim9"
	})
	end()
	if err := <-ended; err != nil {
		t.Errorf("run = %v, want nil", err)
	}
	if hasAddress(t, lan) {
		t.Error("the address is still there after the end")
	}
}

func TestHAGivesUpWithoutAnEngine(t *testing.T) {
	e, lan := newFakeEngine("left"), t.TempDir()
	e.settings = haSettingsOf("left")
	startHA(t, e, lan, nil)
	inTime(t, "active", func() bool { return hasAddress(t, lan) })
	e.set(func() {
		e.dead = true
		for _, c := range e.conns {
			c.Close()
		}
	})
	inTime(t, "given up", func() bool { return !hasAddress(t, lan) })
	e.set(func() { e.dead = false })
	inTime(t, "active again", func() bool { return hasAddress(t, lan) })
}

func TestHAHandsOverToItsSuccessor(t *testing.T) {
	e, lan, state := newFakeEngine("left"), t.TempDir(), t.TempDir()
	e.settings = haSettingsOf("left")
	e.settings.Groups[0].Interval = api.Duration(2 * time.Second) // a busy machine may be slow
	w, _, ended := startHA(t, e, lan, nil)
	inTime(t, "active", func() bool { return e.state() == manage.HAActive })
	ctx, cancel := context.WithTimeout(t.Context(), haPatience)
	defer cancel()
	h, err := w.handOver(ctx)
	if err := errors.Join(err, <-ended); err != nil {
		t.Fatal(err)
	}
	if !hasAddress(t, lan) {
		t.Fatal("the address was released in the hand-over")
	}
	if err := os.Mkdir(haDir(state), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeHandover(state, h); err != nil {
		t.Fatal(err)
	}
	read, err := readHandover(state)
	if err != nil || read == nil || !read.Groups["front"].Active {
		t.Fatalf("hand-over read = %+v, %v; want group front active", read, err)
	}
	if again, err := readHandover(state); again != nil || err != nil {
		t.Errorf("hand-over read again = %+v, %v; want nothing", again, err)
	}
	w.lan.Close() // as the end of the process does
	startHA(t, e, lan, read)
	inTime(t, "active, going on", func() bool {
		p := e.last()
		return e.state() == manage.HAActive && strings.Contains(p.Groups[0].Reason, "goes on")
	})
}

func TestHAAddressesGoWithTheirProcess(t *testing.T) {
	state := t.TempDir()
	c := newHACleaner(state, slog.New(slog.DiscardHandler))
	lock, err := lockHA(state, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockHA(state, 0); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("a second lock = %v, want it refused", err)
	}
	journal := []byte(`{"version":1,"boot":"another","table":"","stations":[],"settings":[]}`)
	if err := os.WriteFile(haJournal(state), journal, 0o600); err != nil {
		t.Fatal(err)
	}
	stop := c.start()
	defer stop()
	there := func() bool { _, err := os.Stat(haJournal(state)); return err == nil }
	c.clean(t.Context())
	if !there() {
		t.Error("what a process answers for was taken away")
	}
	lock.Close()
	for _, e := range []supervise.Event{{Role: "engine", Kind: supervise.Exited}, {Role: manage.HARole, Kind: supervise.Started}} {
		c.watch(e)
	}
	if len(c.ended) != 0 || !there() {
		t.Error("something else than the end of the process counts")
	}
	c.watch(supervise.Event{Role: manage.HARole, Kind: supervise.Exited})
	inTime(t, "the journal undone", func() bool { return !there() })
}

func TestHAUserMustReachTheState(t *testing.T) {
	dir := t.TempDir() // of others nobody may pass it
	inner := filepath.Join(dir, "a", "b")
	if err := errors.Join(os.MkdirAll(inner, 0o755), os.Chmod(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	if got := barred(inner, &syscall.Credential{Uid: 64999, Gid: 64999}); got != dir {
		t.Errorf("barred by %q, want %q", got, dir)
	}
	if got := barred("/usr/bin", &syscall.Credential{Uid: 64999, Gid: 64999}); got != "" {
		t.Errorf("barred from /usr/bin by %q, want nobody", got)
	}
}

func TestHASpecNamesTheLAN(t *testing.T) {
	state := t.TempDir()
	r, err := haSpec(board.Sim, runConfig{state: state, lan: filepath.Join(state, "lan")}, slog.New(slog.DiscardHandler))
	if err != nil || r.Credential != nil || r.AmbientCaps != nil || !strings.Contains(strings.Join(r.Args, " "), "--lan "+state) {
		t.Errorf("role on a simulated LAN = %+v, %v; want no other user and no capabilities", r, err)
	}
}
