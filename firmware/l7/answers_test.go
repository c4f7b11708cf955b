// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"evener/firmware/pool"
)

// answered makes a row of an answer that is passed on as out; the member's
// connection is kept if idle.
func answered(name, reply, out string, idle bool) row {
	return row{name: name, in: get, fwd: get, reply: reply, out: out, open: true, idle: idle}
}

// bad makes a row of an answer whose head is at fault.
func bad(name, reply string) row {
	return row{name: name, in: get, fwd: get, reply: reply, own: true, open: true,
		out: strings.Replace(refusal(502), "Connection: close\r\n", "", 1)}
}

// TestAnswerRows has the rows of the table of strictness for answers, by their
// numbers there.
func TestAnswerRows(t *testing.T) {
	var rows []row
	add := func(more ...row) { rows = append(rows, more...) }
	for _, head := range []string{"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 3\r\nContent-Length: 4\r\n",
		"X: a\x00b\r\n", "X: a\r\n b\r\n", "X : a\r\n"} {
		add(bad("1 head at fault", "HTTP/1.1 200 OK\r\n"+head+"\r\nabc"))
	}
	add(bad("1 status line", "HTTP/9.1 200 OK\r\n\r\n"), bad("1 status line", "hello\r\n\r\n"))
	hello := "HTTP/1.1 200 OK\r\n" + chunk + "5\r\nhello\r\n"
	add(row{name: "1 bad chunk", in: get, fwd: get, reply: hello + "zz\r\n", out: hello, reset: true})
	add(row{name: "1 chunks cut off", in: get, fwd: get, reply: hello, end: endWrite, out: hello, reset: true})
	add(row{name: "1 length cut off", in: get, fwd: get, reply: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
		end: endWrite, out: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", reset: true})
	hints := "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	add(answered("2 interim answers", hints+hints+okay, hints+hints+okay, true))
	add(row{name: "2 interim answer and 1.0", in: "GET / HTTP/1.0\r\nHost: a\r\n\r\n", fwd: get, reply: hints + okay, idle: true,
		out: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"})
	add(bad("2 unasked 101", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
	ws := field("Connection: Upgrade\r\nUpgrade: websocket")
	odd := bad("2 101 to another protocol", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n")
	odd.in, odd.fwd = ws, ws
	add(odd)
	head := func(fields string) row {
		s := "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
		reply := "HTTP/1.1 200 OK\r\n" + fields + "\r\n"
		return row{name: "3 HEAD", in: s, fwd: s, reply: reply, out: reply, open: true, idle: true}
	}
	chunkedHead := head("Transfer-Encoding: chunked\r\n")
	chunkedHead.out = "HTTP/1.1 200 OK\r\n\r\n"
	add(head(""), head("Content-Length: 5\r\n"), chunkedHead)
	add(answered("3 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true))
	add(answered("3 204 with framing", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 204 No Content\r\n\r\n", true))
	add(answered("3 bytes behind the answer", okay+"x", okay, false))
	add(answered("3 bytes behind 204", "HTTP/1.1 204 No Content\r\n\r\nhello", "HTTP/1.1 204 No Content\r\n\r\n", false))
	spliced := "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + large[:300_000]
	add(answered("3 bytes behind a spliced answer", spliced+okay, spliced, false))
	add(answered("spliced answer", spliced, spliced, true))
	closing := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	add(row{name: "4 answer before the request", in: post + "Content-Length: 9\r\n\r\nabc",
		fwd: post + "Content-Length: 9\r\n\r\nabc", reply: okay, out: closing})
	add(answered("6 until close", "HTTP/1.1 200 OK\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\n"+chunk+"5\r\nhello\r\n0\r\n\r\n", false).ends(endWrite))
	add(row{name: "6 until close and 1.0", in: "GET / HTTP/1.0\r\nHost: a\r\n\r\n", fwd: get, reply: "HTTP/1.1 200 OK\r\n\r\nhello",
		end: endWrite, out: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"})
	add(row{name: "chunked and 1.0", in: "GET / HTTP/1.0\r\nHost: a\r\n\r\n", fwd: get, reply: hello + "0\r\n\r\n", idle: true,
		out: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"})
	add(bad("8 status", "HTTP/1.1 099 Odd\r\n\r\n"), bad("8 status", "HTTP/1.1 600 Odd\r\n\r\n"),
		bad("8 reason", "HTTP/1.1 200 O\x01K\r\n\r\n"))
	add(answered("8 status of no registry", "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", true))
	add(answered("the member closes", closing, okay, false))
	add(answered("hop-by-hop fields", "HTTP/1.1 200 OK\r\nConnection: X-A\r\nX-A: 1\r\nKeep-Alive: max=5\r\nX-B: 2\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nX-B: 2\r\nContent-Length: 2\r\n\r\nok", true))
	trailed := "HTTP/1.1 200 OK\r\n" + chunk + "2\r\nok\r\n0\r\nX-T: 1\r\nContent-Length: 7\r\n\r\n"
	add(answered("trailers not asked for", trailed, "HTTP/1.1 200 OK\r\n"+chunk+"2\r\nok\r\n0\r\n\r\n", true))
	asked := answered("trailers asked for", trailed, "HTTP/1.1 200 OK\r\n"+chunk+"2\r\nok\r\n0\r\nX-T: 1\r\n\r\n", true)
	asked.in = field("TE: trailers\r\nConnection: TE")
	add(asked)
	long := "X-Long: " + strings.Repeat("l", 15000) + "\r\nY-Long: " + strings.Repeat("m", 15000) + "\r\n"
	big := "HTTP/1.1 200 OK\r\n" + long + "Content-Length: 2\r\n\r\nok"
	add(answered("head larger than a buffer", big, big, true).with(func(s *Service) { s.Answers.MaxHead = 32 << 10 }))
	bigRequest := "GET / HTTP/1.1\r\nHost: a\r\n" + long + "\r\n"
	add(forwarded("request's head larger than a buffer", bigRequest, bigRequest).
		with(func(s *Service) { s.HTTP.MaxHead = 32 << 10 }))
	for _, r := range rows {
		t.Run(r.name, r.run)
	}
}

// ends returns r with what the member does after its answer.
func (r row) ends(s step) row { r.end = s; return r }

// An answer comes before the request is whole, which the client may send on
// waiting for leave to do so (RFC 9110 section 10.1.1).
func TestExpectContinue(t *testing.T) {
	head := post + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	go100 := "HTTP/1.1 100 Continue\r\n\r\n"
	o := newOrigin(t, []step{recv(head), send(go100), recv("hello"), send(okay)},
		[]step{recv(head), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	c.send(head)
	c.expect(go100)
	c.send("hello")
	c.expect(okay)
	b.do(func() { b.w.Forget(b.pool.Upstreams) })
	c.send(head)
	c.expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	if got, broken := c.rest(); got != "" || broken {
		t.Errorf("after an early answer: %q, reset %v, want a clean end", got, broken)
	}
	c.Close()
	b.noneLeft()
}

// Bytes or an end on an idle connection to a member close it at once.
func TestUnsolicitedBytesCloseIdleConnection(t *testing.T) {
	more := make(chan struct{})
	o := newOrigin(t, []step{recv(get), send(okay), await(more), send("HTTP/1.1 200 OK\r\n\r\nevil")},
		[]step{recv(get), send(okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	c.send(get)
	c.expect(okay)
	if n := b.idle(0); n != 1 {
		t.Fatalf("idle connections = %d, want 1", n)
	}
	close(more)
	b.eventually("the connection is closed", func() bool { return len(b.pool.Upstreams[0].slots[0].idle) == 0 })
	if n := b.pool.Upstreams[0].Stats.Slot(0).Errors[3].Value(); n != 1 {
		t.Errorf("protocol errors of the member = %d, want 1", n)
	}
	c.send(get)
	c.expect(okay)
}

// plain adds nothing to what is forwarded.
func plain(s *Service) { s.Via, s.RequestID = false, false }

// Requests in one segment are answered one after another, and a refused one ends
// the connection without its successor being seen.
func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	path := func(p string) string { return "GET /" + p + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	body := func(p string) string { return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + p }
	o := newOrigin(t, []step{recv(path("1")), send(body("1")), recv(path("2")), send(body("2")), recv(path("3")), send(body("3"))})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	c.send(path("1") + path("2") + path("3") + "GET /4 HTTP/1.1\r\n\r\n" + path("5"))
	c.expect(body("1") + body("2") + body("3"))
	if got, _ := c.rest(); got != refusal(400) {
		t.Errorf("fourth answer = %q, want %q", got, refusal(400))
	}
	c.Close()
	b.noneLeft()
}

// The same conversation byte by byte. How many of them are read at once is a matter of
// time, and so are the chunks that the member gets.
func TestRequestInSingleBytes(t *testing.T) {
	in := post + "X: y\r\n" + chunk + "3\r\nabc\r\n0\r\n\r\n"
	o := newOrigin(t, []step{recv(post + "X: y\r\n" + chunk), func(c *originConn) error {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if got, err := content(c); got != "abc" || err != nil {
			return fmt.Errorf("content %q, %v, want abc", got, err)
		}
		return nil
	}, send(okay)})
	b := newBox(t, []pool.MemberConfig{member("m", o.ln.Addr())}, plain)
	c := b.dial()
	_ = c.SetNoDelay(true)
	for i := range len(in) {
		c.send(in[i : i+1])
	}
	c.expect(okay)
	c.Close()
	b.noneLeft()
}
