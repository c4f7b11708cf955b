// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"strings"
	"testing"
)

func TestFormatIsCanonical(t *testing.T) {
	for _, file := range cases(t, "testdata/format/*.hcl") {
		got, diags := Format(read(t, file))
		if diags.HasErrors() {
			t.Errorf("Format(%s): %v", file, diags)
		}
		golden(t, strings.TrimSuffix(file, ".hcl")+".golden", got)
	}
}

func TestFormatKeepsValues(t *testing.T) {
	for file, src := range sources(t) {
		once, _ := Format(src)
		twice, _ := Format(once)
		if !bytes.Equal(once, twice) {
			t.Errorf("%s: Format is not stable:\n%s\nthen:\n%s", file, once, twice)
		}
		if !equal(mustParse(t, once), mustParse(t, src)) {
			t.Errorf("%s: Format changes the values:\n%s", file, once)
		}
		if got, want := bytes.Count(once, []byte("#")), bytes.Count(src, []byte("#")); got != want {
			t.Errorf("%s: Format leaves %d of %d comments", file, got, want)
		}
	}
}

func TestFormatReturnsBadTextAsItIs(t *testing.T) {
	src := []byte("pool {{\n\n\n")
	got, diags := Format(src)
	if !bytes.Equal(got, src) || !diags.HasErrors() {
		t.Errorf("Format = %q, %v; want the text and an error", got, diags)
	}
}

func TestExamplesAreCanonicalAndClean(t *testing.T) {
	for _, file := range cases(t, "../../examples/*.hcl") {
		src := read(t, file)
		if got, _ := Format(src); !bytes.Equal(got, src) {
			t.Errorf("%s is not in canonical form", file)
		}
		if _, diags := Parse(file, src); len(diags) > 0 {
			t.Errorf("%s: %v", file, diags)
		}
	}
}
