// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"crypto/tls"
	"fmt"
	"net/netip"

	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/health"
	"evener/firmware/l7"
	"evener/firmware/tlsconn"
)

// A memberTLS is how the members of one pool are spoken to. It outlives
// generations as long as nothing of it changes, and so do the connections.
type memberTLS struct {
	id       string // names what it was made of
	upstream *certs.Upstream
	cfg      *config.PoolTLS
	byName   map[string]*l7.TLS // by the name that is asked for
}

// memberTLS builds how c's members are spoken to; nil: in the clear.
func (u *builder) memberTLS(c *config.Pool, old *livePool) (*memberTLS, error) {
	t := c.TLS
	if t == nil {
		return nil, nil
	}
	cfg := certs.UpstreamConfig{ServerName: t.ServerName, Insecure: !t.Verify, ALPN: []string{"http/1.1"}}
	if c.Protocol == "h2" {
		cfg.ALPN = []string{"h2"}
	}
	var err error
	if cfg.Profile, err = certs.ParseProfile(certs.ProfileConfig{Name: "custom", MinVersion: t.MinVersion}); err != nil {
		return nil, err
	}
	if len(t.CA) > 0 {
		if cfg.CAs, err = u.trusted(t.CA, false); err != nil {
			return nil, err
		}
	}
	shown := ""
	if t.Certificate != "" {
		if cfg.Client, err = u.pair(t.Certificate); err != nil {
			return nil, err
		}
		if cfg.Client == nil {
			return nil, errLacks
		}
		shown = certs.Fingerprint(cfg.Client.Leaf())
	}
	id := digest(fmt.Appendf(nil, "%v %q %s %s", t.Verify, t.ServerName, t.MinVersion, c.Protocol), cfg.CAs, []byte(shown))
	if old != nil && old.tls != nil && old.tls.id == id {
		return old.tls, nil
	}
	upstream, err := certs.NewUpstream(cfg, u.keys.now)
	if err != nil {
		return nil, err
	}
	tlsconn.Prepare(upstream.Config())
	return &memberTLS{id: id, upstream: upstream, cfg: t, byName: map[string]*l7.TLS{}}, nil
}

// to returns how the member at addr is spoken to.
func (m *memberTLS) to(b *Balancer, addr netip.AddrPort) *l7.TLS {
	if m == nil {
		return nil
	}
	name, cfg := m.cfg.ServerName, (*tls.Config)(nil)
	if name == "" {
		name = addr.Addr().WithZone("").String()
	}
	if m.byName[name] == nil {
		if cfg = m.upstream.Config(); m.cfg.ServerName == "" {
			cfg = m.upstream.For(name)
			tlsconn.Prepare(cfg)
		}
		m.byName[name] = &l7.TLS{Setups: b.setups(cfg)}
	}
	return m.byName[name]
}

// probeTLS says how a probe speaks TLS, as its pool does or on its own.
func (p *livePool) probeTLS(to *health.ProbeConfig, probe *config.Probe) {
	if !probe.OverTLS(p.cfg) {
		return
	}
	to.Secure = probe.Type != config.ProbeTLS
	to.ServerName = probe.ServerName
	if p.tls != nil {
		to.TLS, to.TLSID = p.tls.upstream.Config(), p.tls.id
		to.SkipVerify = !p.cfg.TLS.Verify
		if to.ServerName == "" {
			to.ServerName = p.cfg.TLS.ServerName
		}
	}
	if probe.Verify != nil {
		to.SkipVerify = !*probe.Verify
	}
}
