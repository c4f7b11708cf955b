// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"testing"
)

// TestGettingStartedIsAConfiguration checks the configuration of
// docs/manual/getting-started.md as "evener check" would.
func TestGettingStartedIsAConfiguration(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```hcl\n(.*?)^```").FindAllStringSubmatch(readTree(t, "docs/manual/getting-started.md"), -1)
	if len(blocks) == 0 {
		t.Fatal("docs/manual/getting-started.md has no block of hcl")
	}
	for _, b := range blocks {
		if _, found := checkText("getting-started.md", []byte(b[1])); len(found) > 0 {
			t.Errorf("docs/manual/getting-started.md:\n%v\nin\n%s", found, b[1])
		}
	}
}
