// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
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
	"evener/firmware/store"
)

// Certificates lists certificates.
type Certificates struct {
	Certificates []Certificate `json:"certificates"`
}

// A Certificate is what people may know of a certificate: never its key.
type Certificate struct {
	Name        string        `json:"name"`
	Source      string        `json:"source" doc:"imported, self_signed or acme"`
	State       string        `json:"state" doc:"valid, not_yet_valid, expiring, critical, imminent, expired; waiting: a self-signed one stands in until the CA gives one; missing: there is none"`
	Names       []string      `json:"names" doc:"host names and addresses that it is for"`
	Subject     string        `json:"subject,omitempty"`
	Issuer      string        `json:"issuer,omitempty"`
	Serial      string        `json:"serial,omitempty"`
	Key         string        `json:"key,omitempty" doc:"kind of its key, such as ECDSA P-256"`
	Fingerprint string        `json:"fingerprint,omitempty" doc:"SHA-256 in hexadecimal"`
	NotBefore   time.Time     `json:"not_before,omitzero"`
	NotAfter    time.Time     `json:"not_after,omitzero"`
	Chain       []Issuer      `json:"chain,omitempty" doc:"certificates that are sent after it"`
	UsedBy      []string      `json:"used_by" doc:"blocks of the running configuration"`
	Warnings    []string      `json:"warnings,omitempty" doc:"what might not work"`
	Notes       []string      `json:"notes,omitempty" doc:"what is good to know, and nothing to mend"`
	Lacks       string        `json:"lacks,omitempty" doc:"why it is missing, and what to do"`
	ACME        *ACMEProgress `json:"acme,omitempty" doc:"of one that a CA gives"`
	Request     string        `json:"request,omitempty" doc:"of certificate.import and certificate.check: the pending request whose key it takes"`

	Said phrase.Words `json:"said,omitempty" says:"warnings,notes,lacks" doc:"what the texts say, by field: kind and args, for translation"`
}

// An Issuer is a certificate of a chain.
type Issuer struct {
	Subject  string    `json:"subject"`
	NotAfter time.Time `json:"not_after"`
}

// An ACMEProgress tells how getting a certificate from a CA goes.
type ACMEProgress struct {
	State     string    `json:"state" doc:"waiting, ordering, issued or failed"`
	Next      time.Time `json:"next" doc:"when it is ordered next"`
	LastTry   time.Time `json:"last_try,omitzero"`
	LastError string    `json:"last_error,omitempty"`
	Failures  int       `json:"failures" doc:"in a row"`

	Said phrase.Words `json:"said,omitempty" says:"last_error" doc:"what the texts say, by field: kind and args, for translation"`
}

// A Chain is the public half of a certificate.
type Chain struct {
	PEM string `json:"pem" doc:"the certificate and its chain"`
}

type certificateParams struct {
	Name string `json:"name" doc:"of the certificate"`
}

type eabParams struct {
	ACME string `json:"acme" doc:"name of the acme block"`
	Key  string `json:"key" secret:"true" doc:"MAC key in base64url, as the CA gives it"`
}

func (b *Box) addCertificates(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "certificate.list", Purpose: "Lists the certificates, those that were imported and are not used too.",
		Role: api.Viewer}, b.certificates)
	api.Add(reg, api.Method{Name: "certificate.show", Purpose: "Shows one certificate.", Role: api.Viewer}, b.certificate)
	api.Add(reg, api.Method{Name: "certificate.chain", Purpose: "Gives out a certificate with its chain, without the key.",
		Role: api.Viewer}, b.chain)
	api.Add(reg, api.Method{Name: "certificate.import", Purpose: "Keeps a certificate with its key; where the name is in use it takes effect at once.",
		Role: api.Editor, Effect: api.Runtime, Audit: "import certificate {name}"}, b.importCertificate)
	api.Add(reg, api.Method{Name: "certificate.remove", Purpose: "Forgets an imported certificate that nothing uses.",
		Role: api.Editor, Effect: api.Runtime, Audit: "remove certificate {name}"}, b.removeCertificate)
	api.Add(reg, api.Method{Name: "certificate.renew", Purpose: "Orders a certificate from its CA now if it is due, or makes a new self-signed one.",
		Role: api.Editor, Effect: api.Runtime, Audit: "renew certificate {name}"}, b.renewCertificate)
	api.Add(reg, api.Method{Name: "certificate.eab", Purpose: "Keeps the key that binds an ACME account to a customer of the CA.",
		Role: api.Editor, Effect: api.Runtime, Audit: "import the account key of {acme}"}, b.importEAB)
	api.Add(reg, api.Method{Name: "certificate.rotate_tickets", Purpose: "Makes a new secret for TLS session tickets; sessions begin anew.",
		Role: api.Admin, Effect: api.Runtime, Audit: "rotate the secret of session tickets"}, b.rotateTickets)
}

