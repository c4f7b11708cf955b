// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"
)

func TestPeerHidesWhoMadeTheSocket(t *testing.T) {
	link, parent := linked(t)
	ours, theirs := streamPair(t)
	mustSend(t, parent, frame{Type: pairWith, Role: "console"}, theirs)
	unix.Close(theirs)
	defer unix.Close(ours)
	c, err := link.Accepted().Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.RemoteAddr().String(); got != "role:console" {
		t.Errorf("remote address = %q, want role:console", got)
	}
	if got := c.LocalAddr().String(); got != "role:engine" {
		t.Errorf("local address = %q, want role:engine", got)
	}
	if _, ok := c.(interface{ SyscallConn() error }); ok {
		t.Error("the connection gives its socket away")
	}
	if _, ok := c.(*net.UnixConn); ok {
		t.Error("the connection is a plain Unix socket: its credentials are those of the supervisor")
	}
}

func streamPair(t *testing.T) (ours, theirs int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

// TestAcceptedIsBounded: who dials more than is accepted reads the end.
func TestAcceptedIsBounded(t *testing.T) {
	link, parent := linked(t)
	ends := make([]net.Conn, maxAccepted+1)
	for i := range ends {
		ours, theirs := streamPair(t)
		mustSend(t, parent, frame{Type: pairWith, Role: "console"}, theirs)
		unix.Close(theirs)
		var err error
		if ends[i], err = newPeer(ours, "console", "engine"); err != nil {
			t.Fatal(err)
		}
		defer ends[i].Close()
	}
	if n, err := ends[maxAccepted].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read = %d, %v from a connection over the limit, want %v", n, err, io.EOF)
	}
	link.Accepted().Close()
	for i, c := range ends[:maxAccepted] {
		if n, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("read = %d, %v from connection %d after Close, want %v", n, err, i, io.EOF)
		}
	}
	if _, err := link.Accepted().Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept = %v after Close, want %v", err, net.ErrClosed)
	}
	ours, theirs := streamPair(t)
	mustSend(t, parent, frame{Type: pairWith, Role: "console"}, theirs)
	unix.Close(theirs)
	late, err := newPeer(ours, "console", "engine")
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if n, err := late.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read = %d, %v from a connection that came after Close, want %v", n, err, io.EOF)
	}
}

// TestDialThatIsGivenUpLeavesNothing: the supervisor is told, and a connection
// that was on its way is closed.
func TestDialThatIsGivenUpLeavesNothing(t *testing.T) {
	link, parent := linked(t)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { _, err := link.Dial(ctx, "engine"); result <- err }()
	ask, _, err := parent.receive()
	if err != nil || ask.Type != askDial || ask.Role != "engine" {
		t.Fatalf("request = %+v, %v", ask, err)
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Dial = %v, want %v", err, context.Canceled)
	}
	if f, _, err := parent.receive(); err != nil || f.Type != sayHangUp || f.ID != ask.ID {
		t.Errorf("frame = %+v, %v, want that request %d is over", f, err, ask.ID)
	}
	ours, theirs := streamPair(t)
	mustSend(t, parent, frame{Type: pairWith, ID: ask.ID, Role: "engine"}, theirs)
	unix.Close(theirs)
	c, err := newPeer(ours, "engine", "console")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read = %d, %v, want %v: nobody has the other end", n, err, io.EOF)
	}
}

func consoleAndEngine() []Role {
	return []Role{{Name: "console", MayDial: []string{"engine"}}, {Name: "engine", MayListen: true}}
}

func (w *world) dial(p *fakeProcess, id uint64, role string) {
	p.to.said(frame{Type: askDial, ID: id, Role: role})
	synctest.Wait()
}

// pairs lists the connections that p was given, by request or "from" their role.
func (p *fakeProcess) pairs() string {
	var out []string
	for _, f := range p.sent {
		switch {
		case f.Type == pairWith && f.ID == 0:
			out = append(out, "from "+f.Role)
		case f.Type == pairWith:
			out = append(out, fmt.Sprint(f.ID))
		case f.Type == answer && f.Error != "":
			out = append(out, fmt.Sprintf("%d: %s", f.ID, f.Error))
		}
	}
	return strings.Join(out, ", ")
}

func (w *world) wantPairs(p *fakeProcess, want string) {
	w.t.Helper()
	if got := p.pairs(); got != want {
		w.t.Fatalf("process %d was given %q, want %q", p.id, got, want)
	}
}

