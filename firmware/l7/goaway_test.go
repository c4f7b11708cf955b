// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// agreeing makes the box note what its clients agree on.
func (b *box) agreeing() {
	b.commit(func(s *Service) {
		s.TLS.Describe = func(st tlsconn.State) *Secured { return &Secured{} }
		s.TLS.Terms, s.TLS.Clients = "terms", "clients"
		s.TLS.Named = func(string) bool { return true }
	})
}

// commit serves the cluster with a change, as a new generation.
func (b *box) commit(change func(*Service)) {
	b.do(func() {
		svc := *b.svc
		if svc.TLS != nil {
			secured := *svc.TLS
			svc.TLS = &secured
		}
		change(&svc)
		b.svc = &svc
		b.use(&svc)
	})
}

// changesOfTerms are what a commit may change, and whether a connection that stands
// is sent away by it.
var changesOfTerms = []struct {
	name   string
	change func(*Service)
	drains bool
}{
	{"nothing", func(*Service) {}, false},
	{"a time-out", func(s *Service) { s.Timeouts.ServerHead *= 2 }, false},
	{"terms", func(s *Service) { s.TLS.Terms = "others" }, true},
	{"rules for clients", func(s *Service) { s.TLS.Clients = "others" }, true},
	{"no certificate for the name", func(s *Service) { s.TLS.Named = func(string) bool { return false } }, true},
	{"HTTP/2 is off", func(s *Service) { s.HTTP2 = nil }, true},
	{"plain", func(s *Service) { s.TLS = nil }, true},
}

// waiting is a server that answers /slow once it is let.
func waitingServer(t *testing.T) (*httptest.Server, chan struct{}) {
	let := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-let
		}
		fmt.Fprint(w, r.URL.Path)
	}))
	t.Cleanup(s.Close)
	return s, let
}

// begin sends a request without content.
func (p *muxPeer) begin(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compose("GET", path, "", true)
	p.send()
}

// A connection goes on over a commit, unless what its client has agreed on does not
// hold any more. Then it is sent away by GOAWAY, and what runs ends on the generation
// that it began with.
func TestCommitDrainsWhatWasAgreedOnOtherwise(t *testing.T) {
	for _, test := range changesOfTerms {
		t.Run(test.name, func(t *testing.T) {
			s, let := waitingServer(t)
			b := muxBox(t, s.Listener.Addr(), true, nil)
			b.agreeing()
			p := dial2(t, b)
			p.begin("/slow")
			b.eventually("it runs", func() bool { return b.svc.Stats.Slot(0).Active.Value() == 1 })
			began := b.gens[len(b.gens)-1]
			b.commit(test.change)
			if test.drains {
				b.eventually("GOAWAY", p.told)
			}
			if n := began.Exchanges(); n != 1 {
				t.Errorf("exchanges of the generation that it began with = %d, want 1", n)
			}
			close(let)
			if got, err := io.ReadAll(p); string(got) != "/slow" || err != nil {
				t.Errorf("what ran: %q, %v", got, err)
			}
			if !test.drains {
				if got, err := p.get("/next"); got != "/next" || err != nil {
					t.Errorf("the next request: %q, %v", got, err)
				}
				p.c.Close()
			}
			b.noneLeft()
		})
	}
}

// The same for an idle connection.
func TestCommitDrainsIdleConnections(t *testing.T) {
	for _, test := range changesOfTerms {
		t.Run(test.name, func(t *testing.T) {
			s, _ := waitingServer(t)
			b := muxBox(t, s.Listener.Addr(), true, nil)
			b.agreeing()
			p := dial2(t, b)
			if got, err := p.get("/first"); got != "/first" || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
			b.commit(test.change)
			if got, err := p.get("/next"); !test.drains && (got != "/next" || err != nil) {
				t.Errorf("the next request: %q, %v", got, err)
			}
			if !test.drains {
				p.c.Close()
			}
			b.noneLeft()
		})
	}
}

