// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"evener/image/slot"
)

// pemType is what stands in the first line of a private key in the form PKCS #8
// (RFC 5958), as `openssl genpkey -algorithm ed25519` writes it.
const pemType = "PRIVATE KEY"

// keys returns the key that signs and the set that the image trusts: that key
// and those of the file -trust.
func (o options) keys(p *printer) (ed25519.PrivateKey, slot.Keys, error) {
	key, comment, err := o.signingKey(p)
	if err != nil {
		return nil, slot.Keys{}, err
	}
	public := key.Public().(ed25519.PublicKey)
	set := slot.Keys{List: []slot.Key{{ID: slot.KeyID(public), Public: public, Comment: comment}}}
	if o.moreKeys == "" {
		return key, set, nil
	}
	text, err := os.ReadFile(o.moreKeys)
	if err != nil {
		return nil, set, fmt.Errorf("-trust: %w", err)
	}
	more, err := slot.ParseKeys(text)
	if err != nil {
		return nil, set, fmt.Errorf("-trust %s: %w", o.moreKeys, err)
	}
	set.Revoked = more.Revoked
	for _, k := range more.List {
		switch {
		case k.ID == set.List[0].ID:
			set.List[0].Comment = k.Comment // as the release has it
		default:
			set.List = append(set.List, k)
		}
	}
	if set.IsRevoked(set.List[0].ID) {
		return nil, set, fmt.Errorf("-trust %s revokes the key %s that signs this image: no box would take it", o.moreKeys, set.List[0].ID)
	}
	return key, set, nil
}

// signingKey reads the key named by -key, or the development key, which is made
// when there is none.
func (o options) signingKey(p *printer) (key ed25519.PrivateKey, comment string, err error) {
	if o.keyFile != "" {
		key, err = readKey(o.keyFile)
		return key, strings.TrimSuffix(filepath.Base(o.keyFile), filepath.Ext(o.keyFile)), err
	}
	file := filepath.Join(o.out, "keys", "dev.key")
	key, err = readKey(file)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(file)
	}
	if err == nil {
		p.warn("signed with the development key %s. Boxes with this image take updates from whoever has that file.\n"+
			"For boxes in use, name a key of your own: make image EVENER_SIGNING_KEY=FILE", file)
	}
	return key, "development key, not for boxes in use", err
}

func readKey(file string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("key that signs: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("key that signs: %s has no PEM block %q, such as `openssl genpkey -algorithm ed25519` writes", file, pemType)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key that signs: %s: %w", file, err)
	}
	key, ok := any.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key that signs: %s is a %T: it must be ed25519", file, any)
	}
	return key, nil
}

func makeKey(file string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
	return key, os.WriteFile(file, text, 0o600)
}
