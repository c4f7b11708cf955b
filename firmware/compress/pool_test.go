// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"math/rand/v2"
	"runtime"
	"testing"
)

func TestPoolKeepsWithinItsBudget(t *testing.T) {
	gz, br := Setting{Coding: Gzip}, Setting{Coding: Brotli}
	p := NewPool(PoolConfig{Budget: br.Memory() + gz.Memory()})
	a, b := open(t, p, gz), open(t, p, br)
	if e, err := p.Get(gz); e != nil || err != nil {
		t.Fatalf("Get = %v, %v, want nothing: the budget is spent", e, err)
	}
	p.Put(a)
	if e, err := p.Get(br); e != nil || err != nil {
		t.Fatalf("Get = %v, %v, want nothing: the idle encoder is too small to make room", e, err)
	}
	if again := open(t, p, gz); again != a {
		t.Error("an idle encoder was dropped though that made no room")
	}
	p.Put(b)
	c := open(t, p, gz) // in place of the idle b
	want := PoolStats{Active: 2, Memory: 2 * gz.Memory(), Made: 3, Reused: 1, Refused: 2}
	if got := p.Stats(); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
	p.Put(a)
	p.Put(c)
}

func TestPoolKeepsFewIdle(t *testing.T) {
	p := NewPool(PoolConfig{Idle: 2})
	var list []*Encoder
	for range 4 {
		list = append(list, open(t, p, Setting{Coding: Zstd}))
	}
	for _, e := range list {
		p.Put(e)
	}
	if s := p.Stats(); s.Idle != 2 || s.Active != 0 || s.Memory != 2*(Setting{Coding: Zstd}).Memory() {
		t.Errorf("Stats() = %+v, want two idle encoders and nothing else", s)
	}
	if e := open(t, p, Setting{Coding: Zstd, Level: 1}); e != list[3] {
		t.Error("Get did not return the encoder used last, which is still in the cache")
	}
}

func TestPutTwiceIsAMistake(t *testing.T) {
	p := NewPool(PoolConfig{})
	e := open(t, p, Setting{Coding: Gzip})
	p.Put(e)
	defer func() {
		if recover() == nil {
			t.Error("Put took an encoder twice: two streams would share it")
		}
	}()
	p.Put(e)
}

func TestSettingsThatThereAreNot(t *testing.T) {
	for _, tc := range []struct {
		s    Setting
		want string // "" if it is valid
	}{
		{Setting{Gzip, 0}, ""}, {Setting{Gzip, 6}, ""}, {Setting{Zstd, 2}, ""}, {Setting{Brotli, 5}, ""},
		{Setting{Gzip, 7}, "level of gzip must be 1 to 6, not 7"},
		{Setting{Gzip, -1}, "level of gzip must be 1 to 6, not -1"},
		{Setting{Zstd, 3}, "level of zstd must be 1 to 2, not 3"},
		{Setting{Brotli, 1}, "level of br must be 2 to 5, not 1"},
		{Setting{Identity, 0}, "there is no encoder for identity"},
		{Setting{9, 0}, "there is no encoder for Coding(9)"},
	} {
		got := ""
		if err := tc.s.Check(); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%v.Check() = %q, want %q", tc.s, got, tc.want)
		}
		if e, err := NewPool(PoolConfig{}).Get(tc.s); (err != nil) != (tc.want != "") || (e != nil) != (tc.want == "") {
			t.Errorf("Get(%v) = %v, %v", tc.s, e, err)
		}
		if m := tc.s.Memory(); (m > 0) != (tc.want == "") {
			t.Errorf("%v.Memory() = %d", tc.s, m)
		}
	}
}

// TestMemoryIsWhatAnEncoderHolds measures the growth of the heap.
func TestMemoryIsWhatAnEncoderHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	contents := [][]byte{random(rng, 300_000), kinds["turns"](rng, 500_000)}
	buf := make([]byte, 0, 1<<20)
	for _, s := range settings() {
		const n = 2
		p := NewPool(PoolConfig{Budget: 1 << 30})
		list := make([]*Encoder, n)
		before := heap()
		for i := range list {
			for _, src := range contents { // one after the other, with the same encoder
				e := open(t, p, s)
				for len(src) > 0 {
					piece := min(len(src), Piece+777)
					if _, err := e.Append(buf, src[:piece], false); err != nil {
						t.Fatal(err)
					}
					src = src[piece:]
				}
				p.Put(e)
			}
			list[i] = open(t, p, s)
		}
		got := int(heap()-before) / n
		t.Logf("%v level %d: %d KiB measured, %d KiB stated", s.Coding, s.Level, got>>10, s.Memory()>>10)
		if got > s.Memory() || got < s.Memory()*2/3 {
			t.Errorf("%v holds %d KiB, want at most %d and not much less", s, got>>10, s.Memory()>>10)
		}
		runtime.KeepAlive(list)
	}
}

// heap returns how many bytes are in use on the heap.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // the second empties the pools of the libraries
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAllocNothingWithAUsedEncoder(t *testing.T) {
	if raceEnabled {
		return // the race detector empties pools: .ci/test runs this without it too
	}
	src := text(rand.New(rand.NewPCG(2, 2)), 100_000)
	buf := make([]byte, 0, Bound(len(src)))
	for _, s := range settings() {
		p := NewPool(PoolConfig{})
		step := func() {
			e, _ := p.Get(s)
			for rest := src; len(rest) > 0; {
				n := min(len(rest), 10_000)
				e.Append(buf, rest[:n], false)
				rest = rest[n:]
			}
			e.Append(buf, src[:10], true)
			e.Close(buf)
			p.Put(e)
		}
		step()
		want := 0.0
		if s.Coding == Zstd {
			want = 1 // 16 bytes for the head of the frame
		}
		if n := testing.AllocsPerRun(20, step); n > want {
			t.Errorf("%v level %d allocates %v times for a stream, want %v", s.Coding, s.Level, n, want)
		}
	}
}
