// SPDX-License-Identifier: Apache-2.0

// Package backup packs the configuration of a box and its secrets into one file,
// encrypted with a passphrase, and unpacks it again. It knows the file and nothing
// of what the items mean; no I/O.
//
// The file is in the format of age (https://age-encryption.org/v1) with one scrypt
// recipient, so that age itself can open it in need. Inside is gzip, and in that
// JSON: the text, the items, and a manifest with the digests of all of them.
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
	"iter"
	"time"

	"filippo.io/age"
)

// Limits of a backup.
const (
	MaxFile       = 64 << 20  // bytes of the file
	MaxSealed     = 720 << 10 // bytes of a file that Seal makes: one request of the API takes it
	maxRaw        = 64 << 20  // bytes of the items in sum
	maxPlain      = 96 << 20  // bytes of the JSON inside, unpacked
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

// Errors that callers tell apart.
var (
	ErrPassphrase = errors.New("the passphrase is not the one that the backup was made with")
	ErrShort      = fmt.Errorf("the passphrase must have at least %d characters: it alone keeps the keys secret", MinPassphrase)
	ErrTooLarge   = fmt.Errorf("the backup would have more than %d items or %d MiB, and could not be restored", maxItems, MaxFile>>20)
	ErrOneAnswer  = fmt.Errorf("the backup would be larger than %d KiB, and does not fit into one answer: use backup.download, as evener backup does", MaxSealed>>10)
)

// Seal packs c into a file that fits into one answer of the API.
func Seal(c Contents, passphrase string) ([]byte, error) {
	out := &short{}
	err := Write(out, c, func(yield func(Item, error) bool) {
		for _, i := range c.Items {
			if !yield(i, nil) {
				return
			}
		}
	}, passphrase)
	if err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// A short buffer takes MaxSealed bytes.
type short struct{ bytes.Buffer }

// Write keeps p if it fits.
func (s *short) Write(p []byte) (int, error) {
	if s.Len()+len(p) > MaxSealed {
		return 0, ErrOneAnswer
	}
	return s.Buffer.Write(p)
}

// Write packs head with items in place of its own, one at a time, and writes the
// file to w. An error of items ends it, and what was written is no backup then.
func Write(w io.Writer, head Contents, items iter.Seq2[Item, error], passphrase string) error {
	if len([]rune(passphrase)) < MinPassphrase {
		return ErrShort
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	to.SetWorkFactor(ourWork)
	sealed, err := age.Encrypt(&ceiling{w, MaxFile}, to)
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(sealed)
	err = writeInside(&ceiling{packed, maxPlain}, head, items)
	if err == nil {
		err = errors.Join(packed.Close(), sealed.Close())
	}
	if err != nil {
		return fmt.Errorf("pack the backup: %w", err)
	}
	return nil
}

// A ceiling fails with ErrTooLarge when more than left bytes are written.
type ceiling struct {
	w    io.Writer
	left int64
}

// Write writes to the writer below.
func (c *ceiling) Write(p []byte) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, ErrTooLarge
	}
	return c.w.Write(p)
}

// writeInside writes the JSON. The manifest stands last: it is known then.
func writeInside(w io.Writer, head Contents, items iter.Seq2[Item, error]) error {
	head.Items = nil
	first, err := json.Marshal(struct {
		Format int `json:"format"`
		Contents
		Items *struct{} `json:"items,omitempty"` // hides that of Contents: they follow
	}{Format: format, Contents: head})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `%s,"items":[`, first[:len(first)-1]); err != nil {
		return err
	}
	digests, size := map[string]string{"": digest(head.Text)}, 0
	for i, err := range items {
		if err != nil {
			return err
		}
		if size += len(i.Data); size > maxRaw || len(digests) > maxItems {
			return ErrTooLarge
		}
		line, err := json.Marshal(i)
		if err != nil {
			return err
		}
		if len(digests) > 1 {
			line = append([]byte(",\n"), line...)
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
		digests[i.Name] = digest(i.Data)
	}
	last, err := json.Marshal(digests)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `],"digests":%s}`, last)
	return err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
