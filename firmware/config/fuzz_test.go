// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func FuzzParse(f *testing.F) {
	for _, file := range append(cases(f, "testdata/*.hcl"), cases(f, "testdata/check/*.hcl")...) {
		f.Add(read(f, file))
	}
	for _, file := range cases(f, "testdata/format/*.hcl") {
		f.Add(read(f, file))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		cfg, diags := Parse("fuzz.hcl", src)
		if err := diags.Write(io.Discard, src); err != nil {
			t.Fatal(err)
		}
		once, bad := Format(src)
		if bad.HasErrors() {
			if cfg != nil {
				t.Fatalf("Parse takes what Format refuses: %v", bad)
			}
			return
		}
		twice, bad := Format(once)
		if bad.HasErrors() || !bytes.Equal(once, twice) {
			t.Fatalf("Format is not stable: %v\n%q\nthen:\n%q", bad, once, twice)
		}
		if cfg == nil {
			return
		}
		if got, diags := Parse("fuzz.hcl", once); got == nil || !equal(got, cfg) {
			t.Fatalf("Format changes the values: %v\n%s", diags, once)
		}
		for _, defaults := range []bool{false, true} {
			text := cfg.Text(defaults)
			if got, diags := Parse("fuzz.hcl", text); got == nil || !equal(got, cfg) {
				t.Fatalf("Text(%t) changes the values: %v\n%s", defaults, diags, text)
			}
		}
	})
}

func FuzzEdit(f *testing.F) {
	f.Add([]byte(editText), "pool/shop", "queue", "5")
	f.Add([]byte(editText), "cluster/shop/timeouts", "connect", `"3s"`)
	f.Add([]byte(editText), "responder/text", "body", "")
	f.Add([]byte(editText), "pool/shop/probe/tcp#2", "port", "82")
	f.Add([]byte("engine { loops = 1 /*\n*/ }\n"), "engine", "drain_timeout", `"1s"`)
	f.Add([]byte("engine {\n  loops = 1 /*\n*/\n  max_connections = 5\n}"), "engine", "loops", "")
	f.Fuzz(func(t *testing.T, src []byte, short, attr, value string) {
		path, err := ParsePath(short)
		if err != nil {
			return
		}
		out, diags := Edit(src, path, attr, value)
		checkEdit(t, src, out, diags)
		if !diags.HasErrors() {
			e, err := open(out)
			if err != nil {
				t.Fatalf("the new text cannot be parsed: %v\n%s", err, out)
			}
			if got := e.value(path, attr); got != strings.TrimSpace(value) {
				t.Fatalf("%s = %q, want %q", attr, got, value)
			}
			if value != "" {
				sameComments(t, src, out)
			}
		}
		out, diags = RemoveBlock(src, path)
		checkEdit(t, src, out, diags)
		out, diags = MoveBlock(src, path, nil)
		checkEdit(t, src, out, diags)
		if !diags.HasErrors() {
			sameComments(t, src, out)
		}
		out, diags = InsertBlock(src, path[:len(path)-1], &path[len(path)-1], "# new\n"+path[len(path)-1].Block+` "new" {}`)
		checkEdit(t, src, out, diags)
	})
}

// checkEdit checks what holds for every edit.
func checkEdit(t *testing.T, src, out []byte, diags Diagnostics) {
	t.Helper()
	if diags.HasErrors() && !bytes.Equal(src, out) {
		t.Fatalf("an edit with an error changed the text: %v", diags)
	}
	if _, bad := Format(out); !diags.HasErrors() && bad.HasErrors() {
		t.Fatalf("the new text cannot be parsed: %v\n%s", bad, out)
	}
}

// sameComments checks that no comment was lost or made.
func sameComments(t *testing.T, a, b []byte) {
	t.Helper()
	x, y := comments(a), comments(b)
	slices.Sort(x)
	slices.Sort(y)
	if !slices.Equal(x, y) {
		t.Fatalf("comments were %q, are %q", x, y)
	}
}

func comments(src []byte) (out []string) {
	tokens, _ := lex("", src)
	for _, c := range tokens {
		if c.Type == hclsyntax.TokenComment {
			out = append(out, strings.TrimSpace(string(c.Bytes)))
		}
	}
	return out
}