func (b *Box) certificates(context.Context, api.Call, struct{}) (Certificates, error) {
	out := Certificates{Certificates: []Certificate{}}
	for _, s := range b.cfg.Balancer.Certificates() {
		out.Certificates = append(out.Certificates, certificateOf(s))
	}
	for name := range b.cfg.Store.Vault().Items(lb.ImportedItems) {
		name = strings.TrimPrefix(name, lb.ImportedItems)
		if !slices.ContainsFunc(out.Certificates, func(c Certificate) bool { return c.Name == name && c.Source == string(config.Imported) }) {
			out.Certificates = append(out.Certificates, b.unused(name))
		}
	}
	slices.SortStableFunc(out.Certificates, func(a, b Certificate) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// unused describes an imported certificate that the running configuration does
// not have.
func (b *Box) unused(name string) Certificate {
	s := lb.CertificateStatus{Name: name, Source: config.Imported}
	p, err := b.stored(name)
	if err != nil {
		s.Lacks = err.Error()
	} else {
		s.Chain, s.Warnings = p.Describe(time.Now()), p.Warnings()
	}
	return certificateOf(s)
}

// stored returns the certificate that was imported under name.
func (b *Box) stored(name string) (*certs.Pair, error) {
	data, err := b.cfg.Store.Vault().Load(lb.ImportedItems + name)
	if err != nil {
		return nil, err
	}
	return certs.ParsePEM(data, time.Now())
}

func certificateOf(s lb.CertificateStatus) Certificate {
	c := Certificate{Name: s.Name, Source: string(s.Source), State: "missing", Names: []string{}, UsedBy: append([]string{}, s.UsedBy...), Lacks: s.Lacks}
	if len(s.Chain) > 0 {
		leaf := s.Chain[0]
		c.State, c.Names, c.Subject, c.Issuer, c.Serial = leaf.Expiry.String(), append(c.Names, leaf.Names...), leaf.Subject, leaf.Issuer, leaf.Serial
		c.Key, c.Fingerprint, c.NotBefore, c.NotAfter = leaf.Key, leaf.Fingerprint, leaf.NotBefore, leaf.NotAfter
		for _, d := range s.Chain[1:] {
			c.Chain = append(c.Chain, Issuer{d.Subject, d.NotAfter})
		}
	}
	if s.StandIn {
		c.State = "waiting"
	}
	for _, w := range s.Warnings {
		if w.Info() {
			c.Notes = append(c.Notes, w.Text)
		} else {
			c.Warnings = append(c.Warnings, w.Text)
		}
	}
	if a := s.ACME; a != nil {
		c.ACME = &ACMEProgress{State: string(a.State), Next: a.Next, LastTry: a.LastTry, LastError: a.LastError, Failures: a.Failures}
	}
	phrase.Fill(&c)
	return c
}

func (b *Box) certificate(_ context.Context, c api.Call, p certificateParams) (Certificate, error) {
	list, err := b.certificates(context.Background(), c, struct{}{})
	if err != nil {
		return Certificate{}, err
	}
	missing := &lb.NotFoundError{Kind: "certificate", Name: p.Name}
	for _, c := range list.Certificates {
		if c.Name == p.Name {
			return c, nil
		}
		missing.Have = append(missing.Have, c.Name)
	}
	return Certificate{}, apiError(missing)
}

// pairOf returns the pair of a certificate, that is served or not.
func (b *Box) pairOf(ctx context.Context, c api.Call, p certificateParams) (*certs.Pair, error) {
	if pair := b.cfg.Balancer.Pair(p.Name); pair != nil {
		return pair, nil
	}
	if _, err := b.certificate(ctx, c, p); err != nil {
		return nil, err
	}
	pair, err := b.stored(p.Name)
	if err != nil {
		return nil, api.Errorf(api.CodeNotFound, "certificate.missing", "certificate %s: there is none yet", p.Name)
	}
	return pair, nil
}

func (b *Box) chain(ctx context.Context, c api.Call, p certificateParams) (Chain, error) {
	pair, err := b.pairOf(ctx, c, p)
	if err != nil {
		return Chain{}, err
	}
	var out strings.Builder
	for _, der := range pair.Certificate().Certificate {
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return Chain{}, err
		}
	}
	return Chain{out.String()}, nil
}

// checkItem checks a name that material is to be kept under.
func checkItem(name string) error {
	if err := config.CheckName(name); err != nil {
		return api.Errorf(api.CodeParams, "params.name", "the name %v, not %q", err, name)
	}
	return nil
}

// keep saves material and serves it. What cannot be served is not kept.
func (b *Box) keep(item string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.certificatesChanged()
	vault := b.cfg.Store.Vault()
	before, err := vault.Load(item)
	if err != nil {
		before = nil // it is damaged, and replaced now
	}
	if err := vault.Save(item, data); err != nil {
		return apiError(err)
	}
	if err := b.cfg.Balancer.Reload(); err != nil {
		undo := vault.Delete(item)
		if before != nil {
			undo = vault.Save(item, before)
		}
		if undo != nil {
			b.log.Error("import not taken back", "err", undo)
		}
		return api.Errorf(api.CodeFailed, "certificate.refused", "it does not fit the running configuration, and was not kept: %v", err)
	}
	return nil
}

func (b *Box) removeCertificate(_ context.Context, c api.Call, p certificateParams) (struct{}, error) {
	if err := unscoped(c, "certificate/"+p.Name); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, b.remove("certificate", lb.ImportedItems, p.Name, func(cfg *config.Config) []string {
		if c := cfg.Certificate(p.Name); c == nil || c.Source != config.Imported {
			return nil
		}
		return lb.CertificateUsers(cfg, p.Name)
	})
}

// remove forgets material that neither the running configuration uses nor the one
// that an unconfirmed commit may go back to.
func (b *Box) remove(kind, prefix, name string, users func(*config.Config) []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.certificatesChanged()
	vault := b.cfg.Store.Vault()
	items := vault.Items(prefix)
	if _, ok := items[prefix+name]; !ok {
		e := &lb.NotFoundError{Kind: "imported " + kind, Name: name}
		for item := range items {
			e.Have = append(e.Have, strings.TrimPrefix(item, prefix))
		}
		slices.Sort(e.Have)
		return apiError(e)
	}
	for _, rev := range b.needed() {
		text, err := b.cfg.Store.Text(rev)
		if err != nil {
			return apiError(err)
		}
		cfg, err := parse(text, rev)
		if err != nil {
			return err
		}
		if list := users(cfg); len(list) > 0 {
			return api.Errorf(api.CodeGuard, "guard.in_use", "%s %s is used in revision %d by %s", kind, name, rev, strings.Join(list, ", "))
		}
	}
	return apiError(vault.Delete(prefix + name))
}

// needed returns the revisions that may be served without anybody's doing.
func (b *Box) needed() []uint64 {
	revs := []uint64{b.cfg.Store.Running().Number}
	if _, waits := b.cfg.Store.Pending(); waits {
		for _, r := range b.cfg.Store.History() {
			if r.Status == store.Confirmed {
				return append(revs, r.Number)
			}
		}
	}
	return revs
}

func (b *Box) renewCertificate(ctx context.Context, c api.Call, p certificateParams) (Certificate, error) {
	if err := unscoped(c, "certificate/"+p.Name); err != nil {
		return Certificate{}, err
	}
	if err := b.cfg.Balancer.Renew(p.Name); err != nil {
		return Certificate{}, apiError(err)
	}
	b.certificatesChanged()
	return b.certificate(ctx, c, p)
}

func (b *Box) importEAB(_ context.Context, c api.Call, p eabParams) (struct{}, error) {
	if err := unscoped(c, "acme/"+p.ACME); err != nil {
		return struct{}{}, err
	}
	if err := checkItem(p.ACME); err != nil {
		return struct{}{}, err
	}
	key := strings.TrimSpace(p.Key)
	if _, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(key, "=")); err != nil || key == "" {
		return struct{}{}, api.Errorf(api.CodeParams, "params.key", "the key must be base64url, as the CA gives it")
	}
	return struct{}{}, b.keep(lb.EABItems+p.ACME, []byte(key))
}

// ticketSecret is how the store calls what keys of TLS session tickets derive from.
const ticketSecret = "tls-tickets"

// TicketSecret returns the secret that keys of TLS session tickets derive from.
func TicketSecret(st *store.Store) ([]byte, error) { return st.Secret(ticketSecret) }

func (b *Box) rotateTickets(_ context.Context, c api.Call, _ struct{}) (struct{}, error) {
	if err := unscoped(c, "the secret of session tickets"); err != nil {
		return struct{}{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.cfg.Store.Rotate(ticketSecret); err != nil {
		return struct{}{}, apiError(err)
	}
	secret, err := TicketSecret(b.cfg.Store)
	if err != nil {
		return struct{}{}, apiError(err)
	}
	if err := b.cfg.Balancer.UseTicketSecret(secret); err != nil {
		return struct{}{}, apiError(fmt.Errorf("the new secret is used from the next commit or restart on: %w", err))
	}
	if err := b.keysRotated(ticketSecret); err != nil {
		return struct{}{}, apiError(fmt.Errorf("the new secret is in use, and other boxes are not told: %w", err))
	}
	return struct{}{}, nil
}
