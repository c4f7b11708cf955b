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
		used: map[string]map[string]bool{"server": {}, "pool": {}, "responder": {}}, suggests: 100}
	for _, s := range cfg.Servers {
		c.names["server"] = append(c.names["server"], s.Name)
	}
	for _, p := range cfg.Pools {
		c.names["pool"] = append(c.names["pool"], p.Name)
		c.pools[p.Name] = p
	}
	for _, r := range cfg.Responders {
		c.names["responder"] = append(c.names["responder"], r.Name)
		c.responder(r)
	}
	known := make(map[string]map[string]bool)
	for kind, names := range c.names {
		known[kind] = make(map[string]bool)
		for _, n := range names {
			known[kind][n] = true
		}
	}
	c.metrics()
	for _, p := range cfg.Pools {
		c.pool(p, known)
	}
	c.highestPorts()
	for _, cl := range cfg.Clusters {
		c.cluster(cl, known)
	}
	c.listeners()
	c.unused()
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
	warn := func(kind, name, by string, r hcl.Range) {
		if !c.used[kind][name] {
			c.diags.Warn(r, pathOf(kind, name), "not used by any %s", by)
		}
	}
	for _, s := range c.cfg.Servers {
		warn("server", s.Name, "pool", s.Range)
	}
	for _, p := range c.cfg.Pools {
		warn("pool", p.Name, "cluster", p.Range)
	}
	for _, r := range c.cfg.Responders {
		warn("responder", r.Name, "cluster or rule", r.Range)
	}
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
