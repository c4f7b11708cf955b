// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrNoSeries says that the history knows no such object.
var ErrNoSeries = errors.New("no history")

// maxPoints bounds an answer: points of all columns.
const maxPoints = 1 << 20

// A Table is a stretch of history, a column for each series.
type Table struct {
	From    int64    `json:"from"` // Unix time of the first row, a multiple of Step
	Step    int64    `json:"step"` // seconds
	Columns []Column `json:"columns"`
}

// A Column holds one value for each step; NaN, in JSON null, where nothing is
// known.
type Column []float32

// MarshalJSON writes the column as an array of numbers and nulls.
func (c Column) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+8*len(c))
	b = append(b, '[')
	for i, v := range c {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	return append(b, ']'), nil
}

// Query returns the series between from and to, not including to. The step is
// a whole number of seconds; the answer has a coarser one if so old a time is kept
// only so, or if step is no multiple of the ring's. Several points in one step
// become their mean, or for p50, p95 and p99 the highest.
func (h *History) Query(series []Series, from, to time.Time, step time.Duration) (Table, error) {
	if step < time.Second || step%time.Second != 0 {
		return Table{}, fmt.Errorf("step must be a whole number of seconds, not %v", step)
	}
	if from.Unix() < 0 || !from.Before(to) {
		return Table{}, fmt.Errorf("from must be before to, not %d and %d", from.Unix(), to.Unix())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.chooseSpan(from.Unix(), int64(step/time.Second))
	unit := spans[s].step
	secs := (int64(step/time.Second) + unit - 1) / unit * unit
	t := Table{From: from.Unix() / secs * secs, Step: secs, Columns: make([]Column, 0, len(series))}
	end := to.Unix()
	if to.Nanosecond() > 0 {
		end++
	}
	rows := (end - t.From + secs - 1) / secs
	if rows > maxPoints/int64(max(len(series), 1)) {
		return Table{}, fmt.Errorf("%d series of %d points are too many, %d points at most; take a longer step",
			len(series), rows, maxPoints)
	}
	for _, want := range series {
		i := want.row()
		if i < 0 {
			return Table{}, fmt.Errorf("%s has no metric %q; there are %s",
				want.Kind, want.Metric, strings.Join(Metrics(want.Kind), ", "))
		}
		tr := h.tracks[object{want.Kind, want.Name, want.Server}]
		if tr == nil {
			return Table{}, fmt.Errorf("%w of %s", ErrNoSeries, want.object())
		}
		t.Columns = append(t.Columns, h.column(tr.rows[i], metricsOf[want.Kind][i], s, t, rows))
	}
	return t, nil
}

// object names what s is about as people write it: cluster/shop.
func (s Series) object() string {
	words := []string{string(s.Kind)}
	for _, w := range []string{s.Name, s.Server} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, "/")
}

// chooseSpan returns the coarsest span that is no coarser than step, because its
// quantiles are exact, or the first of the coarser ones that reaches back to from.
func (h *History) chooseSpan(from, step int64) int {
	s := 0
	for s+1 < numSpans && spans[s+1].step <= step {
		s++
	}
	for s+1 < numSpans && from/spans[s].step <= h.newest/spans[s].step-spans[s].length {
		s++
	}
	return s
}

// column returns rows values of r, each made of the points of span s within a step.
func (h *History) column(r row, m metric, s int, t Table, rows int64) Column {
	c := make(Column, rows)
	unit := spans[s].step
	newest := h.newest / unit
	for i := range c {
		first := (t.From + int64(i)*t.Step) / unit
		var sum, n, high float64
		for index := first; index < first+t.Step/unit; index++ {
			p := at(s, index)
			// What a clock that was ahead wrote for times to come is not shown.
			if index > newest || h.times[p] != index+1 {
				continue
			}
			v := float64(r.get(p))
			if math.IsNaN(v) {
				continue
			}
			if n == 0 || v > high {
				high = v
			}
			sum += v
			n++
		}
		switch {
		case n == 0:
			c[i] = float32(math.NaN())
		case m.worst:
			c[i] = float32(high)
		default:
			c[i] = float32(sum / n)
		}
	}
	return c
}
