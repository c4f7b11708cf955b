// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/http2"
	"evener/firmware/pool"
	"evener/firmware/stats"
)

// muxBox is newBox for clients that speak HTTP/2, over TLS or in clear.
func muxBox(t *testing.T, addr net.Addr, secure bool, tune func(*Service)) *box {
	b := newBox(t, []pool.MemberConfig{member("m", addr)}, func(s *Service) {
		s.HTTP2 = http2.Prepare(http2.Config{})
		if tune != nil {
			tune(s)
		}
	})
	if secure {
		cert := testCertificate(t)
		b.do(func() {
			svc := *b.svc
			svc.TLS = testSetup(b, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}})
			b.svc = &svc
			b.use(&svc)
		})
	}
	return b
}

// muxClient returns a client that speaks nothing but HTTP/2, and the URL of b.
func muxClient(t *testing.T, b *box) (*http.Transport, string) {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: new(http.Protocols)}
	tr.Protocols.SetHTTP2(b.svc.TLS != nil)
	tr.Protocols.SetUnencryptedHTTP2(b.svc.TLS == nil)
	t.Cleanup(tr.CloseIdleConnections)
	if b.svc.TLS != nil {
		return tr, "https://" + b.addr
	}
	return tr, "http://" + b.addr
}

// fetch makes one request and returns its answer and content.
func fetch(t *testing.T, tr *http.Transport, method, url string, body io.Reader) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return roundTrip(t, tr, req)
}

// roundTrip makes a request and returns its answer and content.
func roundTrip(t *testing.T, tr *http.Transport, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Errorf("%s %s: %v", req.Method, req.URL, err)
		return &http.Response{Header: http.Header{}}, ""
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s %s: content: %v", req.Method, req.URL, err)
	}
	return resp, string(got)
}

// Bodies of any size and framing go both ways on many streams of one connection.
func TestStreamsCarryExchanges(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(echo))
	defer s.Close()
	for _, secure := range []bool{false, true} {
		b := muxBox(t, s.Listener.Addr(), secure, func(s *Service) { s.Default.ClientIP = true })
		tr, url := muxClient(t, b)
		fetch(t, tr, "GET", url, nil)
		var wg sync.WaitGroup
		for i, size := range []int{0, 1, 5000, 16 << 10, 70_000, 300_000, 3 << 20, 3} {
			for _, path := range []string{"/length", "/chunked"} {
				wg.Go(func() {
					want := strings.Repeat(string(rune('a'+i)), size)
					var body io.Reader = strings.NewReader(want)
					if i%2 == 0 {
						body = io.MultiReader(body) // of a length that the client does not know
					}
					resp, got := fetch(t, tr, "POST", url+path, body)
					if got != want || resp.ProtoMajor != 2 {
						t.Errorf("secure %v, %s of %d: got %d bytes by HTTP/%d", secure, path, size, len(got), resp.ProtoMajor)
					}
				})
			}
		}
		wg.Wait()
		if n := b.svc.Stats.Slot(0).Accepted.Value(); n != 1 {
			t.Errorf("connections = %d, want 1", n)
		}
		tr.CloseIdleConnections()
		b.noneLeft()
	}
}

// What the box answers itself, and answers without content, end their streams.
func TestStreamsWithoutContent(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		if r.Method == "HEAD" {
			return
		}
		io.WriteString(w, "hello")
	}))
	b := muxBox(t, s.Listener.Addr(), true, func(s *Service) { s.Limits.Body = 10 })
	tr, url := muxClient(t, b)
	if resp, got := fetch(t, tr, "HEAD", url, nil); got != "" || resp.ContentLength != 5 {
		t.Errorf("HEAD: %q, length %d, want 5", got, resp.ContentLength)
	}
	if resp, got := fetch(t, tr, "TRACE", url, nil); resp.StatusCode != 405 || got != "405 Method Not Allowed\n" {
		t.Errorf("TRACE: %d %q", resp.StatusCode, got)
	}
	if resp, _ := fetch(t, tr, "POST", url, strings.NewReader("0123456789a")); resp.StatusCode != 413 {
		t.Errorf("long body: %d, want 413", resp.StatusCode)
	}
	if resp, _ := fetch(t, tr, "GET", url+"/"+strings.Repeat("x", 9000), nil); resp.StatusCode != 414 {
		t.Errorf("long target: %d, want 414", resp.StatusCode)
	}
	s.Close()
	if resp, _ := fetch(t, tr, "GET", url, nil); resp.StatusCode != 502 {
		t.Errorf("dead member: %d, want 502", resp.StatusCode)
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}

