// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestTypesOfTheConsoleAreCurrent compares webui/src/api.gen.ts with the registry.
func TestTypesOfTheConsoleAreCurrent(t *testing.T) {
	want := registry().TypeScript()
	path := filepath.Join("..", "..", "..", "webui", "src", "api.gen.ts")
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := readTree(t, "webui/src/api.gen.ts"); got != string(want) {
		t.Error("webui/src/api.gen.ts is not current: run make generate")
	}
}

// What programs are generated from can be had without a box.
func TestAPIDocuments(t *testing.T) {
	for _, name := range []string{"openapi", "typescript"} {
		cmd := newRoot()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs([]string{"api", name})
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		if name == "openapi" && !json.Valid(out.Bytes()) {
			t.Errorf("evener api openapi is no JSON: %.200s", out.Bytes())
		}
		if name == "typescript" && !bytes.Contains(out.Bytes(), []byte(`"server.drain": {`)) {
			t.Errorf("evener api typescript has no server.drain: %.200s", out.Bytes())
		}
	}
}
