// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// A CertificateStatus is a certificate of the running configuration at one
// moment.
type CertificateStatus struct {
	Name     string
	Source   config.Source
	Chain    []certs.Description // leaf first; none: there is no certificate
	Warnings []certs.Warning
	UsedBy   []string          // such as cluster "shop"
	ACME     *certs.ACMEStatus // of one that a CA gives
	StandIn  bool              // the box has signed it itself until the CA gives one
	Lacks    string            // why there is none
}

// Certificates returns the certificates of the running configuration, and that of
// the box where it is used.
func (b *Balancer) Certificates() []CertificateStatus {
	b.mu.Lock()
	gen := b.cur
	b.mu.Unlock()
	if gen == nil {
		return nil
	}
	now := b.now()
	var out []CertificateStatus
	for _, c := range gen.certificates() {
		s := CertificateStatus{Name: c.Name, Source: c.Source, UsedBy: CertificateUsers(gen.cfg, c.Name), Lacks: gen.keys.why("certificate", c.Name)}
		p := gen.keys.pairs[c.Name]
		if i := gen.issuers[c.ACME]; c.Source == config.FromACME && i != nil {
			for _, st := range i.acme.Status(now) {
				if st.Name == c.Name {
					s.ACME = &st
				}
			}
			if s.StandIn = s.ACME != nil && s.ACME.Leaf == nil; !s.StandIn {
				p = i.acme.Pair(c.Name)
			}
		}
		if p != nil {
			s.Chain, s.Warnings = p.Describe(now), p.Warnings()
		}
		out = append(out, s)
	}
	return out
}

// why returns what was noted of a block, "" if nothing.
func (k *keyring) why(kind, name string) string {
	for _, d := range k.lacks {
		if d.Path == fmt.Sprintf("%s %q", kind, name) {
			return d.Msg
		}
	}
	return ""
}

// CertificateUsers names the blocks that refer to a certificate.
func CertificateUsers(cfg *config.Config, name string) []string {
	var out []string
	for _, c := range cfg.Clusters {
		if slices.Contains(c.CertificateNames(), name) {
			out = append(out, fmt.Sprintf("cluster %q", c.Name))
		}
	}
	for _, p := range cfg.Pools {
		if p.TLS != nil && p.TLS.Certificate == name {
			out = append(out, fmt.Sprintf("pool %q", p.Name))
		}
	}
	if cfg.Console.Certificate == name {
		out = append(out, "console")
	}
	return out
}

// TrustUsers names the blocks that refer to a trust.
func TrustUsers(cfg *config.Config, name string) []string {
	var out []string
	for _, c := range cfg.Clusters {
		if slices.Contains(c.TLS.ClientCA, name) || slices.Contains(c.TLS.CRL, name) {
			out = append(out, fmt.Sprintf("cluster %q", c.Name))
		}
	}
	for _, p := range cfg.Pools {
		if p.TLS != nil && slices.Contains(p.TLS.CA, name) {
			out = append(out, fmt.Sprintf("pool %q", p.Name))
		}
	}
	for _, a := range cfg.ACME {
		if slices.Contains(a.CA, name) {
			out = append(out, fmt.Sprintf("acme %q", a.Name))
		}
	}
	for _, s := range cfg.Syslogs {
		if slices.Contains(s.CA, name) {
			out = append(out, fmt.Sprintf("syslog %q", s.Name))
		}
	}
	for _, m := range cfg.Mails {
		if slices.Contains(m.CA, name) {
			out = append(out, fmt.Sprintf("mail %q", m.Name))
		}
	}
	return out
}

// Imports warns of what must have been imported before a commit of cfg: for who
// has no box to ask.
func Imports(cfg *config.Config) (d config.Diagnostics) {
	for _, c := range cfg.Certificates {
		if c.Source == config.Imported && len(CertificateUsers(cfg, c.Name)) > 0 {
			d.Warn(c.Range, fmt.Sprintf("certificate %q", c.Name),
				"a commit will need it on the box: evener certificate import %s FILE", c.Name)
		}
	}
	for _, t := range cfg.Trusts {
		if len(TrustUsers(cfg, t.Name)) > 0 {
			d.Warn(t.Range, fmt.Sprintf("trust %q", t.Name), "a commit will need it on the box: evener trust import %s FILE...", t.Name)
		}
	}
	return d
}

// Pair returns what clients are shown of the certificate of that name, nil if the
// running configuration does not use one.
func (b *Balancer) Pair(name string) *certs.Pair {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cur == nil {
		return nil
	}
	return b.cur.keys.pairs[name]
}

// A CertificateProblem is something about certificates, authorities or revocation
// lists that needs attention.
type CertificateProblem struct {
	Kind    string    // stable and dotted, such as certificate.expired
	Object  string    // path, such as certificate/shop
	Text    string    // for people: what is wrong and what to do
	Until   time.Time // when it ends or has ended, zero where it never does
	Warning bool      // clients are served all the same
}

