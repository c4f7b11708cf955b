// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evener/firmware/pool"
	"evener/firmware/reactor"
	"evener/firmware/stats"
)

// A load is clients that ask without a pause, each on its own connection.
type load struct {
	answers atomic.Int64
	stop    atomic.Bool
	wg      sync.WaitGroup
}

// run starts n clients. ask plays one request; false ends the client.
func (l *load) run(n int, ask func(int) bool) {
	for i := range n {
		l.wg.Go(func() {
			for !l.stop.Load() && ask(i) {
				l.answers.Add(1)
			}
		})
	}
}

// until waits for so many answers from now on.
func (l *load) until(t *testing.T, n int64) {
	t.Helper()
	n += l.answers.Load()
	for end := time.Now().Add(patience); l.answers.Load() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d answers, want %d", l.answers.Load(), n)
		}
	}
}

func (l *load) end() { l.stop.Store(true); l.wg.Wait() }

// webServer answers each request with its name.
func webServer(t testing.TB, name, addr string) *httptest.Server {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: ln, Config: &http.Server{Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name) })}}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// ask sends a GET and reads the answer of the length that the head says.
func ask(c net.Conn, r *bufio.Reader) (*http.Response, error) {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, get); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, err
}

// TestSwapUnderLoadFailsNothing commits a hundred generations while thousands of
// requests run.
func TestSwapUnderLoadFailsNothing(t *testing.T) {
	s := webServer(t, "a", "127.0.0.1:0")
	b := newBox(t, []pool.MemberConfig{narrow("m", s.Listener.Addr()), member("n", s.Listener.Addr())}, plain)
	var l load
	for range 8 {
		c := b.dial()
		r := bufio.NewReader(c)
		l.run(1, func(int) bool {
			resp, err := ask(c, r)
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("answer %v, %v", resp, err)
				return false
			}
			return true
		})
	}
	for range 100 {
		l.until(t, 50)
		b.do(func() {
			svc := *b.svc
			b.svc = &svc
			b.use(b.svc)
		})
	}
	l.end()
	b.eventually("old generations end", func() bool {
		for _, g := range b.gens {
			if g.Exchanges() != 0 {
				return false
			}
		}
		return true
	})
}

// A port that a generation does not have any more closes its idle connections;
// exchanges finish, waiting ones too.
func TestUseWithoutThePort(t *testing.T) {
	next := make(chan struct{})
	o := newOrigin(t, []step{recv(path("1")), await(next), send(okay), recv(path("2")), send(okay)})
	b := newBox(t, []pool.MemberConfig{narrow("m", o.ln.Addr())}, plain)
	running, queued, idle := b.dial(), b.dial(), b.dial()
	running.send(path("1"))
	b.eventually("the member is full", func() bool { return b.pool.Load().Members[0].Live.Full() })
	queued.send(path("2"))
	b.waiting(1)
	b.eventually("all are accepted", func() bool { return b.w.conns == 3 })
	b.do(func() {
		b.w.StopListening(b.port)
		b.w.Use(NewGeneration(99, 1, nil))
	})
	if got, broken := idle.rest(); got != "" || broken {
		t.Errorf("idle client got %q, reset %v, want a clean end", got, broken)
	}
	close(next)
	running.expect(okay)
	queued.expect(okay)
	for _, c := range []*client{running, queued} {
		c.send(path("3"))
		if got, _ := c.rest(); got != "" {
			t.Errorf("next request got %q, want the end", got)
		}
		c.Close()
	}
	b.noneLeft()
}

// Draining closes no connection whose client is using it: each last answer says
// that it is the last.
func TestDrainUnderLoadAnswersWhatWasSent(t *testing.T) {
	s := webServer(t, "a", "127.0.0.1:0")
	b := newBox(t, []pool.MemberConfig{member("m", s.Listener.Addr())}, plain)
	var l load
	for range 16 {
		c := b.dial()
		r := bufio.NewReader(c)
		l.run(1, func(int) bool {
			resp, err := ask(c, r)
			if err != nil {
				t.Errorf("answer %v, %v", resp, err)
				return false
			}
			return !resp.Close
		})
	}
	l.until(t, 500)
	b.do(func() { l.stop.Store(true); b.w.Drain() })
	l.wg.Wait()
	b.eventually("connections end", func() bool { return b.w.conns == 0 })
}

