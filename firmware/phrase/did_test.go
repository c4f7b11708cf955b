// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A deed is what a method says of itself in the audit log.
type deed struct{ text, path string }

// deeds returns the texts of all methods, and what the box notes of itself.
func deeds(t *testing.T) []deed {
	var out []deed
	const part = " {block}: {comment} (dry run: {dry_run})" // as a constant of resource.go
	note := func(path string, e ast.Expr, rest string) {
		if text, ok := formOf(e); ok {
			text = strings.Replace(text, "put{}", "put"+part, 1)
			text = strings.Replace(text, "patch{}", "patch"+part, 1)
			text = strings.Replace(text, "delete{}", "delete"+part, 1)
			out = append(out, deed{text + rest, path})
		}
	}
	see := func(path string, n ast.Node) {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			switch id, _ := n.Key.(*ast.Ident); {
			case id == nil:
			case id.Name == "Audit":
				if _, put := n.Value.(*ast.BinaryExpr); !put { // of act, which is looked at below
					note(path, n.Value, "")
				}
			}
		case *ast.CompositeLit:
			if isRecord(n.Type) {
				note(path, field(n, "What"), "")
			}
		case *ast.CallExpr: // write(name, purpose, audit) and act(name, purpose, audit)
			id, ok := n.Fun.(*ast.Ident)
			if !ok || len(n.Args) != 3 || filepath.Base(filepath.Dir(path)) != "manage" {
				return
			}
			switch file := filepath.Base(path); {
			case id.Name == "write" && (file == "draft.go" || file == "resource.go"):
				note(path, n.Args[2], "")
			case id.Name == "act" && file == "server.go":
				note(path, n.Args[2], " {members}")
			}
		}
	}
	inspect(t, "firmware", see)
	inspect(t, "ha", see)
	return out
}

// isRecord reports whether a type is a record of the audit log, or what the supervisor
// has kept of one.
func isRecord(t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.SelectorExpr:
		x, ok := t.X.(*ast.Ident)
		return ok && x.Name == "audit" && t.Sel.Name == "Record"
	case *ast.Ident:
		return t.Name == "superNote"
	}
	return false
}

var given = regexp.MustCompile(`\{[a-z_0-9]*\}`)

// Whatever is done is told in a sentence that is known, with all of its arguments and
// with the first alone.
func TestEveryDeedIsInTheCatalogue(t *testing.T) {
	list, used := deeds(t), map[string]bool{}
	if len(list) < 110 {
		t.Fatalf("%d deeds were found, want all: the search does not find them any more", len(list))
	}
	for _, d := range list {
		n := 0
		full := given.ReplaceAllStringFunc(d.text, func(string) string { n++; return "x" + strings.Repeat("y", n) })
		n = 0
		bare := given.ReplaceAllStringFunc(d.text, func(string) string {
			if n++; n == 1 {
				return "xy"
			}
			return ""
		})
		bare = strings.Join(strings.Fields(bare), " ") // as the box does
		for _, text := range []string{full, bare} {
			s, ok := Did(text)
			if !ok || !strings.HasPrefix(s.Kind, "did.") {
				t.Errorf("%s: %q is not in firmware/phrase/catalogue/did.txt: give it a kind there, and a text in webui/src/locales/zh-Hans/did.json", d.path, text)
			}
			used[s.Kind] = true
		}
	}
	words := []string{"did.yes", "did.no", "did.admin", "did.editor", "did.operator", "did.viewer", "did.took_back_revision"}
	for i := range phrases() {
		if p := &phrases()[i]; p.domain == done && !used[p.Kind] && !slices.Contains(words, p.Kind) {
			t.Errorf("%s: nobody does %q any more", p.Kind, p.Pattern)
		}
	}
}

func TestWhatWasNotGivenLeavesNothing(t *testing.T) {
	tests := []struct{ text, want string }{
		{"commit", `did.commit{comment=}`},
		{"commit fix the pool", `did.commit{comment=fix the pool}`},
		{"drain shop/web1 shop/web2", `did.drain{members=shop/web1 shop/web2}`},
		{"delete pool/a: (dry run: true)", `did.delete_block{comment= dry_run=did.yes{} path=pool/a}`},
		{"put pool/a/member/b: move (dry run: false)", `did.put_block{comment=move dry_run=did.no{} path=pool/a/member/b}`},
		{"capture packets on lan1, cluster , filter", `did.capture{cluster= filter= interfaces=lan1}`},
		{"role.restart: restart engine (ok)", `did.note{message= method=role.restart outcome=ok what=did.restart{role=engine}}`},
		{"create the user ann as admin", `did.user{name=ann role=did.admin{}}`},
		{"switch group to", `did.switch{group= node=}`},
		{"switch group front to", `did.switch{group=front node=}`},
		{"send a bundle of 10 bytes, downgrade: false", `did.bundle{downgrade=did.no{} size=10}`},
		{"take revision 7 back", `did.took_back{revision=did.took_back_revision{n=7}}`},
		{"logged in", ""},
		{"log in again", ""},
	}
	for _, tt := range tests {
		s, _ := Did(tt.text)
		if got := spell(s); got != tt.want {
			t.Errorf("Did(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
	if s, ok := Of("log in"); ok {
		t.Errorf("Of(log in) = %s: what was done is looked for in the audit log only", s.Kind)
	}
}

func BenchmarkMistake(b *testing.B) {
	const text = `policy must be "round_robin", "static_weight" or "custom", not "roundrobin"; did you mean "round_robin"?`
	for b.Loop() {
		if Mistake(`pool "shop"`, text) == nil {
			b.Fatal("not known")
		}
	}
}