// Trailers of a member reach a client of HTTP/2 without being asked for.
func TestTrailersReachTheStream(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, large[:200_000])
		w.Header().Set("X-Sum", "42")
	}))
	defer s.Close()
	b := muxBox(t, s.Listener.Addr(), true, nil)
	tr, url := muxClient(t, b)
	resp, got := fetch(t, tr, "GET", url, nil)
	if got != large[:200_000] || resp.Trailer.Get("X-Sum") != "42" {
		t.Errorf("got %d bytes, trailers %v", len(got), resp.Trailer)
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}

// A client that gives one stream up frees its member, and harms no other stream.
func TestStreamGivenUp(t *testing.T) {
	gone := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
			close(gone)
			return
		}
		io.WriteString(w, "ok")
	}))
	defer s.Close()
	b := muxBox(t, s.Listener.Addr(), true, nil)
	tr, url := muxClient(t, b)
	fetch(t, tr, "GET", url, nil)
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", url+"/slow", nil)
	done := make(chan error)
	go func() { _, err := tr.RoundTrip(req); done <- err }()
	b.eventually("the exchange runs", func() bool { return b.svc.Stats.Slot(0).Active.Value() == 1 })
	cancel()
	if err := <-done; err == nil {
		t.Error("the request that was given up was answered")
	}
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("the member works on")
	}
	if _, got := fetch(t, tr, "GET", url, nil); got != "ok" {
		t.Errorf("then %q, want ok", got)
	}
	if n := b.svc.Stats.Slot(0).Aborts[stats.ClientAbort].Value(); n != 1 {
		t.Errorf("exchanges that the client gave up = %d, want 1", n)
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}

// A client that does not read one answer holds back its member, and no other
// stream.
func TestSlowStreamHoldsOnlyItself(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			io.WriteString(w, large)
			return
		}
		io.WriteString(w, "ok")
	}))
	defer s.Close()
	b := muxBox(t, s.Listener.Addr(), false, nil)
	tr, url := muxClient(t, b)
	tr.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}
	req, _ := http.NewRequest("GET", url+"/large", nil)
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, got := fetch(t, tr, "GET", url, nil); got != "ok" {
			t.Fatalf("request %d: %q", i, got)
		}
	}
	b.do(func() {
		if n := b.w.bufs.Lent(); n > 8 {
			t.Errorf("buffers in use = %d", n)
		}
	})
	if got, err := io.ReadAll(resp.Body); string(got) != large || err != nil {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}

// Draining lets running streams end, and sends the client elsewhere.
func TestDrainOfStreams(t *testing.T) {
	wait := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-wait
		}
		fmt.Fprint(w, r.URL.Path)
	}))
	defer s.Close()
	b := muxBox(t, s.Listener.Addr(), true, nil)
	tr, url := muxClient(t, b)
	done := make(chan string)
	go func() { _, got := fetch(t, tr, "GET", url+"/slow", nil); done <- got }()
	b.eventually("the exchange runs", func() bool { return b.svc.Stats.Slot(0).Active.Value() == 1 })
	b.do(b.w.Drain)
	close(wait)
	if got := <-done; got != "/slow" {
		t.Errorf("got %q", got)
	}
	b.noneLeft()
}
