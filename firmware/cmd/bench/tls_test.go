// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func testIdentity(t *testing.T) *identity {
	t.Helper()
	id, err := newIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// serveTLS answers as the origin does, with the identity, as tune changes it.
func serveTLS(t *testing.T, id *identity, tune func(*tls.Config)) *proxy {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(id.file, id.file)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, smallBody)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, CurvePreferences: []tls.CurveID{tls.X25519},
		SessionTicketsDisabled: true, NextProtos: []string{"h2", "http/1.1"}}
	if tune != nil {
		tune(s.TLS)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return &proxy{port: s.Listener.Addr().(*net.TCPAddr).Port, secure: true}
}

func TestCheckTLSInsistsOnEqualTerms(t *testing.T) {
	id, other := testIdentity(t), testIdentity(t)
	for _, tt := range []struct {
		name, want string
		shown      *identity
		tune       func(*tls.Config)
	}{
		{"equal", "", id, nil},
		{"another certificate", "the certificate is another", other, nil},
		{"tickets", "X25519, http/1.1, 1 tickets", id, func(c *tls.Config) { c.SessionTicketsDisabled = false }},
		{"another key exchange", "CurveP256", id, func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP256} }},
		{"TLS 1.2", "protocol version", id, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
	} {
		err := checkTLS(id, "http/1.1")(serveTLS(t, tt.shown, tt.tune).addr())
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: checkTLS = %v, want %q", tt.name, err, tt.want)
		}
	}
	if err := checkTLS(id, "h2")(serveTLS(t, id, nil).addr()); err != nil {
		t.Errorf("checkTLS of h2 = %v", err)
	}
}

func TestSecureClientsWork(t *testing.T) {
	id := testIdentity(t)
	p := serveTLS(t, id, nil)
	if w, err := handshakes(id)(p, 20*time.Millisecond); err != nil || w.done == 0 || w.failed > 0 || w.units != w.done {
		t.Errorf("handshakes = %+v, %v, want requests and no failure", w, err)
	}
	for _, tt := range []struct {
		protocol string
		upload   int
	}{{"http/1.1", 0}, {"http/1.1", 16 << 10}, {"h2", 0}} {
		visitors, err := idleConnections(p, 3, id.client(tt.protocol), tt.upload)
		if err != nil || len(visitors) != 3 {
			t.Errorf("%+v: idleConnections = %d, %v, want 3", tt, len(visitors), err)
		}
		for _, v := range visitors {
			if _, h2 := v.(*h2Visitor); h2 != (tt.protocol == "h2") {
				t.Errorf("%+v: the visitor is a %T", tt, v)
			}
			for range 3 {
				if err := v.get(); err != nil {
					t.Errorf("%+v: %v", tt, err)
				}
			}
			v.Close()
		}
	}
}

func TestSecureClientsNoticeFailure(t *testing.T) {
	id := testIdentity(t)
	p := serveTLS(t, id, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })
	if w, _ := handshakes(id)(p, 20*time.Millisecond); w.failed == 0 || w.done > 0 {
		t.Errorf("handshakes = %+v, want failures", w)
	}
	if _, err := idleConnections(p, 1, id.client("h2"), 0); err == nil {
		t.Error("idleConnections = nil, want that the version is refused")
	}
}

func TestParseH2load(t *testing.T) {
	const head, tail = "TLS Protocol: TLSv1.3\nApplication protocol: h2\n\n", "traffic: 536.19KB (549058) total\n"
	for _, tt := range []struct {
		name, in string
		want     work
	}{
		{"clean", head + "finished in 1.10s, 42226.00 req/s, 536.19KB/s\n" +
			"requests: 42226 total, 42234 started, 42226 done, 42226 succeeded, 0 failed, 0 errored, 0 timeout\n" +
			"status codes: 42226 2xx, 0 3xx, 0 4xx, 0 5xx\n" + tail, work{done: 42226, took: 1100 * time.Millisecond}},
		{"failures", head + "finished in 900.00ms, 10.00 req/s, 1KB/s\n" +
			"requests: 20 total, 20 started, 18 done, 15 succeeded, 3 failed, 2 errored, 1 timeout\n" +
			"status codes: 10 2xx, 5 3xx, 0 4xx, 0 5xx\n" + tail, work{done: 18, took: 900 * time.Millisecond, failed: 9}},
	} {
		if got, err := parseH2load(tt.in); err != nil || got != tt.want {
			t.Errorf("%s: parseH2load = %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
		if _, err := parseH2load(strings.Replace(tt.in, "protocol: h2", "protocol: http/1.1", 1)); err == nil {
			t.Errorf("%s: parseH2load of HTTP/1.1 = nil, want an error", tt.name)
		}
	}
}

func TestCheapestPeer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		peers map[string]float64
		want  string
	}{
		{"the first", map[string]float64{"a": 1, "b": 2}, "a"},
		{"the last", map[string]float64{"a": 3, "b": 2, "c": 1}, "c"},
		{"none", nil, theBetter},
	} {
		r := row{Peers: tt.peers}
		if got := r.cheapest(); got != tt.want {
			t.Errorf("%s: cheapest = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRowAgainstTheBetter(t *testing.T) {
	l := &lab{}
	tallies := map[string]*tally{evener: {costs: []float64{6}}, "a": {costs: []float64{20}}, "b": {costs: []float64{10}}}
	r := l.row("case", "unit", 1, theBetter, 0.6, tallies)
	if r.Against != "b" || r.Ratio == nil || *r.Ratio != 0.6 || !r.OK {
		t.Errorf("row = %+v, want it judged against b", r)
	}
}

func TestParseAllocations(t *testing.T) {
	const in = "BenchmarkX/box-2         \t    2000\t    189473 ns/op\t      75 B/op\t       2 allocs/op\n" +
		"BenchmarkX/crypto-tls    \t    2000\t     16121 ns/op\t  10.5 cpu-µs/op\t  49 B/op\t       3 allocs/op\nPASS\n"
	got, err := parseAllocations(in)
	if err != nil || len(got) != 2 || got["BenchmarkX/box"] != 2 || got["BenchmarkX/crypto-tls"] != 3 {
		t.Errorf("parseAllocations = %v, %v, want 2 and 3", got, err)
	}
}
