// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// decoder reads what an encoder of c wrote, within the limits that clients have.
func decoder(t testing.TB, c Coding, r io.Reader) io.Reader {
	t.Helper()
	switch c {
	case Gzip:
		d, err := stdgzip.NewReader(r)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		d.Multistream(false) // browsers read one member
		return d
	case Zstd:
		d, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(256<<10), zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		t.Cleanup(d.Close)
		return d
	}
	return brotli.NewReader(r)
}

// mustDecode returns all of what b encodes; nothing may follow.
func mustDecode(t testing.TB, c Coding, b []byte) []byte {
	t.Helper()
	r := bytes.NewReader(b)
	got, err := io.ReadAll(decoder(t, c, r))
	if err != nil || r.Len() != 0 {
		t.Fatalf("%v: decoding %d bytes: %v, %d bytes left over", c, len(b), err, r.Len())
	}
	return got
}

// settings are all that there are.
func settings() (all []Setting) {
	for c := range numCodings {
		for i := range offered[c].kib {
			all = append(all, Setting{c, offered[c].lowest + i})
		}
	}
	return all
}

func open(t testing.TB, p *Pool, s Setting) *Encoder {
	t.Helper()
	e, err := p.Get(s)
	if err != nil || e == nil {
		t.Fatalf("Get(%v) = %v, %v", s, e, err)
	}
	return e
}

// Kinds of content: what compresses well, badly and not at all, and both by turns.
var kinds = map[string]func(rng *rand.Rand, n int) []byte{
	"zeros":  func(_ *rand.Rand, n int) []byte { return make([]byte, n) },
	"random": random,
	"text":   text,
	"turns": func(rng *rand.Rand, n int) []byte {
		var b []byte
		for len(b) < n {
			b = append(b, random(rng, rng.IntN(40<<10))...)
			b = append(b, bytes.Repeat([]byte("ab"), rng.IntN(20<<10))...)
			b = append(b, text(rng, rng.IntN(40<<10))...)
		}
		return b[:n]
	},
	"far repeats": func(rng *rand.Rand, n int) []byte {
		return bytes.Repeat(random(rng, 250_000), n/250_000+1)[:n]
	},
}

func random(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func text(rng *rand.Rand, n int) []byte {
	words := strings.Fields("the quick brown fox jumps over {\"id\": } <div class=\"row\"> </div> lazy dog null true 2026-11-21")
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, "%s %d ", words[rng.IntN(len(words))], rng.IntN(5000))
	}
	return b[:n]
}

// encode compresses src in pieces as next gives them, and checks the bound.
func encode(t testing.TB, e *Encoder, src []byte, next func() (n int, flush bool)) []byte {
	t.Helper()
	var out []byte
	for len(src) > 0 {
		n, flush := next()
		n = min(n, len(src))
		before := len(out)
		var err error
		if out, err = e.Append(out, src[:n], flush); err != nil {
			t.Fatal(err)
		}
		if grown := len(out) - before; grown > Bound(n) {
			t.Errorf("%v: Append of %d bytes added %d, want at most Bound = %d", e.setting, n, grown, Bound(n))
		}
		src = src[n:]
	}
	before := len(out)
	out, err := e.Close(out)
	if err != nil {
		t.Fatal(err)
	}
	if grown := len(out) - before; grown > Bound(0) {
		t.Errorf("%v: Close added %d bytes, want at most Bound(0) = %d", e.setting, grown, Bound(0))
	}
	return out
}

func TestOutputDecodesToInputWhateverThePieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	sizes := []int{0, 1, 100, Piece - 1, Piece, Piece + 1, 1<<16 - 1, 1 << 16, 1<<17 + 1, 300_000}
	ways := map[string]func() (int, bool){
		"whole":   func() (int, bool) { return 1 << 20, false },
		"pieces":  func() (int, bool) { return Piece, false },
		"flushed": func() (int, bool) { return 1000, true },
		"random":  func() (int, bool) { return rng.IntN(40 << 10), rng.IntN(4) == 0 },
	}
	for _, s := range settings() {
		p := NewPool(PoolConfig{})
		for kind, make := range kinds {
			for way, next := range ways {
				if s.Level != offered[s.Coding].normal && way != "random" {
					continue // all ways with the usual levels are enough
				}
				src := make(rng, sizes[rng.IntN(len(sizes))])
				e := open(t, p, s)
				if got := mustDecode(t, s.Coding, encode(t, e, src, next)); !bytes.Equal(got, src) {
					t.Errorf("%v: %s of %d bytes, %s, is decoded to something else", s, kind, len(src), way)
				}
				p.Put(e)
			}
		}
	}
}

