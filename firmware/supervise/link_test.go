// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// linked returns a link whose supervisor is the test, on the returned conn.
func linked(t *testing.T) (*Link, *conn) {
	t.Helper()
	parent, fd, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.send(frame{Type: hello, Protocol: protocol, Version: "v0", Role: "engine"}); err != nil {
		t.Fatal(err)
	}
	link, err := join(childConn(fd), "v1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { link.Close(); parent.close() })
	if f, _, err := parent.receive(); err != nil || f.Type != hello || f.Version != "v1" {
		t.Fatalf("first frame = %+v, %v, want the role's hello", f, err)
	}
	return link, parent
}

func mustSend(t *testing.T, c *conn, f frame, fds ...int) {
	t.Helper()
	if err := c.send(f, fds...); err != nil {
		t.Fatal(err)
	}
}

func TestJoinOutsideOfASupervisor(t *testing.T) {
	if _, err := Join("v1"); !errors.Is(err, ErrNotSupervised) {
		t.Errorf("Join = %v, want %v", err, ErrNotSupervised)
	}
	t.Setenv(controlEnv, "0")
	if _, err := Join("v1"); err == nil || errors.Is(err, ErrNotSupervised) {
		t.Errorf("Join on standard input = %v, want that it is no control channel", err)
	}
}

func TestLinkIgnoresWhatItDoesNotKnow(t *testing.T) {
	link, parent := linked(t)
	mustSend(t, parent, frame{Type: "of tomorrow", ID: 1}, 0)
	mustSend(t, parent, frame{Type: answer, ID: 99})
	for _, junk := range []string{"{", "[]", `{"type":""}`} {
		if err := unix.Send(parent.fd, []byte(junk), 0); err != nil {
			t.Fatal(err)
		}
	}
	mustSend(t, parent, frame{Type: orderGo})
	if o := <-link.Orders(); o.Kind != Go {
		t.Errorf("order = %+v, want Go", o)
	}
}

func TestLinkWithoutSupervisor(t *testing.T) {
	link, parent := linked(t)
	result := make(chan error, 1)
	go func() { _, err := link.Status(); result <- err }()
	if f, _, err := parent.receive(); err != nil || f.Type != askStatus {
		t.Fatalf("request = %+v, %v", f, err)
	}
	parent.shutdown()
	if err := <-result; !errors.Is(err, ErrGone) {
		t.Errorf("pending Status = %v, want %v", err, ErrGone)
	}
	if o, open := <-link.Orders(); open || o.Kind != Gone {
		t.Errorf("order = %+v, %v, want Gone and the end", o, open)
	}
	if err := link.Ready(); !errors.Is(err, ErrGone) {
		t.Errorf("Ready = %v, want %v", err, ErrGone)
	}
	if _, err := link.Acquire(nil); !errors.Is(err, ErrGone) {
		t.Errorf("Acquire = %v, want %v", err, ErrGone)
	}
}

// TestLinkHoldsOneDescriptorForEachSocket plays a supervisor that passes a
// listener, passes it again with one socket more, and takes it back.
func TestLinkHoldsOneDescriptorForEachSocket(t *testing.T) {
	link, parent := linked(t)
	s := tcp(freePort(t), 1)
	held := listeners{}
	defer held.closeAll()
	p := &proc{process: &child{conn: parent}, unit: &unit{cfg: Role{Name: "engine"}, loop: &loop{held: held, log: slog.New(slog.DiscardHandler)}}}
	served := make(chan struct{})
	serve := func() {
		defer func() { served <- struct{}{} }()
		f, _, err := parent.receive()
		switch {
		case err != nil:
		case f.Type == askAcquire:
			err = p.acquire(f.ID, f.Specs)
		default:
			p.keep(f.Specs)
		}
		p.reply(f.ID, err)
	}
	acquire := func(count int) []int {
		t.Helper()
		s.Count = count
		go serve()
		got, err := link.Acquire([]ListenSpec{s})
		<-served
		if err != nil || len(got) != 1 || got[0].Spec.key() != s.key() {
			t.Fatalf("Acquire = %v, %v, want %v", got, err, s)
		}
		return got[0].FDs
	}
	open := countSockets(t)
	one := acquire(1)
	if again := acquire(1); len(one) != 1 || again[0] != one[0] {
		t.Errorf("descriptors = %v, then %v; want the same one", one, again)
	}
	two := acquire(2)
	if len(two) != 2 || two[0] != one[0] {
		t.Errorf("descriptors = %v, want %v and one more", two, one)
	}
	if got := countSockets(t) - open; got != 4 { // two here, two of the supervisor
		t.Errorf("%d sockets were opened, want 4", got)
	}
	ln, err := (Listener{s, two}).Net(0)
	if err != nil {
		t.Fatal(err)
	}
	if flags, err := unix.FcntlInt(uintptr(two[0]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Error("a net.Listener made the shared socket blocking")
	}
	ln.Close()
	c, err := net.Dial("tcp", s.Addr.String())
	if err != nil {
		t.Errorf("dial = %v though the supervisor holds the socket", err)
	} else {
		c.Close()
	}
	go serve()
	if err := link.Keep(nil); err != nil {
		t.Fatal(err)
	}
	<-served
	if _, err := net.Dial("tcp", s.Addr.String()); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("dial = %v after Keep of nothing, want it refused", err)
	}
	if again := acquire(2); len(again) != 2 {
		t.Errorf("descriptors = %v after the listener was let go, want two new ones", again)
	}
}

// countSockets returns how many listening sockets this process has.
func countSockets(t *testing.T) (n int) {
	t.Helper()
	for fd := range 1024 {
		if v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && v == 1 {
			n++
		}
	}
	return n
}

func TestManyListeners(t *testing.T) {
	link, parent := linked(t)
	const want = 3*specsPerFrame + 1
	got := make(chan error, 1)
	go func() {
		n := 0
		for {
			f, _, err := parent.receive()
			if err != nil {
				got <- err
				return
			}
			if n += len(f.Specs); !f.More {
				if n != want || f.Type != askKeep {
					err = fmt.Errorf("%d specs in %s, want %d", n, f.Type, want)
				}
				got <- errors.Join(err, parent.send(frame{Type: answer, ID: f.ID}))
				return
			}
		}
	}()
	if err := link.Keep(make([]ListenSpec, want)); err != nil {
		t.Error(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	if err := link.Keep(make([]ListenSpec, MaxSpecs+1)); err == nil {
		t.Error("Keep of too many listeners is not refused")
	}
}
