// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"fmt"

	"evener/firmware/config"
	"evener/firmware/health"
	"evener/firmware/l4"
	"evener/firmware/l7"
	"evener/firmware/persist"
	"evener/firmware/stats"
)

// Apply serves cfg from now on, as the generation of that number. Exchanges that
// run finish on the generation that they began with. On an error everything
// stays as it was.
func (b *Balancer) Apply(cfg *config.Config, number uint64) error {
	<-b.started
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.apply(cfg, number)
}

// UseKeys makes keys those of persistence cookies, the present one first: what is
// served is built anew with them. On an error the ones before stay in use.
func (b *Balancer) UseKeys(keys []persist.Key) error {
	<-b.started
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.cfg.Keys
	b.cfg.Keys = keys
	if b.cur == nil {
		return nil
	}
	err := b.apply(b.cur.cfg, b.cur.number)
	if err != nil {
		b.cfg.Keys = before
	}
	return err
}

// apply is Apply with b.mu held.
func (b *Balancer) apply(cfg *config.Config, number uint64) error {
	var found config.Diagnostics
	if Check(cfg, &found); found.HasErrors() {
		return found
	}
	u := b.newBuilder(cfg, number, false)
	if b.cur != nil {
		u.renamed = findRenames(b.cur.cfg, cfg)
	}
	gen, err := u.build(b.cur)
	if err != nil {
		return err
	}
	ports, err := b.openPorts(gen)
	if err != nil {
		return err
	}
	if states, moved := b.admin.moved(u.renamed); moved {
		if err := b.keepStates(states); err != nil {
			return err
		}
		b.log.Info("runtime states moved with renamed members", "generation", number)
	}
	b.restoreAdmin(gen)
	asked := targets(gen)
	b.restoreVerdicts(gen, asked)
	b.swap(gen, ports)
	b.useIssuers(gen)
	for _, d := range gen.keys.lacks {
		b.log.Error("certificate missed", "where", d.Path, "err", d.Msg)
	}
	if err := b.cfg.Sockets.Keep(grouped(cfg)); err != nil {
		b.log.Warn("listeners not released", "err", err)
	}
	if err := b.checker.Update(asked); err != nil {
		return fmt.Errorf("probe members: %w", err)
	}
	b.verdicts.before, b.verdicts.changed = nil, true
	b.registry.Keep(liveNames(cfg))
	for _, c := range cfg.Clusters {
		b.registry.Cluster(c.Name).Serve(protocols[c.Protocol])
	}
	b.log.Info("generation serving", "generation", number, "clusters", len(cfg.Clusters),
		"pools", len(cfg.Pools), "listeners", len(ports))
	return nil
}

// Reserve finds out whether cfg can be served: it builds it and gets its listeners,
// so that Apply will not fail for want of them. Nothing else changes. Apply or
// Unreserve must follow, but not after an error, which changes nothing.
func (b *Balancer) Reserve(cfg *config.Config) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found config.Diagnostics
	if Check(cfg, &found); found.HasErrors() {
		return found
	}
	gen, err := b.try(cfg)
	if err != nil {
		return err
	}
	if gen.keys.lacks.HasErrors() {
		gen.keys.lacks.Sort()
		return gen.keys.lacks
	}
	_, err = b.cfg.Sockets.Acquire(grouped(cfg))
	return err
}

// try builds cfg for nobody.
func (b *Balancer) try(cfg *config.Config) (*generation, error) {
	gen, err := b.newBuilder(cfg, 0, true).build(b.cur)
	if b.cur != nil { // names that are new must not show in the metrics yet
		b.registry.Keep(liveNames(b.cur.cfg))
	}
	return gen, err
}

// Lacks tells what cfg names of certificates and authorities, and the vault does
// not have.
func (b *Balancer) Lacks(cfg *config.Config) config.Diagnostics {
	b.mu.Lock()
	defer b.mu.Unlock()
	gen, err := b.try(cfg)
	if found, ok := errors.AsType[config.Diagnostics](err); ok {
		return found
	}
	if err != nil {
		return nil // a commit will say so
	}
	return gen.keys.lacks
}

// Unreserve lets go of the listeners that only Reserve wanted.
func (b *Balancer) Unreserve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	var specs []Spec
	if b.cur != nil {
		specs = grouped(b.cur.cfg)
	}
	if err := b.cfg.Sockets.Keep(specs); err != nil {
		b.log.Warn("listeners not released", "err", err)
	}
}

// specsOf lists the listeners that a configuration needs, by the names that ports
// have: without their groups.
func specsOf(cfg *config.Config) []Spec {
	var specs []Spec
	for _, c := range cfg.Clusters {
		if c.Disabled {
			continue
		}
		for _, l := range c.Listen {
			for p := int(l.Addr.Port()); p <= int(l.Last); p++ {
				specs = append(specs, specOf(c, l, p))
			}
		}
	}
	return specs
}

// openPorts gets the sockets that gen needs and numbers the ports. It changes
// nothing that runs.
func (b *Balancer) openPorts(gen *generation) (map[Spec]*port, error) {
	specs := specsOf(gen.cfg)
	fds, err := b.cfg.Sockets.Acquire(grouped(gen.cfg))
	if err != nil {
		return nil, err
	}
	ports, streams := make(map[Spec]*port, len(specs)), streamSpecs(gen.cfg)
	used := map[int]bool{}
	for i, s := range specs {
		p := &port{fds: fds[i]}
		if old := b.ports[s]; old.sameKind(streams[s]) {
			p.id, p.http, p.stream = old.id, old.http, old.stream
			used[p.id] = true
		}
		ports[s] = p
	}
	next := 0
	for _, s := range specs {
		if p := ports[s]; p.http == nil && p.stream == nil {
			for used[next] {
				next++
			}
			p.open(next, s, streams[s])
			used[next] = true
		}
	}
	gen.http = l7.NewGeneration(gen.number, len(b.loops), bindings(gen, ports))
	gen.streams = l4.NewGeneration(gen.number, len(b.loops), streamBindings(gen, ports))
	return ports, nil
}

