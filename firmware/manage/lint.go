// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strings"

	"evener/firmware/config"
)

// A Warning is something that a commit would mean and that is seldom wanted.
type Warning struct {
	Kind     string         `json:"kind" doc:"stable and dotted, such as lockout.allow: what programs test and translate"`
	Severity string         `json:"severity" doc:"error or warning"`
	Object   string         `json:"object,omitempty" doc:"path of what it is about"`
	Args     map[string]any `json:"args,omitempty" doc:"the values inside text, for translation"`
	Text     string         `json:"text" doc:"in words"`
}

// lint warns of what a configuration can be served with and is seldom meant. What
// the language itself warns of is not repeated. has are the addresses of the box;
// nil: they are not known.
func lint(cfg *config.Config, has map[netip.Addr]bool) []Warning {
	var l linter
	moves := cfg.GroupAddresses() // which the box may not have at the moment
	for _, p := range cfg.Pools {
		l.pool(p)
	}
	l.probes(cfg)
	for _, c := range cfg.Clusters {
		l.cluster(cfg, c)
		for _, a := range c.Listen {
			if !c.Disabled && moves[a.Addr.Addr()] == nil {
				l.address(has, "cluster/"+c.Name, a.Addr)
			}
		}
	}
	for _, a := range cfg.Console.Listen {
		l.address(has, "console", a)
	}
	return l.out
}

type linter struct{ out []Warning }

func (l *linter) warn(kind, object string, args map[string]any, format string, words ...any) {
	l.out = append(l.out, Warning{Kind: kind, Severity: severityWarning, Object: object, Args: args,
		Text: strings.ReplaceAll(object, "/", " ") + ": " + fmt.Sprintf(format, words...)})
}

func (l *linter) pool(p *config.Pool) {
	if len(p.Members) > 0 && len(p.Probes) == 0 {
		l.warn("lint.no_probe", "pool/"+p.Name, nil, "it has no probe: a server that is down is found out by clients only")
	}
	for _, m := range p.Members {
		if m.DontProbe && len(p.Probes) > 0 {
			l.warn("lint.not_probed", "pool/"+p.Name+"/member/"+m.Server, nil, "it is not probed: it counts as up whatever happens to it")
		}
	}
}

// probes warns of a server that pools probe in different ways: it may be up in
// one and down in another.
func (l *linter) probes(cfg *config.Config) {
	first := make(map[string]*config.Pool) // by server
	for _, p := range cfg.Pools {
		for _, m := range p.Members {
			other := first[m.Server]
			if other == nil {
				first[m.Server] = p
				continue
			}
			if !sameProbes(other.Probes, p.Probes) {
				l.warn("lint.probes_differ", "server/"+m.Server, map[string]any{"pools": []string{other.Name, p.Name}},
					"pool %s and pool %s probe it in different ways: it may be up in one and down in the other", other.Name, p.Name)
			}
		}
	}
}

func sameProbes(a, b []*config.Probe) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := *a[i], *b[i]
		x.Range, y.Range = config.Probe{}.Range, config.Probe{}.Range
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}

func (l *linter) cluster(cfg *config.Config, c *config.Cluster) {
	at := "cluster/" + c.Name
	l.empty(cfg, at, c.Pool, c.Disabled)
	for _, r := range c.Rules {
		l.empty(cfg, at+"/rule/"+r.Name, r.Pool, c.Disabled || r.Disabled)
		l.cookies(c, at+"/rule/"+r.Name, r.Persist)
	}
	l.cookies(c, at, c.Persist)
}

// empty warns of clients that are sent to a pool without members.
func (l *linter) empty(cfg *config.Config, at, pool string, disabled bool) {
	p := cfg.Pool(pool)
	if disabled || p == nil || len(p.Members) > 0 {
		return
	}
	l.warn("lint.no_members", at, map[string]any{"pool": pool}, "pool %s has no members: nobody serves what is sent there", pool)
}

// cookies warns of cookies that clients will not send back.
func (l *linter) cookies(c *config.Cluster, at string, methods []*config.Persist) {
	for _, p := range methods {
		if p.Method == config.PersistCookie && c.Protocol == config.HTTP && p.Secure != nil && *p.Secure {
			l.warn("lint.cookie_secure", at, nil, "its cookie is for TLS only, and the cluster speaks http: browsers will not send it back")
		}
	}
}

// address warns of an address that no interface of the box has.
func (l *linter) address(has map[netip.Addr]bool, at string, a netip.AddrPort) {
	addr := a.Addr().Unmap().WithZone("")
	if has == nil || has[addr] || addr.IsUnspecified() || addr.IsLoopback() && addr.Is4() {
		return
	}
	l.warn("lint.no_address", at, map[string]any{"address": addr.String()}, "the box has no address %s: nobody can connect to it", addr)
}

// ownAddresses returns the addresses of the box's interfaces, or nil.
func ownAddresses() map[netip.Addr]bool {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	out := make(map[netip.Addr]bool)
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				out[addr.Unmap()] = true
			}
		}
	}
	return out
}
