// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const shareText = `# the left box

# who it is
node { name = "left" } # not right

# loose

# the shop
pool "shop" {
  queue = 5 # small
} /* over
lines */
system { host_name = "lb1" }


responder "sorry" {
  body = <<END
node { name = "text" }
END
}

console {
  listen = []
}
# the end
`

func TestSplitSharedKeepsCommentsAndOrder(t *testing.T) {
	const wantShared = `
# loose

# the shop
pool "shop" {
  queue = 5 # small
} /* over
lines */


responder "sorry" {
  body = <<END
node { name = "text" }
END
}
# the end
`
	const wantLocal = `# the left box

# who it is
node { name = "left" } # not right
system { host_name = "lb1" }

console {
  listen = []
}
`
	shared, local, err := SplitShared([]byte(shareText))
	if err != nil || string(shared) != wantShared || string(local) != wantLocal {
		t.Errorf("SplitShared = %v\nshared:\n%s\nlocal:\n%s", err, shared, local)
	}
	if got := string(JoinShared(shared, local)); got != wantLocal+wantShared {
		t.Errorf("JoinShared = %s", got)
	}
}

func TestSplitSharedAtTheEdges(t *testing.T) {
	for _, c := range []struct{ text, shared, local, joined string }{
		{"", "", "", ""},
		{"# alone", "# alone", "", "# alone"},
		{"node {}", "", "node {}", "node {}\n"},
		{"pool \"a\" {}\nnode {}", "pool \"a\" {}\n", "node {}", "node {}\npool \"a\" {}\n"},
		{"\uFEFFpool \"a\" {}\r\nnode {}\r\n", "pool \"a\" {}\r\n", "node {}\r\n", "node {}\r\npool \"a\" {}\r\n"},
		{"unknown {}\npanel {}\n", "unknown {}\n", "panel {}\n", "panel {}\nunknown {}\n"},
	} {
		shared, local, err := SplitShared([]byte(c.text))
		if err != nil || string(shared) != c.shared || string(local) != c.local {
			t.Errorf("SplitShared(%q) = %q, %q, %v, want %q, %q", c.text, shared, local, err, c.shared, c.local)
		}
		if got := JoinShared(shared, local); string(got) != c.joined {
			t.Errorf("JoinShared of %q = %q, want %q", c.text, got, c.joined)
		}
	}
	if _, _, err := SplitShared([]byte("node {")); err == nil {
		t.Error("a text that cannot be read is split")
	}
}

// A peer must not be able to set what is this box's own.
func TestJoinSharedTakesNoLocalBlockOfAPeer(t *testing.T) {
	got := string(JoinShared([]byte("console { listen = [\"0.0.0.0:443\"] }\npool \"a\" {}\n"), []byte("node {}\npool \"b\" {}\n")))
	if got != "node {}\npool \"a\" {}\n" {
		t.Errorf("JoinShared = %q, want the peer's pool and this box's node alone", got)
	}
	if _, diags := Parse("x", JoinShared([]byte("pool \"a\" {\n"), []byte("node {}\n"))); !diags.HasErrors() {
		t.Error("a shared text that cannot be read is taken")
	}
}

// FuzzSplitShared joins what it split: nothing is lost, the values are the same,
// and the parts come out again.
func FuzzSplitShared(f *testing.F) {
	f.Add([]byte(shareText), []byte(pairText))
	f.Add([]byte("node {} /* a\n b */\npool \"x\" {}"), []byte("node {}"))
	f.Add([]byte("/* a\n */ pool \"x\" {}\nnode {}\n/* b\n*/"), []byte("console {}\n# c"))
	for _, file := range append(cases(f, "testdata/*.hcl"), cases(f, "../../examples/*.hcl")...) {
		f.Add(read(f, file), read(f, file))
	}
	f.Fuzz(func(t *testing.T, text, other []byte) {
		shared, local, err := SplitShared(text)
		if err != nil {
			return
		}
		joined := JoinShared(shared, local)
		if s, l, err := SplitShared(joined); err != nil || !bytes.Equal(s, shared) || string(l) != ended(string(local)) {
			t.Fatalf("the joined text\n%q\nsplits into %q and %q, %v, want %q and %q", joined, s, l, err, shared, local)
		}
		sameComments(t, text, joined)
		before, bad := Parse("x", text)
		if after, diags := Parse("x", joined); (after == nil) != (before == nil) || len(diags) != len(bad) {
			t.Fatalf("Parse of the joined text: %v, was %v", diags, bad)
		} else if after != nil && !equal(before, after) {
			t.Fatalf("the joined text means something else:\n%s", joined)
		}
		_, own, err := SplitShared(other)
		if err != nil {
			return
		}
		if s, _, err := SplitShared(JoinShared(shared, own)); err != nil || !bytes.Equal(s, shared) {
			t.Fatalf("with the blocks of another box the shared part is %q, %v, want %q", s, err, shared)
		}
	})
}

func TestDifferencesOfSharedTextsAreToldByBlock(t *testing.T) {
	const base = "pool \"a\" {\n  queue = 1\n  idle = 1\n}\n\npool \"b\" {}\n\npool \"gone\" {}\n\nserver \"s\" { address = \"192.0.2.1:80\" }\n"
	mine := strings.Replace(strings.Replace(base, "queue = 1", "queue = 2", 1), "pool \"gone\" {}\n\n", "", 1) + "pool \"new\" {}\n"
	theirs := strings.Replace(strings.Replace(base, "queue = 1", "queue = 3", 1), "pool \"b\" {}", "pool \"b\" { queue = 7 }", 1)
	said := func(base, mine, theirs string) string {
		var from []byte
		if base != "" {
			from = []byte(base)
		}
		got, err := SharedDifferences(from, []byte(mine), []byte(theirs))
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, d := range got {
			out += fmt.Sprintf("%s|%s|%s|%s|%v|%s\n", d.Path, d.Block, d.Name, d.Who, d.Conflict, d.Text)
		}
		return out
	}
	const want = `pool/a|pool|a|both|true|pool a: queue 3 -> 2