func TestDialWaitsForWhoHasTakenOver(t *testing.T) {
	inWorld(t, consoleAndEngine(), func(w *world) {
		console, old := w.procs[0], w.procs[1]
		w.say(console, sayReady)
		w.dial(console, 1, "engine")
		w.wantPairs(console, "") // the engine has no Go
		w.say(old, sayReady)
		w.wantPairs(console, "1")
		w.wantPairs(old, "from console")

		w.restart("engine")
		young := w.procs[2]
		w.dial(console, 2, "engine")
		w.wantPairs(old, "from console, from console") // it still serves
		w.say(young, sayReady)
		w.dial(console, 3, "engine")
		w.wantPairs(console, "1, 2")
		w.say(old, sayReleased)
		w.wantPairs(console, "1, 2, 3")
		w.wantPairs(young, "from console")
		w.wantOrders(young, "go pair")

		w.die(young, "signal: killed")
		w.dial(console, 4, "engine")
		w.wantPairs(console, "1, 2, 3")
		w.say(w.procs[3], sayReady)
		w.wantPairs(w.procs[3], "from console")
		w.wantPairs(console, "1, 2, 3, 4")
	})
}

func TestDialIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, role, want string
		ready            bool
	}{
		{"no right", "ha", `7: the role console has no right to dial "ha"`, true},
		{"itself", "console", `7: the role console has no right to dial "console"`, true},
		{"no such role", "nobody", `7: no role "nobody"; there are: console, ha`, true},
		{"before Go", "nobody", `7: no role "nobody"; there are: console, ha`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, []Role{{Name: "console", MayDial: []string{"nobody"}}, {Name: "ha"}}, func(w *world) {
				if tt.ready {
					w.say(w.procs[0], sayReady)
				}
				w.dial(w.procs[0], 7, tt.role)
				w.wantPairs(w.procs[0], tt.want)
			})
		})
	}
	inWorld(t, consoleAndEngine(), func(w *world) {
		w.say(w.procs[1], sayReady)
		w.dial(w.procs[0], 7, "engine")
		w.wantPairs(w.procs[0], "7: dial engine: a process may dial after Go only")
	})
}

func TestWaitingDialsAreBounded(t *testing.T) {
	inWorld(t, consoleAndEngine(), func(w *world) {
		console, engine := w.procs[0], w.procs[1]
		w.say(console, sayReady)
		for i := range uint64(maxDials) {
			w.dial(console, i+1, "engine")
		}
		w.dial(console, 99, "engine")
		w.wantPairs(console, "99: dial engine: 64 connections of console wait for it already, and no more may")
		console.to.said(frame{Type: sayHangUp, ID: 1})
		w.dial(console, 100, "engine") // in the place that came free
		w.say(engine, sayReady)
		if got := strings.Count(engine.pairs(), "from console"); got != maxDials {
			t.Fatalf("%d connections were made, want %d", got, maxDials)
		}
		if got := console.pairs(); strings.Contains(got, ", 1,") || !strings.HasSuffix(got, ", 100") {
			t.Fatalf("connections = %s, want none for the request that was given up", got)
		}
	})
}

func TestDialsOfTheDeadAreForgotten(t *testing.T) {
	inWorld(t, consoleAndEngine(), func(w *world) {
		console, engine := w.procs[0], w.procs[1]
		w.say(console, sayReady)
		w.dial(console, 1, "engine")
		w.die(console, "signal: killed")
		w.say(engine, sayReady)
		w.wantPairs(engine, "")
	})
}

func TestDialEndsWithTheBox(t *testing.T) {
	inWorld(t, consoleAndEngine(), func(w *world) {
		console := w.procs[0]
		w.say(console, sayReady)
		w.dial(console, 1, "engine")
		w.signals <- unix.SIGTERM
		synctest.Wait()
		w.dial(console, 2, "engine")
		w.wantPairs(console, "1: "+ErrStopping.Error()+", 2: "+ErrStopping.Error())
	})
}

// TestProcessWithoutRoomHoldsUpNobody: the one that takes no connections is left
// alone, the one that does not read what it has asked for is killed.
func TestProcessWithoutRoomHoldsUpNobody(t *testing.T) {
	inWorld(t, consoleAndEngine(), func(w *world) {
		console, engine := w.procs[0], w.procs[1]
		w.say(console, sayReady)
		w.say(engine, sayReady)
		engine.full = unix.EAGAIN
		w.dial(console, 1, "engine")
		w.wantPairs(console, "1: dial engine: it takes no connections now: resource temporarily unavailable")
		if engine.dead {
			t.Fatal("the engine was killed for what the console did")
		}
		engine.full = errGone // its end has not been told yet
		w.dial(console, 2, "engine")
		w.wantPairs(console, "1: dial engine: it takes no connections now: resource temporarily unavailable")
		w.die(engine, "signal: killed")
		engine = w.procs[2]
		w.say(engine, sayReady)
		w.wantPairs(engine, "from console")
		console.full = unix.EAGAIN
		w.dial(console, 3, "engine")
		w.wait(0)
		if !console.dead {
			t.Fatal("the console asks and does not read, and lives")
		}
	})
}