// A connection of HTTP/1 ends with its next answer, or at once where its client has
// convinced nobody of who it is.
func TestCommitEndsConnectionsOfHTTP1(t *testing.T) {
	for _, test := range changesOfTerms {
		t.Run(test.name, func(t *testing.T) {
			s, _ := waitingServer(t)
			b := secureBox(t, s.Listener.Addr(), false, nil)
			b.agreeing()
			c := b.dialTLS()
			if resp := askTLS(t, c); resp == nil || resp.Close {
				t.Fatalf("first answer: %v", resp)
			}
			b.do(func() {})
			b.commit(test.change)
			drains := test.drains && test.name != "HTTP/2 is off"
			switch resp := askTLS(t, c); {
			case test.name == "rules for clients" || test.name == "plain":
				if resp != nil {
					t.Errorf("the next answer: %v, want the end", resp)
				}
			case resp == nil || resp.Close != drains:
				t.Errorf("the next answer: %v, want one that ends the connection: %v", resp, drains)
			}
			c.Close()
			b.noneLeft()
		})
	}
}

// askTLS makes a request and returns the head of its answer, nil for none.
func askTLS(t *testing.T, c *tls.Conn) *http.Response {
	t.Helper()
	if _, err := io.WriteString(c, get); err != nil {
		return nil
	}
	buf := make([]byte, 4096)
	n, _ := c.Read(buf)
	if n == 0 {
		return nil
	}
	head := string(buf[:n])
	return &http.Response{Status: head, Close: strings.Contains(head, "Connection: close")}
}

// What a client asks before it has heard of GOAWAY is answered, but not for ever.
func TestDrainGraceEnds(t *testing.T) {
	s, let := waitingServer(t)
	b := muxBox(t, s.Listener.Addr(), true, nil)
	b.agreeing()
	p := dial2(t, b)
	p.silent = true
	p.begin("/slow")
	b.eventually("it runs", func() bool { return b.svc.Stats.Slot(0).Active.Value() == 1 })
	b.commit(func(s *Service) { s.TLS.Terms = "others" })
	b.eventually("GOAWAY", p.told)
	c := func() *clientConn { return b.w.clients.next }
	p.mu.Lock()
	p.raw = true
	p.mu.Unlock()
	p.c.Write(get2(3))
	b.eventually("a request in the grace is answered", func() bool {
		return b.svc.Stats.Slot(0).Class[2].Value() == 1
	})
	b.do(func() { c().Expire(nil) })
	p.c.Write(get2(5))
	close(let)
	got, err := io.ReadAll(p)
	lastID := "\x00\x00\x08\x07\x00\x00\x00\x00\x00" + "\x00\x00\x00\x03" + "\x00\x00\x00\x00"
	if n := strings.Count(string(got), lastID); n != 1 || !strings.Contains(string(got), "/slow") {
		t.Errorf("frames after the first GOAWAY: %q, %v, want the answer and a GOAWAY with the last stream", got, err)
	}
	b.noneLeft()
	if n := b.svc.Stats.Slot(0).Requests.Value(); n != 2 {
		t.Errorf("requests = %d, want that of before and that of the grace", n)
	}
}

// get2 is a request for "/" in one frame.
func get2(id byte) []byte {
	return []byte("\x00\x00\x06\x01\x05\x00\x00\x00" + string(rune(id)) + "\x82\x87\x84\x41\x01a")
}

