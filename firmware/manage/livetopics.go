// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/stats"
)

// maxLiveSeries bounds what one subscriber may ask for in a tick.
const maxLiveSeries = 256

type seriesParams struct {
	Series []string `json:"series" doc:"each written OBJECT:METRIC, such as cluster/shop:requests or engine:connections; 256 at most"`
}

// addLive registers what the console shows live.
func (b *Box) addLive(reg *api.Registry) {
	addLiveState(reg, "state.clusters", "The clusters and what they do now.", time.Second, b.liveClusters)
	addLiveState(reg, "state.pools", "The pools, without their members.", time.Second, b.livePools)
	addLiveState(reg, "state.members", "The members of all pools, by POOL/MEMBER.", time.Second, b.liveMembers())
	addLiveState(reg, "state.rules", "The rules and their hits, by CLUSTER/RULE.", time.Second, b.liveRules)
	addLiveState(reg, "state.problems", "What needs attention.", 500*time.Millisecond, b.liveProblems)
	b.topics.certificates = api.AddState(reg, api.Topic{Name: "state.certificates", Purpose: "The certificates.", Role: api.Viewer, Every: 5 * time.Second},
		func(ctx context.Context, c api.Call, _ struct{}) (map[string]Certificate, error) {
			list, err := b.certificates(ctx, c, struct{}{})
			return byName(list.Certificates, func(c Certificate) string { return c.Name }), err
		})
	b.topics.requests = api.AddState(reg, api.Topic{Name: "state.certificate_requests", Purpose: "The requests whose certificates were not imported yet.",
		Role: api.Viewer, Every: time.Minute},
		func(ctx context.Context, c api.Call, _ struct{}) (map[string]CertificateRequest, error) {
			list, err := b.requests(ctx, c, struct{}{})
			return byName(list.Requests, func(r CertificateRequest) string { return r.Name }), err
		})
	api.AddState(reg, api.Topic{Name: "state.system", Purpose: "What runs, as one object named box.", Role: api.Viewer, Every: time.Second},
		func(ctx context.Context, c api.Call, _ struct{}) (map[string]LiveSystem, error) {
			s, err := b.liveSystem(ctx, c)
			return map[string]LiveSystem{"box": s}, err
		})
	api.AddSeries(reg, api.Topic{Name: "series.live", Purpose: "Rates and latencies, second by second.", Role: api.Viewer, Every: time.Second},
		b.livePast, b.liveTick)
}

// byName makes of a list the objects of a topic.
func byName[T any](list []T, name func(T) string) map[string]T {
	out := make(map[string]T, len(list))
	for _, e := range list {
		out[name(e)] = e
	}
	return out
}

// certificatesChanged tells who watches certificates that one has come, gone or
// changed. What CAs and the calendar do is noticed within seconds.
func (b *Box) certificatesChanged() {
	changed(b.topics.certificates)
	b.requestsChanged() // a backup has them too
}

// requestsChanged tells who watches requests that one has come or gone.
func (b *Box) requestsChanged() { changed(b.topics.requests) }

// addLiveState registers a topic whose snapshot needs no caller.
func addLiveState[T any](reg *api.Registry, name, purpose string, every time.Duration, snapshot func() map[string]T) {
	api.AddState(reg, api.Topic{Name: name, Purpose: purpose, Role: api.Viewer, Every: every},
		func(context.Context, api.Call, struct{}) (map[string]T, error) { return snapshot(), nil })
}

// A LiveSystem is what runs, with what the engine's process uses.
type LiveSystem struct {
	Info
	Rate       Rate    `json:"rate" doc:"of all clusters"`
	Busy       float64 `json:"busy" doc:"share of their time that the event loops work, 0 to 1"`
	Heap       uint64  `json:"heap" doc:"bytes of the engine's heap in use, in steps of 1 MiB"`
	Goroutines int     `json:"goroutines" doc:"in steps of 10"`
	CPUs       int     `json:"cpus"`
}

func (b *Box) liveSystem(ctx context.Context, c api.Call) (LiveSystem, error) {
	info, err := b.info(ctx, c, struct{}{})
	if err != nil {
		return LiveSystem{}, err
	}
	s := LiveSystem{Info: info, CPUs: runtime.NumCPU(), Goroutines: (runtime.NumGoroutine() + 9) / 10 * 10, Heap: heapInUse()}
	s.Rate, _ = b.rateOf(stats.Series{Kind: stats.EngineKind}, time.Now())
	s.Busy = s.Rate.busy
	return s, nil
}

// livePastLength is how much of the past a new subscriber gets.
const livePastLength = 5 * time.Minute

// livePast returns the last minutes of each series, so that a chart is never empty
// at first.
func (b *Box) livePast(_ context.Context, _ api.Call, p seriesParams) (api.Past, error) {
	list, err := p.parse()
	if err != nil {
		return api.Past{}, err
	}
	to := time.Now().Truncate(time.Second)
	from := to.Add(-livePastLength)
	past := api.Past{Times: []time.Time{}, Cols: map[string]api.Column{}}
	for at := from; at.Before(to); at = at.Add(time.Second) {
		past.Times = append(past.Times, at.UTC())
	}
	for i, s := range list {
		col := make(api.Column, len(past.Times))
		t, err := b.cfg.History.Query([]stats.Series{s}, from, to, time.Second)
		for j := range col {
			if col[j] = math.NaN(); err == nil && j < len(t.Columns[0]) {
				col[j] = float64(t.Columns[0][j])
			}
		}
		past.Cols[p.Series[i]] = col
	}
	return past, nil
}

// liveTick returns the newest value of each series.
func (b *Box) liveTick(_ context.Context, _ api.Call, p seriesParams) (api.Tick, error) {
	now := time.Now()
	tick := api.Tick{Time: now.Truncate(time.Second).UTC(), Cols: map[string]api.Column{}}
	list, err := p.parse()
	for i, s := range list {
		tick.Cols[p.Series[i]] = api.Column{b.newest(s, now)}
	}
	return tick, err
}

// parse reads the names of the series.
func (p seriesParams) parse() ([]stats.Series, error) {
	if len(p.Series) > maxLiveSeries {
		return nil, api.Errorf(api.CodeParams, "params.series", "%d series are too many; ask for %d at most", len(p.Series), maxLiveSeries)
	}
	var out []stats.Series
	for _, name := range p.Series {
		s, err := parseSeries(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// newest returns the latest value of s that is known, NaN if there is none.
func (b *Box) newest(s stats.Series, now time.Time) float64 {
	t, err := b.cfg.History.Query([]stats.Series{s}, now.Add(-2*time.Second), now, time.Second)
	if err != nil {
		return math.NaN() // an object that is gone, or not there yet
	}
	for _, v := range slices.Backward(t.Columns[0]) {
		if f := float64(v); !math.IsNaN(f) {
			return f
		}
	}
	return math.NaN()
}

// parseSeries reads OBJECT:METRIC.
func parseSeries(text string) (stats.Series, error) {
	object, metric, ok := strings.Cut(text, ":")
	if ok {
		list, err := historyParams{Object: object, Metrics: []string{metric}}.series()
		if err != nil {
			return stats.Series{}, err
		}
		if slices.Contains(stats.Metrics(list[0].Kind), metric) {
			return list[0], nil
		}
	}
	return stats.Series{}, api.Errorf(api.CodeParams, "params.series", "a series is written OBJECT:METRIC, such as cluster/shop:requests, not %q", text)
}
