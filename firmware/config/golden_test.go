// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files and the facts in the manual")

// golden compares got with a file, or writes it.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", file, got, want)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cases returns the files of a pattern; none is a mistake in the test.
func cases(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return files
}

func TestParseReports(t *testing.T) {
	for _, file := range cases(t, "testdata/check/*.hcl") {
		name := strings.TrimSuffix(filepath.Base(file), ".hcl")
		t.Run(name, func(t *testing.T) {
			src := read(t, file)
			cfg, diags := Parse(name+".hcl", src)
			var got bytes.Buffer
			if err := diags.Write(&got, src); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".hcl")+".golden", got.Bytes())
			if diags.HasErrors() != (cfg == nil) {
				t.Errorf("Parse(%s) gives config %t with errors %t", name, cfg != nil, diags.HasErrors())
			}
			if strings.HasPrefix(name, "valid_") && cfg == nil {
				t.Errorf("Parse(%s) refuses what is right", name)
			}
		})
	}
}