func TestEverySizeAroundABlock(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range []Setting{{Coding: Gzip}, {Coding: Zstd}, {Coding: Brotli}} {
		p := NewPool(PoolConfig{})
		for _, size := range []int{0, 1, 2, 3, Piece - 1, Piece, Piece + 1, 2*Piece - 1, 2 * Piece, 2*Piece + 1} {
			src := text(rng, size)
			e := open(t, p, s)
			out := encode(t, e, src, func() (int, bool) { return 1 << 20, false })
			if got := mustDecode(t, s.Coding, out); !bytes.Equal(got, src) {
				t.Errorf("%v: %d bytes are decoded to %d others", s, size, len(got))
			}
			if len(out) == 0 {
				t.Errorf("%v: an empty answer became no bytes, which is not that coding", s)
			}
			p.Put(e)
		}
	}
}

// A trickle hands out what it was given and then has nothing for now.
type trickle struct{ bytes.Buffer }

var errNotYet = errors.New("nothing for now")

func (r *trickle) Read(p []byte) (int, error) {
	if r.Len() == 0 {
		return 0, errNotYet
	}
	return r.Buffer.Read(p)
}

func TestFlushHoldsNothingBack(t *testing.T) {
	for _, s := range settings() {
		e := open(t, NewPool(PoolConfig{}), s)
		for i := range 50 {
			event := fmt.Sprintf("data: event %d\n\n", i)
			out, err := e.Append(nil, []byte(event), true)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				testFirstEvent(t, s, out, event)
			}
			if len(out) == 0 || len(out) > len(event)+64 {
				t.Errorf("%v: event %d of %d bytes became %d", s, i, len(event), len(out))
			}
			if again, err := e.Append(nil, nil, true); len(again) != 0 || err != nil {
				t.Errorf("%v: a flush without input wrote %d bytes, %v", s, len(again), err)
			}
		}
	}
}

// testFirstEvent decodes out as far as it goes, which must be all of event.
func testFirstEvent(t *testing.T, s Setting, out []byte, event string) {
	t.Helper()
	var r trickle
	r.Write(out)
	got := make([]byte, len(event))
	if n, err := io.ReadFull(decoder(t, s.Coding, &r), got); string(got) != event {
		t.Errorf("%v: after a flush %d bytes can be decoded (%v): %q, want %q", s, n, err, got[:n], event)
	}
}

func TestReuseKeepsNothingOfTheStreamBefore(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, s := range settings() {
		src := text(rng, 100_000)
		next := func() (int, bool) { return Piece, false }
		want := encode(t, open(t, NewPool(PoolConfig{}), s), src, next)

		p := NewPool(PoolConfig{})
		e := open(t, p, s)
		if _, err := e.Append(nil, kinds["turns"](rng, 133_333), false); err != nil {
			t.Fatal(err)
		}
		p.Put(e) // cut off
		again := open(t, p, s)
		if again != e {
			t.Fatalf("%v: Get made a new encoder beside an idle one", s)
		}
		if out, err := again.Append(nil, nil, true); len(out) > 0 || err != nil {
			t.Errorf("%v: a flush at the beginning of a stream wrote %q, %v", s, out, err)
		}
		got := encode(t, again, src, next)
		if !bytes.Equal(mustDecode(t, s.Coding, got), src) {
			t.Errorf("%v: a stream after one that was cut off is decoded to something else", s)
		}
		if d := len(got) - len(want); d > len(want)/50 || -d > len(want)/50 {
			t.Errorf("%v: %d bytes with a used encoder, %d with a new one", s, len(got), len(want))
		}
	}
}