// bindings says which service each port has.
func bindings(gen *generation, ports map[Spec]*port) []l7.Binding {
	var out []l7.Binding
	for _, c := range gen.cfg.Clusters {
		svc := gen.services[c.Name]
		if svc == nil || c.Disabled {
			continue
		}
		for _, l := range c.Listen {
			out = append(out, l7.Binding{Port: ports[Spec{Network: "tcp", Addr: l.Addr}].http, Service: svc})
		}
	}
	return out
}

// swap makes gen the running generation on every loop.
func (b *Balancer) swap(gen *generation, ports map[Spec]*port) {
	gone, before := b.ports, b.upstreams
	upstreams := map[upstreamKey]*l7.Upstream{}
	for name, p := range gen.pools {
		for i, m := range p.cfg.Members {
			up := p.members.Upstreams[i]
			upstreams[upstreamKey{name, m.Server, up.Addr}] = up
		}
	}
	var forget []*l7.Upstream
	for k, up := range before {
		if upstreams[k] != up {
			forget = append(forget, up)
		}
	}
	if b.cur != nil {
		b.old = append(b.old, b.cur)
	}
	b.cur, b.ports, b.upstreams = gen, ports, upstreams
	b.each(func(u *unit) {
		u.stream.Use(gen.streams)
		u.http.Use(gen.http)
		for s, p := range gone {
			if next := ports[s]; next == nil || next.http != p.http || next.stream != p.stream {
				u.stop(p)
			}
		}
		if !b.draining {
			u.listen(ports, len(b.loops), b.log.Error)
		}
		u.http.Forget(forget)
	})
	b.sendAway()
	b.countGenerations()
}

// listen accepts on the loop's share of each port's sockets.
func (u *unit) listen(ports map[Spec]*port, loops int, complain func(string, ...any)) {
	for s, p := range ports {
		for i := u.loop.Index(); i < len(p.fds); i += loops {
			if err := u.serve(p, p.fds[i]); err != nil {
				complain("listening failed", "listen", s.Addr, "err", err)
			}
		}
	}
}

// countGenerations forgets the older generations that have no exchanges left.
func (b *Balancer) countGenerations() {
	kept := b.old[:0]
	for _, g := range b.old {
		if g.exchanges() > 0 {
			kept = append(kept, g)
		}
	}
	clear(b.old[len(kept):])
	b.old = kept
	if b.cur != nil {
		b.registry.Engine().SetGeneration(b.cur.number, len(kept))
	}
}

// protocols are those of a configuration as the statistics call them.
var protocols = map[config.Protocol]stats.Protocol{
	config.HTTP: stats.HTTP, config.HTTPS: stats.HTTPS, config.TCP: stats.TCP, config.UDP: stats.UDP,
}

func liveNames(cfg *config.Config) stats.Live {
	var live stats.Live
	for _, c := range cfg.Clusters {
		live.Clusters = append(live.Clusters, c.Name)
		for _, r := range c.Rules {
			live.Rules = append(live.Rules, stats.RuleKey{Cluster: c.Name, Rule: r.Name})
		}
	}
	for _, p := range cfg.Pools {
		for _, m := range p.Members {
			live.Members = append(live.Members, stats.MemberKey{Pool: p.Name, Server: m.Server})
		}
	}
	return live
}

// targets lists whom to probe.
func targets(gen *generation) []health.Target {
	var out []health.Target
	for _, c := range gen.cfg.Pools {
		for _, m := range c.Members {
			if m.DontProbe || len(c.Probes) == 0 {
				continue
			}
			t := health.Target{Pool: c.Name, Member: m.Server, Addr: gen.cfg.Server(m.Server).Address}
			names := probeNames(c.Probes)
			for i, probe := range c.Probes {
				p := probeConfig(names[i], probe, m)
				gen.pools[c.Name].probeTLS(&p, probe)
				own := p.Port == t.Addr.Port() || p.Port == 0
				p.HTTP2 = own && probe.Type == config.ProbeHTTP && c.Protocol != "http" && p.Secure == (c.Protocol == "h2")
				if p.Port == t.Addr.Port() || p.Port == 0 && probe.Type != config.ProbeAgent {
					p.Preamble = preamble(c) // what listens elsewhere is not the server
				}
				t.Probes = append(t.Probes, p)
			}
			out = append(out, t)
		}
	}
	return out
}

func probeConfig(name string, p *config.Probe, m *config.Member) health.ProbeConfig {
	port := p.Port
	if port == 0 && p.Type != config.ProbeAgent {
		port = m.ProbePort
	}
	return health.ProbeConfig{
		Name: name, Type: health.Type(p.Type), Interval: p.Interval.D(), Jitter: p.Jitter, Timeout: p.Timeout.D(),
		ConnectTimeout: p.ConnectTimeout.D(), DataTimeout: p.DataTimeout.D(),
		Rise: p.Rise, Fall: p.Fall, Tries: p.Tries, Port: uint16(port),
		Method: p.Method, Path: p.Path, Host: p.Host, Service: p.Service, Status: p.Status,
		Send: p.Send, Expect: p.Expect, ExpectRegex: p.ExpectRegex, Within: p.Within,
		Healthy: p.Healthy, Loaded: p.Loaded, Weight: p.Weight, RequireResponse: p.RequireResponse,
	}
}
