// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// states returns what the box words itself of how things were before and are after: what
// is written beside a change or into a record, and what the functions for that return.
func states(t *testing.T) map[string]bool {
	t.Helper()
	out, words := map[string]bool{}, []string{"secretWord", "revisionWord", "orderWords"}
	note := func(e ast.Expr) {
		if text, ok := formOf(e); ok && wordful.MatchString(text) {
			out[text] = true
		}
	}
	inspect(t, "firmware/manage", func(path string, n ast.Node) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if s, ok := l.(*ast.SelectorExpr); ok && (s.Sel.Name == "Before" || s.Sel.Name == "After") && i < len(n.Rhs) {
					note(n.Rhs[i])
				}
			}
		case *ast.CompositeLit:
			if isRecord(n.Type) {
				note(field(n, "Before"))
				note(field(n, "After"))
			}
		case *ast.FuncDecl:
			if slices.Contains(words, n.Name.Name) {
				ast.Inspect(n.Body, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok {
						note(r.Results[0])
					}
					if a, ok := n.(*ast.AssignStmt); ok && filepath.Base(path) == "memberaudit.go" {
						note(a.Rhs[0])
					}
					return true
				})
			}
		}
	})
	return out
}

// Whatever the box says of how something was before or is after is known, and so is what
// it says of a member's state.
func TestEveryStateOfTheAuditLogIsInTheCatalogue(t *testing.T) {
	list := states(t)
	if len(list) < 10 {
		t.Fatalf("%d texts were found, want all: the search does not find them any more", len(list))
	}
	known := map[string]bool{}
	for i := range phrases() {
		for _, f := range phrases()[i].forms() {
			known[f] = known[f] || phrases()[i].domain == was
		}
	}
	for text := range list {
		if !known[text] {
			t.Errorf("%q is not in firmware/phrase/catalogue/was.txt: give it a kind there, and a text in webui/src/locales/zh-Hans/did.json", text)
		}
	}
}

func TestHowThingsWereIsTold(t *testing.T) {
	tests := []struct {
		text string
		want map[string]string // by field
	}{
		{"revision 7", map[string]string{"before": "was.revision{n=7}"}},
		{"version 1.2.0 in slot B", map[string]string{"before": "was.version_in{slot=B version=1.2.0}"}},
		{"set (***)", map[string]string{"before": "was.secret{}"}},
		{"enabled, weight 50 as configured", map[string]string{"before": "was.orders_configured{state=was.enabled{} weight=50}"}},
		{"draining until 2026-11-22 07:00:00 UTC, then cut, weight 5", map[string]string{
			"before": "was.orders{state=was.draining_cut{time=2026-11-22 07:00:00 UTC} weight=5}"}},
		{"shop/web1: disabled, weight 5; shop/web2: enabled, weight 1 as configured", map[string]string{
			"before.0": "was.orders{state=was.disabled{} weight=5}",
			"before.1": "was.orders_configured{state=was.enabled{} weight=1}"}},
		{"policy = \"static_weight\"", nil},
		{"quick; brown: fox, weight 3", nil},
		{strings.Repeat("a: enabled, weight 1; ", 1000), nil},
	}
	for _, tt := range tests {
		got := Words(nil).WithWas("before", tt.text)
		if len(got) != len(tt.want) {
			t.Errorf("WithWas(%.60q) has %d fields, want %d: %v", tt.text, len(got), len(tt.want), got)
		}
		for name, want := range tt.want {
			if spelt := spell(got[name]); spelt != want {
				t.Errorf("WithWas(%.60q): %s = %s, want %s", tt.text, name, spelt, want)
			}
		}
	}
}
