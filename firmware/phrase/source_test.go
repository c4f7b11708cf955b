// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A sayer is a call of which one argument is a sentence that the console shows, or
// a whole file of such sentences.
type sayer struct {
	at, name string // folder or file, and function; a name that ends in .go is all of a file
	arg      int
}

// sayers say sentences whose every form must be in the catalogue.
var sayers = []sayer{
	{"firmware/api", "Errorf", 2},
	{"firmware/api", "check.go", 0},
	{"firmware/manage", "Errorf", 2},
	{"firmware/cmd/evener/machine_show.go", "Errorf", 2},
	{"firmware/cmd/evener/super_panel.go", "Errorf", 2},
	{"firmware/cmd/evener/super_power.go", "Errorf", 2},
	{"firmware/cmd/evener/superlink.go", "Errorf", 2},
	{"firmware/auth", "errorf", 1},
	{"firmware/health", "bad", 1},
	{"firmware/health", "good", 1},
	{"firmware/health", "failed", 4},
	{"firmware/pool", "snapshot.go", 0},
	{"firmware/balance", "explain.go", 0},
	{"firmware/manage", "upgrade_checks.go", 0},
	{"firmware/manage", "upgrade_pairmove.go", 0},
	{"firmware/manage", "upgrade_pairsteps.go", 0},
	{"firmware/netconf", "status.go", 0},
	{"firmware/netconf", "linkstatus.go", 0},
	{"firmware/upgrade", "trial.go", 0},
	{"ha", "gate.go", 0},
	{"ha", "group.go", 0},
	{"ha", "orders.go", 0},
	{"ha", "track.go", 0},
	{"ha/vrrp", "words.go", 0},
	{"ha/vrrp", "advert.go", 0},
	{"ha/mirror", "link.go", 0},
	{"ha/mirror", "peer.go", 0},
	{"firmware/lb", "check.go", 0},
	{"firmware/lb", "idle.go", 0},
	{"firmware/lb", "traffic.go", 0},
	{"firmware/lb/vault.go", "lack", 3},
	{"firmware/l7", "explain.go", 0},
	{"firmware/lb", "explain_cookie.go", 0},
	{"board", "recognise.go", 0},
	{"firmware/certs", "chain.go", 0},
	{"firmware/certs", "checkSize", 0},
	{"firmware/certs", "pemBlocks", 0},
	{"firmware/certs", "pem.go", 0},
}

// mistakes are the packages that find mistakes in a configuration, with files of theirs
// that say something else.
var mistakes = map[string][]string{
	"firmware/config":  {"compare.go", "schema", "types_", "doc.go", "share", "merge.go"},
	"firmware/match":   {"functions.go", "trace.go", "explain.go"},
	"firmware/rewrite": {"apply.go"},
}

// mistaken reports whether all sentences of a file are of mistakes.
func mistaken(dir, name string) bool {
	not, ok := mistakes[dir]
	return ok && !slices.ContainsFunc(not, func(head string) bool { return strings.HasPrefix(name, head) })
}