// postAgain sends a request with content. Where the GOAWAY came before the first stream of
// a new connection, net/http gives up without having sent anything: then it asks
// again.
func postAgain(t *testing.T, tr *http.Transport, url string) (status int, got string) {
	t.Helper()
	for {
		req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader("content"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := tr.RoundTrip(req)
		switch {
		case err != nil && strings.Contains(err.Error(), "client conn could not be established"):
			continue
		case err != nil:
			t.Errorf("POST %s: %v", url, err)
			return 0, ""
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Errorf("POST %s: content: %v", url, err)
		}
		return resp.StatusCode, string(text)
	}
}

// Clients that ask without a pause lose nothing, whatever they have agreed on.
func TestTermsThatChangeUnderLoadFailNothing(t *testing.T) {
	s, _ := waitingServer(t)
	b := muxBox(t, s.Listener.Addr(), true, nil)
	b.agreeing()
	var l load
	url := "https://" + b.addr
	for range 4 {
		tr, _ := muxClient(t, b)
		l.run(2, func(i int) bool {
			status, got := postAgain(t, tr, url+"/x")
			if status != 200 || got != "/x" {
				t.Errorf("answer %d %q", status, got)
			}
			return status == 200
		})
	}
	for i := range 40 {
		l.until(t, 20)
		b.commit(func(s *Service) {
			if i%2 == 0 {
				s.TLS.Terms = fmt.Sprint(i)
			} else {
				s.TLS.Clients = fmt.Sprint(i)
			}
		})
	}
	l.until(t, 20)
	l.end()
	if n := b.slot().Accepted.Value(); n < 20 {
		t.Errorf("connections = %d: clients were not sent away", n)
	}
}

// A commit that came during a handshake sends its client away at once.
func TestCommitDuringTheHandshake(t *testing.T) {
	for _, test := range changesOfTerms {
		t.Run(test.name, func(t *testing.T) {
			s, _ := waitingServer(t)
			b := muxBox(t, s.Listener.Addr(), true, nil)
			b.agreeing()
			raw, err := net.Dial("tcp", b.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			b.eventually("it is accepted", func() bool { return b.w.conns == 1 && b.w.clients.next.state == clientShaking })
			b.commit(test.change)
			p, err := handshake2(raw)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.get("/x")
			if !test.drains && (got != "/x" || err != nil) {
				t.Errorf("%q, %v", got, err)
			}
			if test.drains && err == nil && !p.told() {
				t.Errorf("%q, and the client was not sent away", got)
			}
			p.c.Close()
			b.noneLeft()
		})
	}
}

// A member's connection that is not wanted any more ends when all that runs on it, or
// waits for it, has had its answer.
func TestForgottenConnectionsLoseNothing(t *testing.T) {
	let, open := make(chan struct{}), make(chan struct{})
	s := memberServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-let
		}
		io.WriteString(w, r.URL.Path)
	})
	for _, running := range []bool{true, false} {
		addr := s.Listener.Addr()
		if !running {
			addr = gated(t, addr, open)
		}
		b := muxBox(t, addr, true, func(s *Service) { s.Retries = 0 })
		b.streamMember(false)
		tr, url := muxClient(t, b)
		done := make(chan string)
		go func() { _, got := fetch(t, tr, "POST", url+"/slow", strings.NewReader("x")); done <- got }()
		b.eventually("it runs, or waits", func() bool {
			muxes := b.pool.Upstreams[0].slots[0].muxes
			return len(muxes) == 1 && len(muxes[0].streams) == 1 == running && len(muxes[0].waiting) == 1 != running
		})
		b.do(func() { b.w.Forget(b.pool.Upstreams) })
		if running {
			close(let)
		} else {
			close(open)
		}
		if got := <-done; got != "/slow" {
			t.Errorf("running %v: %q", running, got)
		}
		tr.CloseIdleConnections()
		b.noneLeft()
		b.eventually("the member's connection is closed", func() bool { return b.pool.Load().Members[0].Live.Sum().Open == 0 })
		if n := b.slot().Aborts[stats.ConnectFailed].Value(); n != 0 {
			t.Errorf("running %v: failed connections = %d", running, n)
		}
	}
}

// gated returns an address that takes connections, and passes them on to another once
// it is opened.
func gated(t *testing.T, to net.Addr, open chan struct{}) net.Addr {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				<-open
				d, err := net.Dial("tcp", to.String())
				if err != nil {
					c.Close()
					return
				}
				go func() { io.Copy(d, c); d.Close() }()
				io.Copy(c, d)
				c.Close()
			}()
		}
	}()
	return ln.Addr()
}