// A request whose bytes wait on an idle connection when the box drains is
// answered.
func TestDrainSeesBytesThatWait(t *testing.T) {
	o := newOrigin(t, []step{recv(get), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	sending, silent := b.dial(), b.dial()
	b.eventually("both are accepted", func() bool { return b.w.conns == 2 })
	b.do(func() {
		sending.send(get)
		for range 1000 {
			if b.w.clients.next.x == nil && !reactor.Quiet(b.w.clients.next.fd) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		b.w.Drain()
	})
	if got, broken := sending.rest(); broken || got != "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" {
		t.Errorf("sending client got %q, reset %v", got, broken)
	}
	if got, broken := silent.rest(); got != "" || broken {
		t.Errorf("silent client got %q, reset %v, want a clean end", got, broken)
	}
	sending.Close()
	b.noneLeft()
}

// Members die and come back under load: with one of them alive, GETs fail never.
func TestMembersDieAndComeBack(t *testing.T) {
	a, z := webServer(t, "a", "127.0.0.1:0"), webServer(t, "z", "127.0.0.1:0")
	b := newBox(t, []pool.MemberConfig{member("a", a.Listener.Addr()), member("z", z.Listener.Addr())}, plain)
	var l load
	for range 8 {
		c := b.dial()
		r := bufio.NewReader(c)
		l.run(1, func(int) bool {
			resp, err := ask(c, r)
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("answer %v, %v", resp, err)
				return false
			}
			return true
		})
	}
	for i := range 6 {
		l.until(t, 300)
		victim, name := &a, "a"
		if i%2 == 1 {
			victim, name = &z, "z"
		}
		addr := (*victim).Listener.Addr().String()
		(*victim).Listener.Close()
		(*victim).CloseClientConnections()
		l.until(t, 300)
		*victim = webServer(t, name, addr)
	}
	l.until(t, 300)
	l.end()
	if n := b.slot().Retries.Value(); n == 0 {
		t.Error("nothing was retried: no member died")
	}
}

func TestCloseAllEndsEverything(t *testing.T) {
	before := descriptors(t)
	func() {
		got := make(chan struct{}, 1)
		o := newOrigin(t, []step{recv(get), tell(got), recvEnd}, []step{recv(upgrade), send(switched), recvEnd})
		b := newBox(t, []pool.MemberConfig{narrow("m", o.ln.Addr()), member("n", o.ln.Addr())}, plain)
		defer b.stop()
		busy := b.dial()
		busy.send(get)
		<-got
		tunnel := b.dial()
		tunnel.send(upgrade)
		tunnel.expect(switched)
		idle, half := b.dial(), b.dial()
		half.send("GET")
		b.eventually("all are accepted", func() bool { return b.w.conns == 4 })
		b.do(b.w.CloseAll)
		for _, c := range []*client{busy, tunnel, idle, half} {
			if got, _ := c.rest(); got != "" {
				t.Errorf("client got %q, want the end", got)
			}
			c.Close()
		}
		b.noneLeft()
		if n := b.slot().Aborts[stats.Shutdown].Value(); n != 2 {
			t.Errorf("exchanges ended by the shutdown = %d, want 2", n)
		}
		o.stop()
	}()
	noMoreThan(t, before)
}

// Each request of a connection that is answered, refused or cut off leaves no
// descriptor behind.
func TestNoDescriptorIsLeaked(t *testing.T) {
	s := webServer(t, "a", "127.0.0.1:0")
	b := newBox(t, []pool.MemberConfig{member("m", s.Listener.Addr())}, plain)
	round := func() {
		for i, in := range []string{get, "bad\r\n\r\n", post + "Content-Length: 5\r\n\r\nab", "GET", fmt.Sprintf(post+"Content-Length: 70000\r\n\r\n%070000d", 0)} {
			c := b.dial()
			c.send(in)
			if i < 2 {
				c.head()
			}
			c.Close()
		}
		b.noneLeft()
		b.do(func() { b.w.Forget(b.pool.Upstreams) })
	}
	round()
	before := descriptors(t)
	for range 20 {
		round()
	}
	noMoreThan(t, before)
}

// noMoreThan waits until the process has no more open descriptors than before. It
// may have fewer: an earlier test's may still have been open then.
func noMoreThan(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(patience); descriptors(t) > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("descriptors: %d before, %d after", before, descriptors(t))
		}
	}
}
