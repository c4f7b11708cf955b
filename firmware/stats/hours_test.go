// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"bytes"
	"math"
	"testing"
	"time"
)

// play ticks a history each second, with n requests in each of them.
func play(reg *Registry, h *History, from time.Time, secs int, n uint64) {
	c := reg.Cluster("shop").Slot(0)
	for i := range secs {
		c.Requests.Add(n)
		h.Tick(from.Add(time.Duration(i) * time.Second))
	}
}

func hoursOf(h *History, from int64) (list []Hour) {
	h.Hours(from, func(o Hour) bool { list = append(list, o); return true })
	return list
}

// What one box served and the other did not is seen on both, in every resolution;
// what a box served itself stays its own.
func TestFillTakesOverWhatAnotherBoxServed(t *testing.T) {
	regA, a := newTestHistory(HistoryConfig{})
	regB, b := newTestHistory(HistoryConfig{})
	play(regA, a, epoch, 180, 10) // left serves three minutes
	play(regB, b, epoch, 180, 0)
	half := epoch.Add(180 * time.Second)
	play(regA, a, half, 181, 0) // then right, three more
	play(regB, b, half, 181, 30)
	for range 2 { // again changes nothing
		for _, hour := range hoursOf(a, 0) {
			if err := b.Fill(hour); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, step := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		got := query(t, b, shopReq, epoch, 360, step).Columns[0]
		for i, v := range got {
			want := float32(10)
			if i >= len(got)/2 {
				want = 30
			}
			// Nothing is known of the very first second of a box's life.
			if first := i == 0 || i == len(got)/2; v != want && !first {
				t.Errorf("step %v, row %d: %v requests, want %v", step, i, v, want)
			}
		}
	}
	if got := query(t, a, shopReq, half.Add(time.Minute), 60, time.Minute).Columns[0]; got[0] != 0 {
		t.Errorf("left, which was told nothing, has %v requests, want 0", got)
	}
}

// A box that was off knows nothing of that time but what the other tells.
func TestFillOfATimeWhenTheBoxWasOff(t *testing.T) {
	regA, a := newTestHistory(HistoryConfig{})
	regB, b := newTestHistory(HistoryConfig{})
	regB.Cluster("other")
	play(regA, a, epoch, 600, 10)
	play(regB, b, epoch.Add(5*time.Minute), 300, 0)
	for _, hour := range hoursOf(a, 0) {
		if err := b.Fill(hour); err != nil {
			t.Fatal(err)
		}
	}
	if got := query(t, b, shopReq, epoch.Add(time.Minute), 120, time.Minute).Columns[0]; got[0] != 10 || got[1] != 10 {
		t.Errorf("shop: %v requests, want 10", got)
	}
	other := Series{Kind: ClusterKind, Name: "other", Metric: "requests"}
	if got := query(t, b, other, epoch.Add(time.Minute), 120, time.Minute).Columns[0]; !math.IsNaN(float64(got[0])) {
		t.Errorf("other: %v requests, want none known", got)
	}
}

func TestHoursTellWhatWasServedOnly(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	play(reg, h, epoch, 90, 0)
	if list := hoursOf(h, 0); len(list) != 0 {
		t.Errorf("%d hours of a box that served nothing", len(list))
	}
	play(reg, h, epoch.Add(90*time.Second), 90, 1)
	list := hoursOf(h, 0)
	if len(list) != 1 || list[0].Kind != ClusterKind || list[0].Name != "shop" || list[0].Number != epoch.Unix()/3600 {
		t.Fatalf("hours = %+v, want one of cluster shop", list)
	}
	if later := hoursOf(h, epoch.Unix()+3600); len(later) != 0 {
		t.Errorf("%d hours of a time to come", len(later))
	}
}

func TestFillRefusesWhatItCannotUse(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	play(reg, h, epoch, 120, 1)
	good := hoursOf(h, 0)[0]
	for name, change := range map[string]func(*Hour){
		"the box":    func(o *Hour) { o.Kind = EngineKind },
		"no kind":    func(o *Hour) { o.Kind = "x" },
		"cut":        func(o *Hour) { o.Values = o.Values[1:] },
		"of another": func(o *Hour) { o.Kind = PoolKind },
	} {
		bad := good
		if change(&bad); h.Fill(bad) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	before := query(t, h, shopReq, epoch, 120, time.Second).Columns[0]
	for name, change := range map[string]func(*Hour){
		"not known":   func(o *Hour) { o.Name = "gone" },
		"to come":     func(o *Hour) { o.Number++ },
		"before time": func(o *Hour) { o.Number = -1 },
		"long ago":    func(o *Hour) { o.Number -= 15 * 24 },
	} {
		other := good
		other.Values = bytes.Clone(good.Values)
		if change(&other); h.Fill(other) != nil {
			t.Errorf("%s: an error, want it left out", name)
		}
	}
	if after := query(t, h, shopReq, epoch, 120, time.Second).Columns[0]; !same(before, after) {
		t.Errorf("history = %v, want it as it was: %v", after, before)
	}
}
