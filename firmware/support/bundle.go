// SPDX-License-Identifier: Apache-2.0

package support

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Part is one file of a bundle.
type Part struct {
	Name string // its form is known by the end: .json, .jsonl, .hcl; all else is text
	What string // for people
	Make func(context.Context) ([]byte, error)
}

// Head is what a bundle is about.
type Head struct {
	Version string    `json:"version"`
	Host    string    `json:"host"`
	Board   string    `json:"board"`
	Made    time.Time `json:"made"`
	By      string    `json:"by"`
}

// A Manifest lists what a bundle holds. It is its last file.
type Manifest struct {
	Head
	Files   []File   `json:"files"`
	Missing []string `json:"missing" doc:"what could not be had, and why"`
}

// A File is one of a bundle.
type File struct {
	Name   string `json:"name"`
	What   string `json:"what"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
	Cut    bool   `json:"cut,omitempty" doc:"the beginning is left out: it was too long"`
}

const (
	maxPart  = 4 << 20          // bytes; of what is longer, the end is kept
	partTime = 15 * time.Second // for one part
)

// Write writes a bundle. A part that fails is told in the manifest, and does not keep
// the others away.
func Write(ctx context.Context, w io.Writer, head Head, parts []Part, s *Secrets) error {
	zip := gzip.NewWriter(w)
	out := tar.NewWriter(zip)
	dir := "evener-support-" + head.Made.UTC().Format("20060102-150405") + "/"
	m := Manifest{Head: head, Files: []File{}, Missing: []string{}}
	add := func(name string, b []byte) error {
		err := out.WriteHeader(&tar.Header{Name: dir + name, Mode: 0o600, Size: int64(len(b)), ModTime: head.Made, Typeflag: tar.TypeReg})
		if err == nil {
			_, err = out.Write(b)
		}
		return err
	}
	for _, p := range parts {
		b, err := p.make(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			m.Missing = append(m.Missing, p.Name+": "+s.Text(err.Error()))
			continue
		}
		b = s.clean(p.Name, b)
		cut := len(b) > maxPart
		b = b[max(0, len(b)-maxPart):]
		sum := sha256.Sum256(b)
		m.Files = append(m.Files, File{p.Name, p.What, len(b), hex.EncodeToString(sum[:]), cut})
		if err := add(p.Name, b); err != nil {
			return err
		}
	}
	list, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = add("manifest.json", append(list, '\n'))
	}
	return errors.Join(err, out.Close(), zip.Close())
}

// make makes a part within its time. A fault in it is an error of this part alone.
func (p Part) make(ctx context.Context) (b []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a fault of the box: %v", v)
		}
	}()
	return p.Make(ctx)
}

func (s *Secrets) clean(name string, b []byte) []byte {
	switch {
	case strings.HasSuffix(name, ".json"), strings.HasSuffix(name, ".jsonl"):
		return s.JSON(b)
	case strings.HasSuffix(name, ".hcl"):
		return []byte(s.Config(string(b)))
	}
	return []byte(s.Text(string(b)))
}