func TestNoGoroutineIsStarted(t *testing.T) {
	sample := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	created := func() uint64 {
		metrics.Read(sample)
		if sample[0].Value.Kind() != metrics.KindUint64 {
			t.Fatal("the runtime does not count goroutines")
		}
		return sample[0].Value.Uint64()
	}
	src := kinds["turns"](rand.New(rand.NewPCG(9, 1)), 150_000)
	fewest := ^uint64(0)
	for range 3 { // the runtime starts some of its own, once
		runtime.GC()
		before := created()
		for _, s := range settings() {
			p := NewPool(PoolConfig{})
			for range 2 {
				e := open(t, p, s)
				encode(t, e, src, func() (int, bool) { return 50_000, false })
				p.Put(e)
			}
		}
		fewest = min(fewest, created()-before)
	}
	if fewest != 0 {
		t.Errorf("compressing started %d goroutines", fewest)
	}
	before := created()
	done := make(chan bool)
	go close(done)
	<-done
	if created() == before {
		t.Error("a goroutine that was started is not counted")
	}
}

// breaking is a codec that fails as foreign code may.
type breaking struct{ err error }

func (b breaking) Write([]byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	var none []int
	return none[len(none)], nil
}
func (b breaking) Flush() error      { return b.err }
func (b breaking) Close() error      { return b.err }
func (b breaking) Reset(_ io.Writer) {}

func TestAPanicOrErrorOfTheCodecEndsOneStreamOnly(t *testing.T) {
	cause := errors.New("no more tables")
	for _, broken := range []breaking{{}, {cause}} {
		p := NewPool(PoolConfig{})
		e := open(t, p, Setting{Coding: Gzip})
		e.codec = broken
		dst, err := e.Append([]byte("before"), []byte("x"), false)
		if err == nil || string(dst) != "before" || (broken.err != nil && !errors.Is(err, cause)) {
			t.Errorf("Append = %q, %v, want what was there and an error", dst, err)
		}
		if _, again := e.Close(nil); again != err {
			t.Errorf("Close after an error = %v, want %v", again, err)
		}
		p.Put(e)
		if s := p.Stats(); s.Failed != 1 || s.Idle != 0 || s.Memory != 0 || s.Active != 0 {
			t.Errorf("Stats() = %+v, want one failure and nothing kept", s)
		}
	}
}

func TestNothingAfterClose(t *testing.T) {
	for _, c := range Preferred {
		e := open(t, NewPool(PoolConfig{}), Setting{Coding: c})
		if _, err := e.Close(nil); err != nil {
			t.Fatal(err)
		}
		if b, err := e.Append(nil, []byte("x"), true); err != errClosed || len(b) > 0 {
			t.Errorf("%v: Append after Close = %q, %v, want nothing and errClosed", c, b, err)
		}
		if b, err := e.Close(nil); err != errClosed || len(b) > 0 {
			t.Errorf("%v: a second Close = %q, %v, want nothing and errClosed", c, b, err)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello hello hello"), uint8(1), uint8(0), uint16(3), uint64(1))
	f.Add([]byte{}, uint8(2), uint8(1), uint16(0), uint64(0))
	f.Add(bytes.Repeat([]byte{0}, 300), uint8(3), uint8(2), uint16(40000), uint64(7))
	pools := map[Setting]*Pool{}
	all := settings()
	f.Fuzz(func(t *testing.T, seed []byte, which, times uint8, piece uint16, flushes uint64) {
		s := all[int(which)%len(all)]
		if pools[s] == nil {
			pools[s] = NewPool(PoolConfig{})
		}
		src := bytes.Repeat(seed, 1+int(times))
		e := open(t, pools[s], s)
		i := 0
		out := encode(t, e, src, func() (int, bool) {
			i++
			return int(piece) + 1, flushes>>(i%64)&1 == 1
		})
		pools[s].Put(e)
		if got := mustDecode(t, s.Coding, out); !bytes.Equal(got, src) {
			t.Errorf("%v: %d bytes are decoded to %d others", s, len(src), len(got))
		}
	})
}
