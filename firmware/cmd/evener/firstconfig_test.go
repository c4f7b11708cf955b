// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFileUnlikeEveryRevision: the log speaks of a file of --config once, and not
// of one that the box has moved on from.
func TestFileUnlikeEveryRevision(t *testing.T) {
	origin, _ := silentOrigin(t)
	text := fmt.Sprintf(adminText, origin, loopback(t), loopback(t))
	b := startLive(t, text)
	file := filepath.Join(filepath.Dir(b.state), "first.hcl")
	told := func() int { return strings.Count(b.printed(), "differs from --config") }
	restart := func(want int, why string) {
		t.Helper()
		b.must("restart", "engine")
		b.await("the API answers", func() bool { return b.cli("show", "pools").code == 0 })
		b.await(fmt.Sprintf("%s: the log has said %d times that the file differs", why, want), func() bool { return told() == want })
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restart(0, "the file runs")
	later := filepath.Join(t.TempDir(), "later.hcl")
	write(later, text+"# second\n")
	b.must("config", "set", later)
	b.must("config", "commit")
	restart(0, "the file is revision 1")
	write(file, text+"# third\n")
	restart(1, "the file is new")
	restart(1, "the file was told of")
	write(file, text+"# fourth\n")
	restart(2, "the file is new again")
	if said := b.printed(); strings.Contains(said, "&& evener config commit") || !strings.Contains(said, "evener config show | diff - ") {
		t.Error("the log advises to commit the file unseen")
	}
}
