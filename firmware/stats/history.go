// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"log/slog"
	"math"
	"sync"
	"time"
)

// HistoryConfig says how much a History keeps.
type HistoryConfig struct {
	// MaxSeries bounds the memory: each series takes SeriesBytes, 129 600 bytes.
	// 1024 series, 133 MB at the most; an engine has 11, a cluster 9, a pool and
	// a member 5 each. What has no room is refused and reported, and is missing
	// in the sums of its pool and of the box.
	MaxSeries int

	// Connections returns how many connections a member has, false if it is not
	// known. It must not call the History. Nil: no member's connections are kept.
	Connections func(pool, server string) (int64, bool)
}

// keepTicks is for how many ticks the history of an object is kept that is gone,
// so that it is still there when a change is rolled back.
const keepTicks = 3600

// maxFill is how many seconds one tick may stand for, because it came late.
const maxFill = 5

// A History remembers the rates of everything in a registry: each second of the
// last hour, each 10 s of the last day, each minute of 14 days. All methods may be
// called from any goroutine.
type History struct {
	cfg HistoryConfig
	reg *Registry
	log *slog.Logger

	mu      sync.Mutex // guards what follows
	times   timeline
	tracks  map[object]*track
	series  int // rows in tracks
	refused int // rows that had no room at the last tick
	ticks   int64
	last    time.Time // of the last tick
	newest  int64     // Unix time of the last tick, also one that was loaded
	passed  deltas    // scratch of measure
}

// A track is the history of one object; newTrack makes it.
type track struct {
	rows    []row
	fed     int64 // number of the tick that fed it last
	source  any   // the counters; others of the same name begin at zero
	prev    sample
	windows [numSpans]window
}

// A window is the part of a span's newest point that has passed.
type window struct {
	base  sample // counts when it began; gauges: their sums
	known [numGauges]int
	since time.Time
}

// NewHistory returns an empty history of what is in reg.
func NewHistory(cfg HistoryConfig, reg *Registry, log *slog.Logger) *History {
	if cfg.MaxSeries == 0 {
		cfg.MaxSeries = 1024
	}
	return &History{cfg: cfg, reg: reg, log: log, tracks: make(map[object]*track)}
}

// Bytes returns the memory that the series and their timeline take.
func (h *History) Bytes() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.series*SeriesBytes + rowPoints*8
}

// Collect is a collector for Registry.Register.
func (h *History) Collect(w *Writer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w.Int(HistorySeries, int64(h.series))
	w.Int(HistorySeriesRefused, int64(h.refused))
}

// Tick takes one sample of everything. Call it once a second with the time of the
// call. The newest point of each ring is what passed of its time so far. A tick
// that is up to 5 s late stands for the seconds that were missed; after a longer
// pause, or when the clock jumps, the seconds between stay unknown.
func (h *History) Tick(now time.Time) {
	contents := h.reg.contents()
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.newTick(now)
	h.track(t, object{Kind: EngineKind}) // has room before all others
	clusters := newDeltas()
	for _, c := range contents.clusters {
		o, cur := object{Kind: ClusterKind, Name: c.name}, sampleCluster(c)
		if tr := h.measure(t, o, c, &cur); tr != nil {
			h.write(t, o, tr, &h.passed)
			h.passed.mergeInto(clusters)
		}
	}
	h.feedMembers(t, contents.members)
	h.feedEngine(t, clusters)
	h.finish(t)
}

// A tick is one round of sampling.
type tick struct {
	now     time.Time
	sec     int64 // Unix time
	restart bool  // nothing to compare with: the first, or the clock went back
	fresh   [numSpans]bool
	fill    int64 // seconds before sec that it stands for too
	refused int
}

func (h *History) newTick(now time.Time) *tick {
	t := &tick{now: now, sec: max(now.Unix(), 0)}
	lastSec := max(h.last.Unix(), 0)
	t.restart = h.last.IsZero() || now.Sub(h.last) <= 0
	for s, sp := range spans {
		t.fresh[s] = t.restart || t.sec/sp.step != lastSec/sp.step
	}
	if late := t.sec - lastSec; !t.restart && late > 1 && late <= maxFill {
		t.fill = late - 1
	}
	h.ticks++
	return t
}

// deltas is what happened to an object in the window of each span.
type deltas [numSpans]delta

// newDeltas returns empty deltas to merge others into.
func newDeltas() *deltas {
	d := new(deltas)
	for s := range d {
		d[s].gauges = unknownGauges()
	}
	return d
}

func (d *deltas) mergeInto(sum *deltas) {
	for s := range d {
		sum[s].merge(&d[s])
	}
}

// measure compares an object's sample with those before and leaves in h.passed
// what happened in the window of each span. The source tells counters of one name
// apart. It returns nil if there is no room for the object.
func (h *History) measure(t *tick, o object, source any, cur *sample) *track {
	tr := h.track(t, o)
	if tr == nil {
		return nil
	}
	begun := tr.source != source // since the last tick: it began at zero
	if begun {
		tr.prev, tr.source = sample{}, source
	}
	if t.restart {
		tr.prev = *cur
	}
	for s := range tr.windows {
		w := &tr.windows[s]
		if t.fresh[s] || begun {
			*w = window{base: tr.prev, since: h.last}
			w.base.gauges = [numGauges]float64{}
			if t.restart {
				w.since = t.now
			}
		}
		w.advance(t.now, cur, &h.passed[s])
	}
	tr.prev = *cur
	return tr
}

// advance sets d to what happened from the beginning of the window to now.
func (w *window) advance(now time.Time, cur *sample, d *delta) {
	d.sample, d.secs = *cur, now.Sub(w.since).Seconds()
	for i := range d.counts {
		d.counts[i] -= w.base.counts[i]
	}
	d.took.Sub(&w.base.took)
	for i, v := range cur.gauges {
		if !math.IsNaN(v) {
			w.base.gauges[i] += v
			w.known[i]++
		}
		d.gauges[i] = w.base.gauges[i] / float64(w.known[i]) // 0/0 is NaN
	}
}

// track returns the history of an object, a new one if there is none, nil if
// there is no room.
func (h *History) track(t *tick, o object) *track {
	tr := h.tracks[o]
	if tr == nil {
		n := len(metricsOf[o.Kind])
		if h.series+n > h.cfg.MaxSeries {
			t.refused += n
			return nil
		}
		tr = newTrack(n)
		h.tracks[o] = tr
		h.series += n
	}
	tr.fed = h.ticks
	return tr
}
