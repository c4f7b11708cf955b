// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/phrase"
)

// Trusts lists CAs and revocation lists by the name that they were imported
// under.
type Trusts struct {
	Trusts []Trust `json:"trusts"`
}

// A Trust is what was imported under one name, or named by the configuration.
type Trust struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	CAs         []Issuer  `json:"cas"`
	CRLs        []Revoked `json:"crls"`
	UsedBy      []string  `json:"used_by" doc:"blocks of the running configuration"`
	Lacks       string    `json:"lacks,omitempty" doc:"why there is nothing"`

	Said phrase.Words `json:"said,omitempty" says:"lacks" doc:"what the texts say, by field: kind and args, for translation"`
}

// A Revoked is a revocation list.
type Revoked struct {
	Issuer  string    `json:"issuer"`
	Entries int       `json:"entries" doc:"certificates that it revokes"`
	From    time.Time `json:"from"`
	Next    time.Time `json:"next,omitzero" doc:"when it expires"`
}

type trustParams struct {
	Name string `json:"name" doc:"of the trust"`
}

type trustImportParams struct {
	Name  string   `json:"name" doc:"that configurations refer to it by"`
	Files []string `json:"files" doc:"contents of files in base64: certificates of CAs and revocation lists, PEM or DER"`
}

func (b *Box) addTrusts(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "trust.list", Purpose: "Lists CAs and revocation lists by name.", Role: api.Viewer}, b.trusts)
	api.Add(reg, api.Method{Name: "trust.import", Purpose: "Keeps CAs and revocation lists in place of what the name had; where it is in use they take effect at once.",
		Role: api.Editor, Effect: api.Runtime, Audit: "import trust {name}"}, b.importTrust)
	api.Add(reg, api.Method{Name: "trust.remove", Purpose: "Forgets CAs and revocation lists that nothing uses.",
		Role: api.Editor, Effect: api.Runtime, Audit: "remove trust {name}"}, b.removeTrust)
}

func (b *Box) trusts(context.Context, api.Call, struct{}) (Trusts, error) {
	out := Trusts{Trusts: []Trust{}}
	cfg := b.cfg.Balancer.Config()
	if cfg == nil {
		cfg = &config.Config{}
	}
	vault := b.cfg.Store.Vault()
	items := vault.Items(lb.TrustItems)
	names := make(map[string]string) // to descriptions
	for item := range items {
		names[strings.TrimPrefix(item, lb.TrustItems)] = ""
	}
	for _, t := range cfg.Trusts {
		names[t.Name] = t.Description
	}
	for name, description := range names {
		t := Trust{Name: name, Description: description, CAs: []Issuer{}, CRLs: []Revoked{}, UsedBy: append([]string{}, lb.TrustUsers(cfg, name)...)}
		data, err := vault.Load(lb.TrustItems + name)
		switch {
		case err != nil:
			t.Lacks = err.Error()
		case data == nil:
			t.Lacks = "nothing was imported"
		default:
			t.describe(data)
		}
		t.Said = phrase.Fields("lacks", t.Lacks)
		out.Trusts = append(out.Trusts, t)
	}
	slices.SortFunc(out.Trusts, func(a, b Trust) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// describe tells what PEM text holds.
func (t *Trust) describe(data []byte) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return
		}
		if l, err := x509.ParseRevocationList(block.Bytes); err == nil {
			t.CRLs = append(t.CRLs, Revoked{l.Issuer.String(), len(l.RevokedCertificateEntries), l.ThisUpdate, l.NextUpdate})
		} else if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			t.CAs = append(t.CAs, Issuer{certs.SubjectDN(c), c.NotAfter})
		}
	}
}

func (b *Box) importTrust(_ context.Context, c api.Call, p trustImportParams) (Trust, error) {
	if err := unscoped(c, "trust/"+p.Name); err != nil {
		return Trust{}, err
	}
	if err := checkItem(p.Name); err != nil {
		return Trust{}, err
	}
	var out []byte
	for i, file := range p.Files {
		data, err := base64.StdEncoding.DecodeString(file)
		if err != nil {
			return Trust{}, api.Errorf(api.CodeParams, "params.files", "file %d is not base64: %v", i+1, err)
		}
		text, err := trustText(data)
		if err != nil {
			return Trust{}, api.Errorf(api.CodeFailed, "trust.invalid", "file %d: %v", i+1, err)
		}
		out = append(out, text...)
	}
	if len(out) == 0 {
		return Trust{}, api.Errorf(api.CodeParams, "params.files", "there is no certificate and no revocation list")
	}
	if err := b.keep(lb.TrustItems+p.Name, out); err != nil {
		return Trust{}, err
	}
	list, err := b.trusts(context.Background(), api.Call{}, struct{}{})
	for _, t := range list.Trusts {
		if t.Name == p.Name {
			return t, err
		}
	}
	return Trust{}, err
}

// trustText checks a file and returns it as PEM. A private key in it is a
// mistake that must not be kept.
func trustText(data []byte) ([]byte, error) {
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		return derText(data)
	}
	var out []byte
	for n := 1; ; n++ {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			if len(out) == 0 {
				return nil, fmt.Errorf("there is no whole PEM block")
			}
			return out, nil
		}
		var err error
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
			block.Type = "CERTIFICATE"
			err = checkCA(block.Bytes)
		case "X509 CRL":
			_, err = x509.ParseRevocationList(block.Bytes)
		default:
			err = fmt.Errorf("it is %q; a trust has certificates of CAs, those that servers have signed themselves, and revocation lists", block.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", n, err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
	}
}

// derText returns a certificate or a revocation list in DER as PEM.
func derText(data []byte) ([]byte, error) {
	if _, err := x509.ParseRevocationList(data); err == nil {
		return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: data}), nil
	}
	if err := checkCA(data); err != nil {
		return nil, fmt.Errorf("it is neither PEM, nor a revocation list or certificate of a CA in DER: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: data}), nil
}

func checkCA(der []byte) error {
	c, err := x509.ParseCertificate(der)
	if err == nil && !c.IsCA && c.Version >= 3 && !certs.OwnSigned(c) {
		err = fmt.Errorf("%s is not a CA", certs.SubjectDN(c))
	}
	return err
}

func (b *Box) removeTrust(_ context.Context, c api.Call, p trustParams) (struct{}, error) {
	if err := unscoped(c, "trust/"+p.Name); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, b.remove("trust", lb.TrustItems, p.Name, func(cfg *config.Config) []string { return lb.TrustUsers(cfg, p.Name) })
}
