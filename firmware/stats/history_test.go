// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// epoch is a whole minute, and a whole hour.
var epoch = time.Unix(1_700_006_400, 0)

func newTestHistory(cfg HistoryConfig) (*Registry, *History) {
	reg := NewRegistry(Config{Loops: 1})
	return reg, NewHistory(cfg, reg, slog.New(slog.DiscardHandler))
}

func query(t *testing.T, h *History, s Series, from time.Time, secs int64, step time.Duration) Table {
	t.Helper()
	tab, err := h.Query([]Series{s}, from, from.Add(time.Duration(secs)*time.Second), step)
	if err != nil {
		t.Fatalf("Query(%v): %v", s, err)
	}
	return tab
}

// same compares columns; NaN equals NaN.
func same(a, b Column) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-3*math.Abs(float64(b[i])) ||
			math.IsNaN(float64(a[i])) != math.IsNaN(float64(b[i])) {
			return false
		}
	}
	return true
}

var (
	nan        = float32(math.NaN())
	shopReq    = Series{Kind: ClusterKind, Name: "shop", Metric: "requests"}
	shopConns  = Series{Kind: ClusterKind, Name: "shop", Metric: "connections"}
	shopP95    = Series{Kind: ClusterKind, Name: "shop", Metric: "p95"}
	engineReq  = Series{Kind: EngineKind, Metric: "requests"}
	engineBusy = Series{Kind: EngineKind, Metric: "busy"}
)

func TestHistoryOfEachSpanAgreesWithOracle(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	c := reg.Cluster("shop").Slot(0)
	rnd := rand.New(rand.NewPCG(5, 6))
	const secs = 3700 // longer than the first ring
	perSec := make([]uint64, secs)
	conns := make([]int64, secs)
	for i := range secs {
		perSec[i], conns[i] = rnd.Uint64N(1000), rnd.Int64N(50)
		c.Requests.Add(perSec[i])
		c.Connections.Set(conns[i])
		h.Tick(epoch.Add(time.Duration(i) * time.Second))
	}
	mean := func(i, n int, v func(int) float64) float32 {
		var sum float64
		for k := i; k < i+n; k++ {
			sum += v(k)
		}
		return float32(sum / float64(n))
	}
	reqs := func(i int) float64 { return float64(perSec[i]) }
	cons := func(i int) float64 { return float64(conns[i]) }
	for _, tt := range []struct {
		name       string
		first, n   int // second of the first row, rows
		step, want int // seconds asked for and given
	}{
		{"the newest seconds", 3600, 100, 1, 1},
		{"the oldest seconds", 100, 10, 1, 1},
		{"older than seconds go", 60, 10, 1, 10},
		{"steps of a ring", 1200, 100, 10, 10},
		{"steps between rings", 1200, 10, 15, 20},
		{"several seconds", 3000, 10, 5, 5},
		{"minutes", 60, 60, 60, 60},
		{"hours", 0, 1, 3600, 3600},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := epoch.Add(time.Duration(tt.first) * time.Second)
			for s, v := range map[Series]func(int) float64{shopReq: reqs, engineReq: reqs, shopConns: cons} {
				tab := query(t, h, s, from, int64(tt.n*tt.want), time.Duration(tt.step)*time.Second)
				want := make(Column, tt.n)
				for i := range want {
					want[i] = mean(tt.first+i*tt.want, tt.want, v)
				}
				if tt.first == 0 && s.Metric == "requests" {
					want = tab.Columns[0] // the very first second has no rate
				}
				if tab.Step != int64(tt.want) || tab.From != from.Unix() || !same(tab.Columns[0], want) {
					t.Errorf("%v: step %d from %d: %v, want %v", s, tab.Step, tab.From, tab.Columns[0], want)
				}
			}
		})
	}
}

func TestHistoryForgetsWhatIsOlderThanItsRing(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	reg.Cluster("shop")
	for i := range 3601 {
		h.Tick(epoch.Add(time.Duration(i) * time.Second))
	}
	var c Column
	h.mu.Lock()
	tab := Table{From: epoch.Unix(), Step: 1}
	c = h.column(h.tracks[object{Kind: ClusterKind, Name: "shop"}].rows[3], connections, 0, tab, 2)
	h.mu.Unlock()
	if !same(c, Column{nan, 0}) {
		t.Errorf("the seconds %v, want the first overwritten, the second there", c)
	}
}

func TestHistoryQuantilesOfAWindowAreExact(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	c := reg.Cluster("shop").Slot(0)
	h.Tick(epoch.Add(-time.Second))
	for i := range 60 {
		// 95 of 100 in a minute take 1 ms; the slow ones are all in one second.
		for range 19 {
			c.Duration.Observe(1e6)
		}
		if i == 30 {
			for range 30 {
				c.Duration.Observe(2e9)
			}
		}
		h.Tick(epoch.Add(time.Duration(i) * time.Second))
	}
	minute := query(t, h, shopP95, epoch, 60, time.Minute).Columns[0]
	if !(minute[0] > 0.0009 && minute[0] <= 0.001) {
		t.Errorf("p95 of the minute is %v, want about 0.001", minute)
	}
	second := query(t, h, shopP95, epoch.Add(30*time.Second), 1, time.Second).Columns[0]
	if !(second[0] > 1.8 && second[0] <= 2) {
		t.Errorf("p95 of the slow second is %v, want about 2", second)
	}
	five := query(t, h, shopP95, epoch.Add(30*time.Second), 5, 5*time.Second).Columns[0]
	if five[0] != second[0] {
		t.Errorf("p95 of five seconds is %v, want the worst of them, %v", five, second)
	}
}

