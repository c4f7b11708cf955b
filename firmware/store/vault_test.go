// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestVaultKeepsByName(t *testing.T) {
	w := started(t)
	v := w.s.Vault()
	must(t, v.Save("certificate/shop", []byte("one")))
	must(t, v.Save("certificate/api", []byte("one"))) // the same data twice is one file
	must(t, v.Save("trust/corp", []byte("ca")))
	must(t, v.Save("certificate/shop", []byte("two")))
	for name, want := range map[string]string{"certificate/shop": "two", "certificate/api": "one", "trust/corp": "ca", "x": ""} {
		if b, err := v.Load(name); string(b) != want || err != nil {
			t.Errorf("Load(%s) = %q, %v, want %q", name, b, err, want)
		}
	}
	items := v.Items("certificate/")
	if names := slices.Sorted(maps.Keys(items)); !slices.Equal(names, []string{"certificate/api", "certificate/shop"}) {
		t.Errorf("Items = %q", names)
	}
	if i := items["certificate/shop"]; i.Size != 3 || !i.Time.Equal(w.now) {
		t.Errorf("the item is %+v", i)
	}
	if b, err := v.Load("x"); b != nil || err != nil {
		t.Errorf("Load of nothing = %q, %v", b, err)
	}
}

// TestVaultForgets: neither what was deleted nor what was replaced twice is left
// on the disk.
func TestVaultForgets(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir})
	must(t, err)
	v := s.Vault()
	for _, data := range []string{"old key", "key", "new key"} {
		must(t, v.Save("certificate/shop", []byte(data)))
	}
	must(t, v.Save("certificate/api", []byte("api key")))
	must(t, v.Delete("certificate/api"))
	must(t, v.Delete("certificate/api"))
	files, err := os.ReadDir(filepath.Join(dir, "vault"))
	must(t, err)
	var texts []string
	for _, f := range files {
		info, err := f.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", f.Name(), info.Mode())
		}
		b, err := os.ReadFile(filepath.Join(dir, "vault", f.Name()))
		must(t, err)
		texts = append(texts, string(b))
	}
	if slices.Sort(texts); !slices.Equal(texts, []string{"new key"}) {
		t.Errorf("on the disk are %q", texts)
	}
	must(t, s.Close())
	if err := v.Save("x", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Save after Close = %v", err)
	}
}

func TestVaultNamesDamage(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir})
	must(t, err)
	v := s.Vault()
	must(t, v.Save("certificate/shop", []byte("key")))
	file := filepath.Join(dir, "vault", v.Items("")["certificate/shop"].SHA256)
	must(t, os.WriteFile(file, []byte("kez"), 0o600))
	if _, err := v.Load("certificate/shop"); !errors.As(err, new(*CorruptError)) {
		t.Errorf("Load of damaged data = %v, want a CorruptError", err)
	}
	must(t, os.Remove(file))
	if _, err := v.Load("certificate/shop"); !errors.As(err, new(*CorruptError)) {
		t.Errorf("Load of missing data = %v, want a CorruptError", err)
	}
	must(t, v.Save("certificate/shop", []byte("key"))) // saving it anew mends it
	if b, err := v.Load("certificate/shop"); string(b) != "key" || err != nil {
		t.Errorf("Load = %q, %v", b, err)
	}
}

func TestVaultLimits(t *testing.T) {
	v := started(t).s.Vault()
	for name, err := range map[string]error{
		"no name":  v.Save("", nil),
		"new line": v.Save("a\nb", nil),
		"too long": v.Save("a", []byte(strings.Repeat("x", maxItem+1))),
	} {
		if !errors.As(err, new(*LimitError)) {
			t.Errorf("%s: Save = %v, want a LimitError", name, err)
		}
	}
}
