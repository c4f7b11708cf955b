// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A sham is an NTP server on the loopback interface that answers as a test wants.
type sham struct {
	ahead   time.Duration
	stratum byte
	leap    byte
	kiss    string
	silent  bool
	garbage []byte // in place of an answer
	origin  bool   // of another question
}

// stamp writes a time as NTP does: seconds since 1900 and fractions.
func stamp(b []byte, t time.Time) {
	binary.BigEndian.PutUint32(b, uint32(t.Unix()+2208988800))
	binary.BigEndian.PutUint32(b[4:], uint32((uint64(t.Nanosecond())<<32)/1e9))
}

// answer makes the packet of RFC 5905, section 7.3.
func (s sham) answer(q []byte) []byte {
	if s.garbage != nil {
		return s.garbage
	}
	now := time.Now().Add(s.ahead)
	b := make([]byte, 48)
	b[0], b[1], b[2], b[3] = s.leap<<6|4<<3|4, s.stratum, 6, 0xec // server of version 4, 1 µs
	binary.BigEndian.PutUint32(b[4:], 1<<16/100)                  // root delay: 10 ms
	binary.BigEndian.PutUint32(b[8:], 1<<16/100)
	copy(b[12:16], "GPS\x00")
	if s.kiss != "" {
		b[1] = 0
		copy(b[12:16], s.kiss)
	}
	stamp(b[16:], now.Add(-time.Minute))
	copy(b[24:32], q[40:48])
	if s.origin {
		b[24] ^= 0xff
	}
	stamp(b[32:], now)
	stamp(b[40:], now)
	return b
}

func (s sham) serve(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1024)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			if n >= 48 && !s.silent {
				_, _ = conn.WriteTo(s.answer(b[:n]), from) // a client that is gone asks again
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestAskARealServer(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Hour, -26 * time.Hour} {
		a, err := Network{Timeout: 20 * time.Second}.Ask(t.Context(), sham{ahead: ahead, stratum: 1, leap: 1}.serve(t))
		if err != nil {
			t.Fatal(err)
		}
		if wrong := (a.Offset - ahead).Abs(); wrong > a.Distance || a.Stratum != 1 || a.Leap != LongMinute {
			t.Errorf("of a server that is ahead by %v: %+v, wrong by %v", ahead, a, wrong)
		}
	}
}

func TestServersThatCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		name  string
		s     sham
		state State
		want  string
	}{
		{"silent", sham{silent: true}, Silent, "no answer"},
		{"its clock is not set", sham{stratum: 2, leap: 3}, Unfit, "its own clock is not set"},
		{"stratum 16", sham{stratum: 16}, Unfit, "cannot be believed"},
		{"kiss", sham{kiss: "RATE"}, Refused, "fewer questions (RATE)"},
		{"refusal", sham{kiss: "DENY"}, Refused, "refuses to serve this box (DENY)"},
		{"a kiss of rubbish", sham{kiss: "\x1b[2J"}, Refused, "left alone (?)"},
		{"half an answer", sham{garbage: make([]byte, 20)}, Unfit, "read its answer"},
		{"the answer to another question", sham{stratum: 1, origin: true}, Unfit, "read its answer"},
	} {
		timeout := 20 * time.Second
		if c.s.silent {
			timeout = 50 * time.Millisecond
		}
		_, err := Network{Timeout: timeout}.Ask(t.Context(), c.s.serve(t))
		if err == nil || stateOf(err) != c.state || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Ask = %v (%v), want %v %q", c.name, err, stateOf(err), c.state, c.want)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	conn.Close()
	if _, err := (Network{Timeout: 20 * time.Second}).Ask(t.Context(), server); !errors.Is(err, ErrSilent) {
		t.Errorf("Ask = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	begun := time.Now()
	if _, err := (Network{Timeout: 5 * time.Minute}).Ask(ctx, sham{silent: true}.serve(t)); err == nil || time.Since(begun) > time.Minute {
		t.Errorf("Ask = %v after %v", err, time.Since(begun))
	}
}

func TestResolve(t *testing.T) {
	for name, want := range map[string]string{"192.0.2.1": "192.0.2.1:123", "192.0.2.1:1123": "192.0.2.1:1123", "2001:db8::1": "[2001:db8::1]:123",
		"[2001:db8::1]:1123": "[2001:db8::1]:1123", "localhost:1123": "127.0.0.1:1123"} {
		list, err := Network{}.Resolve(t.Context(), name)
		found := false
		for _, a := range list {
			found = found || a.String() == want
		}
		if err != nil || !found {
			t.Errorf("Resolve(%q) = %v, %v, want %s", name, list, err, want)
		}
	}
	if _, err := (Network{}).Resolve(t.Context(), "nowhere.invalid:99999"); err == nil || !strings.Contains(err.Error(), "port") {
		t.Errorf("Resolve = %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	good := sham{stratum: 2}.answer(make([]byte, 48))
	f.Add(good)
	f.Add(good[:47])
	f.Add(sham{kiss: "DENY"}.answer(make([]byte, 48)))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Network{Timeout: time.Second}.Ask(t.Context(), sham{garbage: append([]byte{}, b...)}.serve(t))
		if err == nil && (a.Distance < 0 || a.Stratum < 1 || a.Stratum > 15) {
			t.Errorf("Ask = %+v of %x", a, b)
		}
	})
}
