// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

// signPrefix is signed before a manifest, so that no signature made for
// anything else passes for one of an image.
const signPrefix = "evener image manifest 1\n"

// maxSignatures is how many a header may carry.
const maxSignatures = 16

// A Signature is one key's word for a manifest.
type Signature struct {
	Key   string // KeyID
	Value []byte // 64 bytes
}

// Sign signs the exact bytes of a manifest.
func Sign(manifest []byte, key ed25519.PrivateKey) Signature {
	return Signature{
		Key:   KeyID(key.Public().(ed25519.PublicKey)),
		Value: ed25519.Sign(key, append([]byte(signPrefix), manifest...)),
	}
}

// A Header is a manifest with its signatures, as a slot and a bundle have it.
type Header struct {
	Manifest   Manifest
	Raw        []byte // the bytes of the manifest that were signed
	Signatures []Signature
}

// NewHeader checks m and signs it with each of the keys.
func NewHeader(m Manifest, keys ...ed25519.PrivateKey) (Header, error) {
	raw, err := m.Encode()
	if err != nil {
		return Header{}, err
	}
	h := Header{Manifest: m, Raw: raw}
	for _, k := range keys {
		h.Signatures = append(h.Signatures, Sign(raw, k))
	}
	return h, nil
}

// Errors of [Header.Verify].
var (
	ErrNotSigned = errors.New("no signature by a trusted key")
	ErrForged    = errors.New("a signature does not match")
)

// Verify returns the trusted key that signed h. One good signature by a key
// that is not revoked is enough; a signature by a trusted key that does not
// match is an error even beside a good one, for somebody changed something.
func (h Header) Verify(ks Keys) (Key, error) {
	var good Key
	var others []string
	signed := append([]byte(signPrefix), h.Raw...)
	for _, s := range h.Signatures {
		k, known := ks.Find(s.Key)
		switch {
		case ks.IsRevoked(s.Key):
			others = append(others, s.Key+" is revoked")
		case !known:
			others = append(others, s.Key+" is not known here")
		case !ed25519.Verify(k.Public, signed, s.Value):
			return Key{}, fmt.Errorf("%w: that of key %s", ErrForged, s.Key)
		case good.ID == "":
			good = k
		}
	}
	switch {
	case good.ID != "":
		return good, nil
	case len(others) == 0:
		return Key{}, fmt.Errorf("%w: it has none at all", ErrNotSigned)
	}
	return Key{}, fmt.Errorf("%w: %s", ErrNotSigned, strings.Join(others, ", "))
}

// The header on the medium, all numbers little-endian:
//
//	0   8  magic
//	8   4  length of the manifest
//	12  4  length of the signatures: lines KEY BASE64
//	16  4  CRC-32C of bytes 0 to 15, the manifest and the signatures
//	20  …  manifest, signatures
const (
	headerMagic = "EVSLOT1\n"
	headerFixed = 20
	// maxHeader leaves the last sector of the area to the fault.
	maxHeader = HeaderSize - SectorSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns the header as it lies in a slot and in a bundle.
func (h Header) Encode() ([]byte, error) {
	var sigs []byte
	for _, s := range h.Signatures {
		sigs = fmt.Appendf(sigs, "%s %s\n", s.Key, base64.StdEncoding.EncodeToString(s.Value))
	}
	if n := headerFixed + len(h.Raw) + len(sigs); n > maxHeader || len(h.Signatures) > maxSignatures {
		return nil, fmt.Errorf("slot header: %d bytes with %d signatures are too many, at most %d with %d",
			n, len(h.Signatures), maxHeader, maxSignatures)
	}
	b := append(make([]byte, 0, headerFixed+len(h.Raw)+len(sigs)), headerMagic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Raw)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(sigs)))
	sum := crc32.Checksum(b, castagnoli)
	sum = crc32.Update(crc32.Update(sum, castagnoli, h.Raw), castagnoli, sigs)
	b = binary.LittleEndian.AppendUint32(b, sum)
	return append(append(b, h.Raw...), sigs...), nil
}

// ErrEmpty is returned for a slot that holds no whole image.
var ErrEmpty = errors.New("the slot is empty")

// headerLength returns the length of the header that begins with fixed.
func headerLength(fixed []byte) (int, error) {
	if len(fixed) < headerFixed || string(fixed[:8]) != headerMagic {
		return 0, ErrEmpty
	}
	m, s := binary.LittleEndian.Uint32(fixed[8:]), binary.LittleEndian.Uint32(fixed[12:])
	if m > maxHeader || s > maxHeader || headerFixed+m+s > maxHeader {
		return 0, errors.New("slot header: lengths that do not fit")
	}
	return int(headerFixed + m + s), nil
}

// ParseHeader reads a header from the start of b; what follows it is left
// alone. The signatures are not verified: see [Header.Verify].
func ParseHeader(b []byte) (Header, error) {
	n, err := headerLength(b)
	if err != nil {
		return Header{}, err
	}
	if n > len(b) {
		return Header{}, errors.New("slot header: cut off")
	}
	sum := crc32.Update(crc32.Checksum(b[:16], castagnoli), castagnoli, b[headerFixed:n])
	if sum != binary.LittleEndian.Uint32(b[16:]) {
		return Header{}, errors.New("slot header: the checksum does not match")
	}
	m := headerFixed + int(binary.LittleEndian.Uint32(b[8:]))
	h := Header{Raw: slices.Clone(b[headerFixed:m])}
	if h.Manifest, err = ParseManifest(h.Raw); err != nil {
		return Header{}, err
	}
	h.Signatures, err = parseSignatures(string(b[m:n]))
	return h, err
}

func parseSignatures(text string) ([]Signature, error) {
	var list []Signature
	for line := range strings.Lines(text) {
		id, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if err := checkID(id); err != nil {
			return nil, fmt.Errorf("signature %d: %w", len(list)+1, err)
		}
		b, err := base64.StdEncoding.Strict().DecodeString(value)
		if err != nil || len(b) != ed25519.SignatureSize {
			return nil, fmt.Errorf("signature %d: not 64 bytes in base64", len(list)+1)
		}
		if list = append(list, Signature{Key: id, Value: b}); len(list) > maxSignatures {
			return nil, fmt.Errorf("signatures: more than %d", maxSignatures)
		}
	}
	return list, nil
}
