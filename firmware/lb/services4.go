// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"net/netip"

	"evener/firmware/config"
	"evener/firmware/l4"
	"evener/firmware/l7"
	"evener/firmware/stats"
)

// stream builds a tcp or udp cluster.
func (u *builder) stream(c *config.Cluster) (*l4.Service, error) {
	s := &l4.Service{
		Cluster: c.Name, Retries: c.Retries, AbortServer: c.Flags.AbortServer,
		Timeouts: l4.Timeouts{ClientHead: c.Timeouts.ClientHead.D(), Queue: c.Timeouts.Queue.D(),
			Connect: c.Timeouts.Connect.D(), Tunnel: c.Timeouts.Tunnel.D()},
		Limits: l4.Limits{Connections: c.Limits.Connections},
		Stats:  u.b.registry.Cluster(c.Name),
	}
	if c.Pool != "" {
		s.Default = u.streamRoute(c, c.Pool)
	}
	var names []l4.Name
	for _, sni := range c.SNI {
		names = append(names, l4.Name{Pattern: sni.Pattern, Route: u.streamRoute(c, sni.Pool)})
	}
	if len(names) > 0 {
		s.Names = l4.NewNames(names)
	}
	var err error
	s.Proxies, err = proxies(c)
	return s, err
}

func (u *builder) streamRoute(c *config.Cluster, pool string) *l4.Route {
	p := u.gen.pools[pool]
	r := &l4.Route{Pool: u.streamPool(p), View: u.view(p, p.cfg.Policy),
		Hash: hashOf(p.cfg.Policy) == l7.HashSource}
	for _, m := range c.Persist {
		if m.Method == config.PersistSource && r.Persist == nil {
			s := l4.Sources(*u.sources(c, p, m))
			r.Persist = &s
		}
	}
	return r
}

// streamPool returns the pool as tcp and udp clusters count it: one for all of
// them, because those that wait for its members wait in one queue.
func (u *builder) streamPool(p *livePool) *l4.Pool {
	if s := u.streams[p]; s != nil {
		return s
	}
	s := &l4.Pool{Pool: p.members.Pool, Queue: p.cfg.Queue, Proxy: proxyVersion(p.cfg), ProxyParts: proxyTells(p.cfg),
		Stats: make([]*stats.Member, len(p.cfg.Members))}
	for i, m := range p.cfg.Members {
		s.Stats[i] = u.b.registry.Member(p.cfg.Name, m.Server)
	}
	u.streams[p] = s
	return s
}

// kindOf returns the kind of a cluster: those of one kind may share what they
// remember of clients.
func kindOf(p config.Protocol) string {
	if p.Exchanges() {
		return "l7"
	}
	return "l4"
}

// streamSpecs tells which listeners belong to tcp and udp clusters.
func streamSpecs(cfg *config.Config) map[Spec]bool {
	out := map[Spec]bool{}
	for _, c := range cfg.Clusters {
		if c.Disabled || c.Protocol.Exchanges() {
			continue
		}
		for _, l := range c.Listen {
			for p := int(l.Addr.Port()); p <= int(l.Last); p++ {
				out[specOf(c, l, p)] = true
			}
		}
	}
	return out
}

// specOf names the listener for one port of a cluster's address.
func specOf(c *config.Cluster, l config.Listen, port int) Spec {
	network := "tcp"
	if c.Protocol == config.UDP {
		network = "udp"
	}
	return Spec{Network: network, Addr: netip.AddrPortFrom(l.Addr.Addr(), uint16(port))}
}

// streamBindings says which service each port of tcp and udp clusters has, and
// how far the port is from the first of its range.
func streamBindings(gen *generation, ports map[Spec]*port) []l4.Binding {
	var out []l4.Binding
	for _, c := range gen.cfg.Clusters {
		svc := gen.streamServices[c.Name]
		if svc == nil || c.Disabled {
			continue
		}
		for _, l := range c.Listen {
			first := int(l.Addr.Port())
			for p := first; p <= int(l.Last); p++ {
				out = append(out, l4.Binding{Port: ports[specOf(c, l, p)].stream, Service: svc,
					Offset: uint16(p - first)})
			}
		}
	}
	return out
}

// exchanges returns how many exchanges, connections and flows of the generation
// are still running.
func (g *generation) exchanges() int64 { return g.http.Exchanges() + g.streams.Exchanges() }

// open makes the port that serves s: a new one, whatever served it before.
func (p *port) open(id int, s Spec, stream bool) {
	p.id = id
	if stream {
		p.stream = &l4.Port{ID: id, Addr: s.Addr, UDP: s.Network == "udp"}
		return
	}
	p.http = &l7.Port{ID: id, Addr: s.Addr}
}

// sameKind reports whether old, what served the listener before, can go on.
func (p *port) sameKind(stream bool) bool { return p != nil && (p.stream != nil) == stream }

// stop takes no more clients of p.
func (u *unit) stop(p *port) {
	if p.http != nil {
		u.http.StopListening(p.http)
	} else {
		u.stream.StopListening(p.stream)
	}
}

// serve takes clients of p from a socket.
func (u *unit) serve(p *port, fd int) error {
	if p.http != nil {
		return u.http.Listen(p.http, fd)
	}
	return u.stream.Listen(p.stream, fd)
}

// connections returns how many client connections and flows are open.
func (u *unit) connections() int { return u.http.Connections() + u.stream.Connections() }

// serveQueues gives room that was freed to who waits. The order matters: see
// l4.Worker.ServeQueues.
func (u *unit) serveQueues() {
	u.stream.ServeQueues()
	u.http.ServeQueues()
}
