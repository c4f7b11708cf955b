// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// listen serves the box on a real socket until the test ends.
func listen(t *testing.T, reg *Registry) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), EngineSocket)
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, reg, quiet, ServerConfig{}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return path
}

func TestClientOverUnixSocket(t *testing.T) {
	path := listen(t, newBox(quiet, nil))
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("socket = %v %v, want mode 0600", st, err)
	}
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			var res drained
			pool := fmt.Sprint("pool", i)
			err := c.Call(t.Context(), "server.drain", drainParams{Pool: pool}, &res)
			if want := userName(os.Getuid()) + " by cli"; err != nil || res.Pool != pool || res.By != want {
				t.Errorf("Call = %+v %v, want %s by %s", res, err, pool, want)
			}
		})
	}
	wg.Wait()
	err = c.Call(t.Context(), "config.commit", nil, nil)
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeValidation || e.Hint != "fix it" || len(e.Problems) != 1 || e.Problems[0].Line != 35 {
		t.Errorf("Call = %#v, want the method's error", err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another box answers there") {
		t.Errorf("second Listen = %v", err)
	}
}

func TestClientCancelReachesTheMethod(t *testing.T) {
	ended := make(chan error, 1)
	started := make(chan struct{})
	reg := New(quiet, Config{})
	Add(reg, Method{Name: "sys.wait", Purpose: "Wait.", Role: Viewer},
		func(ctx context.Context, _ Call, _ struct{}) (struct{}, error) {
			close(started)
			<-ctx.Done()
			ended <- ctx.Err()
			return struct{}{}, nil
		})
	c, err := Dial(listen(t, reg))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	if err := c.Call(ctx, "sys.wait", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Call = %v, want canceled", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the method saw %v, want canceled", err)
	}
}

func TestDialSaysHowToStartABox(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, EngineSocket)
	want := fmt.Sprintf("no box runs with state %s: start one with evener run --state %s", dir, dir)
	check := func(when string) {
		t.Helper()
		if _, err := Dial(path); !errors.Is(err, ErrNotRunning) || err.Error() != want {
			t.Errorf("%s: Dial = %v, want %s", when, err, want)
		}
	}
	check("no socket")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	check("a socket left by a crash")
	l2, err := Listen(path)
	if err != nil {
		t.Fatalf("Listen over what a crash left: %v", err)
	}
	l2.Close()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("Listen over a file = %v", err)
	}
}