// CertificateProblems lists what needs attention about certificates, authorities
// and revocation lists, the worst first.
func (b *Balancer) CertificateProblems() []CertificateProblem {
	b.mu.Lock()
	gen := b.cur
	b.mu.Unlock()
	if gen == nil {
		return nil
	}
	now := b.now()
	var out []CertificateProblem
	for _, d := range gen.keys.lacks {
		kind, name, _ := strings.Cut(d.Path, " ")
		out = append(out, CertificateProblem{Kind: kind + ".missing", Object: kind + "/" + strings.Trim(name, `"`),
			Text: d.Path + ": " + d.Msg})
	}
	list := b.Certificates()
	slices.SortStableFunc(list, func(a, b CertificateStatus) int { return int(b.expiry()) - int(a.expiry()) })
	for _, c := range list {
		if p, bad := c.problem(now); bad {
			out = append(out, p)
		}
	}
	return append(out, gen.keys.expiredLists(gen.cfg, now)...)
}

func (s *CertificateStatus) expiry() certs.Expiry {
	if len(s.Chain) == 0 {
		return certs.Valid
	}
	return s.Chain[0].Expiry
}

// problem says why a certificate needs attention, and whether it does.
func (s *CertificateStatus) problem(now time.Time) (CertificateProblem, bool) {
	p := CertificateProblem{Object: "certificate/" + s.Name}
	name := fmt.Sprintf("certificate %q ", s.Name)
	if s.ACME != nil && s.ACME.LastError != "" {
		p.Kind, p.Text, p.Warning = "certificate.order_failed", name+"was not got", true
		if s.ACME.Leaf != nil {
			p.Until = s.ACME.Leaf.NotAfter
			p.Text = name + fmt.Sprintf("was not renewed and ends in %s", inWords(p.Until.Sub(now)))
		}
		p.Text += ", the next attempt is in " + inWords(s.ACME.Next.Sub(now)) + ": " + s.ACME.LastError
		return p, true
	}
	if len(s.UsedBy) == 0 || len(s.Chain) == 0 || s.StandIn {
		return p, false
	}
	p.Until = s.Chain[0].NotAfter
	switch e := s.expiry(); {
	case e == certs.Expired:
		p.Kind, p.Text = "certificate.expired", name+"has expired "+inWords(now.Sub(p.Until))+" ago; "+s.remedy()
	case e == certs.NotYetValid:
		p.Kind, p.Text = "certificate.not_yet_valid", name+"is not valid yet; is the box's clock right?"
	case e == certs.Valid, s.ACME != nil && e < certs.Critical:
		return p, false
	default:
		p.Kind, p.Warning = "certificate.expiring", true
		p.Text = name + "ends in " + inWords(p.Until.Sub(now)) + " (" + e.String() + "); " + s.remedy()
	}
	return p, true
}

func (s *CertificateStatus) remedy() string {
	if s.Source != config.Imported {
		return "evener certificate renew " + s.Name
	}
	return "import its successor: evener certificate import " + s.Name + " FILE"
}

// inWords rounds a time as people say it.
func inWords(d time.Duration) string {
	switch d = max(d, 0); {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return d.Round(time.Second).String()
}

// expiredLists says which revocation lists, of those that somebody looks at, have
// expired.
func (k *keyring) expiredLists(cfg *config.Config, now time.Time) []CertificateProblem {
	var out []CertificateProblem
	for _, t := range cfg.Trusts {
		used := slices.ContainsFunc(cfg.Clusters, func(c *config.Cluster) bool { return slices.Contains(c.TLS.CRL, t.Name) })
		if k.trusts[t.Name] == nil || !used {
			continue
		}
		for rest := k.trusts[t.Name].crls; ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			l, err := x509.ParseRevocationList(block.Bytes)
			if err == nil && !l.NextUpdate.IsZero() && now.After(l.NextUpdate) {
				out = append(out, CertificateProblem{Kind: "trust.crl_expired", Object: "trust/" + t.Name, Until: l.NextUpdate,
					Text: fmt.Sprintf("trust %q: the revocation list of %s has expired %s ago; import the next one: evener trust import %s FILE...",
						t.Name, strings.TrimSpace(l.Issuer.String()), inWords(now.Sub(l.NextUpdate)), t.Name)})
			}
		}
	}
	return out
}

// collectTLS writes what the handshakes and the certificates are.
func (b *Balancer) collectTLS(w *stats.Writer) {
	st := b.gate.Stats()
	w.Int(stats.TLSComputing, st.Computing.Load())
	for role, word := range [...]string{tlsconn.Server: "server", tlsconn.Client: "client"} {
		w.Int(stats.TLSWaiting, st.Waiting[role].Load(), word)
		w.Uint(stats.TLSShed, st.Results[role].Failed[tlsconn.Busy].Load(), word)
	}
	up := &st.Results[tlsconn.Client]
	resumed := up.Resumed.Load()
	w.Uint(stats.TLSUpstream, up.Done.Load()-resumed, "full")
	w.Uint(stats.TLSUpstream, resumed, "resumed")
	for r := range tlsconn.Reasons {
		if n := up.Failed[r].Load(); n > 0 {
			w.Uint(stats.TLSUpstreamFailures, n, r.String())
		}
	}
	for _, c := range b.Certificates() {
		if len(c.Chain) > 0 {
			w.Int(stats.CertificateNotAfter, c.Chain[0].NotAfter.Unix(), c.Name)
			w.Int(stats.CertificateNotBefore, c.Chain[0].NotBefore.Unix(), c.Name)
		}
	}
}
