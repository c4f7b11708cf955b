// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// Bounds on the work that a PKCS#12 file may ask for before its password can be
// checked. OpenSSL writes 2048 rounds, Java 10 000, NSS up to 600 000 for each of
// the three keys that it derives.
const (
	maxRounds    = 2_000_000 // of one key derivation
	maxRoundsAll = 5_000_000 // of all that are visible
	maxASN1Depth = 24
)

// ParsePKCS12 takes a key pair out of a PKCS#12 file (RFC 7292), as Windows,
// Java and browsers export it. An empty password is one. now decides about the
// warnings of validity only.
//
// A file that needs absurdly many rounds to derive a key is refused unopened, as
// far as its structure shows: what is encrypted twice shows only once.
func ParsePKCS12(data []byte, password string, now time.Time) (*Pair, error) {
	if err := checkSize("the PKCS#12 file", len(data), maxPKCS12); err != nil {
		return nil, err
	}
	if len(data) > 0 && data[0] == '-' {
		return nil, errors.New("the file is PEM text, not PKCS#12; import it as PEM")
	}
	total := 0
	if err := checkRounds(data, 0, &total); err != nil {
		return nil, err
	}
	key, leaf, cas, err := pkcs12.DecodeChain(data, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, errors.New("the password of the PKCS#12 file is wrong")
	case err != nil:
		return nil, fmt.Errorf("read PKCS#12 file: %w", err)
	}
	k, err := signer(key)
	if err != nil {
		return nil, err
	}
	return newPair(append(cas, leaf), k, now)
}

// checkRounds walks BER or DER and looks for what PKCS#12 derives keys with: a
// salt (OCTET STRING) and, right behind it, the number of rounds (INTEGER), in
// pkcs-12PbeParams, PBKDF2-params and MacData alike. It looks into OCTET STRINGs
// too, because the safes are wrapped in them.
func checkRounds(data []byte, depth int, total *int) error {
	if depth > maxASN1Depth {
		return errors.New("the PKCS#12 file is nested too deeply")
	}
	salted := false
	for len(data) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(data, &v)
		if err != nil {
			return nil // no ASN.1, or BER that the decoder refuses as well
		}
		data = rest
		isInt := v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger
		if salted && isInt {
			if err := addRounds(v, total); err != nil {
				return err
			}
		}
		salted = v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString
		if v.IsCompound || salted {
			if err := checkRounds(v.Bytes, depth+1, total); err != nil {
				return err
			}
		}
	}
	return nil
}

func addRounds(v asn1.RawValue, total *int) error {
	var n int
	if _, err := asn1.Unmarshal(v.FullBytes, &n); err != nil || n < 0 || n > maxRounds {
		return fmt.Errorf("the PKCS#12 file derives a key with more than %d rounds; "+
			"export it again with the usual number", maxRounds)
	}
	if *total += n; *total > maxRoundsAll {
		return fmt.Errorf("the PKCS#12 file derives its keys with more than %d rounds in all; "+
			"export it again with the usual number", maxRoundsAll)
	}
	return nil
}