// listenAt listens on the socket name in dir until the test ends.
func listenAt(t *testing.T, dir, name string) net.Listener {
	t.Helper()
	l, err := Listen(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A command that is typed while one engine follows another is not told that there
// is no box, nor that it was cut off.
func TestDialEngineWaitsForTheNextEngine(t *testing.T) {
	dir := t.TempDir()
	if _, err := DialEngine(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("no supervisor: DialEngine = %v, want %v", err, ErrNotRunning)
	}
	listenAt(t, dir, SupervisorSocket)
	for _, deaf := range []bool{false, true} {
		var l net.Listener
		if deaf { // as an engine that stands still
			l = listenAt(t, dir, EngineSocket)
		}
		_, err := dialEngine(t.Context(), dir, 3*dialAgain)
		if !errors.Is(err, ErrNoEngine) || !strings.Contains(err.Error(), "supervisor of the box with state "+dir) {
			t.Errorf("an engine that does not answer (listens %v): DialEngine = %v, want %v", deaf, err, ErrNoEngine)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		cancel(enough)
		if _, err := DialEngine(ctx, dir); !errors.Is(err, enough) {
			t.Errorf("nobody waits any more (listens %v): DialEngine = %v, want %v", deaf, err, enough)
		}
		if deaf {
			l.Close()
		}
	}
	old := listenAt(t, dir, EngineSocket)
	go func() {
		for range 3 {
			if nc, err := old.Accept(); err == nil {
				nc.Close() // it is about to end
			}
		}
		old.Close()
		time.Sleep(5 * dialAgain)
		l, err := Listen(filepath.Join(dir, EngineSocket))
		if err != nil {
			t.Error(err)
			return
		}
		if err := Serve(t.Context(), l, newBox(quiet, nil), quiet, ServerConfig{}); err != nil {
			t.Error(err)
		}
	}()
	c, err := dialEngine(t.Context(), dir, time.Minute)
	if err != nil {
		t.Fatalf("an engine that comes: DialEngine = %v", err)
	}
	c.Close()
}

// A client that has said all it wants to say, such as echo | nc, is answered.
func TestHalfClosedClientIsAnswered(t *testing.T) {
	nc, err := net.Dial("unix", listen(t, newBox(quiet, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintln(nc, call(1, "sys.fail"))
	if err := nc.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(nc)
	expect(t, in, "1 -32000")
	expect(t, in, "closed")
}

func TestClientWhenTheBoxGoesAway(t *testing.T) {
	a, b := net.Pipe()
	c := NewClient(a)
	go func() {
		bufio.NewReader(b).ReadString('\n')
		b.Close()
	}()
	for range 2 { // while a call waits, and afterwards
		err := c.Call(t.Context(), "sys.wait", nil, nil)
		if err == nil || !strings.Contains(err.Error(), "the connection to the box was lost") {
			t.Errorf("Call = %v, want the loss", err)
		}
	}
	c.Close()
}

// A box that is refusing says why before any call was made.
func TestClientSeesWhyItWasRefused(t *testing.T) {
	a, b := net.Pipe()
	c := NewClient(a)
	defer c.Close()
	b.Write(appendAnswer(nil, "", nil, Errorf(CodeTooMany, "too_many.connections", "64 connections are open")))
	b.Close()
	var e *Error
	if err := c.Call(t.Context(), "sys.wait", nil, nil); !errors.As(err, &e) || e.Code != CodeTooMany {
		t.Errorf("Call = %v, want the box's reason", err)
	}
}

func TestPeersAreRootAndOurselves(t *testing.T) {
	for _, c := range []struct {
		uid, own int
		ok       bool
	}{{0, 0, true}, {0, 1000, true}, {1000, 1000, true}, {1001, 1000, false}, {1000, 0, false}} {
		who, err := callOf(c.uid, 42, c.own)
		if ok := err == nil && who.Role == Admin && who.Author != ""; ok != c.ok {
			t.Errorf("callOf(%d) on a box of %d = %+v %v, want ok %v", c.uid, c.own, who, err, c.ok)
		}
	}
}

// A client follows a topic: the snapshot first, then what changes, until the
// subscription or the connection ends.
func TestClientFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		c := NewClient(serve(t, y.reg, ServerConfig{}).dial())
		f, err := c.Follow(t.Context(), "state.pools", nil)
		if err != nil {
			t.Fatal(err)
		}
		o := Objects{}
		next := func(want string) {
			t.Helper()
			e, err := f.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.Apply(e); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(o); got != want {
				t.Errorf("objects = %s, want %s", got, want)
			}
		}
		next("map[shop:map[up:1]]")
		y.set("web", map[string]any{"up": 2})
		next("map[shop:map[up:1] web:map[up:2]]")
		y.set("shop", nil)
		next("map[web:map[up:2]]")
		if _, err := c.Follow(t.Context(), "state.pool", nil); err == nil || !strings.Contains(err.Error(), "did you mean") {
			t.Errorf("follow an unknown topic = %v", err)
		}
		logs, err := c.Follow(t.Context(), "log.events", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(t.Context()); err != nil {
			t.Errorf("close = %v", err)
		}
		if _, err := f.Next(t.Context()); err == nil {
			t.Error("a closed topic goes on")
		}
		if _, err := logs.Next(t.Context()); err != nil { // the snapshot
			t.Error(err)
		}
		c.Close()
		if _, err := logs.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "connection to the box was lost") {
			t.Errorf("after the connection's end: %v", err)
		}
	})
}

// Events that nobody takes do not pile up without bound.
func TestFollowingIsBounded(t *testing.T) {
	f := &Following{bell: make(chan struct{}, 1)}
	for range 3 * maxNews {
		f.add(Event{})
	}
	for range maxNews {
		if _, err := f.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Next(t.Context()); !errors.Is(err, errBehind) {
		t.Errorf("Next = %v, want %v", err, errBehind)
	}
}
