// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"evener/firmware/http2"
)

// memberServer starts a server that speaks HTTP/2 only.
func memberServer(t *testing.T, secure bool, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP2(secure)
	s.Config.Protocols.SetUnencryptedHTTP2(!secure)
	if secure {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// streamMember makes the box speak HTTP/2 to its member.
func (b *box) streamMember(secure bool) {
	b.do(func() {
		b.pool.Upstreams[0].HTTP2 = http2.Prepare(http2.Config{})
		if secure {
			b.pool.Upstreams[0].TLS = testSetup(b, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		}
	})
}

// Clients of HTTP/1 and HTTP/2 share one connection to a member of HTTP/2.
func TestStreamsToMembers(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := memberServer(t, secure, func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("the member was asked by HTTP/%d", r.ProtoMajor)
			}
			echo(w, r)
		})
		b := muxBox(t, s.Listener.Addr(), true, nil)
		b.streamMember(secure)
		for _, version := range []int{1, 2} {
			tr, url := muxClient(t, b)
			tr.Protocols.SetHTTP1(version == 1)
			tr.Protocols.SetHTTP2(version == 2)
			var wg sync.WaitGroup
			for i, size := range []int{0, 1, 5000, 16 << 10, 70_000, 300_000, 3 << 20, 3} {
				for _, path := range []string{"/length", "/chunked"} {
					wg.Go(func() {
						want := strings.Repeat(string(rune('a'+i)), size)
						var body io.Reader = strings.NewReader(want)
						if i%2 == 0 {
							body = io.MultiReader(body)
						}
						if _, got := fetch(t, tr, "POST", url+path, body); got != want {
							t.Errorf("secure %v, HTTP/%d, %s of %d: got %d bytes", secure, version, path, size, len(got))
						}
					})
				}
			}
			wg.Wait()
			tr.CloseIdleConnections()
		}
		b.noneLeft()
		b.do(func() {
			if n := len(b.pool.Upstreams[0].slots[0].muxes); n != 1 {
				t.Errorf("connections to the member = %d, want 1", n)
			}
		})
	}
}

// Trailers go all the way, as gRPC needs it.
func TestTrailersFromStreamToStream(t *testing.T) {
	s := memberServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		if te := r.Header.Get("Te"); te != "trailers" {
			t.Errorf("te = %q", te)
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "Grpc-Status")
		w.Write(body)
		w.Header().Set("Grpc-Status", r.Trailer.Get("X-Asked"))
	})
	b := muxBox(t, s.Listener.Addr(), true, nil)
	b.streamMember(false)
	tr, url := muxClient(t, b)
	req, _ := http.NewRequest("POST", url, io.MultiReader(strings.NewReader("message")))
	req.Header.Set("TE", "trailers")
	req.Trailer = http.Header{"X-Asked": {"7"}}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(got) != "message" || err != nil || resp.Trailer.Get("Grpc-Status") != "7" {
		t.Errorf("got %q, %v, trailers %v", got, err, resp.Trailer)
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}

// A member that goes away takes its streams with it; the next request has a new
// connection.
func TestMemberOfStreamsGoesAway(t *testing.T) {
	s := memberServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
		}
		io.WriteString(w, "ok")
	})
	b := muxBox(t, s.Listener.Addr(), true, nil)
	b.streamMember(false)
	tr, url := muxClient(t, b)
	fetch(t, tr, "GET", url, nil)
	done := make(chan int)
	for _, method := range []string{"POST", "POST"} {
		go func() {
			resp, _ := fetch(t, tr, method, url+"/hang", strings.NewReader("x"))
			done <- resp.StatusCode
		}()
	}
	b.eventually("both run", func() bool { return len(b.pool.Upstreams[0].slots[0].muxes[0].streams) == 2 })
	s.CloseClientConnections()
	for range 2 {
		if got := <-done; got != 502 {
			t.Errorf("a request that ran: %d, want 502", got)
		}
	}
	if _, got := fetch(t, tr, "GET", url, nil); got != "ok" {
		t.Errorf("then %q", got)
	}
	// A GET on a connection that the member closes is sent again on a new one.
	b.do(func() {})
	s.CloseClientConnections()
	if _, got := fetch(t, tr, "GET", url, nil); got != "ok" {
		t.Errorf("after an idle close: %q", got)
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}

// Nobody listens, or does not speak HTTP/2: 502, and nothing is left behind.
func TestNoMemberOfStreams(t *testing.T) {
	plainServer := webServer(t, "a", "127.0.0.1:0")
	secureServer := httptest.NewTLSServer(http.HandlerFunc(echo)) // HTTP/1.1 only
	defer secureServer.Close()
	for name, test := range map[string]struct {
		addr   net.Addr
		secure bool
	}{
		"refused":         {&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, false},
		"HTTP/1 in clear": {plainServer.Listener.Addr(), false},
		"HTTP/1 by ALPN":  {secureServer.Listener.Addr(), true},
	} {
		b := muxBox(t, test.addr, true, func(s *Service) { s.Retries = 0 })
		b.streamMember(test.secure)
		tr, url := muxClient(t, b)
		if resp, _ := fetch(t, tr, "GET", url, nil); resp.StatusCode != 502 {
			t.Errorf("%s: %d, want 502", name, resp.StatusCode)
		}
		tr.CloseIdleConnections()
		b.noneLeft()
		b.do(func() {
			if n := len(b.pool.Upstreams[0].slots[0].muxes); n != 0 {
				t.Errorf("%s: connections left = %d", name, n)
			}
		})
	}
}

// A member that stops answering loses its connection: the next request has
// another.
func TestSilentMemberOfStreams(t *testing.T) {
	hang := make(chan struct{})
	s := memberServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-hang
		}
		io.WriteString(w, r.RemoteAddr)
	})
	defer close(hang)
	b := muxBox(t, s.Listener.Addr(), true, func(s *Service) { s.Timeouts.ServerHead = soon })
	b.streamMember(false)
	tr, url := muxClient(t, b)
	_, first := fetch(t, tr, "GET", url, nil)
	if resp, _ := fetch(t, tr, "GET", url+"/hang", nil); resp.StatusCode != 504 {
		t.Errorf("a request that is not answered: %d, want 504", resp.StatusCode)
	}
	if _, got := fetch(t, tr, "GET", url, nil); got == first || got == "" {
		t.Errorf("the next came by %q, want another connection than %q", got, first)
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}
