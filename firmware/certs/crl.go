// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A crlIssuer is a CA by name and key: all its certificates issue the same CRLs.
type crlIssuer [sha256.Size]byte

func issuerID(ca *x509.Certificate) crlIssuer {
	h := sha256.New()
	h.Write(ca.RawSubject)
	h.Write(ca.RawSubjectPublicKeyInfo)
	return crlIssuer(h.Sum(nil))
}

// A crl is what one CA has revoked, by all its lists that are in force.
type crl struct {
	revoked    map[string]struct{} // by serial number, big-endian bytes
	nextUpdate time.Time           // the first of its lists
}

// crls are the lists of all CAs, and what follows where they say nothing.
type crls struct {
	lists  map[crlIssuer]*crl
	policy CRLPolicy
}

// check looks a verified chain up, from the client to below the anchor. The CA
// of the client needs a list if there are any; a CA above it is looked up where
// its own CA has a list.
func (c crls) check(chain []*x509.Certificate, now time.Time) Reason {
	if len(c.lists) == 0 {
		return Verified
	}
	stale := Verified
	for i := range len(chain) - 1 {
		list := c.lists[issuerID(chain[i+1])]
		switch {
		case list == nil:
			if i == 0 {
				stale = CRLMissing
			}
			continue
		case list.has(chain[i]):
			return Revoked
		case now.After(list.nextUpdate) && stale == Verified:
			stale = CRLExpired
		}
	}
	if c.policy == CRLIgnore {
		return Verified
	}
	return stale
}

func (l *crl) has(c *x509.Certificate) bool {
	_, ok := l.revoked[string(c.SerialNumber.Bytes())]
	return ok
}

// parseCRLs reads lists and checks each against the CA among cas that signed it.
func parseCRLs(inputs [][]byte, cas []*x509.Certificate, now time.Time) (map[crlIssuer]*crl, []Warning, error) {
	latest := map[crlKey]*x509.RevocationList{}
	var errs []error
	for i, in := range inputs {
		ders, err := crlDERs(in)
		if err != nil {
			errs = append(errs, fmt.Errorf("CRL %d: %w", i+1, err))
		}
		for _, der := range ders {
			list, ca, scope, err := parseCRL(der, cas)
			if err != nil {
				errs = append(errs, fmt.Errorf("CRL %d: %w", i+1, err))
				continue
			}
			key := crlKey{issuerID(ca), string(scope)}
			if old := latest[key]; old == nil || list.ThisUpdate.After(old.ThisUpdate) {
				latest[key] = list
			}
		}
	}
	if len(latest) > maxCRLs {
		errs = append(errs, fmt.Errorf("%d CRLs; at most %d are taken", len(latest), maxCRLs))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	lists, warnings := mergeCRLs(latest, now)
	return lists, warnings, nil
}

// A crlKey tells lists apart: of one CA and one scope only the newest counts.
type crlKey struct {
	issuer crlIssuer
	scope  string // the extension that says it covers a part, or ""
}

// mergeCRLs puts the lists of each CA together. Those that cover a part each
// count all; together they are as fresh as the oldest.
func mergeCRLs(latest map[crlKey]*x509.RevocationList, now time.Time) (map[crlIssuer]*crl, []Warning) {
	lists := map[crlIssuer]*crl{}
	var warnings []Warning
	for key, from := range latest {
		l := lists[key.issuer]
		if l == nil {
			l = &crl{revoked: map[string]struct{}{}, nextUpdate: from.NextUpdate}
			lists[key.issuer] = l
		}
		if from.NextUpdate.Before(l.nextUpdate) {
			l.nextUpdate = from.NextUpdate
		}
		for _, e := range from.RevokedCertificateEntries {
			l.revoked[string(e.SerialNumber.Bytes())] = struct{}{}
		}
		if now.After(from.NextUpdate) {
			warnings = append(warnings, Warning{WarnExpired, fmt.Sprintf(
				"the CRL of %q has expired on %s", name(from.Issuer), day(from.NextUpdate))})
		}
	}
	// Maps have no order; people want the same list twice.
	slices.SortFunc(warnings, func(a, b Warning) int { return strings.Compare(a.Text, b.Text) })
	return lists, warnings
}

// crlDERs cuts an input into DER lists.
func crlDERs(in []byte) (ders [][]byte, err error) {
	if err := checkSize("the CRL", len(in), maxCRL); err != nil {
		return nil, err
	}
	if !bytes.Contains(in, pemBegin) {
		return [][]byte{in}, nil
	}
	blocks, err := pemBlocks("the CRL", in, maxCRL)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if b.Type != "X509 CRL" {
			return nil, fmt.Errorf("line %d: a block %q; a CRL is in X509 CRL blocks", b.line, b.Type)
		}
		ders = append(ders, b.Bytes)
	}
	return ders, nil
}

// parseCRL reads one list and finds the CA that signed it. scope is the extension
// that says that it covers a part of the certificates, if it has one.
func parseCRL(der []byte, cas []*x509.Certificate) (list *x509.RevocationList, ca *x509.Certificate, scope []byte, err error) {
	if list, err = x509.ParseRevocationList(der); err != nil {
		return nil, nil, nil, fmt.Errorf("read: %w", err)
	}
	if list.NextUpdate.IsZero() {
		return nil, nil, nil, fmt.Errorf("the CRL of %q does not say when the next one comes; "+
			"RFC 5280 section 5.1.2.5 wants it", name(list.Issuer))
	}
	for _, e := range list.Extensions {
		switch {
		case e.Id.Equal(oidDelta):
			return nil, nil, nil, fmt.Errorf("the CRL of %q lists changes only (a delta CRL); use the complete one", name(list.Issuer))
		case e.Id.Equal(oidScope):
			if scope = e.Value; !plainScope(e.Value) {
				return nil, nil, nil, fmt.Errorf("the CRL of %q covers certificates of others, or some reasons only; "+
					"use the complete one", name(list.Issuer))
			}
		case e.Critical:
			return nil, nil, nil, fmt.Errorf("the CRL of %q has a critical extension %v that is not known here", name(list.Issuer), e.Id)
		}
	}
	for _, c := range cas {
		if !bytes.Equal(c.RawSubject, list.RawIssuer) {
			continue
		}
		if err = list.CheckSignatureFrom(c); err == nil {
			return list, c, scope, nil
		}
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the CRL of %q is not signed by the CA of that name: %w", name(list.Issuer), err)
	}
	return nil, nil, nil, fmt.Errorf("no CA in the bundle has signed the CRL of %q; add its CA certificate, or remove the CRL",
		name(list.Issuer))
}

var (
	oidDelta = asn1.ObjectIdentifier{2, 5, 29, 27} // RFC 5280 section 5.2.4
	oidScope = asn1.ObjectIdentifier{2, 5, 29, 28} // RFC 5280 section 5.2.5
)

// plainScope reports whether an issuing distribution point says no more than
// where the list is published and that it is for users or for CAs.
func plainScope(der []byte) bool {
	var p struct {
		Point       asn1.RawValue  `asn1:"optional,tag:0"`
		Users       bool           `asn1:"optional,tag:1"`
		CAs         bool           `asn1:"optional,tag:2"`
		SomeReasons asn1.BitString `asn1:"optional,tag:3"`
		Indirect    bool           `asn1:"optional,tag:4"`
		Attributes  bool           `asn1:"optional,tag:5"`
	}
	rest, err := asn1.Unmarshal(der, &p)
	return err == nil && len(rest) == 0 && p.SomeReasons.BitLength == 0 && !p.Indirect && !p.Attributes
}
