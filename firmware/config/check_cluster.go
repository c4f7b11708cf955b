// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// cluster checks one cluster with its rules.
func (c *checker) cluster(cl *Cluster, known map[string]map[string]bool) {
	path := pathOf("cluster", cl.Name)
	c.route(cl, route{cl.Pool, cl.Responder, "", cl, cl.Range, path}, known)
	if !c.given(cl, "pool") && !c.given(cl, "responder") && len(cl.SNI) == 0 && (cl.HTTP == nil || cl.HTTP.RedirectHTTPS == 0) {
		c.diags.Add(cl.Range, path, "%s", nothingServes(cl.Protocol))
	}
	c.ports(cl, path)
	c.clusterTLS(cl, path, known)
	c.traffic(cl, path)
	c.persist(cl, cl.Persist, c.pools[cl.Pool], path)
	c.clientHead(cl, path)
	for _, s := range cl.SNI {
		at := fmt.Sprintf("%s sni %q", path, s.Pattern)
		c.route(cl, route{s.Pool, "", "", s, s.Range, at}, known)
	}
	c.rules(cl, path, known)
	c.tests(cl, path, known)
}

// clientHead warns of a time-out that nothing waits for. The default is none:
// it stands in a text with every default.
func (c *checker) clientHead(cl *Cluster, path string) {
	standard := blockIn("cluster", "timeouts").keyword("client_head").Default
	if cl.Protocol != TCP || len(cl.SNI) > 0 || cl.ProxyProtocol == "require" || !c.given(&cl.Timeouts, "client_head") ||
		cl.Timeouts.ClientHead.String() == standard {
		return
	}
	c.diags.Warn(c.where(&cl.Timeouts, "client_head", cl.Range), path+" timeouts",
		"client_head does nothing in a tcp cluster without sni blocks and proxy_protocol: no head is waited for")
}

// nothingServes says what a cluster without a pool lacks.
func nothingServes(p Protocol) string {
	switch p {
	case HTTP, HTTPS:
		return "pool or responder is missing: nothing would answer"
	case TCP:
		return "pool is missing: nothing would answer; a tcp cluster can do without if it has sni blocks"
	}
	return "pool is missing: nothing would answer"
}

// A route is what a cluster, rule or sni block says about where to send.
type route struct {
	pool, responder string
	policy          Policy // that overrides the pool's
	owner           any
	def             hcl.Range
	path            string
}

// route checks the references of r and whether the pool's policy fits cl.
func (c *checker) route(cl *Cluster, r route, known map[string]map[string]bool) {
	if c.given(r.owner, "pool") {
		c.refer(known, "pool", r.pool, r.path, c.where(r.owner, "pool", r.def))
	}
	if c.given(r.owner, "responder") {
		c.refer(known, "responder", r.responder, r.path, c.where(r.owner, "responder", r.def))
	}
	p := c.pools[r.pool]
	if p == nil {
		return
	}
	policy, at := p.Policy, c.where(r.owner, "pool", r.def)
	if r.policy != "" {
		policy, at = r.policy, c.where(r.owner, "policy", r.def)
	}
	if policy == CustomPolicy && p.Policy != CustomPolicy {
		c.diags.Add(at, r.path, `policy "custom" needs a pool with that policy, for its shares; pool %q has %q`, p.Name, p.Policy)
	}
	if policy == URIHash && (cl.Protocol == TCP || cl.Protocol == UDP) {
		c.diags.Add(at, r.path, `policy "uri_hash" of pool %q needs protocol "http" or "https"; here it is %q`, p.Name, cl.Protocol)
	}
	if p.TLS != nil && (cl.Protocol == TCP || cl.Protocol == UDP) {
		c.diags.Warn(at, r.path, `the tls block of pool %q does nothing here: a %s cluster passes bytes on as they are`, p.Name, cl.Protocol)
	}
}

