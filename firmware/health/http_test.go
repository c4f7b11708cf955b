// SPDX-License-Identifier: Apache-2.0

package health

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// request reads a whole head before it goes on.
func request(next behaviour) behaviour {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for line := "x"; strings.TrimRight(line, "\r\n") != ""; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		next(c)
	}
}

// body returns an answer with a length.
func body(status int, text string) behaviour {
	return request(says(fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), len(text), text)))
}

func TestHTTP(t *testing.T) {
	ok := ProbeConfig{Expect: "ok"}
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	runCases(t, HTTP, []probeCase{
		{"200", ProbeConfig{}, body(200, ""), Good, OK, "status 200 OK"},
		{"302 is good and not followed", ProbeConfig{}, body(302, ""), Good, OK, "302"},
		{"404", ProbeConfig{}, body(404, ""), Bad, Status, "status 404 Not Found"},
		{"500", ProbeConfig{}, body(500, ""), Bad, Status, "500"},
		{"wanted 404", ProbeConfig{Status: []int{404, 410}}, body(404, ""), Good, OK, ""},
		{"unwanted 200", ProbeConfig{Status: []int{204}}, body(200, ""), Bad, Status, ""},
		{"expected", ok, body(200, "all ok here"), Good, OK, "status 200 OK, found"},
		{"not expected", ok, body(200, "sick!!"), Bad, Mismatch, `"ok" is not in the first 6 bytes of the body`},
		{"not in the head", ok, request(says("HTTP/1.1 200 ok\r\nX: ok\r\nContent-Length: 1\r\n\r\nx")), Bad, Mismatch, ""},
		{"status before text", ok, body(503, "ok"), Bad, Status, ""},
		{"empty body", ok, body(200, ""), Bad, Mismatch, "empty"},
		{"chunked", ok, request(says(chunked + "1\r\no\r\n1\r\nk\r\n0\r\n\r\n")), Good, OK, ""},
		{"bad chunk", ok, request(says(chunked + "zz\r\nok")), Bad, Syntax, "chunk"},
		{"until close", ok, request(says("HTTP/1.0 200 OK\r\n\r\nis ok")), Good, OK, ""},
		{"interim", ok, request(says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\n\r\n" + chunked + "2\r\nok\r\n0\r\n\r\n")), Good, OK, ""},
		{"interim for ever", ok, request(endless("HTTP/1.1 100 Continue\r\n\r\n")), Bad, Syntax, "interim"},
		{"stays open", ok, request(thenHangs(says("HTTP/1.1 200 OK\r\n\r\nok"))), Good, OK, ""},
		{"endless body", ok, request(endless("HTTP/1.1 200 OK\r\n\r\nx")), Bad, Mismatch, "first 1024 bytes"},
		{"endless head", ok, request(func(c net.Conn) {
			says("HTTP/1.1 200 OK\r\n")(c)
			endless("X: y\r\n")(c)
		}), Bad, TooLong, ""},
		{"endless line", ok, request(endless("x")), Bad, TooLong, ""},
		{"not HTTP", ok, request(says("SSH-2.0-x\r\n\r\n")), Bad, Syntax, "malformed"},
		{"HTTP/2", ok, request(says("HTTP/2.0 200 OK\r\n\r\nok")), Bad, Syntax, "HTTP/1"},
		{"closes", ok, request(silent), Bad, Closed, ""},
		{"closes in the body", ok, request(says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")), Bad, Closed, ""},
		{"half-closed", ok, thenHalfCloses(body(200, "ok")), Good, OK, ""},
		{"resets", ok, request(resets), Bad, Reset, ""},
		{"silent", ProbeConfig{DataTimeout: brief}, thenHangs(silent), Bad, DataTimeout, ""},
		{"silent body", ProbeConfig{Expect: "ok", DataTimeout: ample},
			request(thenHangs(says("HTTP/1.1 200 OK\r\n\r\nx"))), Bad, DataTimeout, "after 1 bytes"},
		{"slow head", ProbeConfig{DataTimeout: brief},
			request(slowly("HTTP/1.1 200 OK\r\n"+strings.Repeat("X: y\r\n", 100), 10*time.Millisecond)), Bad, DataTimeout, "read head: no whole"},
		{"head only", ProbeConfig{Method: "HEAD"}, request(says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")), Good, OK, ""},
		{"regex", ProbeConfig{ExpectRegex: `"up":\s*true`}, body(200, `{"up": true}`), Good, OK, ""},
	})
}

func TestHTTPRequest(t *testing.T) {
	for _, tt := range []struct {
		name  string
		probe ProbeConfig
		to    string
		want  string // the first two lines
	}{
		{"defaults", ProbeConfig{}, "192.0.2.1:8080", "GET / HTTP/1.1\r\nHost: 192.0.2.1:8080\r\n"},
		{"port 80", ProbeConfig{}, "192.0.2.1:80", "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n"},
		{"IPv6", ProbeConfig{}, "[fe80::1%eth0]:80", "GET / HTTP/1.1\r\nHost: [fe80::1]\r\n"},
		{"all", ProbeConfig{Method: "HEAD", Path: "/health?full=1", Host: "shop.example"}, "192.0.2.1:80",
			"HEAD /health?full=1 HTTP/1.1\r\nHost: shop.example\r\n"},
	} {
		tt.probe.Type = HTTP
		q := question{ProbeConfig: tt.probe.withDefaults(), to: netip.MustParseAddrPort(tt.to)}
		got := httpProber{question: q}.request()
		if !strings.HasPrefix(got, tt.want) || !strings.HasSuffix(got, "\r\nConnection: close\r\n\r\n") {
			t.Errorf("%s: request %q, want it to begin with %q", tt.name, got, tt.want)
		}
		if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(got))); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestHTTPIgnoresProxyEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://"+closedPort(t).String())
	t.Setenv("http_proxy", "http://"+closedPort(t).String())
	if r, _ := put(t, ProbeConfig{Type: HTTP}, serve(t, body(200, ""))); r.Outcome != Good {
		t.Errorf("got %+v, want good", r)
	}
}

func TestHTTPTestShowsTheExchange(t *testing.T) {
	addr := serve(t, body(200, "ok"))
	_, x := put(t, ProbeConfig{Type: HTTP, Path: "/health", Expect: "ok"}, addr)
	if !strings.HasPrefix(x.Sent, "GET /health HTTP/1.1\nHost: 127.0.0.1:") {
		t.Errorf("sent %q", x.Sent)
	}
	if want := "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"; x.Received != want {
		t.Errorf("received %q, want %q", x.Received, want)
	}
}
