// SPDX-License-Identifier: Apache-2.0

package slot_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"evener/image/slot"
	"evener/image/slottest"
)

func TestEveryMistakeInAManifestIsToldOnItsOwn(t *testing.T) {
	m := slot.Manifest{Product: "other", Version: "1 2", Arch: "mips", MinVersion: "new", RollbackIndex: -1,
		Created: "today", Size: 1 << 40, SHA256: "12", Boards: []string{"ok", "Not OK"},
		Keys: []string{"revoked 0123456789abcdef"}, Revoked: []string{"x"}}
	errs := strings.Split(m.Check().Error(), "\n")
	for i, want := range []string{"product", "version", "boards", "arch", "min_version", "rollback_index", "created", "size",
		"sha256", "keys", "revoked"} {
		if i >= len(errs) || !strings.HasPrefix(errs[i], "manifest: "+want+": ") {
			t.Fatalf("errors are\n%s\nwant number %d about %s", strings.Join(errs, "\n"), i, want)
		}
	}
	if len(errs) != 11 {
		t.Errorf("%d errors, want 11:\n%s", len(errs), strings.Join(errs, "\n"))
	}
}

func TestAManifestIsReadStrictly(t *testing.T) {
	m, _ := slottest.Manifest("1.4.0", 4096)
	raw, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slot.ParseManifest(raw); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown field": strings.Replace(string(raw), `"arch"`, `"extra": 1, "arch"`, 1),
		"two values":    string(raw) + string(raw),
		"too long":      string(raw) + strings.Repeat(" ", slot.MaxManifest),
		"not json":      "hello",
		"local time":    strings.Replace(string(raw), "08:00:00Z", "08:00:00+01:00", 1),
	} {
		if _, err := slot.ParseManifest([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSignatures(t *testing.T) {
	m, _ := slottest.Manifest("1.4.0", 4096)
	h, err := slot.NewHeader(m, slottest.Key(1), slottest.Key(2))
	if err != nil {
		t.Fatal(err)
	}
	id1 := slottest.Keys(1).List[0].ID
	forged := h
	forged.Raw = bytes.Replace(h.Raw, []byte("1.4.0"), []byte("1.4.1"), 1)
	bare := h
	bare.Signatures = nil
	plain := h // signed without the prefix
	plain.Signatures = []slot.Signature{{Key: id1, Value: ed25519.Sign(slottest.Key(1), h.Raw)}}
	for _, tt := range []struct {
		name string
		h    slot.Header
		ks   slot.Keys
		want error
	}{
		{"both", h, slottest.Keys(1, 2), nil},
		{"second only", h, slottest.Keys(2), nil},
		{"first revoked", h, slottest.Keys(1, 2).Revoke(id1), nil},
		{"the only one revoked", h, slottest.Keys(1).Revoke(id1), slot.ErrNotSigned},
		{"stranger", h, slottest.Keys(3), slot.ErrNotSigned},
		{"none", bare, slottest.Keys(1), slot.ErrNotSigned},
		{"changed", forged, slottest.Keys(1), slot.ErrForged},
		{"no prefix", plain, slottest.Keys(1), slot.ErrForged},
	} {
		if _, err := tt.h.Verify(tt.ks); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestPolicyTellsEveryReason(t *testing.T) {
	m, _ := slottest.Manifest("1.4.0", 4096)
	m.MinVersion, m.RollbackIndex = "1.3.0", 4
	h := slottest.Header(t, m)
	fine := slot.Policy{Keys: slottest.Keys(1), Board: "sim", Arch: "amd64", Version: "1.3.2", RollbackIndex: 4}
	for _, tt := range []struct {
		name  string
		edit  func(p *slot.Policy)
		codes string
	}{
		{"fine", func(*slot.Policy) {}, ""},
		{"untrusted is the only reason", func(p *slot.Policy) { p.Keys, p.Board = slottest.Keys(2), "x" }, "signature"},
		{"board", func(p *slot.Policy) { p.Board = "nsa-5130" }, "board"},
		{"arch", func(p *slot.Policy) { p.Arch = "arm64" }, "arch"},
		{"too old", func(p *slot.Policy) { p.Version = "1.3.0-rc.1" }, "min_version"},
		{"unknown version", func(p *slot.Policy) { p.Version = "78527b8" }, "min_version"},
		{"rollback", func(p *slot.Policy) { p.RollbackIndex = 5 }, "rollback"},
		{"meant", func(p *slot.Policy) { p.RollbackIndex, p.Downgrade = 5, true }, ""},
		{"all", func(p *slot.Policy) { p.Board, p.Arch, p.Version, p.RollbackIndex = "x", "arm64", "1.0", 9 }, "board arch min_version rollback"},
	} {
		p := fine
		tt.edit(&p)
		var codes []string
		if err := p.Check(h); err != nil {
			for _, e := range unjoin(err) {
				var r *slot.Refusal
				if !errors.As(e, &r) {
					t.Fatalf("%s: %v is no Refusal", tt.name, e)
				}
				codes = append(codes, r.Code)
			}
		}
		if got := strings.Join(codes, " "); got != tt.codes {
			t.Errorf("%s: refused for %q, want %q", tt.name, got, tt.codes)
		}
	}
}

func unjoin(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

func TestVersionsAreOrdered(t *testing.T) {
	order := []string{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.11", "1.0", "1.0.0-3-gabcdef0", "v1.0.0-12-gabcdef0-dirty",
		"1.0.1", "1.2", "1.10", "2"}
	for i, a := range order {
		for j, b := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got, err := slot.CompareVersions(a, b); err != nil || got != want {
				t.Errorf("CompareVersions(%s, %s) = %d, %v, want %d", a, b, got, err, want)
			}
		}
	}
	for _, bad := range []string{"", "unknown", "78527b8x", "1.2.3.4.5", "1..2", "-1"} {
		if _, err := slot.CompareVersions(bad, "1.0"); err == nil {
			t.Errorf("%q is a version", bad)
		}
	}
}

func TestKeysAreReadLineByLine(t *testing.T) {
	ks := slottest.Keys(1, 2).Revoke("0123456789abcdef")
	back, err := slot.ParseKeys([]byte("# ours\n\n" + ks.String()))
	if err != nil || back.String() != ks.String() {
		t.Fatalf("ParseKeys(String) = %q, %v, want %q", back.String(), err, ks.String())
	}
	k := ks.List[0]
	for _, tt := range []struct{ line, want string }{
		{"hello", `"hello" is not the name of a key`},
		{"revoked x", `"x" is not the name of a key`},
		{k.ID + " AAAA", "is not an ed25519 key"},
		{ks.List[1].ID + strings.TrimPrefix(k.String(), k.ID), "this key is called " + k.ID},
		{k.String() + "\n" + k.String(), "line 2: key " + k.ID + " is there already"},
	} {
		if _, err := slot.ParseKeys([]byte(tt.line)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseKeys(%q): %v, want ...%s", tt.line, err, tt.want)
		}
	}
}

func TestABundleIsWholeOrDamaged(t *testing.T) {
	m, payload := slottest.Manifest("1.4.0", 10000)
	whole := slottest.Bundle(t, m, payload)
	read := func(b []byte) error {
		bd, err := slot.ParseBundle(iotest.OneByteReader(bytes.NewReader(b)))
		if err != nil {
			return err
		}
		if bd.Length != int64(len(whole)) {
			t.Errorf("Length = %d, want %d", bd.Length, len(whole))
		}
		got, err := io.ReadAll(bd)
		if err == nil && !bytes.Equal(got, payload) {
			t.Error("another payload came out")
		}
		return err
	}
	if err := read(whole); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(whole); n += 97 {
		if err := read(whole[:n]); !errors.Is(err, slot.ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if err := read(append(bytes.Clone(whole), 0)); !errors.Is(err, slot.ErrDamaged) {
		t.Errorf("one byte more: %v", err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-5000] ^= 1
	if err := read(flipped); !errors.Is(err, slot.ErrDamaged) {
		t.Errorf("one bit flipped: %v", err)
	}
	if err := read([]byte("PK\x03\x04 something else")); !errors.Is(err, slot.ErrNotBundle) {
		t.Errorf("another file: %v", err)
	}
	var sink bytes.Buffer
	if err := slot.WriteBundle(&sink, slottest.Header(t, m), bytes.NewReader(payload[1:])); err == nil {
		t.Error("a bundle of another payload was written")
	}
}

func FuzzParseManifest(f *testing.F) {
	m, _ := slottest.Manifest("1.4.0", 4096)
	m.Keys, m.Revoked = []string{slottest.Keys(1).List[0].String()}, []string{"0123456789abcdef"}
	raw, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := slot.ParseManifest(raw)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			t.Skip("longer when indented")
		}
		if _, err := slot.ParseManifest(again); err != nil {
			t.Fatalf("%s comes back as %v", raw, err)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(slottest.Keys(1, 2).Revoke("0123456789abcdef").String()))
	f.Fuzz(func(t *testing.T, b []byte) {
		ks, err := slot.ParseKeys(b)
		if err != nil {
			return
		}
		if back, err := slot.ParseKeys([]byte(ks.String())); err != nil || back.String() != ks.String() {
			t.Fatalf("%q comes back as %q, %v", ks.String(), back.String(), err)
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	m, _ := slottest.Manifest("1.4.0", 4096)
	h, err := slot.NewHeader(m, slottest.Key(1), slottest.Key(2))
	if err != nil {
		f.Fatal(err)
	}
	raw, err := h.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := slot.ParseHeader(b)
		if err != nil {
			return
		}
		again, err := h.Encode()
		if err != nil || !bytes.Equal(again, b[:len(again)]) {
			t.Fatalf("the header is written in another way: %v", err)
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	m, payload := slottest.Manifest("1.4.0", 600)
	f.Add(slottest.Bundle(f, m, payload))
	f.Fuzz(func(t *testing.T, b []byte) {
		bd, err := slot.ParseBundle(bytes.NewReader(b))
		if err != nil {
			return
		}
		if got, err := io.ReadAll(bd); err == nil && int64(len(got)) != bd.Header.Manifest.Size {
			t.Fatalf("%d bytes of %d", len(got), bd.Header.Manifest.Size)
		}
	})
}
