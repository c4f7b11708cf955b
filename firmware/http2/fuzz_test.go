// SPDX-License-Identifier: Apache-2.0

package http2

import "testing"

// fuzzConfig has small limits, so that few bytes reach them.
var fuzzConfig = Config{
	MaxStreams: 4, StreamWindow: 300, ConnWindow: 1, MaxHead: 2000, MaxFields: 20, MaxField: 500, MaxTarget: 100,
	MaxOut: 500, ExtendedConnect: true, Budget: Budget{Resets: 10, Queued: 50, Pings: 20, Windows: 50},
}

// maxFuzzOut bounds Out: the room for bodies, a frame more, heads of all that
// the caller sends, and control frames.
const maxFuzzOut = 500 + minFrame + 1000*64 + 51*20

// FuzzConn feeds frames to both roles, cut up as the first byte says; the caller
// answers, consumes, resets and releases as the bytes of the bodies say.
func FuzzConn(f *testing.F) {
	for _, row := range frameRows {
		l := newLab(f, false, Config{})
		for _, s := range row.steps {
			if seedable(l, s) {
				continue
			}
			break
		}
		f.Add(uint8(0), l.in.Bytes())
		f.Add(uint8(4+1), l.in.Bytes())
	}
	for _, fields := range [][]string{{":status=200"}, {":status=103"}, {":status=200", "content-length=3"}, {":status=304", "content-length=3"}} {
		l := newLab(f, true, Config{})
		for _, s := range []step{head(1, false, fields...), data(1, false, "abc"), head(3, true, fields...), data(1, true, "")} {
			s(l)
		}
		f.Add(uint8(1), l.in.Bytes())
		f.Add(uint8(4+1), l.in.Bytes())
	}
	f.Fuzz(func(t *testing.T, how uint8, wire []byte) {
		run(t, how&1 != 0, int(how>>1), wire)
	})
}

// seedable runs a step that only writes; one that drives the Conn ends the seed.
func seedable(l *lab, s step) (wrote bool) {
	defer func() {
		if recover() != nil {
			wrote = false
		}
	}()
	had := l.in.Len()
	s(l)
	return l.in.Len() > had
}

// A fuzzed is a Conn and its caller under a fuzzer.
type fuzzed struct {
	t       *testing.T
	c       *Conn
	obs     *observer
	streams map[*Stream]bool
}

// newFuzzed returns a Conn and what it gets first.
func newFuzzed(t *testing.T, client bool) (*fuzzed, string) {
	f := &fuzzed{t: t, obs: newObserver(), streams: map[*Stream]bool{}}
	first := string(appendFrame(nil, 0, typeSettings, 0, 0)) + string(appendFrame(nil, 0, typeSettings, flagAck, 0))
	if !client {
		f.c = NewServer(Prepare(fuzzConfig), NewPool())
		return f, preface + first
	}
	f.c = NewClient(Prepare(fuzzConfig), NewPool())
	for range 3 {
		s, _ := f.c.Open()
		f.c.BeginHead(s)
		f.c.Request([]byte("GET"), "http", []byte("a"), []byte("/"), "")
		f.c.EndHead(true)
		f.streams[s] = true
	}
	return f, first
}

func (f *fuzzed) release(s *Stream) {
	delete(f.streams, s)
	f.obs.released(s)
	f.c.Release(s)
}

// next calls Next and checks what it did.
func (f *fuzzed) next(now int, b []byte, ev *Event) (n int, ended bool) {
	n, err := f.c.Next(int64(now), b, ev)
	if n < 0 || n > len(b) {
		f.t.Fatalf("Next took %d bytes of %d", n, len(b))
	}
	out := f.c.Out()
	if len(out) > maxFuzzOut {
		f.t.Fatalf("%d bytes in Out", len(out))
	}
	if err != nil {
		if at := len(out) - frameHead - 8; at < 0 || out[at+3] != typeGoAway {
			f.t.Fatalf("%v without GOAWAY: %x", err, out)
		}
		return n, true
	}
	sound(f.t, f.c)
	f.obs.see(f.t, ev)
	return n, false
}

func run(t *testing.T, client bool, chunk int, wire []byte) {
	f, first := newFuzzed(t, client)
	c := f.c
	wire = append([]byte(first), wire...)
	have := len(wire)
	if chunk > 0 {
		have = 0
	}
	var ev Event
	for at, calls := 0, 0; ; calls++ {
		if calls > 20*len(wire)+100 {
			t.Fatal("Next makes no progress")
		}
		n, ended := f.next(calls, wire[at:have], &ev)
		at += n
		if ended || n == 0 && ev.Kind == None && have == len(wire) {
			break
		}
		if ev.Kind == None && n == 0 {
			have = min(have+chunk, len(wire))
			continue
		}
		if ev.Stream != nil {
			f.streams[ev.Stream] = true
			use(c, &ev, f.release)
		}
		sound(t, c)
		if calls%7 == 0 {
			c.Sent(len(c.Out()))
			for s := c.Writable(); s != nil; s = c.Writable() {
				c.Write(s, make([]byte, 40), false)
			}
		}
	}
	for s := range f.streams {
		f.release(s)
	}
	if c.Streams() != 0 {
		t.Fatalf("%d streams are left", c.Streams())
	}
	c.Close()
}

// use is a caller that does now this, now that.
func use(c *Conn, ev *Event, release func(*Stream)) {
	s := ev.Stream
	switch {
	case ev.Kind == Reset:
		release(s)
		return
	case ev.Kind == Refused:
		c.BeginHead(s)
		c.Status(ev.Status)
		c.EndHead(true)
		release(s)
		return
	case ev.Kind == Data && len(ev.Data) > 0:
		switch ev.Data[0] % 8 {
		case 0:
			release(s)
			return
		case 1:
			c.Reset(s, InternalError)
		default:
			c.Consumed(s, int(ev.Data[0]))
		}
	}
	if c.server && ev.Kind == Request {
		c.BeginHead(s)
		c.Status(200)
		c.EndHead(false)
		c.Write(s, make([]byte, 700), ev.Head.Path.Len%2 == 0)
	}
	if ev.End && s.Done() {
		release(s)
	}
}

// FuzzRoundTrip chooses windows, splits and delays by its seed.
func FuzzRoundTrip(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { roundTrip(t, seed) })
}

// FuzzRepresentation compares what is found to be the end of a representation
// with what the decoder does with it.
func FuzzRepresentation(f *testing.F) {
	for _, s := range []string{"\x82", "\x40\x01a\x01b", "\x04\x01/", "\x7f\x00\x01b", "\x20", "\x3f\x01", "\x10\x81\x1f\x00", "\xff\x80\x01", "\x0f\x7f\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) == 0 {
			return
		}
		n, _, r := representation(p, 1000)
		for k := range p {
			early, _, fault := representation(p[:k+1], 1000)
			switch {
			case fault != ok && r == ok && n != 0:
				t.Fatalf("representation(%x) is refused, (%x) is not", p[:k+1], p)
			case early != 0 && early != n:
				t.Fatalf("representation(%x) = %d, (%x) = %d", p[:k+1], early, p, n)
			}
		}
		if r != ok || n == 0 {
			return
		}
		dec := newDecoder()
		if _, err := dec.Write(p[:n]); err == nil && dec.Close() != nil {
			t.Fatalf("representation(%x) = %d, but the decoder wants more", p, n)
		}
		if n > 1 {
			dec = newDecoder()
			if _, err := dec.Write(p[:n-1]); err == nil && dec.Close() == nil {
				t.Fatalf("representation(%x) = %d, but the decoder wants less", p, n)
			}
		}
	})
}
