// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"evener/firmware/certs"
	"evener/firmware/config"
)

// A Vault keeps key pairs, authorities and accounts by name; all of it is
// secret. Save returns when data would survive a loss of power.
type Vault interface {
	Load(name string) ([]byte, error) // nil, nil where there is nothing
	Save(name string, data []byte) error
}

// The names under which a Vault has what a configuration refers to.
const (
	ImportedItems   = "certificate/" // and the name of a certificate: PEM of chain and key
	SelfSignedItems = "self-signed/" // likewise, made by the box
	TrustItems      = "trust/"       // and the name of a trust: PEM of certificates and revocation lists
	EABItems        = "eab/"         // and the name of an acme block: the MAC key in base64url
	ACMEItems       = "acme/"        // and the name of an acme block: what package certs keeps
)

// A keyring is what one generation has of the vault.
type keyring struct {
	now    time.Time
	pairs  map[string]*certs.Pair // by certificate
	trusts map[string]*trust
	lacks  config.Diagnostics // what the configuration names and is not there
	blamed map[string]bool    // names of lacks
}

// A trust is the authorities and revocation lists of one name.
type trust struct {
	cas, crls []byte // PEM
}

func newKeyring(now time.Time) *keyring {
	return &keyring{now: now, pairs: map[string]*certs.Pair{}, trusts: map[string]*trust{}, blamed: map[string]bool{}}
}

// lack notes, once, that what a block of the configuration names cannot be used.
func (k *keyring) lack(cfg *config.Config, kind, name, format string, args ...any) {
	path := fmt.Sprintf("%s %q", kind, name)
	if k.blamed[path] {
		return
	}
	k.blamed[path] = true
	var d config.Diagnostic
	switch kind {
	case "certificate":
		d.Range = cfg.Certificate(name).Range
	case "acme":
		d.Range = cfg.CA(name).Range
	case "trust":
		for _, t := range cfg.Trusts {
			if t.Name == name {
				d.Range = t.Range
			}
		}
	}
	k.lacks.Add(d.Range, path, format, args...)
}

// pair returns the key pair of a certificate, nil if the vault lacks it.
func (u *builder) pair(name string) (*certs.Pair, error) {
	if p, ok := u.keys.pairs[name]; ok {
		return p, nil
	}
	c := u.cfg.Certificate(name)
	var p *certs.Pair
	var err error
	switch c.Source {
	case config.SelfSigned:
		p, err = u.selfSigned(c)
	case config.FromACME:
		if i := u.gen.issuers[c.ACME]; i != nil {
			p = i.acme.Pair(name)
		}
		if p == nil { // until the CA has given one
			p, err = u.selfSigned(c)
		}
	default:
		p = u.imported(name)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate %q: %w", name, err)
	}
	u.keys.pairs[name] = p
	return p, nil
}

// imported returns an imported pair, nil if it cannot be used.
func (u *builder) imported(name string) *certs.Pair {
	how := fmt.Sprintf("evener certificate import %s FILE", name)
	data, err := u.b.load(ImportedItems + name)
	if err == nil && data == nil {
		u.keys.lack(u.cfg, "certificate", name, "it was not imported: %s", how)
		return nil
	}
	var p *certs.Pair
	if err == nil {
		p, err = certs.ParsePEM(data, u.keys.now)
	}
	if err != nil {
		u.keys.lack(u.cfg, "certificate", name, "what was imported cannot be used, import it anew (%s): %v", how, err)
		return nil
	}
	return p
}

// selfSigned returns the pair that the box has made for c, and makes one where
// there is none or it is for other names. What only tries a configuration out
// keeps none.
func (u *builder) selfSigned(c *config.Certificate) (*certs.Pair, error) {
	data, err := u.b.load(SelfSignedItems + c.Name)
	if err != nil {
		u.b.log.Warn("self-signed certificate made anew", "certificate", c.Name, "err", err)
	} else if data != nil {
		p, err := certs.ParsePEM(data, u.keys.now)
		if err == nil && (len(c.Names) == 0 || isFor(p, c.Names)) && u.keys.now.Before(successorDue(p)) {
			u.gen.renewBy(successorDue(p))
			return p, nil
		}
	}
	p, err := certs.SelfSigned(u.namesFor(c))
	if err != nil || u.trial {
		return p, err
	}
	u.gen.renewBy(successorDue(p))
	return p, u.b.keepSelfSigned(c.Name, p)
}

// successorDue returns when the box makes the next of a certificate that it has signed
// itself. That is late: people who compare fingerprints must be told of the new one.
func successorDue(p *certs.Pair) time.Time { return p.Leaf().NotAfter.Add(-30 * 24 * time.Hour) }

// renewBy makes the generation look for successors at t, if not earlier.
func (g *generation) renewBy(t time.Time) {
	if g.renewAt.IsZero() || t.Before(g.renewAt) {
		g.renewAt = t
	}
}

