// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"net/netip"
	"time"

	"evener/firmware/balance"
	"evener/firmware/config"
	"evener/firmware/http2"
	"evener/firmware/l7"
	"evener/firmware/pool"
)

// A livePool is a pool of the running generation with all that moves it.
type livePool struct {
	cfg        *config.Pool
	members    *l7.Pool // the members and the connections to them
	controller *balance.Controller
	measured   []pool.Counts // at the last step of the controller
	loads      []memberLoad  // by member: what agents and simple checks said
	adjusted   bool          // the controller has something to say
	tls        *memberTLS    // nil: members are spoken to in the clear
}

// A memberLoad is what agents and simple checks said of one member.
type memberLoad struct {
	agent    int // -1 to 100
	hasAgent bool
	checks   map[string]checkLoad // by the probe's name
}

type checkLoad struct {
	value  float64 // 0 to 1, or health.Out
	weight int
}

// An upstreamKey names the connections to a member across generations.
type upstreamKey struct {
	pool, member string
	addr         netip.AddrPort
}

// newPool builds the pool that c describes and takes over what an older one of
// that name knows.
func (u *builder) newPool(c *config.Pool, old *livePool) (*livePool, error) {
	b := u.b
	p := &livePool{cfg: c, loads: make([]memberLoad, len(c.Members))}
	p.adjusted = balance.Policy(c.Policy).Measures() || reportsLoad(c.Probes)
	controller, err := balance.NewController(balance.ControllerConfig{
		Policy: balance.Policy(c.Policy), Mix: mixOf(c.Custom), Responsiveness: c.Responsiveness,
	})
	if err != nil {
		return nil, err
	}
	p.controller = controller
	if p.tls, err = u.memberTLS(c, old); err != nil {
		return nil, err
	}
	p.members = &l7.Pool{Queue: c.Queue, Pool: pool.New(pool.Config{
		Name: c.Name, SlowStart: c.SlowStart.D(), Loops: len(b.loops), Wake: b.serveQueues,
		Adjusted: p.adjusted, Now: u.keys.now, Members: memberConfigs(u.cfg, c),
	})}
	if old != nil {
		p.members.Adopt(old.members.Pool)
		p.takeLoads(old)
	}
	for _, m := range c.Members {
		p.members.Upstreams = append(p.members.Upstreams, b.upstream(u.cfg, c, m, p.tls))
	}
	return p, nil
}

func mixOf(c *config.Custom) balance.Mix {
	if c == nil {
		return balance.Mix{}
	}
	return balance.Mix{Delay: c.Delay, Connections: c.Connections, Agent: c.Agent}
}

func memberConfigs(cfg *config.Config, c *config.Pool) []pool.MemberConfig {
	out := make([]pool.MemberConfig, len(c.Members))
	for i, m := range c.Members {
		out[i] = pool.MemberConfig{
			Name: m.Server, Addr: cfg.Server(m.Server).Address, Weight: m.Weight,
			MaxConnections: m.MaxConnections, Spare: m.HotSpare, DontPersist: m.DontPersist,
			TCPMux: m.TCPMux, Unprobed: m.DontProbe || !decides(c.Probes),
		}
	}
	return out
}

// decides reports whether any of the probes can say that a member is up.
func decides(probes []*config.Probe) bool {
	for _, p := range probes {
		switch p.Type {
		case config.ProbeAgent, config.ProbeSimple:
			if p.RequireResponse {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// reportsLoad reports whether any of the probes says how loaded a member is.
func reportsLoad(probes []*config.Probe) bool {
	for _, p := range probes {
		if p.Type == config.ProbeAgent || p.Type == config.ProbeSimple {
			return true
		}
	}
	return false
}

// memberProfile is for connections to members that speak HTTP/2.
var memberProfile = http2.Prepare(http2.Config{Extended: true})

// upstream returns the connections to a member, those that stand already where
// the member's address is the same, and how it is spoken to.
func (b *Balancer) upstream(cfg *config.Config, c *config.Pool, m *config.Member, by *memberTLS) *l7.Upstream {
	k := upstreamKey{c.Name, m.Server, cfg.Server(m.Server).Address}
	secured := by.to(b, k.addr)
	if old := b.upstreams[k]; old != nil && old.Idle == c.Idle && old.Mux == m.TCPMux && old.TLS == secured &&
		(old.HTTP2 != nil) == (c.Protocol != "http") && old.Proxy == proxyVersion(c) && old.ProxyParts == proxyTells(c) {
		return old
	}
	up := l7.NewUpstream(k.addr, len(b.loops))
	up.Idle, up.Mux, up.TLS = c.Idle, m.TCPMux, secured
	if c.Protocol != "http" {
		up.HTTP2 = memberProfile
	}
	up.Proxy, up.ProxyParts = proxyVersion(c), proxyTells(c)
	up.Stats = b.registry.Member(c.Name, m.Server)
	return up
}

func (p *livePool) takeLoads(old *livePool) {
	for i, m := range p.cfg.Members {
		for j, o := range old.cfg.Members {
			if m.Server == o.Server {
				p.loads[i] = old.loads[j]
			}
		}
	}
}

// index returns the index of the member of that name, or -1.
func (p *livePool) index(member string) int {
	for i, m := range p.cfg.Members {
		if m.Server == member {
			return i
		}
	}
	return -1
}

// measure returns what the controller is to know of the last interval.
func (p *livePool) measure() []balance.Input {
	snap := p.members.Load()
	in := make([]balance.Input, len(snap.Members))
	if p.measured == nil {
		p.measured = make([]pool.Counts, len(snap.Members))
		for i := range snap.Members {
			p.measured[i] = snap.Members[i].Live.Sum()
		}
	}
	for i := range snap.Members {
		m := &snap.Members[i]
		now, was := m.Live.Sum(), p.measured[i]
		p.measured[i] = now
		in[i] = balance.Input{
			Static: m.Static, Active: now.Active,
			Usable:  m.Health != pool.Down && m.Admin == pool.Enabled,
			Answers: now.Answered - was.Answered,
		}
		if n := in[i].Answers; n > 0 {
			in[i].Delay = time.Duration((now.FirstByte - was.FirstByte) / n)
		}
		p.loads[i].into(&in[i])
	}
	return in
}

// into fills in what the probes said of a member's load.
func (l *memberLoad) into(in *balance.Input) {
	in.HasAgent, in.Agent = l.hasAgent, l.agent
	sum, weights := 0.0, 0
	for _, c := range l.checks {
		if c.value < 0 {
			in.HasAgent, in.Agent = true, -1
			return
		}
		sum += c.value * float64(c.weight)
		weights += c.weight
	}
	if weights > 0 {
		in.HasLoad, in.Load = true, 100*sum/float64(weights)
	}
}

// adjust lets the controller move the weights.
func (p *livePool) adjust(dt time.Duration) {
	out := p.controller.Step(p.measure(), dt)
	shares := make([]pool.Share, len(out))
	reasons := make([]string, len(out))
	for i, o := range out {
		shares[i], reasons[i] = o.Share, o.Reason
	}
	p.members.SetDynamic(shares, reasons)
}
