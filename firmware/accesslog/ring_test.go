// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"net/netip"
	"reflect"
	"testing"
	"unsafe"
)

// TestRingKeepsOrderAndLosesOnlyWhatItCounts has a loop and a reader at work at
// once, with a ring that is full now and then.
func TestRingKeepsOrderAndLosesOnlyWhatItCounts(t *testing.T) {
	s := newSlot(64, make(chan struct{}, 1))
	const puts = 50_000
	refused := make(chan uint64)
	go func() {
		var r Record
		var n uint64
		for i := range uint64(puts) {
			r.Generation = i + 1
			r.BytesIn = int64(i + 1)
			if !s.Put(&r) {
				n++
			}
		}
		refused <- n
	}()
	var taken, last, lost uint64
	check := func(r *Record) bool {
		if r.Generation <= last || r.BytesIn != int64(r.Generation) {
			t.Errorf("record %d (bytes %d) after %d", r.Generation, r.BytesIn, last)
		}
		last = r.Generation
		taken++
		return true
	}
	for running := true; running; {
		select {
		case lost = <-refused:
			running = false
		default:
		}
		s.take(s.put.Load(), check)
	}
	if taken+lost != puts || s.drops.Load() != lost {
		t.Errorf("%d taken, %d refused, %d counted as dropped, of %d", taken, lost, s.drops.Load(), puts)
	}
}

func TestRingIsFullExactlyWhenFull(t *testing.T) {
	s := newSlot(5, make(chan struct{}, 1)) // 8
	var r Record
	for round := range 20 {
		for i := range 8 {
			if !s.Put(&r) {
				t.Fatalf("round %d: record %d of 8 finds no room", round, i)
			}
		}
		if s.Put(&r) {
			t.Fatalf("round %d: a ninth record finds room", round)
		}
		n := 0
		if s.take(s.put.Load(), func(*Record) bool { n++; return n < 4 }) || n != 4 {
			t.Fatalf("round %d: take stopped at %d", round, n)
		}
		if !s.take(s.put.Load(), func(*Record) bool { n++; return true }) || n != 4+5 {
			t.Fatalf("round %d: %d calls, want the kept record again and the rest", round, n)
		}
	}
	if got := s.drops.Load(); got != 20 {
		t.Errorf("%d drops, want 20", got)
	}
}

func TestRunIsWokenWhenTheRingIsHalfFull(t *testing.T) {
	wake := make(chan struct{}, 1)
	s := newSlot(8, wake)
	for round := range 3 {
		for i := range 6 {
			s.Put(&Record{})
			if woken := len(wake) == 1; woken != (i >= 4) {
				t.Fatalf("round %d, %d waiting: woken %v", round, i+1, woken)
			}
		}
		<-wake
		s.take(s.put.Load(), func(*Record) bool { return true })
	}
}

func TestPutDoesNotAllocateAndNilSlotTakesAll(t *testing.T) {
	s := newSlot(16, make(chan struct{}, 1))
	var r Record
	if n := testing.AllocsPerRun(100, func() { s.Put(&r) }); n != 0 {
		t.Errorf("Put allocates %v times", n)
	}
	path := []byte("/a/path")
	ap := netip.MustParseAddrPort("192.0.2.1:1234")
	if n := testing.AllocsPerRun(100, func() { r = Record{}; r.Path.Set(path); r.SetClient(ap) }); n != 0 {
		t.Errorf("filling a record allocates %v times", n)
	}
	if !(*Slot)(nil).Put(&r) {
		t.Error("a nil slot refuses")
	}
}

// TestRecordHasNoPointers keeps rings out of the garbage collector's sight, and
// says what a ring takes.
func TestRecordHasNoPointers(t *testing.T) {
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				walk(typ.Field(i).Type)
			}
		case reflect.Array:
			walk(typ.Elem())
		case reflect.Pointer, reflect.String, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
			t.Errorf("a record holds a %v", typ)
		}
	}
	walk(reflect.TypeFor[Record]())
	if n := unsafe.Sizeof(Record{}); n > 1024 {
		t.Errorf("a record takes %d bytes, more than 1024", n)
	}
}

func BenchmarkPut(b *testing.B) {
	s := newSlot(4096, make(chan struct{}, 1))
	var r Record
	r.Path.SetString("/some/path/of/a/usual/length?with=query")
	r.UserAgent.SetString("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	b.ReportAllocs()
	for b.Loop() {
		if !s.Put(&r) {
			s.taken.Store(s.put.Load())
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	r, names := fullRecord()
	for _, name := range []string{"json", "combined"} {
		f, err := newFormat(name, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			line := make([]byte, 0, lineSize)
			b.ReportAllocs()
			for b.Loop() {
				f.append(line, r, names)
			}
		})
	}
}