// exempt are texts in such files that are no sentences of their own.
var exempt = map[string]string{
	"a stored password must be $argon2id$v=19$m=…,t=…,p=…$salt$hash":        "of a file that somebody has changed: the log has it",
	"a stored password must have m, t and p":                                "of a file",
	"a stored password must have {}{} to {}":                                "of a file",
	"a stored password must have 8 KiB for each thread":                     "of a file",
	"a stored password must have {} bytes of salt and {} of hash in base64": "of a file",
	"{} and {} more": "names",
	" and ":          "names",
	" and of ":       "names",
	"there is no board for the architecture {}; name one with --board": "of the command line",
	"rule of routes":         "a name",
	"{} min":                 "a unit",
	"{} ms":                  "a unit",
	`{} probe "{}"`:          "a block",
	`responder "{}"`:         "a block",
	`{} test "{}"`:           "a block",
	`{} compress`:            "a block",
	`{} rule "{}"`:           "a block",
	`{} custom`:              "a block",
	`pool "{}" member "{}"`:  "a block",
	`{} track "{}" "{}"`:     "a block",
	`cluster "{}" tls`:       "a block",
	`{} persist "{}"`:        "a block",
	`node {}`:                "a block",
	`cluster "{}" rule "{}"`: "a block",
	`cluster "{}"`:           "a block",
	`{} tls`:                 "a block",
	`{} sni "{}"`:            "a block",
	`{} timeouts`:            "a block",
	"; includeSubDomains":    "of a field",
	"; preload":              "of a field",
	"; Secure":               "of a field",
	"a {}, {} to {}":         "as mistake.number, in which it stands",
	"addresses must have at most {} entries, not {}":                                  "as mistake.entries",
	"ntp must have at most {} entries, not {}":                                        "as mistake.entries",
	"ports must have at most {} entries, not {}":                                      "as mistake.entries",
	"from must have at most {} networks, not {}":                                      "as mistake.rule_networks",
	`a size is written with its unit, such as "512B", "16KiB" or "10MiB"`:             "as mistake.size, which takes its place",
	`a duration is written with its unit, such as "5s", "1h30m" or "14d"`:             "as mistake.duration, which takes its place",
	"Attribute redefined":                                                             "as mistake.twice, which takes its place",
	`config: schema has "{}" for a {}: {}`:                                            "of a programming error",
	"write a variable as $name, or as $(name) where a letter follows, not as ${name}": "as mistake.dollar_brace, whose ${name} looks like an argument",
	"gateway {}":    "as mistake.of",
	"track port {}": "as mistake.of",
	"out {}":        "as mistake.of",
	"via {}":        "as mistake.of",
	`a template "%{" cannot be used here, every text is taken as it stands; write "%{" for the characters "%{"`: "as mistake.directive, which has more of that sign",
	`"${" and "%{" are not allowed in a rule; write "$${" and "%{" for these characters`:                        "as mistake.rule_templates, which has more of that sign",
	"must be ":  "is taken off",
	"warning: ": "of the command line",
	"tlsv ":     "is taken off",
}

var (
	verb    = regexp.MustCompile(`%[-+# 0]*[0-9]*(\.[0-9*]+)?(\[[0-9]+\])?[a-zA-Z%]`)
	wordful = regexp.MustCompile(`[A-Za-z]{2}`)
)

// form writes a format with {} where an argument is.
func form(format string) string {
	return verb.ReplaceAllStringFunc(format, func(v string) string {
		switch v[len(v)-1] {
		case '%':
			return "%"
		case 'q':
			return `"{}"`
		}
		return "{}"
	})
}

// forms of a phrase: that of the whole, or those of its parts.
func (p *Phrase) forms() []string {
	list := p.Parts
	if list == nil {
		list = []string{p.Pattern}
	}
	var out []string
	for _, x := range list {
		if x = argument.ReplaceAllString(x, "{}"); wordful.MatchString(strings.ReplaceAll(x, "{}", "")) {
			out = append(out, x)
		}
	}
	return out
}

// has says whether a text of the source has that form, with what a part leaves out.
func (s *source) has(form string, part bool) bool {
	return s.forms[form] || part && (s.forms["{}"+form] || s.forms[form+"{}"] || s.forms["{}"+form+"{}"])
}

// formOf returns the form of the text that an expression makes.
func formOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			return form(s), err == nil
		}
	case *ast.ParenExpr:
		return formOf(e.X)
	case *ast.BinaryExpr:
		x, hasX := formOf(e.X)
		y, hasY := formOf(e.Y)
		if !hasX {
			x = "{}"
		}
		if !hasY {
			y = "{}"
		}
		return x + y, e.Op == token.ADD && (hasX || hasY)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return formOf(e.Args[0])
		}
	}
	return "", false
}

// A source is what the test knows of the code.
type source struct {
	forms map[string]bool // of every text in it
	said  map[string]token.Position
	files []string
}

var read = sync.OnceValues(readSource)

