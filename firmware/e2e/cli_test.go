// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestExitCodesAndMessages(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	bad := b.file + ".bad"
	b.write(bad, strings.Replace(s.text(), "round_robin", "round_robbin", 1))
	for _, c := range []struct {
		args string
		code int
		want string // in what is written to standard error
	}{
		{"status", 0, ""},
		{"check " + b.file, 0, ""},
		{"check " + bad, 1, `did you mean "round_robin"`},
		{"config set " + bad, 1, "round_robin"},
		{"check /nowhere", 1, "no such file"},
		{"config commit", 3, "evener config set FILE"},
		{"config confirm", 3, "no commit waits"},
		{"config show 99", 3, "there is no revision 99"},
		{"config show zero", 2, "evener config history"},
		{"config rollback", 2, "usage:"},
		{"server drain shop/web9", 3, `there is no member "shop/web9"; there are shop/web1, shop/web2`},
		{"server drain shoe/web1", 3, `there is no pool "shoe"; there are shop`},
		{"server drain web1", 2, "POOL/MEMBER"},
		{"server drain", 2, "usage:"},
		{"server weight shop/web1 201", 2, "0 to 200"},
		{"server drain --deadline soon shop/web1", 2, "invalid"},
		{"explain --cluster shoe GET /", 3, `there is no http cluster "shoe"; there are shop`},
		{"explain --client localhost GET /", 2, "192.0.2.1"},
		{"explain GET", 2, "usage:"},
		{"responder test sorry /", 3, `there is no responder "sorry"; there are none`},
		{"restart gateway", 3, `there is no role "gateway"; there are engine, console`},
		{"probe shop/web9", 3, "there are shop/web1, shop/web2"},
		{"demo origin web9 dead", 3, "there are web1"},
		{"demo origin web1 sad", 2, "ok, slow, broken or dead"},
		{"time set yesterday", 2, "such as 2026-11-21T12:00:00Z"},
		{"show clubs", 2, "clusters"},
		{"statue", 2, "status"},
		{"status --loud", 2, "--loud"},
		{"-o xml status", 2, "table or json"},
		{"config show -o xml", 2, "table or json"},
		{"--state /nowhere status", 1, "evener run"},
	} {
		o := b.cli(strings.Fields(c.args)...)
		if o.code != c.code || !strings.Contains(o.stderr, c.want) {
			t.Errorf("evener %s: exit code %d, want %d; want %q in %q", c.args, o.code, c.code, c.want, o.stderr)
		}
		if c.code != 0 && (strings.Contains(o.stderr, "Usage:") || o.stdout != "") {
			t.Errorf("evener %s: it failed and printed a help text: %q %q", c.args, o.stdout, o.stderr)
		}
	}
}

func TestEveryShowCommandSpeaksJSON(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	s.cluster = "  persist \"source\" {}\n" +
		"  rule \"a\" {\n    when = pathname(\"/a\")\n    pool = \"shop\"\n    responder = \"error\"\n  }\n" +
		"  rule \"b\" {\n    when = pathname(\"/b\")\n    responder = \"error\"\n  }\n"
	s.rest = "responder \"error\" { status = 503 }\n"
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	newVisitor(t, s.listen, "").visit()
	if out := b.must("show", "rules"); !strings.Contains(out, " shop or error ") || !strings.Contains(out, "  error ") {
		t.Errorf("show rules does not name where rules lead:\n%s", out)
	}
	b.candidate(s.text() + "# more\n")
	list := []string{"status", "config show", "config history", "config diff", "explain GET /", "probe shop/web1", "methods", "metrics",
		"server quiesce shop/web1", "server weight shop/web1 50", "server enable shop/web1"}
	for _, c := range b.subcommands("show") {
		if c == "history" {
			c = "history cluster/shop"
			b.await("there is a history", func() bool { return b.cli("show", "history", "cluster/shop").code == 0 })
		}
		list = append(list, "show "+c)
	}
	if len(list) < 15 {
		t.Errorf("only %d commands: %v", len(list), list)
	}
	for _, c := range list {
		out := b.must(append(strings.Fields(c), "-o", "json")...)
		if !json.Valid([]byte(out)) || strings.TrimSpace(out) == "" || strings.TrimSpace(out) == "null" {
			t.Errorf("evener %s -o json printed %.200q", c, out)
		}
		if table := b.must(strings.Fields(c)...); strings.TrimSpace(table) == "" {
			t.Errorf("evener %s printed nothing", c)
		}
	}
}

// subcommands reads the names of a command's subcommands from its help.
func (b *box) subcommands(command ...string) (names []string) {
	b.t.Helper()
	in := false
	for line := range strings.Lines(b.must(append(command, "--help")...)) {
		switch f := strings.Fields(line); {
		case strings.HasPrefix(line, "Available Commands:"):
			in = true
		case len(f) == 0:
			in = false
		case in && f[0] != "help" && f[0] != "completion":
			names = append(names, f[0])
		}
	}
	return names
}

func TestEveryCommandHasHelp(t *testing.T) {
	b := &box{t: t, exe: program(t, checked), state: t.TempDir()}
	count := 0
	var visit func(path []string)
	visit = func(path []string) {
		help := b.must(append(path, "--help")...)
		count++
		first, _, _ := strings.Cut(help, "\n")
		if len(first) < 8 || !strings.Contains(help, "Usage:") {
			t.Errorf("evener %s --help:\n%s", strings.Join(path, " "), help)
		}
		for _, sub := range b.subcommands(path...) {
			visit(append(path[:len(path):len(path)], sub))
		}
	}
	visit(nil)
	if count < 30 {
		t.Errorf("only %d commands were found", count)
	}
}

func TestCompletionIsGenerated(t *testing.T) {
	b := &box{t: t, exe: program(t, checked), state: t.TempDir()}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := b.must("completion", shell); len(out) < 1000 || !strings.Contains(out, "evener") {
			t.Errorf("completion %s has %d bytes", shell, len(out))
		}
	}
	out := b.must("__complete", "config", "r")
	for _, want := range []string{"rollback", "revert"} {
		if !strings.Contains(out, want) {
			t.Errorf("completing \"config r\" does not offer %s: %s", want, out)
		}
	}
}
