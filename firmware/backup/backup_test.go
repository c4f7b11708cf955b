// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

const secret = "correct horse battery"

func contents() Contents {
	return Contents{Version: "v1", Hostname: "box", Made: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Revision: 7,
		Text: []byte("engine {}\n"), Items: []Item{{"certificate/shop", []byte("PEM")}, {"auth/users", []byte("{}")}}}
}

func TestSealedContentsComeBack(t *testing.T) {
	sealed, err := Seal(contents(), secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"engine", "PEM", "certificate/shop", "box"} {
		if bytes.Contains(sealed, []byte(leak)) {
			t.Errorf("%q can be read in the backup", leak)
		}
	}
	got, err := Open(sealed, secret)
	if err != nil || !reflect.DeepEqual(got, contents()) {
		t.Errorf("Open = %+v, %v, want %+v", got, err, contents())
	}
	for _, wrong := range []string{"", "correct horse batterY"} {
		if _, err := Open(sealed, wrong); !errors.Is(err, ErrPassphrase) {
			t.Errorf("Open with %q = %v, want %v", wrong, err, ErrPassphrase)
		}
	}
}

func TestDamagedBackupIsRefusedWhole(t *testing.T) {
	sealed, err := Seal(contents(), secret)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(sealed) - 40; i < len(sealed); i += 13 { // of the encrypted part
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if c, err := Open(bad, secret); err == nil || c.Items != nil {
			t.Errorf("Open with byte %d changed = %+v, %v", i, c, err)
		}
		if c, err := Open(sealed[:i], secret); err == nil || c.Items != nil {
			t.Errorf("Open of %d bytes = %+v, %v", i, c, err)
		}
	}
	if _, err := Open([]byte("hello"), secret); err == nil || errors.Is(err, ErrPassphrase) {
		t.Errorf("Open of a text = %v, want that it is no backup", err)
	}
}

func TestSealRefuses(t *testing.T) {
	if _, err := Seal(contents(), "short"); err == nil || !strings.Contains(err.Error(), "at least 12") {
		t.Errorf("Seal with a short passphrase = %v", err)
	}
	c := contents()
	c.Items[0].Data = make([]byte, 2*MaxSealed)
	rand.Read(c.Items[0].Data)
	if _, err := Seal(c, secret); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Seal of too much = %v, want %v", err, ErrTooLarge)
	}
}

func TestManifestIsCompared(t *testing.T) {
	whole := func(change func(*file)) []byte {
		f := file{format, digests(contents()), contents()}
		change(&f)
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := parse(whole(func(*file) {})); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*file){
		"format":  func(f *file) { f.Format = 2 },
		"text":    func(f *file) { f.Text = []byte("x") },
		"item":    func(f *file) { f.Items[1].Data = nil },
		"missing": func(f *file) { f.Items = f.Items[:1] },
		"twice":   func(f *file) { f.Items = append(f.Items, f.Items[0]) },
		"unnamed": func(f *file) { f.Items[0].Name = "" },
	} {
		if c, err := parse(whole(change)); err == nil {
			t.Errorf("%s: parse = %+v, want an error", name, c)
		}
	}
}

func FuzzParse(f *testing.F) {
	good, err := json.Marshal(file{format, digests(contents()), contents()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format":1,"digests":{},"items":[{}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := parse(in)
		if err != nil {
			return
		}
		again, err := json.Marshal(file{format, digests(c), c})
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := parse(again); err != nil || !reflect.DeepEqual(twice.Items, c.Items) || !bytes.Equal(twice.Text, c.Text) {
			t.Errorf("parse of what was written again = %+v, %v, want %+v", twice, err, c)
		}
	})
}
