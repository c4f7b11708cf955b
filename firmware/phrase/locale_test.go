// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"evener/firmware/event"
)

// texts returns those of a file of the console whose key begins with prefix, by the
// rest of the key.
func texts(t *testing.T, language, file, prefix string) map[string]string {
	t.Helper()
	path := filepath.Join("..", "..", "webui", "src", "locales", language, file+".json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	out := map[string]string{}
	for key, raw := range all {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			out[rest] = string(raw)
		}
	}
	return out
}

// compare says which kinds have no text, which texts nobody needs, and which
// arguments nobody sends; args may be nil where those are not known.
func compare(t *testing.T, where string, kinds map[string][]string, texts map[string]string) {
	t.Helper()
	if len(kinds) < 10 {
		t.Fatalf("%s: the box has %d kinds: the search does not find them any more", where, len(kinds))
	}
	for kind := range kinds {
		if texts[kind] == "" {
			t.Errorf("%s lacks a text for %s", where, kind)
		}
	}
	for kind, text := range texts {
		args, ok := kinds[kind]
		if !ok {
			t.Errorf("%s has a text for %s, which the box never sends", where, kind)
		}
		for _, m := range argument.FindAllStringSubmatch(text, -1) {
			if args != nil && !slices.Contains(args, m[2]) {
				t.Errorf("%s: the text of %s has {%s}, which the box does not send: %v", where, kind, m[2], args)
			}
		}
	}
}

// fileOf says which file of the console has the texts of a domain.
var fileOf = map[string]string{"": "said", done: "did", was: "did", mistake: "mistakes"}

func TestEveryPhraseIsTranslated(t *testing.T) {
	kinds := map[string]map[string][]string{"said": {}, "did": {}, "mistakes": {}}
	for i := range phrases() {
		p := &phrases()[i]
		kinds[fileOf[p.domain]][p.Kind] = append([]string{}, p.Args()...)
	}
	for file, kinds := range kinds {
		compare(t, "zh-Hans/"+file+".json", kinds, texts(t, "zh-Hans", file, ""))
	}
}

func TestEveryEventIsTranslated(t *testing.T) {
	kinds := map[string][]string{}
	for _, d := range event.Kinds() {
		kinds[string(d.Kind)] = append([]string{}, d.Args()...)
	}
	compare(t, "zh-Hans/overview.json event.", kinds, texts(t, "zh-Hans", "overview", "event."))
}

// Every kind of an event is one that somebody makes.
func TestEveryEventHappens(t *testing.T) {
	used := map[string]bool{}
	inspect(t, "firmware", func(path string, n ast.Node) {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "event" {
				used[n.Sel.Name] = true
			}
		case *ast.Ident: // in the package itself
			if strings.HasSuffix(path, "firmware/event/file.go") {
				used[n.Name] = true
			}
		}
	})
	names := 0
	inspect(t, "firmware/event", func(path string, n ast.Node) {
		if v, ok := n.(*ast.ValueSpec); ok && filepath.Base(path) == "kinds.go" {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Kind" {
				names++
				if !used[v.Names[0].Name] {
					t.Errorf("nobody makes an event.%s", v.Names[0].Name)
				}
			}
		}
	})
	if names < 50 {
		t.Errorf("%d kinds of events were found, want all", names)
	}
}

func TestEveryProblemIsTranslated(t *testing.T) {
	kinds, open := problems(t)
	for _, language := range []string{"en", "zh-Hans"} {
		have, all := texts(t, language, "overview", "problem."), maps.Clone(kinds)
		for _, pattern := range open {
			found := false
			for kind := range have {
				if ok, _ := filepath.Match(pattern, kind); ok {
					all[kind], found = nil, true
				}
			}
			if !found {
				t.Errorf("%s/overview.json has no text for a problem %s", language, pattern)
			}
		}
		compare(t, language+"/overview.json problem.", all, have)
	}
}

// problems lists the kinds of problems with their arguments, and patterns of those
// whose kind is put together.
func problems(t *testing.T) (kinds map[string][]string, open []string) {
	kinds = map[string][]string{}
	note := func(e ast.Expr, args []string) {
		switch kind, ok := formOf(e); {
		case !ok:
		case strings.Contains(kind, "{}"):
			open = append(open, strings.ReplaceAll(kind, "{}", "*"))
		default:
			kinds[kind] = args
		}
	}
	see := func(path string, n ast.Node) {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if isProblem(n.Type) {
				note(field(n, "Kind"), keys(field(n, "Args")))
			} else if a, ok := n.Type.(*ast.ArrayType); ok && isProblem(a.Elt) {
				for _, e := range n.Elts { // their type is left out
					if c, ok := e.(*ast.CompositeLit); ok && c.Type == nil {
						note(field(c, "Kind"), keys(field(c, "Args")))
					}
				}
			}
		case *ast.AssignStmt: // p.Kind, p.Text = "certificate.expired", …
			if s, ok := n.Lhs[0].(*ast.SelectorExpr); ok && s.Sel.Name == "Kind" && filepath.Base(path) == "certificates.go" {
				note(n.Rhs[0], nil)
			}
		case *ast.CallExpr: // add("upgrade.trial", …, map[string]any{…}, …)
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "add" && filepath.Base(path) == "upgrade.go" && len(n.Args) > 3 {
				note(n.Args[0], keys(n.Args[3]))
			}
		}
	}
	inspect(t, "firmware/manage", see)
	inspect(t, "firmware/lb", see)
	return kinds, open
}