pool/b|pool|b|theirs|false|pool b: queue 7 -> 1024
pool/new|pool|new|mine|false|pool new: added
pool/gone|pool|gone|mine|false|pool gone: removed
`
	if got := said(base, mine, theirs); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := said(base, mine, mine); got != "" {
		t.Errorf("equal texts differ: %s", got)
	}
	if got := said("", "pool \"a\" { queue = 1 }\n", "pool \"a\" {}\n"); got != "pool/a|pool|a|both|true|pool a: queue 1024 -> 1\n" {
		t.Errorf("without a text that both had: %s", got)
	}
	if got := said(base, base+"# my word\n", base); got != "|||mine|false|comments, or the form of the text\n" {
		t.Errorf("a comment: %s", got)
	}
	if got := said(base, "pool \"b\" {}\npool \"a\" {}\n", "pool \"a\" {}\npool \"b\" {}\n"); !strings.Contains(got, "moved from place") {
		t.Errorf("an order: %s", got)
	}
	if _, err := SharedDifferences(nil, []byte("pool {"), nil); err == nil || !strings.Contains(err.Error(), "this box") {
		t.Errorf("a text that cannot be read: %v", err)
	}
}

func TestMergeSharedTakesWhatWasChosen(t *testing.T) {
	const base = "# a\npool \"a\" { queue = 1 }\n\n# b\npool \"b\" { queue = 1 }\n\npool \"c\" { queue = 1 }\n"
	mine := strings.Replace(base, "\"a\" { queue = 1", "\"a\" { queue = 2", 1) + "\npool \"m\" {}\n"
	theirs := strings.NewReplacer("\"a\" { queue = 1", "\"a\" { queue = 3", "\"b\" { queue = 1", "\"b\" { queue = 3", "\npool \"c\" { queue = 1 }\n", "").Replace(base)

	text, conflicts, err := MergeShared([]byte(base), []byte(mine), []byte(theirs), nil)
	if err != nil || text != nil || len(conflicts) != 1 || conflicts[0].Path != "pool/a" {
		t.Fatalf("without a choice: %q, %v, %v, want a conflict about pool a", text, conflicts, err)
	}
	for _, c := range []struct {
		choices map[string]string
		want    string
	}{
		{map[string]string{"pool/a": "mine"}, "a=2 b=3 m=1024"},
		{map[string]string{"pool/a": "theirs"}, "a=3 b=3 m=1024"},
		{map[string]string{"pool/a": "theirs", "pool/b": "mine", "pool/c": "mine", "pool/m": "theirs"}, "a=3 b=1 c=1"},
	} {
		text, conflicts, err := MergeShared([]byte(base), []byte(mine), []byte(theirs), c.choices)
		if err != nil || len(conflicts) > 0 {
			t.Errorf("%v: %v, %v", c.choices, conflicts, err)
			continue
		}
		if got := queues(t, text); got != c.want {
			t.Errorf("%v gives %s, want %s:\n%s", c.choices, got, c.want, text)
		}
		if !strings.Contains(string(text), "# b\npool \"b\"") {
			t.Errorf("%v: the comment of pool b is lost:\n%s", c.choices, text)
		}
	}
	for short, want := range map[string]string{"console": "no shared block", "pool/a/member/x": "no shared block", "pol/a": "no block", "pool/zzz": "on either side"} {
		if _, _, err := MergeShared([]byte(base), []byte(mine), []byte(theirs), map[string]string{short: "mine"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a choice for %s: %v, want %q", short, err, want)
		}
	}
	if _, _, err := MergeShared(nil, nil, nil, map[string]string{"pool/a": "all"}); err == nil || !strings.Contains(err.Error(), "mine or theirs") {
		t.Errorf("a wrong choice: %v", err)
	}
}

// Two boxes that never agreed must be able to, by choices alone.
func TestMergeSharedWithoutABase(t *testing.T) {
	mine, theirs := []byte("pool \"a\" { queue = 1 }\n\npool \"m\" {}\n"), []byte("pool \"a\" { queue = 2 }\npool \"t\" {}\n")
	text, conflicts, err := MergeShared(nil, mine, theirs, map[string]string{"pool/a": "mine", "pool/m": "theirs"})
	if err != nil || len(conflicts) > 0 || queues(t, text) != "a=1 t=1024" {
		t.Errorf("MergeShared = %q, %v, %v", text, conflicts, err)
	}
}

func queues(t *testing.T, text []byte) string {
	t.Helper()
	var out []string
	for _, p := range mustParse(t, text).Pools {
		out = append(out, fmt.Sprintf("%s=%d", p.Name, p.Queue))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestManualListsTheLocalBlocks(t *testing.T) {
	_, list := sections(t, "ha.md")
	i := slices.IndexFunc(list, func(s section) bool { return s.title == "Shared and local blocks" })
	if i < 0 {
		t.Fatal("ha.md has no such section")
	}
	table, rest, _ := strings.Cut(list[i].text, "All other blocks are shared:")
	for _, b := range blocksIn("") {
		if got := strings.Contains(table, "| `"+b.Name+"` |"); got != IsLocal(b.Name) {
			t.Errorf("ha.md lists %s as local: %v, want %v", b.Name, got, IsLocal(b.Name))
		}
		if got := strings.Contains(rest, "`"+b.Name+"`"); got == IsLocal(b.Name) {
			t.Errorf("ha.md lists %s as shared: %v, want %v", b.Name, got, !IsLocal(b.Name))
		}
	}
	if len(LocalBlocks()) == 0 || IsLocal("pool") || IsLocal("nonsense") || IsLocal("peer") {
		t.Errorf("LocalBlocks() = %q; pool, nonsense and peer are none", LocalBlocks())
	}
}
