// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"evener/firmware/certs"
	"evener/firmware/config"
)

// consoleItem is what the vault calls the certificate that the box has made for the
// console.
const consoleItem = "console/certificate"

// lastDay is how long before its end a certificate of the console is replaced.
const lastDay = 24 * time.Hour

// consolePair returns the certificate that the console shows: the one that the
// configuration names, or else one of the box's own. Where the named one cannot be
// used, instead says why: a box must not be out of reach for it.
func (b *Box) consolePair(cfg *config.Console, now time.Time) (p *certs.Pair, instead string, err error) {
	if name := cfg.Certificate; name != "" {
		switch p := b.cfg.Balancer.Pair(name); {
		case p == nil:
			instead = fmt.Sprintf("certificate %q is not there", name)
		case now.After(p.Leaf().NotAfter):
			instead = fmt.Sprintf("certificate %q ended on %s", name, p.Leaf().NotAfter.UTC().Format(time.DateOnly))
		default:
			return p, "", nil
		}
	}
	p, err = b.ownPair(cfg, now)
	return p, instead, err
}

// ownPair returns the certificate that the box has made for the console, and makes
// a new one where there is none, or it ends, or is not for all addresses.
func (b *Box) ownPair(cfg *config.Console, now time.Time) (*certs.Pair, error) {
	names, addrs := consoleNames(cfg)
	good := func(p *certs.Pair) bool {
		return p != nil && now.Add(lastDay).Before(p.Leaf().NotAfter) && isForAll(p.Leaf(), names, addrs)
	}
	if good(b.console.own) {
		return b.console.own, nil
	}
	vault := b.cfg.Store.Vault()
	text, err := vault.Load(consoleItem)
	if err != nil {
		b.log.Warn("certificate of the console made anew", "err", err)
	} else if text != nil {
		if p, err := certs.ParsePEM(text, now); err == nil && good(p) {
			b.console.own = p
			return p, nil
		}
	}
	p, err := certs.SelfSigned(names, addrs, now)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for the console: %w", err)
	}
	if text, err = p.MarshalPEM(); err != nil {
		return nil, fmt.Errorf("make a certificate for the console: %w", err)
	}
	if err := vault.Save(consoleItem, text); err != nil {
		return nil, fmt.Errorf("keep the certificate of the console: %w", err)
	}
	b.console.own = p
	b.log.Info("certificate of the console made", "fingerprint", certs.Fingerprint(p.Leaf()), "until", p.Leaf().NotAfter)
	return p, nil
}

// consoleNames says by which names and addresses the console is reached.
func consoleNames(cfg *config.Console) (names []string, addrs []netip.Addr) {
	names = []string{"localhost"}
	if host, err := os.Hostname(); err == nil {
		if host, err = certs.CanonicalName(host); err == nil && host != names[0] {
			names = append(names, host)
		}
	}
	for _, l := range cfg.Listen {
		if a := l.Addr(); !a.IsUnspecified() && !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	return names, addrs
}

// isForAll reports whether a client who comes by any of the names would accept c.
func isForAll(c *x509.Certificate, names []string, addrs []netip.Addr) bool {
	for _, a := range addrs {
		names = append(names, a.String())
	}
	return !slices.ContainsFunc(names, func(n string) bool { return c.VerifyHostname(n) != nil })
}
