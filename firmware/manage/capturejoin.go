// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"evener/firmware/accesslog"
	"evener/firmware/api"
	"evener/firmware/capture"
	"evener/firmware/config"
	"evener/firmware/stats"
)

// captureFilter joins what was asked for with what a cluster's packets are.
func (b *Box) captureFilter(text, cluster string) (capture.Expr, error) {
	e, err := capture.ParseFilter(text)
	if err != nil || cluster == "" {
		return e, err
	}
	cfg := b.cfg.Balancer.Config()
	if cfg == nil || cfg.Cluster(cluster) == nil {
		return nil, api.Errorf(api.CodeNotFound, "not_found", "there is no cluster %q", cluster)
	}
	return capture.Join(b.captureService(cfg.Cluster(cluster)).Filter(), e), nil
}

// captureService describes a cluster, with the members of every pool that it may
// use.
func (b *Box) captureService(c *config.Cluster) capture.Service {
	s := capture.Service{UDP: c.Protocol == config.UDP, Listen: spansOf(c)}
	pools := []string{c.Pool}
	for _, r := range c.Rules {
		pools = append(pools, r.Pool)
	}
	for _, n := range c.SNI {
		pools = append(pools, n.Pool)
	}
	offset := uint16(0) // a range of ports goes to as many ports of each member
	for _, l := range c.Listen {
		offset = max(offset, l.Last-l.Addr.Port())
	}
	for _, p := range b.cfg.Balancer.Pools() {
		if !slices.Contains(pools, p.Name) {
			continue
		}
		for _, m := range p.Members {
			last := min(65535, int(m.Addr.Port())+int(offset))
			s.Members = append(s.Members, capture.Span{Addr: m.Addr, Last: uint16(last)})
		}
	}
	return s
}

func spansOf(c *config.Cluster) (out []capture.Span) {
	for _, l := range c.Listen {
		out = append(out, capture.Span{Addr: l.Addr, Last: l.Last})
	}
	return out
}

// spans finds where a cluster of the running configuration listens.
func (b *Box) spans(cluster string) []capture.Span {
	if cfg := b.cfg.Balancer.Config(); cfg != nil {
		if c := cfg.Cluster(cluster); c != nil {
			return spansOf(c)
		}
	}
	return nil
}

// A captureSource tells captures of exchanges.
type captureSource struct{ b *Box }

// Watch has f called with each exchange that ends.
func (s captureSource) Watch(f func(capture.Exchange)) (stop func(), err error) {
	if s.b.cfg.Taps == nil {
		return nil, errors.New("there is no traffic to follow")
	}
	return s.b.cfg.Taps.Tap(func(r accesslog.Seen) { f(s.b.exchangeOf(r)) })
}

func (b *Box) exchangeOf(s accesslog.Seen) capture.Exchange {
	e := capture.Exchange{ID: string(s.RequestID.Bytes()), Cluster: s.Text(s.Cluster), Begin: time.Unix(0, s.Time),
		End: time.Unix(0, s.Time+max(s.Total, 0)), UDP: s.Protocol == accesslog.UDP, Client: s.Client(), Server: s.Server(), Port: s.ServerPort}
	e.Shared, e.Pooled = s.Protocol == accesslog.HTTP2, s.ServerShared
	if s.FirstByte >= 0 {
		e.Answer = e.Begin.Add(time.Duration(s.FirstByte))
	}
	e.Listen = b.spans(e.Cluster)
	if via := s.Via(); via.IsValid() {
		e.Client = via
	}
	if m := s.Text(s.Member); m != "" {
		e.Member = s.Text(s.Pool) + "/" + m
	}
	return e
}

// maxOpenJoined bounds the exchanges under way that packets are joined with.
const maxOpenJoined = 10_000

// Open returns the exchanges that run.
func (s captureSource) Open() []capture.Exchange {
	b := s.b
	list, _, err := b.cfg.Balancer.OpenConnections(maxOpenJoined, "", netip.Addr{})
	if err != nil {
		b.log.Warn("open connections not known to captures", "err", err)
	}
	now := time.Now()
	var out []capture.Exchange
	for _, c := range list {
		if c.Running > 0 {
			out = append(out, openExchange(c, now, b.spans(c.Cluster)))
		}
	}
	return out
}

func openExchange(c stats.Conn, now time.Time, listen []capture.Span) capture.Exchange {
	e := capture.Exchange{ID: c.RequestID, Cluster: c.Cluster, Begin: now.Add(-c.Running), UDP: c.Datagrams, Client: c.Client,
		Listen: listen, Server: unmapped(c.Server), Port: c.ServerPort, Shared: c.Shared, Pooled: c.Pooled}
	if c.Via.IsValid() {
		e.Client = c.Via
	}
	e.Client = unmapped(e.Client)
	if c.Member != "" {
		e.Member = c.Pool + "/" + c.Member
	}
	return e
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
