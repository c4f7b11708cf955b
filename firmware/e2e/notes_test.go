// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"strings"
	"testing"
)

// TestStatusTellsTheNextShift has everything that is no problem but must be known:
// states and weights set by hand, a crash, and a commit that was taken back by it.
func TestStatusTellsTheNextShift(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2", "web3", "web4")...)
	b := start(t, setup{config: confirmSite(s, 1)})
	b.usable("shop")
	if notes := b.info().Notes; len(notes) != 0 {
		t.Errorf("notes %q of a box that nobody has touched", notes)
	}
	b.must("server", "quiesce", "-m", "disk is loud", "shop/web1")
	b.must("server", "drain", "--deadline", "1h", "-m", "new board", "shop/web2")
	b.must("server", "disable", "shop/web3")
	b.must("server", "weight", "-m", "half the memory", "shop/web4", "10")
	b.candidate(confirmSite(s, 2))
	b.must("config", "commit", "--confirm", "1h")
	by := b.info().Author
	b.killEngine()
	b.await("web4 is up again", func() bool { return b.member("shop", "web4").Health == "up" })
	out := b.must("status")
	for _, want := range [][]string{
		{"note: shop/web1 is quiesced, since 20", "UTC by " + by + ": disk is loud"},
		{"note: shop/web2 is drained, and disabled at 20", ", since 20", "UTC by " + by + ": new board"},
		{"note: shop/web3 is disabled, since 20", "UTC by " + by},
		{"note: shop/web4 has weight 10 in place of the configured 100, since 20", "UTC by " + by + ": half the memory"},
		{"note: engine crashed once within the last hour, last at 20", "UTC: signal: killed"},
		{"note: revision 2 by " + by + " was taken back at 20", "the box restarted before the commit was confirmed", "evener config show 2"},
	} {
		if !slices.ContainsFunc(strings.Split(out, "\n"), func(line string) bool { return inOrder(line, want) }) {
			t.Errorf("status has no line with %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "ATTENTION") {
		t.Errorf("status takes a note for a problem:\n%s", out)
	}
	servers := b.must("show", "servers")
	for _, want := range []string{"  10 (100)  ", ": new board; drained: disabled at 20"} {
		if !strings.Contains(servers, want) {
			t.Errorf("show servers lacks %q:\n%s", want, servers)
		}
	}
	if o := b.cli("server", "drain", "shop/web3"); o.code != 4 || !strings.Contains(o.stderr, "nothing to drain") {
		t.Errorf("drain of a disabled member: exit code %d, %q; want 4 and why", o.code, o.stderr)
	}
	if got := b.member("shop", "web3").Admin; got != "disabled" {
		t.Errorf("web3 is %s after a drain that was refused, want disabled", got)
	}
	o := b.cli("config", "commit")
	if o.code != 3 || !strings.Contains(o.stderr, "revision 2 was taken back") || !strings.Contains(o.stderr, "evener config show 2") {
		t.Errorf("commit without a candidate: exit code %d, %q; want 3 and where the text is", o.code, o.stderr)
	}
	b.must("server", "disable", "--force", "shop/web4")
	servers = b.must("show", "servers")
	if !strings.Contains(servers, "used though quiesced: nobody else is left") {
		t.Errorf("show servers does not say that quiesced members are used:\n%s", servers)
	}
	b.candidate(confirmSite(s, 3))
	b.must("config", "commit")
	if out := b.must("status"); strings.Contains(out, "taken back") {
		t.Errorf("status after the next commit:\n%s", out)
	}
}

// inOrder reports whether line has all parts, one after the other.
func inOrder(line string, parts []string) bool {
	for _, p := range parts {
		_, after, ok := strings.Cut(line, p)
		if !ok {
			return false
		}
		line = after
	}
	return true
}
