// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
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
	if _, err := Seal(c, secret); !errors.Is(err, ErrOneAnswer) {
		t.Errorf("Seal of too much = %v, want %v", err, ErrOneAnswer)
	}
}

// pack writes items of n bytes each that do not pack well.
func pack(w io.Writer, count, n int) error {
	data := make([]byte, n)
	return Write(w, contents(), func(yield func(Item, error) bool) {
		for i := range count {
			rand.Read(data)
			if !yield(Item{fmt.Sprint("certificate/", i), data}, nil) {
				return
			}
		}
	}, secret)
}

func TestLargeBackupComesBack(t *testing.T) {
	var file bytes.Buffer
	if err := pack(&file, 700, 8<<10); err != nil {
		t.Fatal(err)
	}
	if file.Len() < 5<<20 {
		t.Fatalf("the file has %d bytes; a large one was wanted", file.Len())
	}
	got, err := Read(&file, secret)
	if err != nil || len(got.Items) != 700 || len(got.Items[699].Data) != 8<<10 {
		t.Errorf("Read = %d items, %v", len(got.Items), err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, err := range map[string]error{
		"too many bytes": pack(io.Discard, 5, 15<<20),
		"too many items": pack(io.Discard, maxItems+1, 1),
	} {
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, want %v", name, err, ErrTooLarge)
		}
	}
	if err := pack(io.Discard, maxItems, 1); err != nil {
		t.Errorf("%d items: %v", maxItems, err)
	}
	gone, full := errors.New("gone"), errors.New("full")
	err := Write(io.Discard, contents(), func(yield func(Item, error) bool) { yield(Item{}, gone) }, secret)
	if !errors.Is(err, gone) {
		t.Errorf("Write of an item that cannot be read = %v", err)
	}
	if err := pack(brokenDisk{full}, 1, 1<<20); !errors.Is(err, full) {
		t.Errorf("Write to a full disk = %v", err)
	}
}

type brokenDisk struct{ err error }

func (d brokenDisk) Write([]byte) (int, error) { return 0, d.err }

// What unpacks to more than anybody packs is refused before it is held.
func TestReadRefusesBombs(t *testing.T) {
	seal := func(inside func(io.Writer)) io.Reader {
		to, err := age.NewScryptRecipient(secret)
		if err != nil {
			t.Fatal(err)
		}
		to.SetWorkFactor(10)
		var file bytes.Buffer
		sealed, err := age.Encrypt(&file, to)
		if err != nil {
			t.Fatal(err)
		}
		packed := gzip.NewWriter(sealed)
		inside(packed)
		packed.Close()
		sealed.Close()
		return &file
	}
	blank := bytes.Repeat([]byte(" "), 1<<20)
	if _, err := Read(seal(func(w io.Writer) {
		for range maxPlain>>20 + 1 {
			w.Write(blank)
		}
	}), secret); err == nil || !strings.Contains(err.Error(), "unpacks to more than") {
		t.Errorf("Read of a bomb = %v", err)
	}
	if _, err := Read(io.MultiReader(seal(func(w io.Writer) { io.WriteString(w, `{"format":2,"items":7}`) })), secret); err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("Read of a later format = %v", err)
	}
}

// A file is what is inside as the first versions wrote it: the manifest first.
type file struct {
	Format  int               `json:"format"`
	Digests map[string]string `json:"digests"` // SHA-256 by name; that of the text is under ""
	Contents
}

func digests(c Contents) map[string]string {
	out := map[string]string{"": digest(c.Text)}
	for _, i := range c.Items {
		out[i.Name] = digest(i.Data)
	}
	return out
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
	if _, err := parse(bytes.NewReader(whole(func(*file) {}))); err != nil {
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
		if c, err := parse(bytes.NewReader(whole(change))); err == nil {
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
		c, err := parse(bytes.NewReader(in))
		if err != nil {
			return
		}
		again, err := json.Marshal(file{format, digests(c), c})
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := parse(bytes.NewReader(again)); err != nil || !reflect.DeepEqual(twice.Items, c.Items) || !bytes.Equal(twice.Text, c.Text) {
			t.Errorf("parse of what was written again = %+v, %v, want %+v", twice, err, c)
		}
	})
}
