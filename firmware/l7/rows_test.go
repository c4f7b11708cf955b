// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net/netip"
	"strings"
	"testing"

	"evener/firmware/http1"
	"evener/firmware/pool"
)

// A row is one request of a client and what becomes of it.
type row struct {
	name  string
	in    string // what the client sends
	half  bool   // and then it ends its sending side
	fwd   string // what the member gets; "" means that it is not even connected to
	reply string // what the member sends then
	end   step   // and does then; nil: nothing
	out   string // what the client gets, Date fields of the box left out
	own   bool   // the box answers itself, with a Date
	reset bool   // the client's connection is reset then
	open  bool   // the client's connection stays open
	idle  bool   // the member's connection is kept for the next
	tune  func(*Service)
}

const (
	get   = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	okay  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	post  = "POST / HTTP/1.1\r\nHost: a\r\n"
	chunk = "Transfer-Encoding: chunked\r\n\r\n"
)

// refusal is the box's own answer with a status, after which it closes.
func refusal(status int) string {
	s := string(http1.AppendError(nil, status, true, 0, nil))
	return s
}

// run plays the row on a box of its own.
func (r row) run(t *testing.T) {
	script := []step{recv(r.fwd), send(r.reply)}
	if r.fwd == "" {
		script = nil
	}
	if r.end != nil {
		script = append(script, r.end)
	}
	o := newOrigin(t, script)
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, func(s *Service) {
		s.Via, s.RequestID, s.Retries = false, false, 0
		if r.tune != nil {
			r.tune(s)
		}
	})
	c := b.dial()
	c.send(r.in)
	if r.half {
		_ = c.CloseWrite()
	}
	r.checkClient(c, b)
	want := min(len(r.fwd), 1)
	made := 0
	b.eventually("the origin accepts", func() bool { made, _ = o.taken(); return made >= want })
	if made != want {
		t.Errorf("connections to the member = %d, want %d", made, want)
	}
	if got, want := b.idle(0) == 1, r.idle; got != want {
		t.Errorf("member's connection kept = %v, want %v", got, want)
	}
	if made == 1 && !r.idle && r.end == nil {
		b.eventually("the member's connection is closed", func() bool { _, n := o.taken(); return n == 1 })
	}
	c.Close()
	b.noneLeft()
}

func (r row) checkClient(c *client, b *box) {
	c.t.Helper()
	if r.open {
		if r.own {
			got := c.head()
			if !strings.HasPrefix(r.out, got) {
				c.t.Fatalf("client: got %s, want %s", quote(got), quote(r.out))
			}
			c.expect(r.out[len(got):])
		} else {
			c.expect(r.out)
		}
		b.do(func() {
			if b.w.conns != 1 || b.w.clients.next.state != clientIdle {
				c.t.Error("the client's connection is not ready for its next request")
			}
		})
		return
	}
	got, broken := c.rest()
	same := got == r.out || r.reset && strings.HasPrefix(r.out, got) // a reset may overtake bytes
	if !same || broken != r.reset {
		c.t.Fatalf("client: reset %v, got %s, want %v, %s", broken, quote(got), r.reset, quote(r.out))
	}
}

// forwarded makes a row of a request that goes through, is answered okay, and
// leaves both connections open.
func forwarded(name, in, fwd string) row {
	return row{name: name, in: in, fwd: fwd, reply: okay, out: okay, open: true, idle: true}
}

// refused makes rows of requests that are refused; no byte of them is forwarded.
func refused(name string, status int, ins ...string) (rows []row) {
	for _, in := range ins {
		rows = append(rows, row{name: name, in: in, out: refusal(status)})
	}
	return rows
}

// with returns r changed by a tune.
func (r row) with(tune func(*Service)) row { r.tune = tune; return r }

// field makes a GET with one more field line.
func field(line string) string { return "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n" }

// cut makes a row of a chunked body that is found wrong after the head went out.
func cut(name, body string) row {
	return row{name: name, in: post + chunk + body, fwd: post + chunk, out: refusal(400)}
}

