// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/base64"
	"errors"
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
	PEM      string `json:"pem,omitempty" secret:"true" doc:"certificate, chain and private key in any order; without a key, that of the pending request which the certificate fits"`
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
	pair, request, err := b.parseImport(&p)
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
	if request != "" {
		if err := b.answered(request); err != nil {
			return Certificate{}, err
		}
	}
	out, err := b.certificate(ctx, c, certificateParams{p.Name})
	out.Request = request
	return out, err
}

// parseImport reads what is to be imported. request is the pending one whose key it
// takes, "" where it has its own.
func (b *Box) parseImport(p *importParams) (pair *certs.Pair, request string, err error) {
	switch {
	case p.PEM != "" && p.PKCS12 != "", p.PEM == "" && p.PKCS12 == "":
		return nil, "", api.Errorf(api.CodeParams, "params.certificate", "give either pem or pkcs12")
	case p.PEM != "":
		pair, request, err = b.answer(p.PEM)
	default:
		data, bad := base64.StdEncoding.DecodeString(p.PKCS12)
		if bad != nil {
			return nil, "", api.Errorf(api.CodeParams, "params.pkcs12", "pkcs12 is not base64: %v", bad)
		}
		pair, err = certs.ParsePKCS12(data, p.Password, time.Now())
	}
	if err != nil {
		kind := "certificate.invalid"
		if errors.Is(err, certs.ErrNoKey) {
			kind = "certificate.no_key"
		}
		return nil, "", api.Errorf(api.CodeFailed, kind, "%v", err)
	}
	return pair, request, nil
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
