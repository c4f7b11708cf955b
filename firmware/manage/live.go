// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"math"
	"runtime/metrics"
	"time"

	"evener/firmware/api"
	"evener/firmware/phrase"
	"evener/firmware/stats"
)

// A Rate is how an object does now: means of the last seconds.
type Rate struct {
	Requests    float64  `json:"requests" doc:"per second"`
	Errors      float64  `json:"errors" doc:"per second: answers 5xx, and exchanges that the box had to end"`
	Connections float64  `json:"connections" doc:"open"`
	BytesIn     float64  `json:"bytes_in" doc:"per second"`
	BytesOut    float64  `json:"bytes_out" doc:"per second"`
	P50         *float64 `json:"p50,omitempty" doc:"seconds; the worst of the last seconds"`
	P95         *float64 `json:"p95,omitempty" doc:"seconds; the worst of the last seconds"`

	busy float64 // of the engine: share of their time that the loops work
}

// rateWindow is how far back a Rate looks.
const rateWindow = 5 * time.Second

// rateOf returns the rate of an object, and false while nothing is known of it.
func (b *Box) rateOf(o stats.Series, now time.Time) (Rate, bool) {
	var series []stats.Series
	for _, m := range stats.Metrics(o.Kind) {
		o.Metric = m
		series = append(series, o)
	}
	t, err := b.cfg.History.Query(series, now.Add(-rateWindow), now, time.Second)
	if errors.Is(err, stats.ErrNoSeries) {
		return Rate{}, false
	}
	if err != nil {
		b.log.Error("rate not read", "object", string(o.Kind)+"/"+o.Name, "err", err)
		return Rate{}, false
	}
	var r Rate
	for i, s := range series {
		r.take(s.Metric, t.Columns[i])
	}
	return r, true
}

// take sets what a metric tells.
func (r *Rate) take(metric string, c stats.Column) {
	mean, worst, known := summary(c)
	switch metric {
	case "requests":
		r.Requests = mean
	case "errors":
		r.Errors = mean
	case "connections":
		r.Connections = mean
	case "bytes_in":
		r.BytesIn = mean
	case "bytes_out":
		r.BytesOut = mean
	case "busy":
		r.busy = mean
	case "p50":
		if known {
			r.P50 = &worst
		}
	case "p95":
		if known {
			r.P95 = &worst
		}
	}
}

// summary returns the mean and the highest of what is known in c, rounded to what
// a person can tell apart, so that a topic is quiet while nothing happens.
func summary(c stats.Column) (mean, worst float64, known bool) {
	n := 0
	for _, v := range c {
		f := float64(v)
		if math.IsNaN(f) {
			continue
		}
		mean += f
		worst = max(worst, f)
		n++
	}
	if n == 0 {
		return 0, 0, false
	}
	return digits(mean / float64(n)), digits(worst), true
}

// digits rounds v to three significant digits.
func digits(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// A LiveCluster is a cluster with what it does now.
type LiveCluster struct {
	Cluster
	Rate Rate `json:"rate"`
}

// A LivePool is a pool without its members: they are objects of their own.
type LivePool struct {
	Name    string            `json:"name"`
	Policy  string            `json:"policy"`
	Tier    string            `json:"tier" doc:"which members are in use: regular, spare, quiesced or none"`
	States  map[string]int    `json:"states" doc:"how many members are in each state"`
	Members []string          `json:"members" doc:"in the order of the configuration"`
	Labels  map[string]string `json:"labels,omitempty"`
	Rate    Rate              `json:"rate"`
}

// A LiveProbe is the last answer to a probe.
type LiveProbe struct {
	Name     string       `json:"name"`
	Type     string       `json:"type"`
	State    string       `json:"state" doc:"up, down or checking: its verdict"`
	Deciding bool         `json:"deciding" doc:"whether its verdict counts"`
	At       time.Time    `json:"at,omitzero" doc:"when it was asked last; absent: never"`
	Outcome  string       `json:"outcome,omitempty" doc:"good, bad, abstain or unavailable"`
	Detail   string       `json:"detail,omitempty" doc:"in words"`
	Took     api.Duration `json:"took"`

	Said phrase.Words `json:"said,omitempty" says:"detail" doc:"what the texts say, by field: kind and args, for translation"`
}

// liveClusters returns the clusters by name.
func (b *Box) liveClusters() map[string]LiveCluster {
	now, out := time.Now(), map[string]LiveCluster{}
	for _, c := range b.cfg.Balancer.Clusters() {
		r, _ := b.rateOf(stats.Series{Kind: stats.ClusterKind, Name: c.Name}, now)
		out[c.Name] = LiveCluster{b.clusterOf(c), r}
	}
	return out
}

// livePools returns the pools by name.
func (b *Box) livePools() map[string]LivePool {
	now, out := time.Now(), map[string]LivePool{}
	for _, p := range b.cfg.Balancer.Pools() {
		r, _ := b.rateOf(stats.Series{Kind: stats.PoolKind, Name: p.Name}, now)
		lp := LivePool{Name: p.Name, Policy: string(p.Policy), Tier: p.Tier.String(), States: map[string]int{}, Members: []string{},
			Labels: p.Labels, Rate: r}
		for _, m := range p.Members {
			lp.States[m.State]++
			lp.Members = append(lp.Members, m.Name)
		}
		out[p.Name] = lp
	}
	return out
}

func (b *Box) liveProbes(pool, member string) []LiveProbe {
	out := []LiveProbe{}
	st, ok := b.cfg.Balancer.Probes(pool, member)
	if !ok {
		return out
	}
	for _, p := range st.Probes {
		lp := LiveProbe{Name: p.Name, Type: string(p.Type), State: p.State.String(), Deciding: p.Deciding, At: p.Last.At}
		if !p.Last.At.IsZero() {
			lp.Outcome, lp.Detail, lp.Took = p.Last.Outcome.String(), p.Last.Detail, api.Duration(p.Last.Took)
			lp.Said = phrase.Fields("detail", lp.Detail)
		}
		out = append(out, lp)
	}
	return out
}

// liveRules returns the rules by CLUSTER/RULE.
func (b *Box) liveRules() map[string]Rule {
	list, _ := b.rules(context.Background(), api.Call{}, struct{}{}) // it cannot fail
	out := map[string]Rule{}
	for _, r := range list.Rules {
		out[r.Cluster+"/"+r.Name] = r
	}
	return out
}

// liveProblems returns what needs attention, by kind and object.
func (b *Box) liveProblems() map[string]Problem {
	out := map[string]Problem{}
	for _, p := range append(b.problems(), b.signs(time.Now())...) {
		out[p.key()] = p
	}
	return out
}

// heapInUse returns the bytes of the heap that are in use, in steps of 1 MiB.
func heapInUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return (s[0].Value.Uint64() + 1<<20 - 1) >> 20 << 20
}
