// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Product is what every manifest of ours says it is.
const Product = "evener"

// MaxManifest is the length of a manifest in bytes.
const MaxManifest = 48 << 10

// A Manifest says what an image is and who may take it.
type Manifest struct {
	Product       string   `json:"product"`               // "evener"
	Version       string   `json:"version"`               // such as 1.4.0
	Boards        []string `json:"boards"`                // names of boards, sorted
	Arch          string   `json:"arch"`                  // "amd64" or "arm64"
	MinVersion    string   `json:"min_version,omitempty"` // oldest that may update to this; empty: any
	RollbackIndex int      `json:"rollback_index"`        // a box goes back to no lower one
	Created       string   `json:"created"`               // RFC 3339, in UTC
	Size          int64    `json:"size"`                  // of the payload in bytes
	SHA256        string   `json:"sha256"`                // of the payload, hexadecimal
	Keys          []string `json:"keys,omitempty"`        // lines of the key set in this image
	Revoked       []string `json:"revoked,omitempty"`     // IDs of keys that are trusted no more
}

// boardName is the form of a board's name.
var boardName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// ParseManifest reads a manifest strictly: unknown fields, a second value and
// anything that [Manifest.Check] minds are errors.
func ParseManifest(raw []byte) (Manifest, error) {
	if len(raw) > MaxManifest {
		return Manifest{}, fmt.Errorf("manifest: %d bytes are too many, at most %d are read", len(raw), MaxManifest)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var m Manifest
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("manifest: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Manifest{}, errors.New("manifest: something follows its end")
	}
	return m, m.Check()
}

// Check returns every mistake in m, one error for each.
func (m Manifest) Check() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("manifest: "+field+": "+format, args...))
	}
	if m.Product != Product {
		bad("product", "this is for %q, not for %q", clip(m.Product), Product)
	}
	if !plainVersion(m.Version) {
		bad("version", "%q is not one: 1 to 64 letters, digits and . + - _", clip(m.Version))
	}
	m.checkBoards(bad)
	if !slices.Contains(Arches, m.Arch) {
		bad("arch", "%q is not one of %s", clip(m.Arch), strings.Join(Arches, ", "))
	}
	if m.MinVersion != "" {
		if _, err := parseVersion(m.MinVersion); err != nil {
			bad("min_version", "%v", err)
		}
	}
	if m.RollbackIndex < 0 || m.RollbackIndex > 1<<31-1 {
		bad("rollback_index", "%d is not from 0 to %d", m.RollbackIndex, 1<<31-1)
	}
	if t, err := time.Parse(time.RFC3339, m.Created); err != nil || t.Location() != time.UTC {
		bad("created", "%q is not a time in UTC such as 2026-11-21T08:00:00Z", clip(m.Created))
	}
	if m.Size < SectorSize || m.Size > MaxPayload {
		bad("size", "%d is not from %d to %d, what fits into a slot", m.Size, SectorSize, int64(MaxPayload))
	}
	if b, err := hex.DecodeString(m.SHA256); err != nil || len(b) != 32 || strings.ToLower(m.SHA256) != m.SHA256 {
		bad("sha256", "%q is not 64 hexadecimal digits in lower case", clip(m.SHA256))
	}
	m.checkKeys(bad)
	return errors.Join(errs...)
}

func (m Manifest) checkBoards(bad func(string, string, ...any)) {
	if len(m.Boards) == 0 || len(m.Boards) > 64 {
		bad("boards", "%d names, it must be 1 to 64", len(m.Boards))
	}
	for _, b := range m.Boards {
		if !boardName.MatchString(b) {
			bad("boards", "%q is not the name of a board", clip(b))
		}
	}
}

func (m Manifest) checkKeys(bad func(string, string, ...any)) {
	ks, err := ParseKeys([]byte(strings.Join(m.Keys, "\n")))
	switch {
	case err != nil:
		bad("keys", "%v", err)
	case len(ks.Revoked) > 0 || len(ks.List) != len(m.Keys):
		bad("keys", "every line must be a key")
	}
	if len(m.Revoked) > MaxKeys {
		bad("revoked", "%d are too many, at most %d", len(m.Revoked), MaxKeys)
	}
	for _, id := range m.Revoked {
		if err := checkID(id); err != nil {
			bad("revoked", "%v", err)
		}
	}
}

// plainVersion reports whether s can be shown, compared or not: a build outside
// of a release is called by its commit.
func plainVersion(s string) bool {
	ok := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(".+-_", r)
	}
	return len(s) >= 1 && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0
}

// Encode returns the bytes of m that are signed.
func (m Manifest) Encode() ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if raw = append(raw, '\n'); len(raw) > MaxManifest {
		return nil, fmt.Errorf("manifest: %d bytes are too many, at most %d", len(raw), MaxManifest)
	}
	return raw, nil
}
