// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
)

// pool checks one pool, its members and its probes.
func (c *checker) pool(p *Pool, known map[string]map[string]bool) {
	path := pathOf("pool", p.Name)
	serving := 0
	for _, m := range p.Members {
		if m.Server != "" {
			c.refer(known, "server", m.Server, path, m.Range)
		}
		if m.Weight > 0 && !m.HotSpare {
			serving++
		}
	}
	switch {
	case len(p.Members) == 0:
		c.diags.Warn(p.Range, path, "has no members")
	case serving == 0:
		c.diags.Warn(p.Range, path, "no member takes new clients while all are up: each is a hot spare or has weight 0")
	}
	c.custom(p, path)
	c.poolProtocol(p, path)
	c.poolProxy(p, path)
	c.poolTLS(p, path, known)
	for _, pr := range p.Probes {
		at := fmt.Sprintf("%s probe %q", path, pr.Type)
		c.probe(pr, at)
		c.probeTLS(pr, p, at)
	}
	reports := slices.ContainsFunc(p.Probes, func(pr *Probe) bool { return pr.Type == ProbeAgent || pr.Type == ProbeSimple })
	if p.Policy == ServerAgent && !reports {
		c.diags.Warn(c.where(p, "policy", p.Range), path, `policy "server_agent" has nothing to go by: add a probe "agent" or "simple"`)
	}
	if p.Policy == CustomPolicy && p.Custom != nil && p.Custom.Agent > 0 && !reports {
		c.diags.Warn(c.where(p.Custom, "agent", p.Range), path+" custom", `agent has nothing to go by: add a probe "agent" or "simple"`)
	}
}

// poolProtocol checks that HTTP/2 is spoken where both sides know of it.
func (c *checker) poolProtocol(p *Pool, path string) {
	at := c.where(p, "protocol", p.Range)
	switch {
	case p.Protocol == "h2" && p.TLS == nil:
		c.diags.Add(at, path, `protocol "h2" is negotiated by TLS: add a block tls { ... }, or write "h2c" for HTTP/2 in the clear`)
	case p.Protocol == "h2c" && p.TLS != nil:
		c.diags.Add(at, path, `protocol "h2c" is HTTP/2 in the clear: write "h2" for members behind TLS`)
	}
}

// custom checks that the policy has its shares.
func (c *checker) custom(p *Pool, path string) {
	if p.Policy != CustomPolicy {
		return // the block without the policy is refused by the table
	}
	if p.Custom == nil {
		c.diags.Add(c.where(p, "policy", p.Range), path,
			`policy "custom" needs a block custom { ... } with delay, connections and agent`)
		return
	}
	if *p.Custom == (Custom{}) {
		c.diags.Add(c.where(p, "policy", p.Range), path,
			"custom has only zero shares: give delay, connections or agent more than 0")
	}
}

// probe checks what the keywords of one probe say about each other.
func (c *checker) probe(p *Probe, path string) {
	switch p.Type {
	case ProbeACV:
		if !c.given(p, "expect") && !c.given(p, "expect_regex") {
			c.diags.Add(p.Range, path, "expect or expect_regex is missing: what the answer must contain")
		}
	case ProbeHTTP:
		if p.Method == "HEAD" && (p.Expect != "" || p.ExpectRegex != "") {
			c.diags.Add(c.where(p, "method", p.Range), path, `method "HEAD" brings no body to look for expect in`)
		}
	case ProbeSimple:
		if p.Healthy == p.Loaded {
			c.diags.Add(c.where(p, "loaded", p.Range), path, "loaded must differ from healthy")
		}
	}
}
