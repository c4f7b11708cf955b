// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestManualHasEveryRefusal compares the table of docs/manual/traffic.md with the
// reasons and statuses in firmware/http1/reason.go, both ways.
func TestManualHasEveryRefusal(t *testing.T) {
	const page = "docs/manual/traffic.md"
	code := pairs(t, "firmware/http1/reason.go", `(?m)^\t\w+: +\{"(\w+)", (\d{3})\},$`)
	manual := pairs(t, page, "(?m)^\\| `(\\w+)` \\| (\\d{3}) \\| \\S")
	for reason, status := range code {
		switch got, ok := manual[reason]; {
		case !ok:
			t.Errorf("%s: the reason `%s` is missing", page, reason)
		case got != status:
			t.Errorf("%s: `%s` has the status %s, not %s", page, reason, status, got)
		}
	}
	for reason := range manual {
		if _, ok := code[reason]; !ok {
			t.Errorf("%s: there is no reason `%s`", page, reason)
		}
	}
}

// pairs returns what form finds in a file: its first group, and the second.
func pairs(t *testing.T, name, form string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile(form).FindAllSubmatch(text, -1) {
		if _, twice := found[string(m[1])]; twice {
			t.Errorf("%s: `%s` is there twice", name, m[1])
		}
		found[string(m[1])] = string(m[2])
	}
	if len(found) < 30 {
		t.Fatalf("%s: only %d reasons were found; does the test still read it?", name, len(found))
	}
	return found
}
