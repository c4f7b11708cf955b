// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"cmp"
	"math"
	"slices"
)

// A Kind is a kind of object that has a history.
type Kind string

// The kinds.
const (
	EngineKind  Kind = "engine" // the whole box: all clusters and loops
	ClusterKind Kind = "cluster"
	PoolKind    Kind = "pool" // all its members
	MemberKind  Kind = "member"
)

// A Series names one line of the history.
type Series struct {
	Kind   Kind   `json:"kind"`
	Name   string `json:"name,omitempty"`   // of the cluster or pool; of a member's pool
	Server string `json:"server,omitempty"` // of a member
	Metric string `json:"metric"`           // one of Metrics(Kind)
}

// metricsOf holds what is kept of each kind. The order is that of the rows.
var metricsOf = map[Kind][]metric{
	EngineKind:  {requests, errored, accepted, connections, bytesIn, bytesOut, p50, p95, p99, busy, descriptors},
	ClusterKind: {requests, errored, accepted, connections, bytesIn, bytesOut, p50, p95, p99},
	PoolKind:    {requests, errored, connections, p50, p95},
	MemberKind:  {requests, errored, connections, p50, p95},
}

// Metrics returns the names of what is kept of a kind, nil for an unknown kind.
func Metrics(k Kind) []string {
	var names []string
	for _, m := range metricsOf[k] {
		names = append(names, m.name)
	}
	return names
}

// A metric is how a value is made from what happened in a window, and how values
// of several windows become one.
type metric struct {
	name  string
	value func(d *delta) float64
	worst bool // the highest value stands for several; false: their mean
}

var (
	requests    = metric{"requests", rate(countRequests), false}
	errored     = metric{"errors", rate(countErrors), false}
	accepted    = metric{"accepted", rate(countAccepted), false}
	bytesIn     = metric{"bytes_in", rate(countIn), false}
	bytesOut    = metric{"bytes_out", rate(countOut), false}
	busy        = metric{"busy", func(d *delta) float64 { return rate(countBusy)(d) / 1e9 }, false}
	connections = metric{"connections", level(gaugeConnections), false}
	descriptors = metric{"descriptors", level(gaugeDescriptors), false}
	p50         = metric{"p50", quantile(0.50), true}
	p95         = metric{"p95", quantile(0.95), true}
	p99         = metric{"p99", quantile(0.99), true}
)

// The counters of a sample.
const (
	countRequests = iota
	countErrors
	countAccepted
	countIn
	countOut
	countBusy // nanoseconds of all loops, divided by their number
	numCounts
)

// The gauges of a sample. A value that nobody knows is NaN.
const (
	gaugeConnections = iota
	gaugeDescriptors
	numGauges
)

// A sample is what an object's counters showed at one moment.
type sample struct {
	counts [numCounts]uint64
	gauges [numGauges]float64
	took   HistogramTotals
}

// A delta is what happened to an object within a window.
type delta struct {
	sample         // counts and took: growth; gauges: means
	secs   float64 // length of the window; 0: not known
}

// merge adds what happened to another object in the same window.
func (d *delta) merge(o *delta) {
	d.secs = max(d.secs, o.secs)
	for i, n := range o.counts {
		d.counts[i] += n
	}
	for i, v := range o.gauges {
		switch {
		case math.IsNaN(d.gauges[i]):
			d.gauges[i] = v
		case !math.IsNaN(v):
			d.gauges[i] += v
		}
	}
	d.took.Merge(&o.took)
}

func rate(count int) func(*delta) float64 {
	return func(d *delta) float64 {
		if d.secs <= 0 {
			return math.NaN()
		}
		return float64(d.counts[count]) / d.secs
	}
}

func level(gauge int) func(*delta) float64 {
	return func(d *delta) float64 { return d.gauges[gauge] }
}

// quantile is in seconds; nothing observed has no quantile.
func quantile(q float64) func(*delta) float64 {
	return func(d *delta) float64 {
		if d.took.Count() == 0 {
			return math.NaN()
		}
		return d.took.Quantile(q).Seconds()
	}
}

func unknownGauges() [numGauges]float64 {
	return [numGauges]float64{math.NaN(), math.NaN()}
}

func sampleCluster(c *Cluster) sample {
	t := c.Sum()
	s := sample{gauges: unknownGauges(), took: t.Duration}
	s.counts[countRequests] = t.Requests
	s.counts[countErrors] = t.Class[0] + t.Class[5]
	s.counts[countAccepted] = t.Accepted
	s.counts[countIn], s.counts[countOut] = t.BytesIn, t.BytesOut
	s.gauges[gaugeConnections] = float64(t.Connections)
	return s
}

func sampleMember(m *Member, connections float64) sample {
	t := m.Sum()
	s := sample{gauges: unknownGauges(), took: t.Duration}
	for _, n := range t.Class {
		s.counts[countRequests] += n
	}
	s.counts[countErrors] = t.Class[0] + t.Class[5]
	s.gauges[gaugeConnections] = connections
	return s
}

func sampleEngine(e *Engine) sample {
	s := sample{gauges: unknownGauges()}
	s.gauges[gaugeDescriptors] = 0
	for i := range e.slots {
		s.counts[countBusy] += e.slots[i].Busy.Value()
		s.gauges[gaugeDescriptors] += float64(e.slots[i].Descriptors.Value())
	}
	s.counts[countBusy] /= uint64(max(len(e.slots), 1))
	return s
}

// An object is what rows are kept of.
type object struct {
	Kind   Kind
	Name   string
	Server string
}

func (o object) compare(p object) int {
	return cmp.Or(cmp.Compare(o.Kind, p.Kind), cmp.Compare(o.Name, p.Name), cmp.Compare(o.Server, p.Server))
}

// row returns which row of its object a series is, -1 if there is none.
func (s Series) row() int {
	return slices.IndexFunc(metricsOf[s.Kind], func(m metric) bool { return m.name == s.Metric })
}
