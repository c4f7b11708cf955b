// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"evener/webui"
)

// pagesHash returns the ui_hash of the pages that the console serves: of the build in
// dir, or ("") of those in the program. It is "" for pages that were not built. A
// build made later in the same folder counts from the engine's next start.
func pagesHash(dir string) (string, error) {
	if dir == "" {
		return webui.Hash()
	}
	name := filepath.Join(dir, "manifest.json")
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var manifest struct {
		Hash string `json:"ui_hash"`
	}
	if err := json.Unmarshal(b, &manifest); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return manifest.Hash, nil
}
