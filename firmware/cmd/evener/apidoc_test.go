// SPDX-License-Identifier: Apache-2.0

package main

import (
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

const apiIntro = `# The API's methods

<!-- Generated from the registry of methods by "make generate"; do not edit. -->

Every operation of the box is a method, and the command line calls nothing else. A program that runs as root or as
the box's own user calls them over the Unix socket ` + "`api.sock`" + ` in the folder of the box's state. There is no other way
in yet: no HTTP, no WebSocket.

A call is one line of JSON-RPC 2.0, at most 1 MiB, with named parameters; the answer is one line with the same id:

` + "```json" + `
{"jsonrpc":"2.0","id":1,"method":"server.drain","params":{"member":"shop/web1","deadline":"10m"}}
` + "```" + `

A duration is a string such as "1m30s", a time is RFC 3339. A parameter that is not required may be left out. An error has
a code, a kind that does not change, and a message for people; ` + "`problems`" + ` lists every single mistake.

Roles, from the weakest: viewer, operator, editor, admin; each may do what the ones before it may; nobody is who has no
session. Whoever may open the socket is an admin; others are [users](users.md). Every method whose effect is not read leaves a line "audit" in the
engine's log.

`

// TestAPIPageIsCurrent compares docs/manual/api.md with the registry.
func TestAPIPageIsCurrent(t *testing.T) {
	box := manage.New(manage.Config{}, slog.New(slog.DiscardHandler))
	want := apiPage(box.Methods())
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
		fmt.Fprintf(&b, "\n## %s\n\n%s Role: %s. Effect: %s. It ends after %v at the latest.\n",
			m.Name, m.Purpose, m.Role, m.Effect, m.Timeout)
		writeFields(&b, "parameter", m.ParamsSchema())
		writeFields(&b, "result", m.ResultSchema())
		maps.Copy(types, m.ParamsSchema().Defs)
		maps.Copy(types, m.ResultSchema().Defs)
	}
	b.WriteString("\n# Types\n")
	for _, name := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintf(&b, "\n## %s\n", name)
		writeFields(&b, "field", types[name])
	}
	return b.String()
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
