// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"reflect"
	"sync"
	"testing"
	"unsafe"
)

// TestSlotsShareNoCacheLine checks that two loops' slots are at least two cache
// lines apart, and that the pads are where they must be: at the end.
func TestSlotsShareNoCacheLine(t *testing.T) {
	for loops := 1; loops <= 16; loops++ {
		c, r, m, e := NewCluster("c", loops), NewRule("c", "r", loops), NewMember("p", "m", loops), NewEngine(loops)
		for i := range loops {
			for name, p := range map[string]unsafe.Pointer{
				"rule":   unsafe.Pointer(r.Slot(i)),
				"engine": unsafe.Pointer(e.Slot(i)),
			} {
				if uintptr(p)%64 != 0 {
					t.Errorf("%s slot %d of %d starts within a cache line", name, i, loops)
				}
			}
			_, _ = c.Slot(i), m.Slot(i)
		}
	}
	if n := unsafe.Sizeof(RuleSlot{}); n != 128 {
		t.Errorf("a RuleSlot takes %d bytes, want 128", n)
	}
	if n := unsafe.Sizeof(EngineSlot{}); n != 128 {
		t.Errorf("an EngineSlot takes %d bytes, want 128", n)
	}
	for _, slot := range []any{ClusterSlot{}, MemberSlot{}, RuleSlot{}, EngineSlot{}} {
		typ := reflect.TypeOf(slot)
		pad := typ.Field(typ.NumField() - 1)
		if pad.Name != "_" || pad.Type.Size() < 96 {
			t.Errorf("%v does not end with a pad", typ)
		}
	}
}

// TestSumAddsEveryField gives each counter of each slot its own value and
// compares every field of the totals, found by name, with the sum.
func TestSumAddsEveryField(t *testing.T) {
	const loops = 3
	c, m := NewCluster("shop", loops), NewMember("shop", "web1", loops)
	for i := range loops {
		fill(reflect.ValueOf(c.Slot(i)).Elem(), uint64(i+1))
		fill(reflect.ValueOf(m.Slot(i)).Elem(), uint64(i+1))
	}
	ct, mt := c.Sum(), m.Sum()
	checkTotals(t, reflect.ValueOf(c.Slot(0)).Elem(), reflect.ValueOf(&ct).Elem())
	checkTotals(t, reflect.ValueOf(m.Slot(0)).Elem(), reflect.ValueOf(&mt).Elem())
}

// fill sets the k-th exported counter of a slot to factor*(k+1).
func fill(slot reflect.Value, factor uint64) {
	k := uint64(0)
	for i := range slot.NumField() {
		if !slot.Type().Field(i).IsExported() {
			continue
		}
		eachCounter(slot.Field(i), func(v any) {
			k++
			switch v := v.(type) {
			case *Counter:
				v.Add(factor * k)
			case *Gauge:
				v.Add(int64(factor * k))
			case *Histogram:
				for range factor {
					v.Observe(int64(k) * 1e6)
				}
			}
		})
	}
}

func eachCounter(v reflect.Value, f func(any)) {
	if v.Kind() == reflect.Array {
		for i := range v.Len() {
			f(v.Index(i).Addr().Interface())
		}
		return
	}
	f(v.Addr().Interface())
}

func checkTotals(t *testing.T, slot, totals reflect.Value) {
	t.Helper()
	const sum = 1 + 2 + 3
	k := uint64(0)
	for i := range slot.NumField() {
		name := slot.Type().Field(i).Name
		if name == "_" {
			continue
		}
		total := totals.FieldByName(name)
		if !total.IsValid() {
			t.Errorf("%v has no field %s", totals.Type(), name)
			continue
		}
		j := 0
		eachCounter(slot.Field(i), func(v any) {
			k++
			field := total
			if field.Kind() == reflect.Array {
				field = field.Index(j)
			}
			j++
			var got uint64
			switch f := field.Interface().(type) {
			case uint64:
				got = f
			case int64:
				got = uint64(f)
			case HistogramTotals:
				got = uint64(f.Sum().Milliseconds())
			}
			if got != sum*k {
				t.Errorf("%s[%d] = %d, want %d", name, j-1, got, sum*k)
			}
		})
	}
}

// TestReadersSeeCountsGrow reads while loops write, for the race detector and
// because a sum must never fall.
func TestReadersSeeCountsGrow(t *testing.T) {
	const loops, each = 4, 5_000
	c, r := NewCluster("shop", loops), NewRule("shop", "api", loops)
	var writers sync.WaitGroup
	for i := range loops {
		writers.Go(func() {
			for n := range int64(each) {
				s := c.Slot(i)
				s.Requests.Add(1)
				s.Active.Add(1)
				s.Duration.Observe(n * 1000)
				s.Active.Add(-1)
				r.Slot(i).Hit(n)
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	var last uint64
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		now := c.Sum()
		if n := now.Duration.Count(); n < last {
			t.Fatalf("count fell from %d to %d", last, n)
		} else {
			last = n
		}
	}
	if tot := c.Sum(); tot.Requests != loops*each || tot.Active != 0 || tot.Duration.Count() != loops*each {
		t.Errorf("Sum() = %d requests, %d active, %d durations; want %d, 0, %d",
			tot.Requests, tot.Active, tot.Duration.Count(), loops*each, loops*each)
	}
	if got, want := r.Sum(), (RuleTotals{Hits: loops * each, LastHit: each - 1}); got != want {
		t.Errorf("rule: Sum() = %v, want %v", got, want)
	}
}

func TestClassOf(t *testing.T) {
	for status, want := range map[int]int{0: 0, 99: 0, 100: 1, 204: 2, 302: 3, 404: 4, 599: 5, 600: 0, -1: 0} {
		if got := ClassOf(status); got != want {
			t.Errorf("ClassOf(%d) = %d, want %d", status, got, want)
		}
	}
}