// TestHistorySurvivesClocks gives ticks at odd times; each row is what one promise
// of Tick says. A reading of the clock without monotonic part is what a load from
// text or a test has; with it elapsed time is right whatever the wall clock does.
func TestHistorySurvivesClocks(t *testing.T) {
	tests := []struct {
		name  string
		ticks []float64 // seconds after epoch; 10 requests are served before each
		from  int64
		want  Column
	}{
		{"steady", []float64{0, 1, 2, 3}, 0, Column{nan, 10, 10, 10, nan}},
		{"two ticks in one second", []float64{0, 1, 2, 2.9, 4}, 1, Column{10, 20 / 1.9, 10 / 1.1}},
		{"a late tick stands for what it missed", []float64{0, 1, 3, 4}, 1, Column{10, 5, 5, 10}},
		{"a pause leaves a gap", []float64{0, 1, 11, 12}, 1,
			Column{10, nan, nan, nan, nan, nan, nan, nan, nan, nan, 1, 10}},
		{"forwards by a month", []float64{0, 1, 2_592_000, 2_592_001}, 2_592_000 - 1, Column{nan, 0, 10}},
		{"backwards by seconds", []float64{0, 1, 2, 3, 1, 2, 3}, 0, Column{nan, nan, 10, 10}},
		{"what a clock that was ahead wrote is not shown", []float64{0, 1, 2, 3, 4, 1, 2}, 0, Column{nan, nan, 10, nan, nan}},
		{"backwards by a month", []float64{2_592_000, 2_592_001, 0, 1, 2}, 0, Column{nan, 10, 10, nan}},
		{"there and back", []float64{0, 1, 2, 2_592_000, 3, 4}, 0, Column{nan, 10, 10, nan, 10, nan}},
		{"before 1970", []float64{-1_800_000_000, 0, 1}, 0, Column{0, 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reg, h := newTestHistory(HistoryConfig{})
			c := reg.Cluster("shop").Slot(0)
			for _, s := range tt.ticks {
				c.Requests.Add(10)
				h.Tick(epoch.Add(time.Duration(s*1000) * time.Millisecond))
			}
			from := epoch.Add(time.Duration(tt.from) * time.Second)
			got := query(t, h, shopReq, from, int64(len(tt.want)), time.Second).Columns[0]
			for i, v := range got { // rates over a month are next to nothing
				if v < 0.001 {
					got[i] = 0
				}
			}
			if !same(got, tt.want) {
				t.Errorf("requests = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestAWindowDoesNotSpanAStepBack: what was counted before the clock went back has
// no length in the new time, so the minute begins anew.
func TestAWindowDoesNotSpanAStepBack(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	c := reg.Cluster("shop").Slot(0)
	for _, s := range []int{0, 10, 20, 30, 40, 5, 15, 25} {
		c.Requests.Add(100)
		h.Tick(epoch.Add(time.Duration(s) * time.Second))
	}
	got := query(t, h, shopReq, epoch, 60, time.Minute).Columns[0]
	if want := (Column{10}); !same(got, want) {
		t.Errorf("requests of the minute = %v, want %v", got, want)
	}
}

// TestRatesUseTheMonotonicClock lets the wall clock of synctest's bubble pass and
// moves nothing else: the elapsed time must come from the readings themselves.
func TestRatesUseTheMonotonicClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, h := newTestHistory(HistoryConfig{})
		c := reg.Cluster("shop").Slot(0)
		for range 5 {
			h.Tick(time.Now())
			time.Sleep(time.Second)
			c.Requests.Add(7)
		}
		h.Tick(time.Now())
		got := query(t, h, shopReq, time.Now().Add(-2*time.Second), 3, time.Second).Columns[0]
		if want := (Column{7, 7, 7}); !same(got, want) {
			t.Errorf("requests = %v, want %v", got, want)
		}
	})
}

func TestPoolsAndEngineAreSums(t *testing.T) {
	cfg := HistoryConfig{Connections: func(pool, server string) (int64, bool) {
		return map[string]int64{"web1": 3, "web2": 4}[server], server != "web3"
	}}
	reg, h := newTestHistory(cfg)
	h.Tick(epoch)
	for _, name := range []string{"web1", "web2", "web3"} {
		m := reg.Member("shop", name).Slot(0)
		m.Class[2].Add(10)
		m.Class[5].Add(2)
		m.Class[0].Add(1)
		m.Duration.Observe(5e6)
	}
	reg.Member("other", "web1").Slot(0).Class[2].Add(100)
	reg.Cluster("a").Slot(0).Requests.Add(1)
	reg.Cluster("b").Slot(0).Requests.Add(2)
	reg.Cluster("b").Slot(0).Class[0].Add(1)
	reg.Cluster("b").Slot(0).Class[5].Add(1)
	reg.Engine().Slot(0).Busy.Add(250e6)
	h.Tick(epoch.Add(time.Second))
	for s, want := range map[Series]float32{
		{PoolKind, "shop", "", "requests"}:          39,
		{PoolKind, "shop", "", "errors"}:            9,
		{PoolKind, "shop", "", "connections"}:       7,
		{PoolKind, "shop", "", "p50"}:               0.004875,
		{PoolKind, "other", "", "requests"}:         100,
		{PoolKind, "other", "", "p50"}:              nan,
		{MemberKind, "shop", "web2", "connections"}: 4,
		{MemberKind, "shop", "web3", "connections"}: nan,
		{MemberKind, "shop", "web3", "errors"}:      3,
		{ClusterKind, "b", "", "errors"}:            2,
		{EngineKind, "", "", "errors"}:              2,
		engineReq:                                   3,
		engineBusy:                                  0.25,
	} {
		got := query(t, h, s, epoch.Add(time.Second), 1, time.Second).Columns[0]
		if !same(got, Column{want}) {
			t.Errorf("%v = %v, want %v", s, got, want)
		}
	}
}

func TestHistoryOfRemovedObjects(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	now := epoch
	tick := func() { h.Tick(now); now = now.Add(time.Second) }
	reg.Cluster("shop").Slot(0).Requests.Add(100)
	tick()
	reg.Cluster("shop").Slot(0).Requests.Add(5)
	tick()
	reg.Keep(Live{})
	tick()
	reg.Cluster("shop").Slot(0).Requests.Add(3) // rolled back: counts from zero
	tick()
	got := query(t, h, shopReq, epoch, 4, time.Second).Columns[0]
	if want := (Column{nan, 5, nan, 3}); !same(got, want) {
		t.Errorf("requests = %v, want %v", got, want)
	}
	reg.Keep(Live{})
	before := h.Bytes()
	for range keepTicks + 1 {
		tick()
	}
	if got, want := h.Bytes(), before-9*SeriesBytes; got != want {
		t.Errorf("after an hour the history takes %d bytes, want %d", got, want)
	}
	if _, err := h.Query([]Series{shopReq}, epoch, now, time.Second); !errors.Is(err, ErrNoSeries) {
		t.Errorf("Query of what is forgotten: %v, want %v", err, ErrNoSeries)
	}
}

// TestHistoryOfRemovedObjectsIsNotOlderHistory lets a ring come round while an
// object is gone: its old point must not stand for the new moment.
func TestHistoryOfRemovedObjectsIsNotOlderHistory(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	for i := range 3 {
		reg.Cluster("shop").Slot(0).Requests.Add(5)
		h.Tick(epoch.Add(time.Duration(i) * time.Second))
	}
	reg.Keep(Live{})
	later := epoch.Add(3601 * time.Second)
	h.Tick(later)
	if got := query(t, h, shopReq, later, 1, time.Second).Columns[0]; !same(got, Column{nan}) {
		t.Errorf("requests = %v, want %v", got, nan)
	}
}

func TestHistoryRefusesWhatHasNoRoom(t *testing.T) {
	var log bytes.Buffer
	reg := NewRegistry(Config{Loops: 1})
	h := NewHistory(HistoryConfig{MaxSeries: 9 + 11}, reg, slog.New(slog.NewTextHandler(&log, nil)))
	reg.Register(h.Collect)
	reg.Cluster("a")
	reg.Cluster("b")
	h.Tick(epoch)
	h.Tick(epoch.Add(time.Second))
	if n := strings.Count(log.String(), "history room changed"); n != 1 {
		t.Errorf("%d log lines, want 1: %s", n, log.String())
	}
	text := textOf(t, reg)
	for _, want := range []string{"evener_history_series 20\n", "evener_history_series_refused 9\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q", want)
		}
	}
	if got, want := h.Bytes(), 20*129_600+32_400*8; got != want {
		t.Errorf("Bytes() = %d, want %d", got, want)
	}
	reg.Keep(Live{Clusters: []string{"a"}})
	h.Tick(epoch.Add(2 * time.Second))
	if strings.Contains(textOf(t, reg), "evener_history_series_refused 9\n") {
		t.Error("still refused after the cluster is gone")
	}
}

func BenchmarkTick(b *testing.B) {
	reg, h := newTestHistory(HistoryConfig{})
	for _, pool := range []string{"a", "b", "c", "d"} {
		reg.Cluster(pool)
		for _, s := range strings.Split("0123456789abcdef", "") {
			reg.Member(pool, s).Slot(0).Duration.Observe(1e6)
		}
	}
	now := epoch
	b.ReportAllocs()
	for b.Loop() {
		h.Tick(now)
		now = now.Add(time.Second)
	}
}
