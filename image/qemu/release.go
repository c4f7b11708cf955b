// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"evener/image/slot"
)

// A Release is the bundle of an image, and the key that signed it: more versions can be
// made of it, which a box with that image takes.
type Release struct {
	Header  slot.Header
	Payload []byte
	Key     ed25519.PrivateKey
}

// ReadRelease reads the newest bundle for an architecture in dir, and the development
// key that `make image` leaves beside it.
func ReadRelease(dir, arch string) (Release, error) {
	name, err := Newest(dir, arch, ".evb")
	if err != nil {
		return Release{}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return Release{}, err
	}
	defer f.Close()
	b, err := slot.ParseBundle(f)
	if err != nil {
		return Release{}, fmt.Errorf("%s: %w", name, err)
	}
	payload, err := io.ReadAll(b)
	if err != nil {
		return Release{}, fmt.Errorf("%s: %w", name, err)
	}
	key, err := readKey(filepath.Join(dir, "keys", "dev.key"))
	return Release{b.Header, payload, key}, err
}

// readKey reads a private key for signatures (PKCS #8 in PEM).
func readKey(name string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: the development key is no PEM", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	k, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, errors.New("the key is not for Ed25519"))
	}
	return k, nil
}

// Bundle makes a bundle of r that is another version and has another payload, signed
// with key; change, which may be nil, may change its manifest.
func (r Release) Bundle(version string, payload []byte, key ed25519.PrivateKey, change func(*slot.Manifest)) ([]byte, error) {
	h, err := r.Head(version, payload, key, change)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := slot.WriteBundle(&b, h, bytes.NewReader(payload)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Head makes the header of such a bundle.
func (r Release) Head(version string, payload []byte, key ed25519.PrivateKey, change func(*slot.Manifest)) (slot.Header, error) {
	m := r.Header.Manifest
	sum := sha256.Sum256(payload)
	m.Version, m.Size, m.SHA256 = version, int64(len(payload)), hex.EncodeToString(sum[:])
	if change != nil {
		change(&m)
	}
	return slot.NewHeader(m, key)
}
