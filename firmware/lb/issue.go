// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"evener/firmware/certs"
	"evener/firmware/config"
)

// An issuer gets the certificates of one acme block. It outlives generations as
// long as nothing of the block changes.
type issuer struct {
	id     string // names what it was made of
	acme   *certs.ACME
	cancel context.CancelFunc // nil: it does not run
	done   chan struct{}      // closed when it has ended
}

// openIssuers opens those that the configuration has. One that lacks something is
// noted: its certificates are served as far as they are there.
func (u *builder) openIssuers() {
	u.gen.issuers = map[string]*issuer{}
	for _, a := range u.cfg.ACME {
		cfg, ok := u.acmeConfig(a)
		if !ok || len(cfg.Wanted) == 0 {
			continue
		}
		text, err := json.Marshal(cfg)
		if err != nil {
			u.keys.lack(u.cfg, "acme", a.Name, "%v", err)
			continue
		}
		id := digest(text)
		if old := u.b.issuers[a.Name]; old != nil && old.id == id {
			u.gen.issuers[a.Name] = old
			continue
		}
		acme, err := certs.OpenACME(cfg, acmeStorage{u.b, ACMEItems + a.Name + "/"}, &u.b.challenges, u.b.issued,
			u.b.log.With("acme", a.Name))
		if err != nil {
			u.keys.lack(u.cfg, "acme", a.Name, "%v", err)
			continue
		}
		u.gen.issuers[a.Name] = &issuer{id: id, acme: acme, done: make(chan struct{})}
	}
}

func (u *builder) acmeConfig(a *config.ACME) (certs.ACMEConfig, bool) {
	cfg := certs.ACMEConfig{Directory: a.Directory, Contact: a.Email, TermsAgreed: a.AgreeTOS,
		HTTP01:    len(a.Challenges) == 0 || slices.Contains(a.Challenges, "http-01"),
		TLSALPN01: len(a.Challenges) == 0 || slices.Contains(a.Challenges, "tls-alpn-01"),
	}
	var err error
	if len(a.CA) > 0 {
		if cfg.CAs, err = u.trusted(a.CA, false); err != nil {
			return cfg, false
		}
	}
	if a.EABKeyID != "" {
		key, err := u.b.load(EABItems + a.Name)
		if err != nil || key == nil {
			u.keys.lack(u.cfg, "acme", a.Name, "the key of eab_key_id was not imported: evener certificate eab %s FILE", a.Name)
			return cfg, false
		}
		cfg.EAB = &certs.EAB{KeyID: a.EABKeyID, MACKey: strings.TrimSpace(string(key))}
	}
	for _, c := range u.cfg.Certificates {
		if c.Source == config.FromACME && c.ACME == a.Name {
			cfg.Wanted = append(cfg.Wanted, certs.Wanted{Name: c.Name, Domains: c.Names})
		}
	}
	return cfg, true
}

// useIssuers lets those of gen run, each after the one that it replaces has
// ended, and ends the others. b.mu is held, so nobody is waited for.
func (b *Balancer) useIssuers(gen *generation) {
	before := b.issuers
	b.issuers = gen.issuers
	for name, old := range before {
		if gen.issuers[name] != old && old.cancel != nil {
			old.cancel()
		}
	}
	if b.released || b.ended {
		return
	}
	for name, i := range gen.issuers {
		if i.cancel != nil {
			continue
		}
		old := before[name]
		i.cancel = b.spawn(func(ctx context.Context) {
			defer close(i.done)
			if old != nil && old.cancel != nil {
				<-old.done
			}
			if err := i.acme.Run(ctx); err != nil {
				b.log.Error("certificates not got", "acme", name, "err", err)
			}
		})
	}
}

// issued takes a certificate into use that a CA has just given.
func (b *Balancer) issued(name string, p *certs.Pair) {
	b.log.Info("certificate issued", "certificate", name, "until", p.Leaf().NotAfter)
	if err := b.Reload(); err != nil {
		b.log.Error("issued certificate not in use", "certificate", name, "err", err)
	}
}

// Reload serves the running configuration anew with what the vault has now. On
// an error everything stays as it was.
func (b *Balancer) Reload() error {
	<-b.started
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cur == nil || b.ended {
		return nil
	}
	return b.apply(b.cur.cfg, b.cur.number)
}

// UseTicketSecret makes sessions begin anew: their tickets get keys that derive
// from another secret.
func (b *Balancer) UseTicketSecret(secret []byte) error {
	<-b.started
	b.mu.Lock()
	b.cfg.TicketSecret = secret
	b.mu.Unlock()
	return b.Reload()
}

// Renew orders the certificate of that name now, or makes a new self-signed one.
func (b *Balancer) Renew(name string) error {
	<-b.started
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := b.certificate(name)
	if err != nil {
		return err
	}
	switch c.Source {
	case config.FromACME:
		i := b.issuers[c.ACME]
		if i == nil {
			return &CertificateError{name, "its CA cannot be asked: see evener status"}
		}
		return i.acme.Retry(name)
	case config.SelfSigned:
		u := b.newBuilder(b.cur.cfg, 0, true)
		p, err := certs.SelfSigned(u.namesFor(c))
		if err == nil {
			err = b.keepSelfSigned(name, p)
		}
		if err != nil {
			return err
		}
		return b.apply(b.cur.cfg, b.cur.number)
	}
	return &CertificateError{name, "it was imported: import its successor under the same name"}
}

// A CertificateError says why something cannot be done with a certificate.
type CertificateError struct{ Name, why string }

func (e *CertificateError) Error() string { return "certificate " + e.Name + ": " + e.why }

// certificate finds a certificate of the running configuration.
func (b *Balancer) certificate(name string) (*config.Certificate, error) {
	e := &NotFoundError{Kind: "certificate", Name: name}
	if b.cur == nil {
		return nil, e
	}
	for _, c := range b.cur.certificates() {
		if c.Name == name {
			return c, nil
		}
		e.Have = append(e.Have, c.Name)
	}
	return nil, e
}

// certificates lists those of the configuration, and that of the box where it is
// used.
func (g *generation) certificates() []*config.Certificate {
	list := slices.Clone(g.cfg.Certificates)
	box := g.cfg.Certificate(config.BoxCertificate)
	if _, used := g.keys.pairs[box.Name]; used && !slices.Contains(list, box) {
		list = append(list, box)
	}
	return list
}

// ReloadIssuers is Reload that has certificates of CAs read anew from the vault too:
// another box has got them.
func (b *Balancer) ReloadIssuers() error {
	<-b.started
	b.mu.Lock()
	for _, i := range b.issuers {
		i.id = ""
	}
	b.mu.Unlock()
	return b.Reload()
}
