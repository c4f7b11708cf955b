// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const editText = `# head

# the first server
server "web1" { address = "192.0.2.11:80" } # beside
server "web2" {
  # above
  address = "192.0.2.12:80" # beside
}

pool "shop" {
	policy = "adaptive"

	member "web1" {}
	# the second
	member "web2" { weight = 5 }
	probe "icmp" {}
	probe "tcp" {
		interval = "5s"
	}
	probe "tcp" { port = 81 }
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"

  # one
  rule "one" { when = any() }

  # two
  rule "two" {
    when = any()
    responder = "text"
  }
}

responder "text" {
  body = <<EOT
one
  two
EOT
}

engine {}
`

func at(t *testing.T, s string) Path {
	t.Helper()
	p, err := ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEdits(t *testing.T) {
	set := func(p, attr, value string) func([]byte) ([]byte, Diagnostics) {
		return func(src []byte) ([]byte, Diagnostics) { return Edit(src, at(t, p), attr, value) }
	}
	insert := func(parent string, before *Step, text string) func([]byte) ([]byte, Diagnostics) {
		return func(src []byte) ([]byte, Diagnostics) {
			if parent == "" {
				return InsertBlock(src, nil, before, text)
			}
			return InsertBlock(src, at(t, parent), before, text)
		}
	}
	remove := func(p string) func([]byte) ([]byte, Diagnostics) {
		return func(src []byte) ([]byte, Diagnostics) { return RemoveBlock(src, at(t, p)) }
	}
	move := func(p string, before *Step) func([]byte) ([]byte, Diagnostics) {
		return func(src []byte) ([]byte, Diagnostics) { return MoveBlock(src, at(t, p), before) }
	}
	rule := func(name string) *Step { return &Step{Block: "rule", Label: name} }
	for _, c := range []struct {
		name string
		edit func([]byte) ([]byte, Diagnostics)
	}{
		{"replace", set("server/web2", "address", `"192.0.2.99:80"`)},
		{"replace in one line", set("server/web1", "address", `"192.0.2.99:80"`)},
		{"replace text behind <<", set("responder/text", "body", `"short"`)},
		{"add", set("pool/shop", "queue", "5")},
		{"add behind text behind <<", set("responder/text", "status", "500")},
		{"add in one line", set("pool/shop/member/web2", "hot_spare", "true")},
		{"add in empty block", set("engine", "loops", "2")},
		{"add in empty nested block", set("pool/shop/member/web1", "weight", "7")},
		{"add to second of two", set("pool/shop/probe/tcp#2", "rise", "1")},
		{"make block", set("cluster/shop/timeouts", "connect", `"3s"`)},
		{"make block at top", set("metrics", "listen", `"127.0.0.1:9100"`)},
		{"remove", set("server/web2", "address", "")},
		{"remove in one line", set("pool/shop/member/web2", "weight", "")},
		{"insert rule", insert("cluster/shop", rule("two"), "# new\nrule \"new\" {\nwhen = any()\nresponder=\"text\"\n}")},
		{"append rule", insert("cluster/shop", nil, `rule "new" { when = any() }`)},
		{"insert into empty", insert("pool/shop/member/web1", nil, `server "x" {}`)},
		{"insert persist", insert("cluster/shop/rule/one", nil, `persist "none" {}`)},
		{"insert text behind <<", insert("", nil, "responder \"b\" {\n    body = <<EOT\nx\nEOT\n}")},
		{"insert server", insert("", &Step{Block: "server", Label: "web2"}, `server "web3" { address = "192.0.2.13:80" }`)},
		{"remove server", remove("server/web1")},
		{"remove rule", remove("cluster/shop/rule/one")},
		{"remove last rule", remove("cluster/shop/rule/two")},
		{"remove second of two", remove("pool/shop/probe/tcp#2")},
		{"remove last", remove("engine")},
		{"move rule up", move("cluster/shop/rule/two", rule("one"))},
		{"move rule down", move("cluster/shop/rule/one", nil)},
		{"move server", move("server/web1", nil)},
		{"move first of two before second", move("pool/shop/probe/tcp", &Step{Block: "probe", Label: "tcp", Index: 1})},
		{"move second of two before first", move("pool/shop/probe/tcp#2", &Step{Block: "probe", Label: "tcp"})},
		{"nothing there", set("pool/gone", "queue", "5")},
		{"nothing to remove", set("pool/shop", "queue", "")},
		{"unknown attribute", set("pool/shop", "que", "5")},
		{"bad value", set("pool/shop", "queue", "5\n}")},
		{"value with comment", set("pool/shop/member/web2", "weight", "5 # x")},
		{"two values", set("pool/shop", "queue", "5 6")},
		{"template", set("pool/shop", "description", `"${x}"`)},
		{"two blocks", insert("", nil, "engine {}\nengine {}")},
		{"misplaced block", insert("pool/shop", nil, "engine {}")},
		{"no such sibling", insert("cluster/shop", rule("three"), `rule "x" { when = any() }`)},
		{"remove nothing", remove("server/web9")},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, diags := c.edit([]byte(editText))
			var got bytes.Buffer
			fmt.Fprintf(&got, "%v\n", diags)
			if diags.HasErrors() && string(out) != editText {
				t.Error("an edit with an error changed the text")
			}
			got.WriteString(changed(editText, string(out)))
			golden(t, "testdata/edit/"+strings.NewReplacer(" ", "_", "<", "").Replace(c.name)+".golden", got.Bytes())
			if _, bad := Format(out); bad.HasErrors() {
				t.Errorf("the edit breaks the syntax: %v", bad)
			}
		})
	}
}

// changed shows the lines that differ, with two around them.
func changed(a, b string) string {
	x, y := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	head := 0
	for head < len(x) && head < len(y) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < len(x)-head && tail < len(y)-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	var out strings.Builder
	show := func(mark string, lines []string) {
		for _, l := range lines {
			out.WriteString(mark + strings.TrimSuffix(l, "\n") + "\n")
		}
	}
	show("  ", x[max(0, head-2):head])
	show("- ", x[head:len(x)-tail])
	show("+ ", y[head:len(y)-tail])
	show("  ", x[len(x)-tail:min(len(x), len(x)-tail+2)])
	return out.String()
}

func TestPathsHaveTwoForms(t *testing.T) {
	for _, c := range []struct{ short, want string }{
		{"engine", `engine`},
		{"pool/shop/probe/http#2", `pool "shop" probe "http" #2`},
		{"cluster/shop/rule/a/persist/none", `cluster "shop" rule "a" persist "none"`},
		{"cluster/tls/sni/*.example.com", `cluster "tls" sni "*.example.com"`},
	} {
		if got := at(t, c.short).String(); got != c.want {
			t.Errorf("ParsePath(%q) = %s, want %s", c.short, got, c.want)
		}
	}
	for _, bad := range []string{"", "polo/x", "pool", "pool/", "pool/a/rule/b", "pool/a/probe/http#0", "pool/a/probe/http#x", "engine/x"} {
		if p, err := ParsePath(bad); err == nil {
			t.Errorf("ParsePath(%q) = %v, want an error", bad, p)
		}
	}
}