func readSource() (*source, error) {
	s := &source{forms: map[string]bool{}, said: map[string]token.Position{}}
	root, files := filepath.Join("..", ".."), token.NewFileSet()
	for _, tree := range []string{"board", "firmware", "ha", "hal", "image", "webui"} {
		err := filepath.WalkDir(filepath.Join(root, tree), func(path string, d fs.DirEntry, err error) error {
			if d != nil && d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "firmware/phrase") {
				return err
			}
			f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err == nil {
				s.file(files, f, strings.TrimPrefix(path, root+"/"))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *source) file(files *token.FileSet, f *ast.File, path string) {
	s.files = append(s.files, path)
	dir, name := filepath.Dir(path), filepath.Base(path)
	whole := mistaken(dir, name)
	for _, x := range sayers {
		whole = whole || x.at == dir && x.name == name
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.CallExpr:
			s.call(files, path, n)
			if logs(n) { // a log is no sentence for the console
				return false
			}
		case *ast.BasicLit, *ast.BinaryExpr:
			text, ok := formOf(n.(ast.Expr))
			if !ok {
				return true
			}
			s.forms[text] = true
			if whole && strings.Contains(text, " ") && text != strings.ToUpper(text) {
				s.note(text, files.Position(n.Pos()))
			}
			return !whole || !isText(n) // the parts of a sentence are none
		}
		return true
	})
}

func isText(n ast.Node) bool {
	_, binary := n.(*ast.BinaryExpr)
	return binary
}

func logs(c *ast.CallExpr) bool {
	f, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	switch f.Sel.Name {
	case "Info", "Warn", "Debug", "Error":
		x, ok := f.X.(*ast.SelectorExpr)
		return ok && x.Sel.Name == "log"
	}
	return false
}

func (s *source) call(files *token.FileSet, path string, c *ast.CallExpr) {
	if text, ok := fault(path, c); ok {
		s.note(text, files.Position(c.Pos()))
	}
	name := ""
	switch f := c.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); ok && x.Name == "fmt" {
			return
		}
	}
	for _, x := range sayers {
		if x.at != path && x.at != filepath.Dir(path) || x.name != name || len(c.Args) <= x.arg {
			continue
		}
		if text, ok := formOf(c.Args[x.arg]); ok {
			s.note(text, files.Position(c.Pos()))
		}
	}
}

// note remembers a sentence that must be in the catalogue. One without words of its
// own, such as "%s: %v", is made of others.
func (s *source) note(text string, at token.Position) {
	if wordful.MatchString(strings.ReplaceAll(text, "{}", "")) {
		s.said[text] = at
	}
}

func sourceOf(t *testing.T) *source {
	t.Helper()
	s, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.said) < 300 || len(s.forms) < 2000 {
		t.Fatalf("the source has %d sentences in %d texts: the search does not find them any more", len(s.said), len(s.forms))
	}
	return s
}

func TestEverySentenceIsInTheCatalogue(t *testing.T) {
	s, known := sourceOf(t), map[string]bool{}
	for i := range phrases() {
		for _, f := range phrases()[i].forms() {
			known[f] = true
			if phrases()[i].Parts != nil {
				known["{}"+f], known[f+"{}"], known["{}"+f+"{}"] = true, true, true
			}
		}
	}
	for text, at := range s.said {
		if exempt[text] == "" && !known[text] {
			t.Errorf("%v: %q is not in firmware/phrase/catalogue: give it a kind there, and a text in webui/src/locales/zh-Hans", at, text)
		}
	}
	for text := range exempt {
		if _, ok := s.said[text]; !ok || known[text] {
			t.Errorf("%q is exempt, and nobody says it, or it is in the catalogue", text)
		}
	}
}

func TestEveryPhraseIsSaid(t *testing.T) {
	s := sourceOf(t)
	for i := range phrases() {
		p := &phrases()[i]
		for _, f := range p.forms() {
			if !p.Foreign && p.domain != done && !s.has(f, p.Parts != nil) {
				t.Errorf("%s: nobody says %q any more", p.Kind, f)
			}
		}
	}
}
