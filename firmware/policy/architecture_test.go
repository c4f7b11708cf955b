// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const architecture = "docs/ARCHITECTURE.md"

// A row is one package in the table of docs/ARCHITECTURE.md.
type row struct {
	is, imports, there string
}

// TestArchitectureHasTheTableOfImports compares docs/ARCHITECTURE.md with
// mayImport, both ways, and with the packages that there are.
func TestArchitectureHasTheTableOfImports(t *testing.T) {
	page, there := packageRows(t), map[string]bool{}
	for _, f := range goFiles(t) {
		there[f.dir()] = true
	}
	for dir, imports := range mayImport {
		r, ok := page[dir]
		if !ok {
			t.Errorf("%s: the table of packages lacks `%s`", architecture, dir)
			continue
		}
		if want := importsCell(imports); r.imports != want {
			t.Errorf("%s: `%s`: the third cell must be %q, not %q", architecture, dir, want, r.imports)
		}
		if want := map[bool]string{true: "yes", false: "not yet"}[there[dir]]; r.there != want {
			t.Errorf("%s: `%s`: the last cell must be %q, not %q", architecture, dir, want, r.there)
		}
		if r.is == "" {
			t.Errorf("%s: `%s`: say what it is", architecture, dir)
		}
	}
	for dir := range page {
		if _, ok := mayImport[dir]; !ok {
			t.Errorf("%s: `%s` has no row in mayImport (firmware/policy/imports_test.go)", architecture, dir)
		}
	}
}

// importsCell writes a row of mayImport as the page does.
func importsCell(imports string) string {
	if imports == anything {
		return "everything"
	}
	list := strings.Fields(imports)
	slices.Sort(list)
	for i := range list {
		list[i] = "`" + list[i] + "`"
	}
	return strings.Join(list, ", ")
}

func packageRows(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, architecture))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Packages\n")
	if !ok {
		t.Fatalf("%s: there is no section Packages", architecture)
	}
	rows := map[string]row{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		name := strings.Trim(cells[1], "`")
		if _, twice := rows[name]; twice {
			t.Errorf("%s: `%s` has two rows", architecture, name)
		}
		rows[name] = row{cells[2], cells[3], cells[4]}
	}
	return rows
}
