// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed" // for apiIntro
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evener/firmware/api"
	"evener/firmware/manage"
)

//go:generate go test . -run ^TestAPIPageIsCurrent$ -update

var update = flag.Bool("update", false, "write docs/manual/api.md anew")

// apiIntro is the beginning of the page, which is written by hand.
//
//go:embed testdata/api.md
var apiIntro string

// TestAPIPageIsCurrent compares docs/manual/api.md with the registry.
func TestAPIPageIsCurrent(t *testing.T) {
	want := apiPage(manage.New(manage.Config{}, slog.New(slog.DiscardHandler)).Methods())
	if *update {
		if err := os.WriteFile(filepath.Join("..", "..", "..", "docs", "manual", "api.md"), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := readTree(t, "docs/manual/api.md")
	if got == want {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range wantLines {
		if i >= len(gotLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("docs/manual/api.md:%d is not current: run make generate; want\n%s", i+1, wantLines[i])
		}
	}
	t.Fatalf("docs/manual/api.md:%d: too many lines: run make generate", len(wantLines))
}

// apiPage describes every method.
func apiPage(reg *api.Registry) string {
	var b strings.Builder
	b.WriteString(apiIntro)
	b.WriteString("| method | role | effect | purpose |\n|---|---|---|---|\n")
	for _, m := range reg.Methods() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n",
			m.Name, strings.ReplaceAll(m.Name, ".", ""), m.Role, m.Effect, m.Purpose)
	}
	types := map[string]*api.Schema{}
	for _, m := range reg.Methods() {
		fmt.Fprintf(&b, "\n## %s\n\n%s %s Effect: %s. It ends after %v at the latest.%s\n",
			m.Name, m.Purpose, needs(m), m.Effect, m.Timeout, place(m))
		writeFields(&b, "parameter", m.ParamsSchema())
		writeFields(&b, "result", m.ResultSchema())
		maps.Copy(types, m.ParamsSchema().Defs)
		maps.Copy(types, m.ResultSchema().Defs)
	}
	writeTopics(&b, reg, types)
	b.WriteString("\n# Types\n")
	for _, name := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintf(&b, "\n## %s\n", name)
		writeFields(&b, "field", types[name])
	}
	return b.String()
}

// needs says who may call m.
func needs(m *api.Method) string {
	text := "Role: " + m.Role.String() + "."
	if m.Open {
		text = "Open."
	}
	if m.Sudo {
		text += " Sudo."
	}
	return text
}

// place says where m is in the HTTP API.
func place(m *api.Method) string {
	if m.REST == nil {
		return ""
	}
	return fmt.Sprintf(" At `%s %s`.", m.REST.Verb, m.REST.Path)
}

// writeTopics describes what can be followed.
func writeTopics(b *strings.Builder, reg *api.Registry, types map[string]*api.Schema) {
	b.WriteString("\n# Topics\n\n| topic | class | role | shows |\n|---|---|---|---|\n")
	for _, t := range reg.Topics() {
		fmt.Fprintf(b, "| [%s](#%s) | %s | %s | %s |\n", t.Name, strings.ReplaceAll(t.Name, ".", ""), t.Class, t.Role, t.Purpose)
	}
	for _, t := range reg.Topics() {
		fmt.Fprintf(b, "\n## %s\n\n%s\n", t.Name, t.Purpose)
		writeFields(b, "parameter", t.ParamsSchema())
		writeFields(b, "field", t.DataSchema())
		maps.Copy(types, t.ParamsSchema().Defs)
		maps.Copy(types, t.DataSchema().Defs)
	}
}

func writeFields(b *strings.Builder, heading string, s *api.Schema) {
	if len(s.Order) == 0 {
		fmt.Fprintf(b, "\nNo %ss.\n", heading)
		return
	}
	fmt.Fprintf(b, "\n| %s | type | |\n|---|---|---|\n", heading)
	for _, name := range s.Order {
		f := s.Properties[name]
		kind := typeOf(f)
		if heading == "parameter" && slices.Contains(s.Required, name) {
			kind += ", required"
		}
		if len(f.Enum) > 0 {
			kind += ": " + strings.Join(f.Enum, ", ")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, kind, strings.ReplaceAll(f.Description, "|", `\|`))
	}
}

func typeOf(s *api.Schema) string {
	switch {
	case s.Ref != "":
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	case s.Items != nil:
		return "list of " + typeOf(s.Items)
	case s.Values != nil:
		return "object of " + typeOf(s.Values)
	case s.Format == "date-time":
		return "time"
	case s.Type == "":
		return "any"
	}
	return s.Type
}
