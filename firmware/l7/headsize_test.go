// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"evener/firmware/http2"
)

// A member of HTTP/2 gets no head that is larger than it has announced to take.
func TestHeadThatTheMemberDoesNotTake(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Config.MaxHeaderBytes = 2000
	s.Start()
	defer s.Close()
	b := muxBox(t, s.Listener.Addr(), true, nil)
	b.streamMember(false)
	tr, url := muxClient(t, b)
	for _, test := range []struct{ size, want int }{{10, 200}, {4000, 431}, {1000, 200}} {
		req, _ := http.NewRequest("GET", url, nil)
		req.Header.Set("X-Long", strings.Repeat("x", test.size))
		if resp, _ := roundTrip(t, tr, req); resp.StatusCode != test.want {
			t.Errorf("a field of %d bytes: %d, want %d", test.size, resp.StatusCode, test.want)
		}
	}
	b.do(func() {
		if n := len(b.pool.Upstreams[0].slots[0].muxes); n != 1 {
			t.Errorf("connections to the member = %d, want 1", n)
		}
	})
	tr.CloseIdleConnections()
	b.noneLeft()
}

// A client of HTTP/2 gets no head that is larger than it has announced to take; its
// other streams go on.
func TestHeadThatTheClientDoesNotTake(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			w.Header().Set("X-Long", strings.Repeat("x", 4000))
		}
		io.WriteString(w, "ok")
	}))
	defer s.Close()
	b := muxBox(t, s.Listener.Addr(), true, nil)
	p := dial2(t, b)
	p.mu.Lock()
	p.h = http2.NewClient(http2.Prepare(http2.Config{MaxHead: 2000}), http2.NewPool())
	p.mu.Unlock()
	for _, test := range []struct{ path, want string }{{"/", "ok"}, {"/long", ""}, {"/", "ok"}} {
		got, err := p.get(test.path)
		if got != test.want || test.want == "" && (err == nil || err.Error() != "reset: INTERNAL_ERROR") {
			t.Errorf("%s: %q, %v", test.path, got, err)
		}
	}
	p.c.Close()
	b.noneLeft()
}
