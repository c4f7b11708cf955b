// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/lb"
)

type importParams struct {
	Name     string `json:"name" doc:"that configurations refer to it by"`
	PEM      string `json:"pem,omitempty" secret:"true" doc:"certificate, chain and private key in any order"`
	PKCS12   string `json:"pkcs12,omitempty" secret:"true" doc:"in place of pem: a PKCS#12 file in base64"`
	Password string `json:"password,omitempty" secret:"true" doc:"of the PKCS#12 file"`
	Force    bool   `json:"force,omitempty" doc:"even where clients will refuse it and the name is in use"`
}

func (b *Box) importCertificate(ctx context.Context, c api.Call, p importParams) (Certificate, error) {
	if err := unscoped(c, "certificate/"+p.Name); err != nil {
		return Certificate{}, err
	}
	if err := checkItem(p.Name); err != nil {
		return Certificate{}, err
	}
	pair, err := p.parse()
	if err != nil {
		return Certificate{}, err
	}
	if err := b.guardImport(p, pair); err != nil {
		return Certificate{}, err
	}
	text, err := pair.MarshalPEM()
	if err != nil {
		return Certificate{}, err
	}
	if err := b.keep(lb.ImportedItems+p.Name, text); err != nil {
		return Certificate{}, err
	}
	return b.certificate(ctx, c, certificateParams{p.Name})
}

// parse reads what is to be imported.
func (p *importParams) parse() (pair *certs.Pair, err error) {
	switch {
	case p.PEM != "" && p.PKCS12 != "", p.PEM == "" && p.PKCS12 == "":
		return nil, api.Errorf(api.CodeParams, "params.certificate", "give either pem or pkcs12")
	case p.PEM != "":
		pair, err = certs.ParsePEM([]byte(p.PEM), time.Now())
	default:
		data, bad := base64.StdEncoding.DecodeString(p.PKCS12)
		if bad != nil {
			return nil, api.Errorf(api.CodeParams, "params.pkcs12", "pkcs12 is not base64: %v", bad)
		}
		pair, err = certs.ParsePKCS12(data, p.Password, time.Now())
	}
	if err != nil {
		return nil, api.Errorf(api.CodeFailed, "certificate.invalid", "%v", err)
	}
	return pair, nil
}

// guardImport refuses, unless forced, what clients would refuse in place of what
// they get now: an import takes effect at once.
func (b *Box) guardImport(p importParams, pair *certs.Pair) error {
	cfg := b.cfg.Balancer.Config()
	if p.Force || cfg == nil {
		return nil
	}
	if c := cfg.Certificate(p.Name); c == nil || c.Source != config.Imported {
		return nil
	}
	users := lb.CertificateUsers(cfg, p.Name)
	served := slices.ContainsFunc(cfg.Clusters, func(c *config.Cluster) bool { return slices.Contains(c.CertificateNames(), p.Name) })
	var wrong []string
	for _, w := range pair.Warnings() {
		// Of the box as a client of servers, nobody looks for the host name.
		if w.Unfit() && (served || w.Code != certs.WarnNoNames) {
			wrong = append(wrong, w.Text)
		}
	}
	if len(users) == 0 || len(wrong) == 0 {
		return nil
	}
	e := api.Errorf(api.CodeGuard, "guard.unfit", "certificate %s is used by %s and was not replaced: %s",
		p.Name, strings.Join(users, ", "), strings.Join(wrong, "; "))
	e.Hint = "force"
	return e
}
