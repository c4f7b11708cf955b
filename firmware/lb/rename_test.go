// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"strings"
	"testing"
	"time"
)

const renameText = `
server "a" { address = "127.0.0.1:1" }
server "b" { address = "127.0.0.1:2" }
server "c" { address = "127.0.0.1:3" }
pool "p" {
  member "a" {}
  member "b" {}
  member "c" {}
}
pool "q" {
  member "a" {}
}
`

// orders tells what operators have ordered, by pool and member.
func orders(b *Balancer) string {
	var out []string
	for _, p := range b.Pools() {
		for _, m := range p.Members {
			text := p.Name + "/" + m.Name + " " + m.Admin.String()
			if m.Hand != nil {
				text += " weighed"
			}
			if m.Admin.String() != "enabled" || m.Hand != nil {
				out = append(out, text)
			}
		}
	}
	return strings.Join(out, ", ")
}

// What was ordered of a member holds under its new name, and after going back, and
// after a restart. What is no rename loses nothing and moves nothing.
func TestRenameMovesOrders(t *testing.T) {
	for _, test := range []struct {
		name    string
		replace []string
		want    string
	}{
		{"nothing", nil, "p/a quiesced, p/b enabled weighed, q/a disabled"},
		{"pool", []string{`pool "p"`, `pool "x"`}, "x/a quiesced, x/b enabled weighed, q/a disabled"},
		{"server", []string{`"a"`, `"x"`}, "p/x quiesced, p/b enabled weighed, q/x disabled"},
		{"both", []string{`pool "p"`, `pool "x"`, `"b"`, `"y"`}, "x/a quiesced, x/y enabled weighed, q/a disabled"},
		{"pool, and a member added", []string{`pool "p" {`, "pool \"x\" {\n  member \"d\" {}", `server "c"`, "server \"d\" { address = \"127.0.0.1:4\" }\nserver \"c\""},
			"x/a quiesced, x/b enabled weighed, q/a disabled"},
		{"another server of that name", []string{`"127.0.0.1:1"`, `"127.0.0.1:9"`, `"a"`, `"z"`}, "p/b enabled weighed"},
		{"another pool", []string{`pool "p" {`, "pool \"x\" {\n member \"a\" {}\n}\npool \"y\" {"}, "y/a quiesced, y/b enabled weighed, q/a disabled"},
		{"two that could be it", []string{`pool "p" {`, "pool \"x\" {\n member \"a\" {}\n member \"b\" {}\n member \"c\" {}\n}\npool \"y\" {"}, "q/a disabled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var kept shelf
			b := newRunning(t, Config{Loops: 1, State: &kept})
			serve := func(b *Balancer, n uint64, text string) {
				t.Helper()
				if err := serveText(t, b, n, text); err != nil {
					t.Fatal(err)
				}
			}
			serve(b, 1, renameText)
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(b.DrainMember("p", "a", true, time.Now().Add(time.Hour), Order{}))
			must(b.SetWeight("p", "b", 7, Order{}))
			must(b.Disable("q", "a", Order{Force: true}))
			const before = "p/a quiesced, p/b enabled weighed, q/a disabled"
			renamed := strings.NewReplacer(test.replace...).Replace(renameText)
			serve(b, 2, renamed)
			if got := orders(b); got != test.want {
				t.Errorf("after the commit: %s, want %s", got, test.want)
			}
			again := newRunning(t, Config{Loops: 1, State: &kept})
			serve(again, 2, renamed)
			if got := orders(again); got != test.want {
				t.Errorf("after a restart: %s, want %s", got, test.want)
			}
			serve(b, 3, renameText)
			if got := orders(b); strings.Count(test.want, ",") == 2 && got != before {
				t.Errorf("after going back: %s, want %s", got, before)
			}
		})
	}
}
