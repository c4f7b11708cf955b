// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"fmt"
	"testing"

	"evener/firmware/message"
)

// Rows 29 to 31: an upgrade passes by name only, and never to another HTTP.
func TestUpgradeRows(t *testing.T) {
	const c = "Connection: Upgrade\r\n"
	tests := []struct{ row, in, want string }{
		{"29 without Connection", get + "Upgrade: websocket\r\n\r\n", ` false`},
		{"29 Connection names another", get + "Connection: keep-alive\r\nUpgrade: websocket\r\n\r\n", ` false`},
		{"29 Connection without Upgrade", get + c + end, ` false`},
		{"29 in 1.0", "GET / HTTP/1.0\r\nHost: a\r\n" + c + "Upgrade: websocket\r\n\r\n", ` false`},
		{"30 websocket", get + c + "Upgrade: websocket\r\n\r\n", `websocket true`},
		{"30 any case", get + "connection: keep-alive,UPGRADE\r\nupgrade: WebSocket\r\n\r\n", `WebSocket true`},
		{"30 other protocol", get + c + "Upgrade: IRC/6.9\r\n\r\n", `IRC/6.9 false`},
		{"31 h2c", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n", ` false`},
		{"31 any case", get + c + "Upgrade: H2C\r\n\r\n", ` false`},
		{"31 h2c first", get + c + "Upgrade:h2c ,\t websocket\r\n\r\n", `websocket true`},
		{"31 h2c in a field of its own", get + c + "Upgrade: h2c\r\nUpgrade: websocket\r\n\r\n", `websocket true`},
		{"31 HTTP/2.0", get + c + "Upgrade: HTTP/2.0\r\n\r\n", ` false`},
		{"31 quoted", get + c + "Upgrade: \"websocket\"\r\n\r\n", ` false`},
		{"31 empty version", get + c + "Upgrade: foo/\r\n\r\n", ` false`},
		{"31 empty", get + c + "Upgrade:\r\n\r\n", ` false`},
	}
	for _, tc := range tests {
		h, verdict := request(tc.in, nil)
		got := fmt.Sprintf("%s %v", h.Bytes(h.Upgrade), h.Websocket)
		if verdict != "ok" || got != tc.want {
			t.Errorf("%s: %s %q, want %q", tc.row, verdict, got, tc.want)
		}
		if f := forwarded(h); f != "" {
			t.Errorf("%s: forwards %q, want nothing", tc.row, f)
		}
	}
}

// TestHopByHopFieldsStay is about fields that need no naming in Connection.
func TestHopByHopFieldsStay(t *testing.T) {
	h, got := request(get+"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"+
		"Proxy-Authorization: Basic eDp5\r\nTE: trailers\r\nHTTP2-Settings: AA\r\n"+
		"Upgrade: x\r\nContent-Length: 0\r\nVia: 1.1 x\r\nTrailer: X-Sum\r\n\r\n", nil)
	if want := "Via: 1.1 x|Trailer: X-Sum"; got != "ok" || forwarded(h) != want {
		t.Errorf("%s, forwarded %q, want %q", got, forwarded(h), want)
	}
}

// Row 37 and RFC 9112 section 9.3.
func TestKeepAlive(t *testing.T) {
	tests := []struct {
		version, fields string
		want            bool
	}{
		{"1.1", "", true},
		{"1.1", "Connection: keep-alive\r\n", true},
		{"1.1", "Connection: close\r\n", false},
		{"1.1", "Connection: foo, CLOSE\r\n", false},
		{"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
		{"1.1", "Connection:\r\n", true},
		{"1.1", "Proxy-Connection: close\r\n", true},
		{"1.0", "", false},
		{"1.0", "Connection: Keep-Alive\r\n", true},
		{"1.0", "Connection: keep-alive, close\r\n", false},
		{"1.0", "Proxy-Connection: keep-alive\r\n", false},
	}
	for _, tc := range tests {
		h, got := request("GET / HTTP/"+tc.version+"\r\nHost: a\r\n"+tc.fields+"\r\n", nil)
		if got != "ok" || h.KeepAlive != tc.want {
			t.Errorf("HTTP/%s %q: %s, KeepAlive %v, want %v", tc.version, tc.fields, got, h.KeepAlive, tc.want)
		}
		h, got = answer("HTTP/"+tc.version+" 200 OK\r\nContent-Length: 0\r\n"+tc.fields+"\r\n", ReqInfo{})
		if got != "ok" || h.KeepAlive != tc.want {
			t.Errorf("answer HTTP/%s %q: %s, KeepAlive %v, want %v", tc.version, tc.fields, got, h.KeepAlive, tc.want)
		}
	}
}

// Row 35.
func TestExpect100(t *testing.T) {
	h, _ := request(post+"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", nil)
	if !h.Expect100 {
		t.Error("Expect100 is not set")
	}
	h, _ = request("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", nil)
	if h.Expect100 {
		t.Error("Expect100 is set in HTTP/1.0")
	}
}

// Row 27: TE.
func TestTETrailer(t *testing.T) {
	for value, want := range map[string]bool{
		"trailers": true, "gzip;q=0.5, Trailers": true, "": false, "gzip": false, "trailersx": false,
	} {
		h, got := request(get+"TE: "+value+"\r\n\r\n", nil)
		if got != "ok" || h.TETrailer != want {
			t.Errorf("TE: %s: %s, TETrailer %v, want %v", value, got, h.TETrailer, want)
		}
	}
}

// Row 42.
func TestCookiesAreJoined(t *testing.T) {
	tests := []struct{ fields, forwarded, joined string }{
		{"A: 1\r\n", "A: 1", ""},
		{"Cookie: a=1\r\n", "Cookie: a=1", ""},
		{"Cookie: a=1; b=2\r\nA: 1\r\ncookie: c=3\r\nCookie:\r\nCookie: d\r\n", "A: 1", "Cookie: a=1; b=2; c=3; d\r\n"},
		{"Cookie:\r\nCookie:\r\n", "", ""},
		{"Cookie:\r\nCookie: a\r\n", "", "Cookie: a\r\n"},
	}
	for _, tc := range tests {
		h, got := request(get+tc.fields+"\r\n", nil)
		if got != "ok" || forwarded(h) != tc.forwarded {
			t.Errorf("%q: %s, forwarded %q, want %q", tc.fields, got, forwarded(h), tc.forwarded)
		}
		if got := string(AppendCookies(nil, h)); got != tc.joined {
			t.Errorf("AppendCookies(%q) = %q, want %q", tc.fields, got, tc.joined)
		}
	}
}

// Row 32: the request is read, for a log, and refused.
func TestConnectIsReadAndRefused(t *testing.T) {
	const in = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"
	var h message.Head
	n, err := ParseRequest(&h, []byte(in+"rest"), nil)
	if n != len(in) || verdict(err) != "405 connect" || string(h.Bytes(h.Authority)) != "a.example:443" {
		t.Errorf("= %d, %v, authority %q", n, err, h.Bytes(h.Authority))
	}
}

// TestRefusedHeadsCanBeLogged: the spans of what was read point into the bytes.
func TestRefusedHeadsCanBeLogged(t *testing.T) {
	h, got := request("GET /a HTTP/1.1\r\nHost: a\r\nB: c\nd", nil)
	if got != "400 bare_lf" || string(h.Bytes(h.Target)) != "/a" || string(h.Bytes(h.Method)) != "GET" {
		t.Errorf("%s, %q %q", got, h.Bytes(h.Method), h.Bytes(h.Target))
	}
}

func TestBytesBehindTheHeadAreNotTouched(t *testing.T) { // row 38
	var h message.Head
	const one, two = post + "Content-Length: 3\r\n\r\n", "abc" + get + "\r\n"
	n, err := ParseRequest(&h, []byte(one+two), nil)
	if n != len(one) || err != nil || len(h.Buf) != n {
		t.Errorf("= %d, %v, %d bytes kept, want %d", n, err, len(h.Buf), len(one))
	}
	n, err = ParseRequest(&h, []byte(two)[3:], nil)
	if n != len(get)+2 || err != nil || h.Body != message.NoBody || h.Length != 0 {
		t.Errorf("next request = %d, %v, body %s", n, err, body(&h))
	}
}
