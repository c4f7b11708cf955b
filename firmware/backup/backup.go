// SPDX-License-Identifier: Apache-2.0

// Package backup packs the configuration of a box and its secrets into one file,
// encrypted with a passphrase, and unpacks it again. It knows the file and nothing
// of what the items mean; no I/O.
//
// The file is in the format of age (https://age-encryption.org/v1) with one scrypt
// recipient, so that age itself can open it in need. Inside is gzip, and in that
// JSON: a manifest with the digests of all that follows, the text, the items.
package backup

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
)

// Limits of a backup.
const (
	MaxSealed     = 720 << 10 // bytes of the file: one request of the API takes it
	maxPlain      = 32 << 20  // bytes of what is inside, unpacked
	maxItems      = 4096
	MinPassphrase = 12 // characters
)

// The work factors of scrypt, as powers of two: that of our files, about a second on
// a small machine, and the highest that is tried.
const (
	ourWork  = 15
	mostWork = 18
)

// format is the version of what is inside. It rises when a reader of the version
// before would misread it.
const format = 1

// Contents are what a backup holds.
type Contents struct {
	Version  string    `json:"version"`  // of the program that made it
	Hostname string    `json:"hostname"` // of the box
	Made     time.Time `json:"made"`
	Revision uint64    `json:"revision"` // whose text it is
	Text     []byte    `json:"text"`
	Items    []Item    `json:"items"` // of the vault
}

// An Item is one thing of the vault.
type Item struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// A file is Contents with its manifest.
type file struct {
	Format  int               `json:"format"`
	Digests map[string]string `json:"digests"` // SHA-256 by name; that of the text is under ""
	Contents
}

// Errors that callers tell apart.
var (
	ErrPassphrase = errors.New("the passphrase is not the one that the backup was made with")
	ErrTooLarge   = fmt.Errorf("the backup would be larger than %d KiB, and could not be restored", MaxSealed>>10)
)

// Seal packs c.
func Seal(c Contents, passphrase string) ([]byte, error) {
	if n := len([]rune(passphrase)); n < MinPassphrase {
		return nil, fmt.Errorf("the passphrase must have at least %d characters, not %d: it alone keeps the keys secret", MinPassphrase, n)
	}
	plain, err := json.Marshal(file{format, digests(c), c})
	if err != nil {
		return nil, err
	}
	if len(plain) > maxPlain || len(c.Items) > maxItems {
		return nil, ErrTooLarge
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	to.SetWorkFactor(ourWork)
	var out bytes.Buffer
	sealed, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, err
	}
	packed := gzip.NewWriter(sealed)
	_, err = packed.Write(plain)
	if err := errors.Join(err, packed.Close(), sealed.Close()); err != nil {
		return nil, fmt.Errorf("pack the backup: %w", err)
	}
	if out.Len() > MaxSealed {
		return nil, ErrTooLarge
	}
	return out.Bytes(), nil
}

// digests are what the manifest says of c.
func digests(c Contents) map[string]string {
	out := map[string]string{"": digest(c.Text)}
	for _, i := range c.Items {
		out[i.Name] = digest(i.Data)
	}
	return out
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Open unpacks what Seal has packed. A wrong passphrase is ErrPassphrase; anything
// else that is wrong with data is an error that says what it should be.
func Open(data []byte, passphrase string) (Contents, error) {
	if len(data) > MaxSealed {
		return Contents{}, fmt.Errorf("a backup has at most %d KiB, not %d", MaxSealed>>10, len(data)>>10)
	}
	if passphrase == "" {
		return Contents{}, ErrPassphrase
	}
	key, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Contents{}, err
	}
	key.SetMaxWorkFactor(mostWork)
	sealed, err := age.Decrypt(bytes.NewReader(data), key)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return Contents{}, ErrPassphrase
	} else if err != nil {
		return Contents{}, fmt.Errorf("this is no backup of a box: %w", err)
	}
	plain, err := unpack(sealed)
	if err != nil {
		return Contents{}, fmt.Errorf("the backup is damaged: %w", err)
	}
	return parse(plain)
}

func unpack(sealed io.Reader) ([]byte, error) {
	packed, err := gzip.NewReader(sealed)
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(packed, maxPlain+1))
	switch {
	case err != nil:
		return nil, err
	case len(plain) > maxPlain:
		return nil, fmt.Errorf("it unpacks to more than %d MiB", maxPlain>>20)
	}
	if _, err := io.Copy(io.Discard, sealed); err != nil { // the end of the encryption
		return nil, err
	}
	return plain, nil
}

// parse reads what is inside and compares it with the manifest.
func parse(plain []byte) (Contents, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(plain, &version); err != nil {
		return Contents{}, fmt.Errorf("the backup is damaged: %w", err)
	}
	if version.Format != format {
		return Contents{}, fmt.Errorf("the backup has format %d, this program reads %d: restore it with the version that made it", version.Format, format)
	}
	var f file
	if err := json.Unmarshal(plain, &f); err != nil {
		return Contents{}, fmt.Errorf("the backup is damaged: %w", err)
	}
	seen := map[string]bool{}
	for _, i := range f.Items {
		if i.Name == "" || seen[i.Name] {
			return Contents{}, fmt.Errorf("the backup is damaged: it has %q twice, or without a name", i.Name)
		}
		seen[i.Name] = true
	}
	got := digests(f.Contents)
	if len(got) != len(f.Digests) {
		return Contents{}, fmt.Errorf("the backup is damaged: its manifest names %d things, it has %d", len(f.Digests), len(got))
	}
	for name, d := range got {
		if f.Digests[name] != d {
			return Contents{}, fmt.Errorf("the backup is damaged: %q is not what the manifest says", name)
		}
	}
	return f.Contents, nil
}
