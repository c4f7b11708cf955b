// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"testing"
	"time"

	"evener/firmware/manage"
)

// stay checks that every visitor still comes to the member that it came to first.
func stay(t *testing.T, when string, visitors []*visitor, first []string) {
	t.Helper()
	strayed := 0
	for i, v := range visitors {
		if v.visit() != first[i] {
			strayed++
		}
	}
	if strayed > 0 {
		t.Errorf("%s: %d of %d clients came to another member", when, strayed, len(visitors))
	}
}

// spread lets every visitor come once and checks that they came to all members.
func spread(t *testing.T, visitors []*visitor, members int) (first []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, v := range visitors {
		name := v.visit()
		first = append(first, name)
		seen[name] = true
	}
	if len(seen) != members {
		t.Errorf("%d visitors came to members %v; want all %d", len(visitors), seen, members)
	}
	return first
}

func TestCookieSticksAcrossCommitRestartAndKill(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2", "web3")...)
	s.cluster = "  persist \"cookie\" {}\n"
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	var visitors []*visitor
	for range 30 {
		visitors = append(visitors, newVisitor(t, s.listen, ""))
	}
	first := spread(t, visitors, 3)
	for i, v := range visitors {
		if v.cookie == "" {
			t.Fatalf("visitor %d got no cookie", i)
		}
	}
	stay(t, "at once", visitors, first)
	s.cluster += "  rule \"a\" {\n    when = pathname(\"/a\")\n    pool = \"shop\"\n  }\n"
	b.commit(s.text())
	stay(t, "after a commit", visitors, first)
	b.must("restart", "engine")
	stay(t, "after a restart", visitors, first)
	b.killEngine()
	stay(t, "after a kill", visitors, first)
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b.run()
	b.await("the box serves", func() bool { return b.call("sys.info", nil, nil) == nil })
	stay(t, "after the box was off", visitors, first)
}

func TestSourceSticksAcrossCommitRestartAndKill(t *testing.T) {
	const clients = 60
	s := newSite(t, newOrigins(t, "web1", "web2", "web3")...)
	s.cluster = "  persist \"source\" { timeout = \"10m\" }\n"
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	var visitors []*visitor
	for i := range clients {
		visitors = append(visitors, newVisitor(t, s.listen, fmt.Sprintf("127.1.0.%d", i+1)))
	}
	first := spread(t, visitors, 3)
	stay(t, "at once", visitors, first)
	s.cluster += "  rule \"a\" {\n    when = pathname(\"/a\")\n    pool = \"shop\"\n  }\n"
	b.commit(s.text())
	stay(t, "after a commit", visitors, first)
	b.must("restart", "engine")
	if got := ask[manage.Sources](b, "persist.list", nil).Total; got != clients {
		t.Errorf("%d records after a restart, want %d", got, clients)
	}
	stay(t, "after a restart", visitors, first)

	// A kill loses what is younger than a second, or what a slow disk has not taken
	// yet, and nothing else.
	var late []*visitor
	for i := range clients {
		late = append(late, newVisitor(t, s.listen, fmt.Sprintf("127.1.1.%d", i+1)))
	}
	lateFirst := spread(t, late, 3)
	time.Sleep(4 * time.Second)
	b.killEngine()
	if got := ask[manage.Sources](b, "persist.list", nil).Total; got != 2*clients {
		t.Errorf("%d records after a kill, want %d", got, 2*clients)
	}
	stay(t, "after a kill", visitors, first)
	stay(t, "some seconds old when the engine was killed", late, lateFirst)
}

func TestQuiescedMemberKeepsItsPersistentClients(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	s.cluster = "  persist \"cookie\" {}\n"
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	v := newVisitor(t, s.listen, "")
	home := v.visit()
	b.must("server", "quiesce", "shop/"+home)
	stay(t, "of a quiesced member", []*visitor{v}, []string{home})
	for range 10 {
		if got := newVisitor(t, s.listen, "").visit(); got == home {
			t.Errorf("a new client came to %s, which is quiesced", home)
		}
	}
	b.must("server", "quiesce", "--ignore-sticky", "shop/"+home)
	if got := v.visit(); got == home {
		t.Errorf("a persistent client came to %s, which is quiesced for it too", home)
	}
}
