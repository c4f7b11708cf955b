// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// serve drives the server's end of a connection: it answers every request, once
// it is there whole, with 200 and the text.
func serve(conn net.Conn, p *Profile, text string) {
	defer conn.Close()
	c := NewServer(p, NewPool())
	start := time.Now()
	buf := make([]byte, 0, 32<<10)
	sending := map[*Stream]int{}
	for {
		if !pump(conn, c, sending, text) {
			return
		}
		n, err := conn.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return
		}
		buf = buf[:len(buf)+n]
		var ev Event
		for at := 0; ; {
			n, err := c.Next(int64(time.Since(start)), buf[at:], &ev)
			at += n
			if err != nil {
				pump(conn, c, sending, text)
				half(conn)
				return
			}
			if n == 0 && ev.Kind == None {
				buf = buf[:copy(buf, buf[at:])]
				break
			}
			react(c, &ev, sending)
		}
	}
}

// half lets the peer read what was sent before the connection goes.
func half(conn net.Conn) {
	if t, tcp := conn.(*net.TCPConn); tcp {
		t.CloseWrite()
	}
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, conn)
}

func react(c *Conn, ev *Event, sending map[*Stream]int) {
	s := ev.Stream
	if ev.Kind == Data {
		c.Consumed(s, len(ev.Data))
	}
	switch {
	case ev.Kind == Reset:
		delete(sending, s)
		c.Release(s)
	case ev.Kind == Refused && s != nil:
		c.BeginHead(s)
		c.Status(ev.Status)
		c.EndHead(true)
		c.Release(s)
	case s != nil && ev.End:
		c.BeginHead(s)
		c.Status(200)
		c.Field("Content-Type", []byte("text/plain"))
		c.EndHead(false)
		sending[s] = 0
	}
}

// pump writes what can be written of the answers and sends it.
func pump(conn net.Conn, c *Conn, sending map[*Stream]int, text string) bool {
	put := func(s *Stream) {
		at, there := sending[s]
		if !there {
			return
		}
		at += c.Write(s, []byte(text[at:]), true)
		if sending[s] = at; at == len(text) {
			delete(sending, s)
			c.Release(s)
		}
	}
	for {
		for s, at := range sending {
			if at == 0 {
				put(s)
			}
		}
		for s := c.Writable(); s != nil; s = c.Writable() {
			put(s)
		}
		out := c.Out()
		if len(out) == 0 {
			return true
		}
		n, err := conn.Write(out)
		c.Sent(n)
		if err != nil {
			return false
		}
	}
}

// TestH2spec runs the conformance suite of others against a real listener.
func TestH2spec(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := Prepare(Config{})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn, p, "hello, world\n")
		}
	}()
	cfg := &config.Config{
		Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Path: "/",
		Timeout: time.Second, MaxHeaderLen: 4000, Strict: true,
	}
	passed := 0
	quiet(t, func() {
		for _, g := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
			g.Test(cfg)
			report(t, g)
			t.Logf("%s: %d passed, %d skipped, %d failed", g.Name, g.PassedCount, g.SkippedCount, g.FailedCount)
			passed += g.PassedCount
		}
	})
	if passed < 146 {
		t.Errorf("%d cases passed, want 146", passed)
	}
}

func report(t *testing.T, g *spec.TestGroup) {
	for _, c := range slices.Concat(g.Tests, g.StrictTests) {
		switch r := c.Result; {
		case r == nil:
			t.Errorf("%s %s %s: did not run", g.Section, g.Name, c.Desc)
		case r.Skipped:
			t.Errorf("%s %s %s: skipped", g.Section, g.Name, c.Desc)
		case r.Failed:
			t.Errorf("%s %s %s: %v", g.Section, g.Name, c.Desc, explain(r.Error))
		}
	}
	for _, sub := range g.Groups {
		report(t, sub)
	}
}

func explain(err error) string {
	if e, is := err.(*spec.TestError); is {
		return fmt.Sprintf("got %s, want one of %q", e.Actual, e.Expected)
	}
	return fmt.Sprint(err)
}

// quiet runs f while what the suite prints goes nowhere.
func quiet(t *testing.T, f func()) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	stdout := os.Stdout
	os.Stdout = null
	defer func() { os.Stdout = stdout }()
	f()
}
