// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// bundleMagic is the first line of a bundle. The header and the payload follow.
const bundleMagic = "EVENER BUNDLE 1\n"

// BundleName returns the name of a bundle's file.
func BundleName(version, arch string) string { return "evener-" + version + "-" + arch + ".evb" }

// ErrNotBundle is returned for what does not begin like a bundle.
var ErrNotBundle = errors.New("this is not an update of Evener (a file that ends in .evb)")

// ErrDamaged is returned for a payload that is not the one of its manifest.
var ErrDamaged = errors.New("the update is damaged")

// A Bundle is an image on its way to a slot. Its header is whole when
// ParseBundle returns; the payload is read from it.
type Bundle struct {
	Header Header
	Length int64 // of the whole bundle in bytes

	r    io.Reader
	left int64
	sum  hash.Hash
}

// ParseBundle reads the head of a bundle and nothing of its payload. The
// signatures are not verified: see [Policy.Check].
func ParseBundle(r io.Reader) (*Bundle, error) {
	br := bufio.NewReaderSize(r, 4096)
	magic := make([]byte, len(bundleMagic))
	if n, err := io.ReadFull(br, magic); !bytes.HasPrefix([]byte(bundleMagic), magic[:n]) || n == 0 {
		return nil, ErrNotBundle
	} else if err != nil {
		return nil, cutOff(err)
	}
	fixed := make([]byte, headerFixed)
	if _, err := io.ReadFull(br, fixed); err != nil {
		return nil, cutOff(err)
	}
	n, err := headerLength(fixed)
	if err != nil {
		return nil, fmt.Errorf("%w: its header is not one", ErrDamaged)
	}
	raw := make([]byte, n)
	copy(raw, fixed)
	if _, err := io.ReadFull(br, raw[headerFixed:]); err != nil {
		return nil, cutOff(err)
	}
	h, err := ParseHeader(raw)
	if err != nil {
		return nil, err
	}
	return &Bundle{Header: h, Length: int64(len(bundleMagic)+n) + h.Manifest.Size,
		r: br, left: h.Manifest.Size, sum: sha256.New()}, nil
}

// cutOff words the end of a stream that came too early.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	return err
}

// Read reads the payload. It ends with io.EOF only if all of it came, nothing
// follows and its SHA-256 is that of the manifest; else with ErrDamaged.
func (b *Bundle) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, b.end()
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.sum.Write(p[:n])
	if b.left -= int64(n); b.left == 0 {
		return n, nil
	}
	if err != nil {
		err = cutOff(err)
	}
	return n, err
}

func (b *Bundle) end() error {
	switch n, err := io.ReadFull(b.r, make([]byte, 1)); {
	case n > 0:
		return fmt.Errorf("%w: something follows its end", ErrDamaged)
	case !errors.Is(err, io.EOF):
		return err
	}
	if hex.EncodeToString(b.sum.Sum(nil)) != b.Header.Manifest.SHA256 {
		return fmt.Errorf("%w: its SHA-256 is not that of its manifest", ErrDamaged)
	}
	return io.EOF
}

// BundleSize returns the length of the bundle of h in bytes.
func BundleSize(h Header) (int64, error) {
	raw, err := h.Encode()
	return int64(len(bundleMagic)+len(raw)) + h.Manifest.Size, err
}

// WriteBundle writes a bundle of h and its payload, which must be the one that
// the manifest describes.
func WriteBundle(w io.Writer, h Header, payload io.Reader) error {
	raw, err := h.Encode()
	if err != nil {
		return err
	}
	if _, err := w.Write(append([]byte(bundleMagic), raw...)); err != nil {
		return err
	}
	check := &Bundle{Header: h, r: payload, left: h.Manifest.Size, sum: sha256.New()}
	_, err = io.Copy(w, check)
	return err
}