func isProblem(t ast.Expr) bool {
	id, ok := t.(*ast.Ident)
	return ok && (id.Name == "Problem" || id.Name == "CertificateProblem")
}

func field(c *ast.CompositeLit, name string) ast.Expr {
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == name {
				return kv.Value
			}
		}
	}
	return nil
}

// keys lists those of a map that is written out; nil is not known.
func keys(e ast.Expr) []string {
	c, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	out := []string{}
	for _, x := range c.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			if s, ok := formOf(kv.Key); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

func TestEveryWarningOfAReviewIsTranslated(t *testing.T) {
	kinds, kind := map[string][]string{}, regexp.MustCompile(`^(lint|lockout|tests)\.[a-z_]+$`)
	inspect(t, "firmware/manage", func(_ string, n ast.Node) {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, _ := strconv.Unquote(l.Value); kind.MatchString(s) {
				kinds[s] = nil
			}
		}
	})
	for _, language := range []string{"en", "zh-Hans"} {
		compare(t, language+"/changes.json warn.", kinds, texts(t, language, "changes", "warn."))
	}
}

// A kind of an error with a text of its own in the console is one that the box sends.
func TestEveryErrorWithATextIsSent(t *testing.T) {
	s := sourceOf(t)
	for kind := range texts(t, "zh-Hans", "errors", "") {
		own := strings.HasPrefix(kind, "client.") || strings.HasPrefix(kind, "code-") || kind == "call.cancelled"
		if !own && !s.forms[kind] {
			t.Errorf("errors.json has a text for %s, which the box never sends", kind)
		}
	}
}

// inspect shows every node of a folder's source, with the folders in it.
func inspect(t *testing.T, dir string, see func(path string, n ast.Node)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool { see(path, n); return true })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What the console calls the kinds of errors, in the audit log: each by itself, or by
// the family that its first word names.
func TestEveryKindOfErrorIsNamed(t *testing.T) {
	kinds, named := errorKinds(t), texts(t, "zh-Hans", "audit", "kind.")
	if len(kinds) < 150 {
		t.Fatalf("%d kinds of errors were found, want all: the search does not find them any more", len(kinds))
	}
	used := map[string]bool{}
	for kind := range kinds {
		family, _, _ := strings.Cut(kind, ".")
		switch {
		case named[kind] != "":
			used[kind] = true
		case named[family] != "":
			used[family] = true
		default:
			t.Errorf("zh-Hans/audit.json lacks a text for kind.%s", kind)
		}
	}
	for kind := range named {
		if !used[kind] {
			t.Errorf("zh-Hans/audit.json has a text for kind.%s, which no call ends with", kind)
		}
	}
}

// errorKinds lists what calls end with: the kinds that errors are made with, those that
// are chosen before, and the words of package auth.
func errorKinds(t *testing.T) map[string]bool {
	out, coded := map[string]bool{"error": true}, regexp.MustCompile(`^[a-z_0-9]+(\.([a-z_0-9]+|\{\}))*$`)
	note := func(e ast.Expr) {
		if kind, ok := formOf(e); ok && coded.MatchString(kind) {
			out[kind] = true
		}
	}
	inspect(t, "firmware", func(path string, n ast.Node) {
		switch n := n.(type) {
		case *ast.CallExpr:
			if isErrorf(n) {
				note(n.Args[1])
			}
		case *ast.CompositeLit:
			if isError(n.Type) {
				note(field(n, "Kind"))
			}
		case *ast.AssignStmt: // kind := "certificate.invalid"
			if id, ok := n.Lhs[0].(*ast.Ident); ok && id.Name == "kind" && strings.Contains(path, "firmware/manage/") {
				note(n.Rhs[0])
			}
		case *ast.ValueSpec:
			if typ, ok := n.Type.(*ast.Ident); ok && typ.Name == "Kind" && strings.HasSuffix(path, "firmware/auth/errors.go") {
				note(n.Values[0])
			}
		}
	})
	return out
}

// isErrorf reports whether a call is api.Errorf(code, kind, …).
func isErrorf(c *ast.CallExpr) bool {
	if len(c.Args) < 3 {
		return false
	}
	name := func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.Ident:
			return e.Name
		case *ast.SelectorExpr:
			return e.Sel.Name
		}
		return ""
	}
	code := name(c.Args[0])
	return name(c.Fun) == "Errorf" && (strings.HasPrefix(code, "Code") || code == "code")
}

func isError(t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name == "Error"
	case *ast.SelectorExpr:
		x, ok := t.X.(*ast.Ident)
		return ok && x.Name == "api" && t.Sel.Name == "Error"
	}
	return false
}
