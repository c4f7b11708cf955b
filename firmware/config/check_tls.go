// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// certificates checks the certificates and where they come from.
func (c *checker) certificates(known map[string]map[string]bool) {
	for _, x := range c.cfg.Certificates {
		path := pathOf("certificate", x.Name)
		if x.Source != FromACME {
			continue
		}
		if c.given(x, "acme") {
			c.refer(known, "acme", x.ACME, path, c.where(x, "acme", x.Range))
		}
		if !c.given(x, "names") || c.compact(x, "names") == "[]" {
			c.diags.Add(c.where(x, "names", x.Range), path, "names are missing: a CA must be told what the certificate is for")
		}
		for i, n := range x.Names {
			if _, err := netip.ParseAddr(n); err == nil || strings.HasPrefix(n, "*") {
				c.diags.Add(c.element(x, "names", i, x.Range), path,
					"a certificate by ACME is for host names, not for %q: http-01 and tls-alpn-01 prove no wildcards and addresses", n)
			}
		}
	}
	for _, a := range c.cfg.ACME {
		path := pathOf("acme", a.Name)
		if c.given(a, "agree_tos") && !a.AgreeTOS {
			c.diags.Add(c.where(a, "agree_tos", a.Range), path, "agree_tos must be true: the CA gives certificates only to who agrees to its terms of service")
		}
		c.referAll(known, "trust", a.CA, a, "ca", a.Range, path)
		c.reachable(a, path)
	}
}

// compact returns the source of a keyword's value without spaces.
func (c *checker) compact(owner any, keyword string) string {
	r := c.at[place{owner, keyword, -1}]
	return strings.Join(strings.Fields(string(c.src[r.Start.Byte:r.End.Byte])), "")
}

// reachable warns when the CA could not convince itself: no cluster listens
// where it asks.
func (c *checker) reachable(a *ACME, path string) {
	ways := a.Challenges
	if len(ways) == 0 {
		ways = challenges
	}
	for _, way := range ways {
		protocol, port := HTTP, uint16(80)
		if way == "tls-alpn-01" {
			protocol, port = HTTPS, 443
		}
		if c.listens(protocol, port) {
			return
		}
	}
	c.diags.Warn(a.Range, path, "the CA has no way to convince itself: %s", waysOf(ways))
}

// waysOf says what the challenges need.
func waysOf(ways []string) string {
	var needs []string
	for _, way := range ways {
		if way == "http-01" {
			needs = append(needs, "http-01 needs an http cluster on port 80")
		} else {
			needs = append(needs, "tls-alpn-01 an https cluster on port 443")
		}
	}
	return strings.Join(needs, ", ")
}

func (c *checker) listens(p Protocol, port uint16) bool {
	for _, cl := range c.cfg.Clusters {
		for _, l := range cl.Listen {
			if cl.Protocol == p && !cl.Disabled && l.Addr.Port() == port {
				return true
			}
		}
	}
	return false
}

// element returns where the i-th element of a list stands.
func (c *checker) element(owner any, keyword string, i int, otherwise hcl.Range) hcl.Range {
	if r, ok := c.at[place{owner, keyword, i}]; ok {
		return r
	}
	return c.where(owner, keyword, otherwise)
}

// referAll reports the names of a list that name nothing.
func (c *checker) referAll(known map[string]map[string]bool, kind string, names []string, owner any, keyword string, r hcl.Range, path string) {
	for i, n := range names {
		c.refer(known, kind, n, path, c.element(owner, keyword, i, r))
	}
}

// clusterTLS checks how the clients of an https cluster shake hands.
func (c *checker) clusterTLS(cl *Cluster, path string, known map[string]map[string]bool) {
	if cl.Protocol != HTTPS {
		return
	}
	t := &cl.TLS
	at := path + " tls"
	c.referAll(known, "certificate", t.Certificates, t, "certificates", t.Range, at)
	if len(t.Certificates) == 0 {
		c.used["certificate"][BoxCertificate] = true
	}
	c.referAll(known, "trust", t.ClientCA, t, "client_ca", t.Range, at)
	c.referAll(known, "trust", t.CRL, t, "crl", t.Range, at)
	if t.ClientAuth == "none" {
		for _, k := range append([]string{"client_ca", "crl"}, clientHeaders...) {
			if c.given(t, k) {
				c.diags.Add(c.where(t, k, t.Range), at, `%s needs client_auth "request" or "require"; here it is "none"`, k)
			}
		}
	} else if t.ClientAuth != "" && len(t.ClientCA) == 0 {
		c.diags.Add(c.where(t, "client_auth", t.Range), at, "client_ca is missing: whose certificates clients may show")
	}
	c.clientHeaders(t, at)
	if t.MinVersion == "1.3" && t.MaxVersion == "1.2" {
		c.diags.Add(c.where(t, "min_version", t.Range), at, "min_version must not be above max_version")
	}
}

// clientHeaders are the keywords that name request fields.
var clientHeaders = []string{"verified_header", "subject_header", "fingerprint_header", "certificate_header"}

// clientHeaders reports fields that would say two things.
func (c *checker) clientHeaders(t *ClusterTLS, path string) {
	seen := make(map[string]string)
	for i, name := range []string{t.VerifiedHeader, t.SubjectHeader, t.FingerprintHeader, t.CertificateHeader} {
		k, name := clientHeaders[i], strings.ToLower(name)
		if first := seen[name]; name != "" && first != "" {
			c.diags.Add(c.where(t, k, t.Range), path, "%s must differ from %s", k, first)
		}
		seen[name] = k
	}
}

// poolTLS checks how the members of a pool are spoken to.
func (c *checker) poolTLS(p *Pool, path string, known map[string]map[string]bool) {
	t := p.TLS
	if t == nil {
		return
	}
	at := path + " tls"
	c.referAll(known, "trust", t.CA, t, "ca", t.Range, at)
	if c.given(t, "certificate") {
		c.refer(known, "certificate", t.Certificate, at, c.where(t, "certificate", t.Range))
	}
	if !t.Verify && len(t.CA) > 0 {
		c.diags.Add(c.where(t, "ca", t.Range), at, "ca needs verify = true: nothing is checked here")
	}
}

// probeTLS checks what a probe says of TLS that it does not speak.
func (c *checker) probeTLS(p *Probe, pool *Pool, path string) {
	if p.Type == ProbeTLS || p.OverTLS(pool) {
		return
	}
	for _, k := range []string{"server_name", "verify"} {
		if c.given(p, k) {
			c.diags.Add(c.where(p, k, p.Range), path, "%s needs tls = true: this probe asks in the clear", k)
		}
	}
}

// OverTLS reports whether a probe of pool speaks TLS before it asks.
func (p *Probe) OverTLS(pool *Pool) bool {
	switch p.Type {
	case ProbeTLS:
		return true
	case ProbeTCP, ProbeHTTP, ProbeGRPC, ProbeACV:
		if p.TLS != nil {
			return *p.TLS
		}
		return pool.TLS != nil
	}
	return false
}
