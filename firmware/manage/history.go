// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/stats"
)

type historyParams struct {
	Object  string       `json:"object" doc:"engine, cluster/NAME, pool/NAME or member/POOL/SERVER"`
	Metrics []string     `json:"metrics,omitempty" doc:"names of what is kept of the object; all"`
	Last    api.Duration `json:"last,omitempty" doc:"how far back, up to 14 days; 5m"`
	Step    api.Duration `json:"step,omitempty" doc:"between two rows, whole seconds; what gives about 60 rows"`
}

// A HistoryTable is a stretch of the past.
type HistoryTable struct {
	From    time.Time    `json:"from" doc:"of the first row"`
	Step    api.Duration `json:"step" doc:"between two rows; coarser than asked for where so old a time is kept only so"`
	Metrics []string     `json:"metrics"`
	Columns [][]*float64 `json:"columns" doc:"one for each metric; null where nothing is known"`
}

func (b *Box) addHistory(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "metrics.history", Purpose: "Shows how rates and latencies went: 1 s for an hour, 10 s for a day, 1 min for 14 days.",
		Role: api.Viewer}, b.pastOf)
}

// series names what is kept of an object.
func (p historyParams) series() ([]stats.Series, error) {
	words := strings.Split(p.Object, "/")
	one := stats.Series{Kind: stats.Kind(words[0])}
	known := stats.Metrics(one.Kind)
	want := map[stats.Kind]int{stats.EngineKind: 1, stats.ClusterKind: 2, stats.PoolKind: 2, stats.MemberKind: 3}
	if known == nil || len(words) != want[one.Kind] {
		return nil, api.Errorf(api.CodeParams, "params.object",
			"an object is written engine, cluster/NAME, pool/NAME or member/POOL/SERVER, not %q", p.Object)
	}
	if len(words) > 1 {
		one.Name = words[1]
	}
	if len(words) > 2 {
		one.Server = words[2]
	}
	if len(p.Metrics) == 0 {
		p.Metrics = known
	}
	var out []stats.Series
	for _, m := range p.Metrics {
		one.Metric = m
		out = append(out, one)
	}
	return out, nil
}

func (b *Box) pastOf(_ context.Context, _ api.Call, p historyParams) (HistoryTable, error) {
	series, err := p.series()
	if err != nil {
		return HistoryTable{}, err
	}
	last, step := time.Duration(p.Last), time.Duration(p.Step)
	if last <= 0 {
		last = 5 * time.Minute
	}
	if step <= 0 {
		step = max(last/60, time.Second).Truncate(time.Second)
	}
	now := time.Now()
	t, err := b.cfg.History.Query(series, now.Add(-last), now, step)
	if errors.Is(err, stats.ErrNoSeries) {
		return HistoryTable{}, api.Errorf(api.CodeNotFound, "not_found", "%v", err)
	}
	if err != nil {
		return HistoryTable{}, api.Errorf(api.CodeParams, "params.history", "%v", err)
	}
	out := HistoryTable{From: time.Unix(t.From, 0), Step: api.Duration(time.Duration(t.Step) * time.Second)}
	for i, s := range series {
		out.Metrics = append(out.Metrics, s.Metric)
		out.Columns = append(out.Columns, pointers(t.Columns[i]))
	}
	return out, nil
}

// pointers makes JSON's null of what is not known.
func pointers(c stats.Column) []*float64 {
	out := make([]*float64, len(c))
	for i, v := range c {
		if f := float64(v); !math.IsNaN(f) {
			out[i] = &f
		}
	}
	return out
}

// Cell returns the value of a row and column as people read it, "-" where
// nothing is known.
func (t HistoryTable) Cell(column, row int) string {
	v := t.Columns[column][row]
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4g", *v)
}
