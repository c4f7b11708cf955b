// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"encoding/json"
	"fmt"
)

// Hash returns the name that the build gave to the embedded pages, "" if there are
// none. A page that has another one was loaded from an older program.
func Hash() (string, error) {
	b, err := dist.ReadFile("dist/manifest.json")
	if err != nil {
		return "", nil // not built: a page says so
	}
	var manifest struct {
		Hash string `json:"ui_hash"`
	}
	if err := json.Unmarshal(b, &manifest); err != nil {
		return "", fmt.Errorf("read dist/manifest.json: %w", err)
	}
	return manifest.Hash, nil
}