// TestRequestRows has the rows of the table of strictness for requests, by their
// numbers there.
func TestRequestRows(t *testing.T) {
	var rows []row
	add := func(more ...row) { rows = append(rows, more...) }
	add(refused("1 length and chunked", 400, post+"Content-Length: 3\r\n"+chunk+"0\r\n\r\n")...)
	add(refused("2 several lengths", 400, post+"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
		post+"Content-Length: 3, 4\r\n\r\nabc")...)
	add(refused("3 repeated length", 400, post+"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		post+"Content-Length: 3, 3\r\n\r\nabc")...)
	for _, n := range []string{"-1", "+1", "1 1", "0x1", "", "99999999999999999999", "9223372036854775808"} {
		add(refused("4 bad length "+n, 400, post+"Content-Length: "+n+"\r\n\r\nabc")...)
	}
	for _, te := range []string{"gzip", "chunked, chunked", "chunked;a=b", "chunked, gzip"} {
		add(refused("5 coding "+te, 400, post+"Transfer-Encoding: "+te+"\r\n\r\n0\r\n\r\n")...)
	}
	add(refused("6 unknown coding", 501, post+"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")...)
	add(forwarded("7 chunked in any case", post+"Transfer-Encoding: Chunked \r\n\r\n1\r\nx\r\n0\r\n\r\n",
		post+chunk+"1\r\nx\r\n0\r\n\r\n"))
	for _, te := range []string{"xchunked", "chunked\x0b", `"chunked"`, "identity"} {
		add(refused("8 coding "+te, 400, post+"Transfer-Encoding: "+te+"\r\n\r\n0\r\n\r\n")...)
	}
	add(refused("9 chunked in 1.0", 400, "POST / HTTP/1.0\r\nHost: a\r\n"+chunk+"0\r\n\r\n")...)
	add(refused("10 space before colon", 400, field("X : y"))...)
	add(refused("11 obs-fold", 400, field("X: y\r\n z"))...)
	add(refused("12 space before the fields", 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n")...)
	add(refused("13 bytes in fields", 400, field(": y"), field("X@: y"), field("X: a\x00b"), field("X: a\x07"))...)
	add(refused("14 bare LF", 400, "GET / HTTP/1.1\nHost: a\n\n")...)
	add(cut("14 bare LF in chunks", "1\nx\r\n0\r\n\r\n"))
	add(refused("15 bare CR", 400, field("X: a\rb"))...)
	add(forwarded("16 empty line before", "\r\n"+get, get))
	add(refused("16 two empty lines", 400, "\r\n\r\n"+get)...)
	add(refused("17 request line", 400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
		"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n")...)
	add(forwarded("18 method as it is", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "get / HTTP/1.1\r\nHost: a\r\n\r\n"))
	add(refused("18 method no token", 400, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n")...)
	add(refused("19 versions", 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n")...)
	add(refused("19 no version", 400, "GET /\r\n", "GET / HTTP/1.01\r\nHost: a\r\n\r\n")...)
	add(refused("20 host", 400, "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n")...)
	add(forwarded("21 absolute form", "GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /x?y HTTP/1.1\r\nHost: b:81\r\n\r\n"))
	add(refused("22 target", 400, "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n")...)
	add(forwarded("23 path byte for byte", "GET /a/%2e%2E//b%2f?%zz HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a/%2e%2E//b%2f?%zz HTTP/1.1\r\nHost: a\r\n\r\n"))
	for _, size := range []string{"", "-1", " 1", "0x1", "11111111111111111", "ffffffffffffffff"} {
		add(cut("24 chunk size "+size, size+"\r\nx\r\n0\r\n\r\n"))
	}
	add(forwarded("25 chunk extensions", post+chunk+"1;a=b\r\nx\r\n0;c\r\n\r\n", post+chunk+"1\r\nx\r\n0\r\n\r\n"))
	add(cut("25 long extension", "1;"+strings.Repeat("e", 256)+"\r\nx\r\n0\r\n\r\n"))
	add(cut("26 no CRLF after a chunk", "1\r\nxy\r\n0\r\n\r\n"))
	add(forwarded("27 trailers of requests", post+chunk+"1\r\nx\r\n0\r\nContent-Length: 9\r\nX: y\r\n\r\n",
		post+chunk+"1\r\nx\r\n0\r\n\r\n"))
	add(forwarded("28 connection names", field("Connection: X-A, close-not\r\nX-A: 1\r\nX-B: 2"), field("X-B: 2")))
	for _, f := range []string{"Host", "Content-Length", "X-Forwarded-For", "Cookie"} {
		add(refused("28 connection names "+f, 400, field("Connection: "+f))...)
	}
	add(forwarded("29 upgrade without connection", field("Upgrade: websocket"), get))
	add(forwarded("30 upgrade not allowed", field("Connection: Upgrade\r\nUpgrade: websocket"), get).
		with(func(s *Service) { s.Upgrade = false }))
	add(forwarded("31 h2c", field("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA"), get))
	add(refused("32 CONNECT", 405, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n")...)
	trace := "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"
	add(row{name: "33 TRACE", in: trace, own: true, open: true,
		out: strings.Replace(refusal(405), "Connection: close\r\n", "", 1)})
	add(forwarded("33 TRACE allowed", trace, trace).with(func(s *Service) { s.AllowTrace = true }))
	body := "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	add(forwarded("34 GET with a body", body, body))
	add(refused("34 GET with a body refused", 400, body)[0].with(func(s *Service) { s.HTTP.RejectGetBody = true }))
	add(refused("35 other expectations", 417, field("Expect: tea"))...)
	add(row{name: "36 body too short", in: post + "Content-Length: 9\r\n\r\nabc", half: true,
		fwd: post + "Content-Length: 9\r\n\r\nabc", reset: true})
	add(row{name: "37 bytes after close", in: field("Connection: close") + get, fwd: get, reply: okay, idle: true,
		out: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"})
	add(refused("39 long target", 414, "GET /"+strings.Repeat("x", 9000)+" HTTP/1.1\r\nHost: a\r\n\r\n")...)
	add(refused("39 long head", 431, field("X: "+strings.Repeat("x", 17000)))...)
	add(refused("39 many fields", 431, field(strings.Repeat("X: y\r\n", 101)+"X: y"))...)
	believe := func(s *Service) { s.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	told := func(s *Service) { s.Default.ClientIP = true }
	xff := field("X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nForwarded: for=x")
	ours := "X-Forwarded-For: 127.0.0.1"
	add(forwarded("41 untrusted", xff, get))
	add(forwarded("41 untrusted, told", xff, field(ours+"\r\nX-Forwarded-Proto: http")).with(told))
	add(forwarded("41 trusted", xff, field("X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nForwarded: for=x\r\n"+ours)).
		with(func(s *Service) { believe(s); told(s) }))
	add(forwarded("42 cookies", field("Cookie: a=1\r\nX: y\r\nCookie: b=2"), field("X: y\r\nCookie: a=1; b=2")))
	add(forwarded("43 underscore dropped", field("A_B: 1\r\nX: y"), field("X: y")))
	add(forwarded("43 underscore kept", field("A_B: 1"), field("A_B: 1")).
		with(func(s *Service) { s.HTTP.Underscore = http1.Keep }))
	add(refused("43 underscore refused", 400, field("A_B: 1"))[0].
		with(func(s *Service) { s.HTTP.Underscore = http1.Reject }))
	add(forwarded("44 high bytes", field("X: \t\x80\xff \t"), field("X: \x80\xff")))
	add(refused("45 forms", 400, "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n")...)
	add(forwarded("45 OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"))
	add(row{name: "HTTP/1.0", in: "GET / HTTP/1.0\r\n\r\n", fwd: "GET / HTTP/1.1\r\nHost: \r\n\r\n", reply: okay, idle: true,
		out: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"})
	add(row{name: "HTTP/1.0 keep-alive", in: "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", fwd: get,
		reply: okay, idle: true, open: true,
		out: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"})
	add(refused("body over the limit", 413, post+"Content-Length: 11\r\n\r\nhello world")[0].
		with(func(s *Service) { s.Limits.Body = 10 }))
	add(row{name: "chunked body over the limit", in: post + chunk + "b\r\nhello world\r\n0\r\n\r\n", fwd: post + chunk,
		out: refusal(413), tune: func(s *Service) { s.Limits.Body = 10 }})
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
}
