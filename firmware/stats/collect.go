// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
)

// WriteText writes everything as Prometheus text, version 0.0.4. Nothing is
// written if a collector made a mistake, which is then the error.
func (r *Registry) WriteText(out io.Writer) error {
	var w Writer
	c := r.contents()
	r.collectEngine(&w)
	for _, c := range c.clusters {
		r.collectCluster(&w, c)
	}
	for _, u := range c.rules {
		t := u.Sum()
		w.Uint(RuleHits, t.Hits, u.cluster, u.name)
		if t.LastHit != 0 {
			w.Float(RuleLastHit, float64(t.LastHit/1e6)/1e3, u.cluster, u.name)
		}
	}
	for _, m := range c.members {
		collectMember(&w, m)
	}
	for _, collect := range c.collectors {
		collect(&w)
	}
	var b bytes.Buffer
	if err := w.writeTo(&b); err != nil {
		return err
	}
	_, err := b.WriteTo(out)
	return err
}

// contents is what a registry held at one moment, sorted.
type contents struct {
	clusters   []*Cluster
	rules      []*Rule
	members    []*Member
	collectors []func(*Writer)
}

func (r *Registry) contents() contents {
	r.mu.Lock()
	defer r.mu.Unlock()
	return contents{
		clusters: slices.SortedFunc(maps.Values(r.clusters), func(a, b *Cluster) int {
			return cmp.Compare(a.name, b.name)
		}),
		rules: slices.SortedFunc(maps.Values(r.rules), func(a, b *Rule) int {
			return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.name, b.name))
		}),
		members: slices.SortedFunc(maps.Values(r.members), func(a, b *Member) int {
			return cmp.Or(cmp.Compare(a.pool, b.pool), cmp.Compare(a.server, b.server))
		}),
		collectors: slices.Clone(r.collectors),
	}
}

func (r *Registry) collectEngine(w *Writer) {
	w.Uint(BuildInfo, 1, r.cfg.Version, r.cfg.Commit, r.cfg.Model)
	current, draining := r.engine.Generation()
	w.Uint(GenerationCurrent, current)
	w.Int(GenerationsDraining, int64(draining))
	for i := range r.engine.slots {
		s, loop := &r.engine.slots[i], strconv.Itoa(i)
		w.Float(LoopBusy, time.Duration(s.Busy.Value()).Seconds(), loop)
		w.Uint(LoopWakeups, s.Wakeups.Value(), loop)
		w.Uint(LoopAccepted, s.Accepted.Value(), loop)
		w.Int(LoopDescriptors, s.Descriptors.Value(), loop)
	}
}

func (r *Registry) collectCluster(w *Writer, c *Cluster) {
	t, name := c.Sum(), c.name
	w.Uint(ClusterAccepted, t.Accepted, name)
	w.Uint(ClusterRefused, t.Refused, name)
	w.Int(ClusterConnections, t.Connections, name)
	w.Uint(ClusterBytes, t.BytesIn, name, "in")
	w.Uint(ClusterBytes, t.BytesOut, name, "out")
	w.Histogram(ClusterDuration, &t.Duration, name)
	for i, n := range t.Aborts {
		if Reason(i) != Completed {
			w.Uint(ClusterTerminations, n, name, Reason(i).String())
		}
	}
	w.Uint(ClusterRetries, t.Retries, name)
	w.Uint(ClusterConnectFailures, t.ConnectFailures, name)
	w.Uint(ClusterQueued, t.Queued, name)
	w.Uint(ClusterQueueTimeouts, t.QueueTimeouts, name)
	w.Int(ClusterWaiting, t.Waiting, name)
	w.Uint(ClusterPersist, t.PersistValid, name, "valid")
	w.Uint(ClusterPersist, t.PersistForeign, name, "foreign")
	w.Uint(ClusterPersist, t.PersistRenewed, name, "renewed")
	w.Uint(ClusterPersist, t.PersistNew, name, "new")
	for i, n := range t.ProxyRefused {
		if n > 0 {
			w.Uint(ClusterProxyRefused, n, name, ProxyFault(i).String())
		}
	}
	switch Protocol(c.protocol.Load()) {
	case HTTP:
		r.collectExchanges(w, &t, name)
	case HTTPS:
		r.collectExchanges(w, &t, name)
		r.collectHandshakes(w, &t, name)
	case UDP:
		w.Uint(ClusterDatagrams, t.DatagramsIn, name, "in")
		w.Uint(ClusterDatagrams, t.DatagramsOut, name, "out")
	}
}

// collectExchanges writes what only exchanges have. A cluster without them lacks
// these series: zeros would say that it has no traffic.
func (r *Registry) collectExchanges(w *Writer, t *ClusterTotals, name string) {
	w.Uint(ClusterStarted, t.Requests, name)
	w.Int(ClusterActive, t.Active, name)
	for i, n := range t.Class {
		w.Uint(ClusterRequests, n, name, classNames[i])
	}
	for i, n := range t.Rejected {
		if n > 0 { // most reasons are never met, and the list is long
			w.Uint(ClusterRejected, n, name, r.cfg.RejectReason(i))
		}
	}
	w.Uint(ClusterReused, t.Reused, name)
	w.Uint(ClusterCompressed, t.Compressed, name)
	w.Uint(ClusterCompressedBytes, t.CompressIn, name, "in")
	w.Uint(ClusterCompressedBytes, t.CompressOut, name, "out")
	w.Uint(ClusterCompressRefused, t.CompressRefused, name)
	w.Uint(ClusterTunnels, t.Tunnels, name)
	w.Int(ClusterTunnelsOpen, t.TunnelsOpen, name)
}

// collectHandshakes writes what only clusters have whose clients speak TLS.
func (r *Registry) collectHandshakes(w *Writer, t *ClusterTotals, name string) {
	w.Uint(ClusterHandshakes, t.Handshakes-t.Resumed, name, "full")
	w.Uint(ClusterHandshakes, t.Resumed, name, "resumed")
	for i, n := range t.HandshakeFailed {
		if n > 0 {
			w.Uint(ClusterHandshakeFailures, n, name, r.cfg.HandshakeReason(i))
		}
	}
}

func collectMember(w *Writer, m *Member) {
	t := m.Sum()
	for i, n := range t.Class {
		w.Uint(ServerRequests, n, m.pool, m.server, classNames[i])
	}
	w.Histogram(ServerDuration, &t.Duration, m.pool, m.server)
	for i, n := range t.Errors {
		w.Uint(ServerErrors, n, m.pool, m.server, ErrorKind(i).String())
	}
}
