// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/lb"
)

type checkCertificateParams struct {
	Name     string `json:"name,omitempty" doc:"under which it would be imported"`
	PEM      string `json:"pem,omitempty" secret:"true" doc:"certificate, chain and private key in any order; without a key, that of the pending request which the certificate fits"`
	PKCS12   string `json:"pkcs12,omitempty" secret:"true" doc:"in place of pem: a PKCS#12 file in base64"`
	Password string `json:"password,omitempty" secret:"true" doc:"of the PKCS#12 file"`
}

// Uncovered lists the hosts that rules ask for and no certificate is for.
type Uncovered struct {
	Uncovered []UncoveredHost `json:"uncovered"`
}

// An UncoveredHost is a name by which a rule knows requests, while none of the
// certificates of its cluster is for it: browsers warn.
type UncoveredHost struct {
	Cluster      string   `json:"cluster"`
	Rule         string   `json:"rule"`
	Host         string   `json:"host"`
	Certificates []string `json:"certificates" doc:"that the cluster has"`
}

func (b *Box) addCertificateChecks(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "certificate.check", Purpose: "Looks at a certificate with its key as certificate.import would, and keeps nothing.",
		Role: api.Editor}, b.checkCertificate)
	api.Add(reg, api.Method{Name: "certificate.uncovered", Purpose: "Lists the hosts in rules of https clusters that no certificate of the cluster is for.",
		Role: api.Viewer}, b.uncovered)
}

func (b *Box) checkCertificate(_ context.Context, _ api.Call, p checkCertificateParams) (Certificate, error) {
	if p.Name != "" {
		if err := checkItem(p.Name); err != nil {
			return Certificate{}, err
		}
	}
	pair, request, err := b.parseImport(&importParams{PEM: p.PEM, PKCS12: p.PKCS12, Password: p.Password})
	if err != nil {
		return Certificate{}, err
	}
	s := lb.CertificateStatus{Name: p.Name, Source: config.Imported, Chain: pair.Describe(time.Now()), Warnings: pair.Warnings()}
	if cfg := b.cfg.Balancer.Config(); cfg != nil {
		if c := cfg.Certificate(p.Name); c != nil && c.Source == config.Imported {
			s.UsedBy = lb.CertificateUsers(cfg, p.Name)
		}
	}
	out := certificateOf(s)
	out.Request = request
	return out, nil
}

func (b *Box) uncovered(context.Context, api.Call, struct{}) (Uncovered, error) {
	out := Uncovered{Uncovered: []UncoveredHost{}}
	cfg := b.cfg.Balancer.Config()
	if cfg == nil {
		return out, nil
	}
	for _, c := range cfg.Clusters {
		if c.Protocol == config.HTTPS && !c.Disabled {
			out.Uncovered = append(out.Uncovered, uncoveredOf(c, b.cfg.Balancer.Pair)...)
		}
	}
	return out, nil
}

// uncoveredOf lists the hosts in the rules of a cluster that none of its
// certificates is for. Nothing is said while one of them is not there yet.
func uncoveredOf(c *config.Cluster, pair func(string) *certs.Pair) (out []UncoveredHost) {
	names := c.CertificateNames()
	var pairs []*certs.Pair
	for _, n := range names {
		p := pair(n)
		if p == nil {
			return nil
		}
		pairs = append(pairs, p)
	}
	for _, r := range c.Rules {
		if r.Disabled {
			continue
		}
		for _, host := range r.Hosts() {
			if !isFor(pairs, host) {
				out = append(out, UncoveredHost{c.Name, r.Name, host, names})
			}
		}
	}
	return out
}

// isFor reports whether one of pairs is for host, which may begin with "*.".
func isFor(pairs []*certs.Pair, host string) bool {
	if rest, ok := strings.CutPrefix(host, "*."); ok {
		host = "any-label." + rest // what a certificate for the wildcard is for
	}
	for _, p := range pairs {
		if p.Leaf().VerifyHostname(host) == nil {
			return true
		}
	}
	return false
}