// ports reports ranges of ports in a cluster that cannot have them.
func (c *checker) ports(cl *Cluster, path string) {
	for i, l := range cl.Listen {
		switch width := int(l.Last) - int(l.Addr.Port()); {
		case width == 0:
		case cl.Protocol.Exchanges():
			c.diags.Add(c.listen(cl, i), path, `a range of ports needs protocol "tcp" or "udp"; here it is %q`, cl.Protocol)
		default:
			c.width(cl, i, width, path)
		}
	}
}

// width reports that the i-th address of cl, a range whose last port is width
// above the first, leads past the last port of a member.
func (c *checker) width(cl *Cluster, i, width int, path string) {
	pools := []string{cl.Pool}
	for _, s := range cl.SNI {
		pools = append(pools, s.Pool)
	}
	for _, name := range pools {
		s := c.highest[name]
		if s == nil || int(s.Address.Port())+width <= 65535 {
			continue
		}
		c.diags.Add(c.listen(cl, i), path, "the range has %d ports: from %s on, member %q of pool %q would need port %d; "+
			"the last is 65535", width+1, s.Address, s.Name, name, int(s.Address.Port())+width)
	}
}

// highestPorts finds the member of each pool that has the highest port.
func (c *checker) highestPorts() {
	servers := make(map[string]*Server)
	for _, s := range c.cfg.Servers {
		servers[s.Name] = s
	}
	for name, p := range c.pools {
		for _, m := range p.Members {
			s, before := servers[m.Server], c.highest[name]
			if s != nil && (before == nil || s.Address.Port() > before.Address.Port()) {
				c.highest[name] = s
			}
		}
	}
}

// listen returns where the i-th address of cl stands.
func (c *checker) listen(cl *Cluster, i int) hcl.Range {
	if r, ok := c.at[place{cl, "listen", i}]; ok {
		return r
	}
	return c.where(cl, "listen", cl.Range)
}

// rules checks the rules of cl, in order.
func (c *checker) rules(cl *Cluster, path string, known map[string]map[string]bool) {
	var always *Rule
	for _, r := range cl.Rules {
		at := fmt.Sprintf("%s rule %q", path, r.Name)
		pool := r.Pool
		if pool == "" && !c.given(r, "responder") {
			pool = cl.Pool
		}
		c.route(cl, route{pool, r.Responder, r.Policy, r, r.Range, at}, known)
		if c.given(r, "policy") && pool == "" {
			c.diags.Add(c.where(r, "policy", r.Range), at, "policy needs a pool: a responder always answers here")
		}
		methods := cl.Persist
		if len(r.Persist) > 0 {
			methods = r.Persist
			c.persist(cl, methods, c.pools[pool], at)
		}
		c.cookiePaths(methods, r, at)
		if always != nil && !r.Disabled {
			c.diags.Warn(r.Range, at, "never reached: rule %q before it takes every request", always.Name)
		}
		if name, _, ok := call(r.When); ok && name == "any" && !r.Disabled && always == nil {
			always = r
		}
	}
}

// cookiePaths warns when a rule is for paths that the cookie is not sent to.
func (c *checker) cookiePaths(methods []*Persist, r *Rule, path string) {
	for _, p := range methods {
		if p.Method != PersistCookie || p.Path == "" || p.Path == "/" {
			continue
		}
		for _, part := range conjuncts(r.When) {
			name, arg, ok := call(part)
			if !ok || name != "path_prefix" && name != "pathname" || pathMatches(p.Path, arg) {
				continue
			}
			if name == "path_prefix" && strings.HasPrefix(p.Path, arg) {
				continue // some of its paths are covered
			}
			c.diags.Warn(part.Range(), path, "the cookie's path %q does not cover %q: clients will not send it here", p.Path, arg)
			break
		}
	}
}

// pathMatches reports whether a cookie with the path is sent to target (RFC
// 6265 section 5.1.4).
func pathMatches(path, target string) bool {
	rest, ok := strings.CutPrefix(target, path)
	return ok && (rest == "" || strings.HasSuffix(path, "/") || rest[0] == '/')
}
