// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"evener/firmware/event"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	at    = time.Date(2026, 11, 21, 9, 8, 7, 654321987, time.FixedZone("", 3600))
)

func TestSyslogIsByteExact(t *testing.T) {
	for _, c := range []struct {
		name, host string
		m          Message
		want       string
	}{
		{"event", "lb1", Message{Time: at, Severity: sevWarning, ID: "member.down", Text: "shop/web2 is down: refused",
			Params: []Param{{"kind", "member.down"}, {"object", "pool/shop/member/web2"}, {"empty", ""}}},
			`<132>1 2026-11-21T08:08:07.654321Z lb1 evener - member.down [evener@32473 kind="member.down" object="pool/shop/member/web2"] shop/web2 is down: refused`},
		{"escapes", "lb 1\n", Message{Time: at, Severity: sevError, ID: "a b\nc", Text: "x",
			Params: []Param{{"v", `a"b\c]d` + "\r\n" + `<14>1 - - - - - - forged`}}},
			`<131>1 2026-11-21T08:08:07.654321Z lb_1_ evener - a_b_c [evener@32473 v="a\"b\\c\]d  <14>1 - - - - - - forged"] x`},
		{"no newline gets in", "-", Message{Time: at, Severity: sevInfo, Text: "one\ntwo\x00\u2028three"},
			"<134>1 2026-11-21T08:08:07.654321Z - evener - - [evener@32473] one two  three"},
		{"other letters have a mark before them", "-", Message{Time: at, Severity: sevInfo, Text: "größe"},
			"<134>1 2026-11-21T08:08:07.654321Z - evener - - [evener@32473] \ufeffgröße"},
	} {
		if got := string(appendSyslog(nil, c.m, 16, c.host, maxFrame)); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestLongSyslogIsCutAtACharacter(t *testing.T) {
	m := Message{Time: at, ID: strings.Repeat("k", 99), Text: strings.Repeat("é", 5000), Params: []Param{{"a", strings.Repeat("]", 3000)}}}
	got := appendSyslog([]byte("before"), m, 0, strings.Repeat("h", 999), maxDatagram)
	if n := len(got) - len("before"); n > maxDatagram || n < maxDatagram-3 || !utf8.Valid(got) || strings.Contains(string(got), " a=") {
		t.Errorf("%d bytes, valid %v: %q", n, utf8.Valid(got), got)
	}
}

// received reads frames with counted octets.
func received(c net.Conn) ([]string, error) {
	var out []string
	r := bufio.NewReader(c)
	for {
		head, err := r.ReadString(' ')
		if err != nil {
			return out, err
		}
		n, err := strconv.Atoi(strings.TrimSuffix(head, " "))
		if err != nil {
			return out, err
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return out, err
		}
		out = append(out, string(b))
		if strings.HasSuffix(string(b), " end") {
			return out, nil
		}
	}
}

// put sends texts through a dispatcher's log source.
func put(d *Dispatcher, texts ...string) {
	for _, s := range texts {
		d.Send(Log, Message{Time: at, Severity: sevInfo, ID: "log", Text: s})
	}
}

const line = "<30>1 2026-11-21T08:08:07.654321Z lb1 evener - log [evener@32473] "

func TestSyslogOverUDP(t *testing.T) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := New(Options{Host: "lb1"}, quiet)
	defer d.Close()
	d.Use(Config{Syslog: []Syslog{{Name: "s", Address: l.LocalAddr().String(), Transport: "udp", Facility: 3, Send: []Source{Log}}}})
	put(d, "one", "two")
	b := make([]byte, 4096)
	for _, want := range []string{line + "one", line + "two"} {
		n, _, err := l.ReadFrom(b)
		if err != nil || string(b[:n]) != want {
			t.Errorf("datagram %q, %v; want %q", b[:n], err, want)
		}
	}
}

func TestSyslogOverTCPAndTLS(t *testing.T) {
	ca, cert := testCertificate(t)
	for _, transport := range []string{"tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if transport == "tls" {
				l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
			}
			defer l.Close()
			d := New(Options{Host: "lb1", Backoff: time.Millisecond}, quiet)
			defer d.Close()
			d.Use(Config{Syslog: []Syslog{{Name: "s", Address: l.Addr().String(), Transport: transport, CA: ca, Facility: 3, Send: []Source{Log}}}})
			for round := range 2 { // the second time over another connection
				put(d, "one", "größe\nx", "end")
				c, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				got, err := received(c)
				c.Close()
				want := []string{line + "one", line + "\ufeffgröße x", line + "end"}
				if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("round %d: got %q, %v; want %q", round, got, err, want)
				}
				waitGone(t, d)
			}
		})
	}
}

// waitGone waits until the only channel knows that its server has left.
func waitGone(t *testing.T, d *Dispatcher) {
	t.Helper()
	c := d.channels[0]
	s := c.sender.(*syslogSender)
	for c.waiting() > 0 { // then the sender is idle
		runtime.Gosched()
	}
	<-s.gone
}

func TestSyslogRefusesAnUnknownCertificate(t *testing.T) {
	_, cert := testCertificate(t)
	otherCA, _ := testCertificate(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.(*tls.Conn).Handshake() // the error is the client's
			c.Close()
		}
	}()
	for _, ca := range [][]byte{nil, otherCA} {
		d := New(Options{}, quiet)
		d.Use(Config{Syslog: []Syslog{{Name: "s", Address: l.Addr().String(), Transport: "tls", CA: ca}}})
		err := d.Test(t.Context(), "s", event.New(event.AlertTest, "alert/s", nil))
		var bad *tls.CertificateVerificationError
		if !errors.As(err, &bad) {
			t.Errorf("own CA: %v: Test = %v", ca != nil, err)
		}
		d.Close()
	}
}

func FuzzSyslog(f *testing.F) {
	f.Add("lb1", "member.down", "v\n\"]", "text")
	f.Fuzz(func(t *testing.T, host, id, value, text string) {
		got := string(appendSyslog(nil, Message{Time: at, ID: id, Text: text, Params: []Param{{"v", value}}}, 1, host, maxDatagram))
		if len(got) > maxDatagram || !utf8.ValidString(got) {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
		for _, r := range got {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("control character %q in %q", r, got)
			}
		}
		if parts := strings.SplitN(got, " ", 7); len(parts) != 7 || !strings.HasPrefix(parts[6], "[evener@32473") {
			t.Fatalf("head is not whole: %q", got)
		}
	})
}
