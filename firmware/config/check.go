// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// A checker compares the values of a configuration with each other.
type checker struct {
	*decoder
	cfg      *Config
	names    map[string][]string        // by type of block, in the order of the text
	pools    map[string]*Pool           // by name
	highest  map[string]*Server         // by pool: the member with the highest port
	used     map[string]map[string]bool // by type of block and name
	suggests int                        // how many more names may be looked for, which is slow
}

// check reports what is wrong between the blocks of cfg.
func (d *decoder) check(cfg *Config) {
	c := &checker{decoder: d, cfg: cfg, names: make(map[string][]string), pools: make(map[string]*Pool), highest: make(map[string]*Server),
		used: make(map[string]map[string]bool), suggests: 100}
	for _, p := range cfg.Pools {
		c.pools[p.Name] = p
	}
	known := c.known()
	for _, r := range cfg.Responders {
		c.responder(r)
	}
	c.metrics()
	c.management()
	c.console(known)
	c.groups(known)
	c.network()
	c.certificates(known)
	c.alerts(known)
	for _, p := range cfg.Pools {
		c.pool(p, known)
	}
	c.highestPorts()
	for _, cl := range cfg.Clusters {
		c.cluster(cl, known)
	}
	c.follow()
	c.listeners()
	c.unused()
}

// known lists what others refer to, by type of block and name.
func (c *checker) known() map[string]map[string]bool {
	known := make(map[string]map[string]bool)
	c.eachNamed(func(kind, name, _ string, _ hcl.Range) {
		c.names[kind] = append(c.names[kind], name)
	})
	for _, kind := range []string{"server", "pool", "responder", "certificate", "acme", "trust"} {
		known[kind], c.used[kind] = make(map[string]bool), make(map[string]bool)
		for _, n := range c.names[kind] {
			known[kind][n] = true
		}
	}
	known["certificate"][BoxCertificate] = true
	return known
}

// eachNamed calls f for each block that others refer to; by says which.
func (c *checker) eachNamed(f func(kind, name, by string, r hcl.Range)) {
	for _, s := range c.cfg.Servers {
		f("server", s.Name, "pool", s.Range)
	}
	for _, p := range c.cfg.Pools {
		f("pool", p.Name, "cluster", p.Range)
	}
	for _, r := range c.cfg.Responders {
		f("responder", r.Name, "cluster or rule", r.Range)
	}
	for _, x := range c.cfg.Certificates {
		f("certificate", x.Name, "cluster, pool or console", x.Range)
	}
	for _, a := range c.cfg.ACME {
		f("acme", a.Name, "certificate", a.Range)
	}
	for _, t := range c.cfg.Trusts {
		f("trust", t.Name, "cluster, pool, acme, syslog or mail block", t.Range)
	}
}

// pathOf names a block for a diagnostic.
func pathOf(block, name string) string { return fmt.Sprintf("%s %q", block, name) }

// refer reports that name, a reference from a keyword at r, names nothing.
func (c *checker) refer(known map[string]map[string]bool, kind, name, path string, r hcl.Range) bool {
	if known[kind][name] {
		c.used[kind][name] = true
		return true
	}
	if checkName(name) != nil {
		return false // reported where it was read, or not given
	}
	hint := ""
	if c.suggests--; c.suggests >= 0 {
		hint = didYouMean(name, c.names[kind])
	}
	if hint == "" {
		hint = fmt.Sprintf("; define it with %s %q { ... }", kind, name)
	}
	c.diags.Add(r, path, "there is no %s %q%s", kind, name, hint)
	return false
}

// metrics reports statistics that anyone could read.
func (c *checker) metrics() {
	m := c.cfg.Metrics
	if m == nil || m.Listen.Addr().IsLoopback() || !m.Listen.IsValid() || c.given(m, "token") {
		return
	}
	r := c.at[place{m, "listen", -1}]
	c.diags.Add(r, "metrics", "token is missing: outside loopback the statistics need a bearer token")
}

// unused warns of what nothing refers to.
func (c *checker) unused() {
	if c.diags.HasErrors() {
		return // a mistyped reference would be told twice
	}
	c.eachNamed(func(kind, name, by string, r hcl.Range) {
		if !c.used[kind][name] {
			c.diags.Warn(r, pathOf(kind, name), "not used by any %s", by)
		}
	})
}

// responder checks one responder and completes what depends on its kind.
func (c *checker) responder(r *Responder) {
	path := pathOf("responder", r.Name)
	var kinds []string
	for _, k := range []string{"body", "file", "redirect"} {
		if c.given(r, k) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) > 1 {
		c.diags.Add(c.where(r, kinds[1], r.Range), path, "%s and %s exclude each other: a responder sends one thing", kinds[0], kinds[1])
		return
	}
	if len(r.Body) > maxText {
		c.diags.Add(c.where(r, "body", r.Range), path, "body must be at most %s long", Bytes(maxText))
	}
	if !slices.Contains(kinds, "redirect") {
		c.plain(r, path, len(kinds) > 0)
		return
	}
	c.redirect(r, path)
}

// plain checks a responder that does not redirect.
func (c *checker) plain(r *Responder, path string, content bool) {
	if c.given(r, "match") {
		c.diags.Add(c.where(r, "match", r.Range), path, "match belongs to a responder with redirect")
	}
	if r.Status >= 300 && r.Status < 400 && r.Status != 304 && c.given(r, "status") {
		c.diags.Add(c.where(r, "status", r.Range), path, "status %d needs redirect", r.Status)
	}
	if content && (r.Status == 204 || r.Status == 205 || r.Status == 304) {
		c.diags.Add(c.where(r, "status", r.Range), path, "an answer with status %d has no body", r.Status)
	}
}

// redirect checks a responder that does; its status and lack of content differ
// from what the table says of others.
func (c *checker) redirect(r *Responder, path string) {
	if !c.given(r, "status") {
		r.Status = 302
	} else if !slices.Contains([]int{301, 302, 303, 307, 308}, r.Status) && r.Status >= 200 && r.Status < 600 {
		c.diags.Add(c.where(r, "status", r.Range), path, "the status of a redirect must be 301, 302, 303, 307 or 308, not %d", r.Status)
	}
	if c.given(r, "content_type") {
		c.diags.Add(c.where(r, "content_type", r.Range), path, "content_type belongs to a responder with body or file")
	}
	r.ContentType = ""
	highest := highestCapture(r.Redirect)
	at := c.where(r, "redirect", r.Range)
	re, err := regexp.Compile(r.Match)
	switch {
	case highest < 0 || err != nil || c.given(r, "match") && r.Match == "":
	case !c.given(r, "match"):
		c.diags.Add(at, path, "redirect uses $%d: match is missing, which captures it", highest)
	case highest > re.NumSubexp():
		c.diags.Add(at, path, "redirect uses $%d, and match captures only %s", highest, upTo(re.NumSubexp()))
	}
}

func upTo(n int) string {
	if n == 0 {
		return "$0, the whole"
	}
	return fmt.Sprintf("$0 to $%d", n)
}
