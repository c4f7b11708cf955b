// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"evener/firmware/balance"
	"evener/firmware/config"
	"evener/firmware/http1"
	"evener/firmware/l4"
	"evener/firmware/l7"
	"evener/firmware/match"
	"evener/firmware/persist"
)

// A generation is everything built from one configuration.
type generation struct {
	number   uint64
	cfg      *config.Config
	pools    map[string]*livePool
	http     *l7.Generation
	services map[string]*l7.Service // http clusters by name

	streams        *l4.Generation
	streamServices map[string]*l4.Service // tcp and udp clusters by name

	keys    *keyring
	tickets []*ticketed
	issuers map[string]*issuer // by acme block
	renewAt time.Time          // when the first self-signed certificate is due; zero: there is none
}

// A builder makes one generation. Nothing that runs sees what it makes.
type builder struct {
	b          *Balancer
	cfg        *config.Config
	gen        *generation
	responders map[string]*l7.Responder
	views      map[viewKey]*balance.View
	streams    map[*livePool]*l4.Pool
	keys       *keyring
	trial      bool // nobody will serve what is made: nothing is kept
	renamed    renames
}

type viewKey struct {
	pool   string
	policy config.Policy
}

func (b *Balancer) newBuilder(cfg *config.Config, number uint64, trial bool) *builder {
	keys := newKeyring(b.now())
	return &builder{
		b: b, cfg: cfg, keys: keys, trial: trial,
		gen: &generation{number: number, cfg: cfg, keys: keys, pools: map[string]*livePool{},
			services: map[string]*l7.Service{}, streamServices: map[string]*l4.Service{}},
		responders: map[string]*l7.Responder{},
		views:      map[viewKey]*balance.View{},
		streams:    map[*livePool]*l4.Pool{},
	}
}

// build makes the generation. Where the vault lacks what cannot be done without,
// the error is all that it lacks.
func (u *builder) build(old *generation) (*generation, error) {
	err := u.buildAll(old)
	if errors.Is(err, errLacks) {
		u.keys.lacks.Sort()
		return nil, u.keys.lacks
	}
	return u.gen, err
}

func (u *builder) buildAll(old *generation) error {
	cfg := u.cfg
	u.openIssuers()
	for _, c := range cfg.Pools {
		var was *livePool
		if old != nil {
			was = old.pools[u.renamed.before(c.Name)]
		}
		p, err := u.newPool(c, was)
		if err != nil {
			return fmt.Errorf("pool %q: %w", c.Name, err)
		}
		u.gen.pools[c.Name] = p
	}
	for _, r := range cfg.Responders {
		built, err := newResponder(r)
		if err != nil {
			return fmt.Errorf("responder %q: %w", r.Name, err)
		}
		u.responders[r.Name] = built
	}
	for _, c := range cfg.Clusters {
		if !c.Protocol.Exchanges() {
			svc, err := u.stream(c)
			if err != nil {
				return fmt.Errorf("cluster %q: %w", c.Name, err)
			}
			u.gen.streamServices[c.Name] = svc
			continue
		}
		svc, err := u.service(c)
		if err != nil {
			return fmt.Errorf("cluster %q: %w", c.Name, err)
		}
		u.gen.services[c.Name] = svc
	}
	if name := cfg.Console.Certificate; name != "" {
		_, err := u.pair(name) // see Pair
		return err
	}
	return nil
}