// renewSelfSigned makes successors of the certificates that the box has signed itself
// and that end soon: what is served is built anew with them.
func (b *Balancer) renewSelfSigned(now time.Time) {
	if b.cur.renewAt.IsZero() || now.Before(b.cur.renewAt) {
		return
	}
	b.log.Info("self-signed certificate due for renewal", "generation", b.cur.number)
	if err := b.apply(b.cur.cfg, b.cur.number); err != nil {
		b.cur.renewAt = now.Add(time.Hour)
		b.log.Error("self-signed certificate not renewed", "err", err)
	}
}

// keepSelfSigned saves a pair that the box has made.
func (b *Balancer) keepSelfSigned(name string, p *certs.Pair) error {
	text, err := p.MarshalPEM()
	if err != nil || b.cfg.Vault == nil {
		return err
	}
	return b.cfg.Vault.Save(SelfSignedItems+name, text)
}

// isFor reports whether p was made for names.
func isFor(p *certs.Pair, names []string) bool {
	want := slices.Clone(names)
	for i, n := range want {
		if a, err := netip.ParseAddr(n); err == nil {
			want[i] = a.String()
		} else if n, err := certs.CanonicalName(n); err == nil {
			want[i] = n
		}
	}
	got := certs.Describe(p.Leaf(), time.Time{}).Names
	slices.Sort(want)
	slices.Sort(got)
	return slices.Equal(slices.Compact(want), slices.Compact(got))
}

// namesFor says what a self-signed certificate is to be for: its names, or else
// the box and the addresses of the clusters, and of the console, that use it.
func (u *builder) namesFor(c *config.Certificate) (names []string, addrs []netip.Addr, now time.Time) {
	for _, n := range c.Names {
		if a, err := netip.ParseAddr(n); err == nil {
			addrs = append(addrs, a)
		} else {
			names = append(names, n)
		}
	}
	if len(c.Names) > 0 {
		return names, addrs, u.keys.now
	}
	names = []string{"evener"}
	if host, err := certs.CanonicalName(u.b.cfg.Host); err == nil {
		names[0] = host
	}
	for _, cl := range u.cfg.Clusters {
		for _, l := range cl.Listen {
			a := l.Addr.Addr().WithZone("")
			if slices.Contains(cl.CertificateNames(), c.Name) && !a.IsUnspecified() && !slices.Contains(addrs, a) {
				addrs = append(addrs, a)
			}
		}
	}
	if u.cfg.Console.Certificate == c.Name {
		for _, l := range u.cfg.Console.Listen {
			if a := l.Addr(); !a.IsUnspecified() && !slices.Contains(addrs, a) {
				addrs = append(addrs, a)
			}
		}
	}
	return names, addrs[:min(len(addrs), 16)], u.keys.now
}

var errLacks = errors.New("what the configuration names is not there")

// trusted returns the authorities, or with crls the revocation lists, of several
// trusts as one text. What lacks is noted, and is an error: nobody may be let in,
// or believed, by a list that is not there.
func (u *builder) trusted(names []string, crls bool) ([]byte, error) {
	var out []byte
	var bad error
	for _, name := range names {
		t, err := u.trust(name)
		if err != nil {
			bad = err
			continue
		}
		part, what := t.cas, "certificates of CAs"
		if crls {
			part, what = t.crls, "revocation lists"
		}
		if len(part) == 0 {
			u.keys.lack(u.cfg, "trust", name, "no %s were imported: evener trust import %s FILE...", what, name)
			bad = errLacks
		}
		out = append(out, part...)
	}
	return out, bad
}

func (u *builder) trust(name string) (*trust, error) {
	if t := u.keys.trusts[name]; t != nil {
		return t, nil
	}
	data, err := u.b.load(TrustItems + name)
	switch {
	case err != nil:
		u.keys.lack(u.cfg, "trust", name, "what was imported cannot be read, import it anew (evener trust import %s FILE...): %v", name, err)
		return nil, errLacks
	case data == nil:
		u.keys.lack(u.cfg, "trust", name, "nothing was imported: evener trust import %s FILE...", name)
		return nil, errLacks
	}
	t := splitTrust(data)
	u.keys.trusts[name] = t
	return t, nil
}

// splitTrust tells certificates and revocation lists apart.
func splitTrust(data []byte) *trust {
	t := &trust{}
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			return t
		}
		if b.Type == "X509 CRL" {
			t.crls = append(t.crls, pem.EncodeToMemory(b)...)
		} else {
			t.cas = append(t.cas, pem.EncodeToMemory(b)...)
		}
	}
}

// load reads from the vault; a balancer without one has nothing.
func (b *Balancer) load(name string) ([]byte, error) {
	if b.cfg.Vault == nil {
		return nil, nil
	}
	return b.cfg.Vault.Load(name)
}

// digest names what is made of parts.
func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// An acmeStorage is what one acme block has of the vault.
type acmeStorage struct {
	b      *Balancer
	prefix string
}

func (s acmeStorage) Load(name string) ([]byte, error) { return s.b.load(s.prefix + name) }

func (s acmeStorage) Save(name string, data []byte) error {
	if s.b.cfg.Vault == nil {
		return errors.New("there is no vault")
	}
	return s.b.cfg.Vault.Save(s.prefix+name, bytes.Clone(data))
}
