// SPDX-License-Identifier: Apache-2.0

package match

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestManual compares docs/manual/rules.md with the language: each function has
// a section with a syntax, an example that uses it and links that lead
// somewhere, there is no other section of a function, and all examples compile.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("../../docs/manual/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(text), "\n## Functions\n")
	if !ok {
		t.Fatal("the manual has no list of functions")
	}
	seen := map[string]bool{}
	for _, section := range strings.Split(list, "\n### ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		s := byName[name]
		if s == nil || seen[name] {
			t.Errorf("the manual describes %s, which is no function or described twice", name)
			continue
		}
		seen[name] = true
		syntax := regexp.MustCompile("(?m)^`" + name + `\(([a-z., ]*)\)` + "`$").FindStringSubmatch(body)
		switch {
		case syntax == nil:
			t.Errorf("%s: no syntax", name)
		case strings.Contains(syntax[1], "...") != (s.max == many),
			strings.HasPrefix(syntax[1], "name, ") != s.named, (syntax[1] == "") != (s.max == 0):
			t.Errorf("%s: the syntax %s is not %s", name, syntax[0], s.takes())
		}
		if !regexp.MustCompile(`(?m)^when = .*\b` + name + `\(`).MatchString(body) {
			t.Errorf("%s: no example uses it", name)
		}
		for _, part := range []string{"**Arguments**: ", "**Case**: ", "**See also**: "} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %s", name, part)
			}
		}
	}
	for i := range functions {
		if name := functions[i].name; !seen[name] {
			t.Errorf("the manual does not describe %s", name)
		}
	}
	for _, link := range regexp.MustCompile("\\[`([a-z0-9_]+)(?:\\(\\))?`\\]\\(#([a-z0-9_]+)\\)").FindAllStringSubmatch(string(text), -1) {
		if byName[link[2]] == nil || link[1] != link[2] {
			t.Errorf("the link %s leads nowhere", link[0])
		}
	}
	compileExamples(t, string(text))
}

// compileExamples compiles each "when" of the manual, by itself.
func compileExamples(t *testing.T, text string) {
	t.Helper()
	examples := regexp.MustCompile(`(?m)^ *when = (.*)$`).FindAllStringSubmatch(text, -1)
	if len(examples) < len(functions) {
		t.Errorf("only %d examples", len(examples))
	}
	for _, e := range examples {
		_, problems := Compile(ruleList(t, e[1]))
		for _, p := range problems {
			if !strings.Contains(e[1], "http_09") {
				t.Errorf("%s: %s", e[1], p.Msg)
			}
		}
	}
	for i := range functions {
		if s, problems := Compile(ruleList(t, functions[i].example)); s == nil {
			t.Errorf("the example of a message, %s: %v", functions[i].example, problems)
		}
	}
}