// service builds an http cluster.
func (u *builder) service(c *config.Cluster) (*l7.Service, error) {
	set, found := compileRules(c)
	if found.HasErrors() {
		return nil, found
	}
	h := c.HTTP
	s := &l7.Service{
		Cluster: c.Name, Rules: set, Match: match.Options{MergeSlashes: h.MergeSlashes},
		HTTP: http1.Options{
			MaxHead: int(c.Limits.Head), MaxFields: c.Limits.Fields, MaxField: int(c.Limits.Field),
			MaxTarget: int(c.Limits.URI), Extended: h.AllowExtendedChars, Underscore: underscore(h.Underscore),
			RejectGetBody: h.RejectGetBody, RejectEncodedSlash: h.RejectEncodedSlash,
		},
		Answers:    http1.Options{Extended: true},
		Timeouts:   timeouts(&c.Timeouts),
		Limits:     l7.Limits{Body: int64(c.Limits.Body), Requests: c.Limits.Requests, Connections: c.Limits.Connections},
		AllowTrace: h.AllowTrace, Upgrade: h.Upgrade, Via: h.Via, RequestID: h.RequestID,
		Trusted: h.Trusted, Retries: c.Retries,
		Stats: u.b.registry.Cluster(c.Name),
	}
	if len(u.cfg.ACME) > 0 {
		s.Challenge = u.b.challenges.HTTP01
	}
	if c.Protocol == config.HTTPS {
		if err := u.secure(c, s); err != nil {
			return nil, err
		}
	}
	if h.H2C {
		s.HTTP2 = http2Profile(c)
	}
	if err := u.traffic(c, s); err != nil {
		return nil, err
	}
	s.Default = u.route(c, nil)
	for _, r := range c.Rules {
		s.Routes = append(s.Routes, u.route(c, r))
	}
	for i, out := range append(s.Routes[:len(s.Routes):len(s.Routes)], s.Default) {
		var r *config.Rule
		if i < len(c.Rules) {
			r = c.Rules[i]
		}
		if err := u.change(out, c, r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func underscore(word string) http1.Underscore {
	switch word {
	case "keep":
		return http1.Keep
	case "reject":
		return http1.Reject
	}
	return http1.Drop
}

func timeouts(t *config.Timeouts) l7.Timeouts {
	return l7.Timeouts{
		ClientHead: t.ClientHead.D(), ClientBody: t.ClientBody.D(), ClientIdle: t.ClientIdle.D(),
		ClientSend: t.ClientSend.D(), Queue: t.Queue.D(), Connect: t.Connect.D(),
		ServerHead: t.ServerHead.D(), ServerBody: t.ServerBody.D(), Tunnel: t.Tunnel.D(),
	}
}

// route builds where a rule, or with nil the cluster itself, sends requests.
func (u *builder) route(c *config.Cluster, r *config.Rule) *l7.Route {
	if r == nil {
		r = &config.Rule{}
	}
	out := &l7.Route{
		Rule:        r.Name,
		AbortServer: override(r.AbortServer, c.Flags.AbortServer),
		OnceOnly:    override(r.OnceOnly, c.Flags.OnceOnly),
		ClientIP:    override(r.ClientIP, c.Flags.ClientIP),
		TCPMux:      override(r.TCPMux, c.Flags.TCPMux),
	}
	if r.Name != "" {
		out.Stats = u.b.registry.Rule(c.Name, r.Name)
	}
	responder := r.Responder
	if responder == "" {
		responder = c.Responder
	}
	out.Responder = u.responders[responder]
	name := r.Pool
	if name == "" && r.Responder == "" {
		name = c.Pool
	}
	if name == "" {
		return out
	}
	p := u.gen.pools[name]
	out.Pool = p.members
	policy := r.Policy
	if policy == "" {
		policy = p.cfg.Policy
	}
	out.View = u.view(p, policy)
	out.Hash = hashOf(policy)
	methods := r.Persist
	if len(methods) == 0 {
		methods = c.Persist
	}
	out.Persist = u.persist(c, p, methods)
	return out
}

func hashOf(p config.Policy) l7.Hash {
	switch p {
	case config.SourceHash:
		return l7.HashSource
	case config.URIHash:
		return l7.HashURI
	}
	return l7.NoHash
}

func (u *builder) view(p *livePool, policy config.Policy) *balance.View {
	k := viewKey{p.cfg.Name, policy}
	if v := u.views[k]; v != nil {
		return v
	}
	v := balance.NewView(u.b.viewID(k), balance.Policy(policy), p.members.Load())
	p.members.OnChange(v.Refresh)
	u.views[k] = v
	return v
}

func (u *builder) persist(c *config.Cluster, p *livePool, methods []*config.Persist) []l7.Persist {
	var out []l7.Persist
	for _, m := range methods {
		switch m.Method {
		case config.PersistCookie:
			out = append(out, l7.Persist{Cookies: persist.NewCookies(u.cookieConfig(c, p, m), u.b.cfg.Keys)})
		case config.PersistSource:
			out = append(out, l7.Persist{Sources: u.sources(c, p, m)})
		}
	}
	return out
}

func (u *builder) cookieConfig(c *config.Cluster, p *livePool, m *config.Persist) persist.CookieConfig {
	cfg := persist.CookieConfig{
		Scheme: m.Scheme, Name: m.Name, Path: m.Path, Domain: m.Domain, Age: m.Age.D(),
		Generation: m.Generation, Always: m.Always, Pool: p.cfg.Name, VIP: c.Listen[0].Addr,
		Secure: c.Protocol == config.HTTPS,
	}
	if m.Secure != nil {
		cfg.Secure = *m.Secure
	}
	for _, member := range p.cfg.Members {
		cfg.Members = append(cfg.Members, persist.Ref{Name: member.Server, Addr: u.address(member)})
	}
	return cfg
}

func (u *builder) address(m *config.Member) netip.AddrPort { return u.cfg.Server(m.Server).Address }

func (u *builder) sources(c *config.Cluster, p *livePool, m *config.Persist) *l7.Sources {
	s := &l7.Sources{Table: u.b.sources, Bits4: m.Netmask4, Bits6: m.Netmask6, Timeout: m.Timeout.D()}
	s.Scope = persist.SourceScope(c.Name, p.cfg.Name)
	if m.InterCluster {
		s.Scope = persist.InterClusterScope(kindOf(c.Protocol))
	}
	for _, member := range p.cfg.Members {
		ref := persist.MemberRef(p.cfg.Name, member.Server)
		if m.InterCluster {
			ref = persist.HostRef(u.address(member).Addr())
		}
		s.Refs = append(s.Refs, ref)
	}
	return s
}
