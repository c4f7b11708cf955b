// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"encoding/binary"
	"fmt"
	"math"
)

// minutes is how many points of the coarsest ring an Hour has.
const minutes = 60

// An Hour is what one object did in one hour, minute by minute, for another box that
// stands in for this one. Minutes in which it served nothing are not in it.
type Hour struct {
	Kind   Kind
	Name   string // as in [Series]
	Server string
	Number int64 // Unix time divided by 3600
	// Values has 60 values for each of Metrics(Kind), IEEE 754 singles, little endian;
	// NaN where nothing is known.
	Values []byte
}

// Hours calls yield with what clusters, pools and members have served since the Unix
// time from, up to the last whole minute, until it returns false. No lock is held
// meanwhile.
func (h *History) Hours(from int64, yield func(Hour) bool) {
	h.mu.Lock()
	end := h.newest / 60 // this minute is not over
	var list []object
	for o := range h.tracks {
		if o.Kind != EngineKind {
			list = append(list, o)
		}
	}
	h.mu.Unlock()
	for number := max(from/60, end-spans[numSpans-1].length+1) / minutes; number*minutes < end; number++ {
		for _, o := range list {
			if hour, ok := h.hour(o, number, from/60, end); ok && !yield(hour) {
				return
			}
		}
	}
}

// hour returns what o served in an hour, of the minutes from first to before end.
func (h *History) hour(o object, number, first, end int64) (hour Hour, served bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	tr := h.tracks[o]
	if tr == nil {
		return Hour{}, false
	}
	values := make([]byte, 0, 4*minutes*len(tr.rows))
	for _, r := range tr.rows {
		for m := range int64(minutes) {
			v := float32(math.NaN())
			if i := number*minutes + m; i >= first && i < end && h.serves(o, tr, i) {
				served, v = true, r.get(at(numSpans-1, i))
			}
			values = binary.LittleEndian.AppendUint32(values, math.Float32bits(v))
		}
	}
	return Hour{o.Kind, o.Name, o.Server, number, values}, served
}

// serves reports whether o has served anything in a minute, whose number is Unix time
// divided by 60. The caller holds h.mu.
func (h *History) serves(o object, tr *track, minute int64) bool {
	p := at(numSpans-1, minute)
	if h.times[p] != minute+1 {
		return false
	}
	for i, m := range metricsOf[o.Kind] {
		switch m.name {
		case requests.name, accepted.name, connections.name:
			if tr.rows[i].get(p) > 0 {
				return true
			}
		}
	}
	return false
}

// Fill takes over what another box has served: in minutes in which this one has
// served nothing of the object, its figures stand in for ours. An object that is not
// known here, and what is too old or yet to come, is left out. So the same hour may
// be filled any number of times.
func (h *History) Fill(hour Hour) error {
	n := len(metricsOf[hour.Kind])
	if n == 0 || hour.Kind == EngineKind {
		return fmt.Errorf("fill the history: a box takes over cluster, pool and member, not %q", hour.Kind)
	}
	if want := 4 * minutes * n; len(hour.Values) != want {
		return fmt.Errorf("fill the history of %s %s: its values have %d bytes, want %d", hour.Kind, hour.Name, len(hour.Values), want)
	}
	o := object{hour.Kind, hour.Name, hour.Server}
	h.mu.Lock()
	defer h.mu.Unlock()
	tr := h.tracks[o]
	if tr == nil || hour.Number < 0 || hour.Number > h.newest/3600 {
		return nil
	}
	for m := range int64(minutes) {
		minute := hour.Number*minutes + m
		values := make([]float64, n)
		known := false
		for i := range values {
			bits := binary.LittleEndian.Uint32(hour.Values[4*(int64(i)*minutes+m):])
			values[i] = float64(math.Float32frombits(bits))
			known = known || !math.IsNaN(values[i])
		}
		if known && minute < h.newest/60 && !h.serves(o, tr, minute) {
			h.fill(tr, minute, values)
		}
	}
	return nil
}

// fill sets a minute of an object in every ring that reaches back to it.
func (h *History) fill(tr *track, minute int64, values []float64) {
	for s, sp := range spans {
		for i := minute * 60 / sp.step; i < (minute+1)*60/sp.step; i++ {
			if i <= h.newest/sp.step-sp.length || i >= h.newest/sp.step {
				continue
			}
			p := at(s, i)
			if h.times[p] != i+1 { // the box was off: nothing is known of any object
				for _, other := range h.tracks {
					for _, r := range other.rows {
						r.set(p, math.NaN())
					}
				}
				h.times[p] = i + 1
			}
			for k, r := range tr.rows {
				r.set(p, values[k])
			}
		}
	}
}
