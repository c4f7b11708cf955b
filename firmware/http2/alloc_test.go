// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"bytes"
	"runtime"
	"testing"

	"golang.org/x/net/http2/hpack"

	"evener/firmware/message"
)

func newDecoder() *hpack.Decoder { return hpack.NewDecoder(firstTable, func(hpack.HeaderField) {}) }

// typical is what a browser sends; all of it but the path is indexed.
var typical = []string{":method=GET", ":scheme=https", ":authority=shop.example.com", ":path=/",
	"user-agent=Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
	"accept=text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "accept-language=en-GB,en;q=0.5",
	"accept-encoding=gzip, deflate, br", "referer=https://shop.example.com/x",
	"cookie=session=3f9a1c77d0e24b8f", "cookie=theme=dark"}

// A bench is a Conn in steady state, and the frames of one exchange for it.
type bench struct {
	t       testing.TB
	c       *Conn
	next    uint32
	block   []byte // the request, or the answer
	in      []byte
	spare   message.Head // what the caller of TakeHead has
	body    []byte
	ev      Event
	client  bool
	answers int
}

func newBench(t testing.TB, client bool) *bench {
	l := newLab(t, client, Config{})
	b := &bench{t: t, c: l.c, next: 1, body: make([]byte, 23), client: client}
	fields := typical
	if client {
		fields = []string{":status=200", "content-type=text/html", "content-length=23", "date=Sat, 21 Nov 2026 10:00:00 GMT"}
	}
	b.block = bytes.Clone(l.block(fields))
	b.exchange()
	b.block = bytes.Clone(l.block(fields)) // now by index
	return b
}

func (b *bench) exchange() {
	id := b.next
	b.next += 2
	flags := uint8(flagEndHeaders)
	if b.client {
		s, opened := b.c.Open()
		if !opened {
			b.t.Fatal("not opened")
		}
		b.c.BeginHead(s)
		b.c.Request([]byte("GET"), "http", b.body[:0], b.body[:0], "")
		b.c.Field("User-Agent", b.body)
		b.c.Field("X-Request-Id", b.body)
		b.c.EndHead(true)
		b.in = appendFrame(b.in[:0], len(b.block), typeHeaders, flags, id)
		b.in = append(b.in, b.block...)
		b.in = appendFrame(b.in, len(b.body), typeData, flagEndStream, id)
		b.in = append(b.in, b.body...)
	} else {
		b.in = appendFrame(b.in[:0], len(b.block), typeHeaders, flags|flagEndStream, id)
		b.in = append(b.in, b.block...)
	}
	b.drive()
	b.c.Sent(len(b.c.Out()))
}

func (b *bench) drive() {
	for in := b.in; ; {
		n, err := b.c.Next(1, in, &b.ev)
		if err != nil {
			b.t.Fatal(err)
		}
		in = in[n:]
		s := b.ev.Stream
		switch b.ev.Kind {
		case None:
			if n == 0 {
				return
			}
		case Request:
			b.ev.TakeHead(&b.spare)
			b.c.BeginHead(s)
			b.c.Status(200)
			b.c.Field("Content-Type", b.body)
			b.c.Field("X-Request-Id", b.body)
			b.c.Fields(&b.spare)
			b.c.Length(int64(len(b.body)))
			b.c.EndHead(false)
			b.c.Write(s, b.body, true)
			b.c.Release(s)
			b.answers++
		case Response:
			b.ev.TakeHead(&b.spare)
		case Data:
			b.c.Consumed(s, len(b.ev.Data))
			if b.ev.End {
				b.c.Release(s)
				b.answers++
			}
		}
	}
}

func TestSteadyExchangesDoNotAllocate(t *testing.T) {
	for name, client := range map[string]bool{"server": false, "client": true} {
		b := newBench(t, client)
		before := b.answers
		if n := testing.AllocsPerRun(1000, b.exchange); n != 0 && !raceEnabled {
			t.Errorf("%s: %v allocations for an exchange, want 0", name, n)
		}
		if n := b.answers - before; n != 1001 {
			t.Errorf("%s: %d exchanges of 1001 were done", name, n)
		}
	}
}

// TestNewLiteralsAllocOnce states what HPACK costs: one string for each value
// that the peer does not send by index.
func TestNewLiteralsAllocOnce(t *testing.T) {
	b := newBench(t, false)
	b.block = append(b.block, 0x00, 1, 'a', 3, 'x', 'y', 'z')
	if n := testing.AllocsPerRun(1000, b.exchange); n > 2 && !raceEnabled {
		t.Errorf("%v allocations for a new name and value, want 2", n)
	}
}

// TestIdleConnectionAllocatesLittle measures the memory of connections that have had a
// browser's request and are idle.
func TestIdleConnectionAllocatesLittle(t *testing.T) {
	const conns = 500
	p, pool := Prepare(Config{}), NewPool()
	l := newLab(t, false, Config{})
	in := []byte(preface)
	in = appendFrame(in, 0, typeSettings, 0, 0)
	block := l.block(typical)
	in = appendFrame(in, len(block), typeHeaders, flagEndHeaders|flagEndStream, 1)
	in = append(in, block...)
	all := make([]*Conn, conns)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held
	runtime.ReadMemStats(&before)
	for i := range all {
		b := &bench{t: t, c: NewServer(p, pool), in: in, body: make([]byte, 23)}
		b.drive()
		b.c.Sent(len(b.c.Out()))
		if b.answers != 1 || !b.c.Idle() {
			t.Fatal("the connection is not idle")
		}
		all[i] = b.c
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / conns
	t.Logf("an idle connection holds %d bytes", each)
	if each > 3<<10 && !raceEnabled {
		t.Errorf("an idle connection holds %d bytes, want at most 3 KiB", each)
	}
	runtime.KeepAlive(all)
	runtime.KeepAlive(l)
	runtime.KeepAlive(pool)
}

func BenchmarkServerExchange(b *testing.B) { benchmark(b, false) }
func BenchmarkClientExchange(b *testing.B) { benchmark(b, true) }

func benchmark(b *testing.B, client bool) {
	e := newBench(b, client)
	b.ReportAllocs()
	for b.Loop() {
		e.exchange()
	}
}

func BenchmarkWrite(b *testing.B) {
	l := newLab(b, false, Config{})
	l.do(get(1), begin(1), window(1, 1<<30), window(0, 1<<30))
	s, p := l.open[1], make([]byte, minFrame)
	b.SetBytes(minFrame)
	for b.Loop() {
		s.sendWindow, l.c.sendWindow = 1<<20, 1<<20
		l.c.Write(s, p, false)
		l.c.Sent(len(l.c.Out()))
	}
}
