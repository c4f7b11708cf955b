// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const mergeText = `# head

server "web1" { address = "192.0.2.11:80" } # beside one
server "web2" {
  # above
  address = "192.0.2.12:80"
}
server "web3" { address = "192.0.2.13:80" }

# the shop
pool "shop" {
  policy = "adaptive" # for now

  member "web1" {}
  # the second
  member "web2" { weight = 5 }
  member "web3" {
    weight    = 7
    hot_spare = true
  }

  probe "tcp" {}
}

pool "api" {
  member "web1" {}
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"

  # one
  rule "one" { when = path_prefix("/1") }

  # two
  rule "two" {
    when      = path_prefix("/2")
    responder = "text"
  }
  rule "three" { when = path_prefix("/3") }

  timeouts {
    connect = "3s"
  }
}

responder "text" {
  body = <<EOT
one
  two
EOT
}
# the end
`

func TestMergeTakesBothSides(t *testing.T) {
	for _, c := range []struct {
		name         string
		mine, theirs []string // old, new, ...
		want         []string // of mergeText
	}{
		{"two objects", []string{"weight = 5", "weight = 50"}, []string{`"192.0.2.13:80"`, `"192.0.2.99:80"`},
			[]string{"weight = 5", "weight = 50", `"192.0.2.13:80"`, `"192.0.2.99:80"`}},
		{"same change", []string{"weight = 5", "weight = 50"}, []string{"weight = 5", "weight = 50"}, []string{"weight = 5", "weight = 50"}},
		{"block and blocks within", []string{"adaptive", "random2"}, []string{"weight = 5", "weight = 50"},
			[]string{"adaptive", "random2", "weight = 5", "weight = 50"}},
		{"removed, and another changed", []string{"  # the second\n  member \"web2\" { weight = 5 }\n", ""}, []string{"= 7", "= 8"},
			[]string{"  # the second\n  member \"web2\" { weight = 5 }\n", "", "= 7", "= 8"}},
		{"comment of mine", []string{"# two\n", "# the old two\n"}, []string{"adaptive", "random2"},
			[]string{"# two\n", "# the old two\n", "adaptive", "random2"}},
		{"attribute added", []string{"connect = \"3s\"\n", "connect = \"3s\"\n    # short\n    queue = \"1s\"\n"}, []string{"  probe \"tcp\" {}\n", ""},
			[]string{"connect = \"3s\"\n", "connect = \"3s\"\n    # short\n    queue = \"1s\"\n", "  probe \"tcp\" {}\n", ""}},
	} {
		mine, theirs, want := []byte(edited(mergeText, c.mine)), []byte(edited(mergeText, c.theirs)), edited(mergeText, c.want)
		got, conflicts, bad := Merge([]byte(mergeText), mine, theirs, nil)
		if len(conflicts) > 0 || bad != nil || string(got) != want {
			t.Errorf("%s: conflicts %v, %v; merged:\n%s", c.name, conflicts, bad, changed(want, string(got)))
		}
	}
}

func edited(text string, pairs []string) string { return strings.NewReplacer(pairs...).Replace(text) }

func TestConflictsAreDecidedByChoice(t *testing.T) {
	mine := []byte(edited(mergeText, []string{"weight = 5", "weight = 50"}))
	theirs := []byte(edited(mergeText, []string{"weight = 5", "weight = 60"}))
	text, conflicts, bad := Merge([]byte(mergeText), mine, theirs, nil)
	if text != nil || bad != nil || len(conflicts) != 1 {
		t.Fatalf("Merge = %q, %v, %v, want one conflict", text, conflicts, bad)
	}
	c := conflicts[0]
	if c.Path != "pool/shop/member/web2" || c.Kind != ConflictChanged || !strings.Contains(c.Mine, "50") || !strings.Contains(c.Theirs, "60") ||
		!strings.HasPrefix(c.Base, "  # the second\n") {
		t.Errorf("the conflict is %+v", c)
	}
	for choice, want := range map[Choice]string{
		{Take: "mine"}:   "weight = 50",
		{Take: "theirs"}: "weight = 60",
		{Take: "text", Text: `  member "web2" { weight = 55 }`}: "weight = 55",
		{Take: "text"}: "",
	} {
		got, conflicts, bad := Merge([]byte(mergeText), mine, theirs, map[string]Choice{c.Path: choice})
		if bad != nil || len(conflicts) > 0 || want != "" && !strings.Contains(string(got), want) ||
			want == "" && strings.Contains(string(got), `member "web2"`) {
			t.Errorf("%v gives %v, %v:\n%s", choice, conflicts, bad, changed(mergeText, string(got)))
		}
	}
	for _, choice := range []Choice{{Take: "both"}, {"text", `member "web3" {}`}, {"text", "}"}} {
		if _, _, bad := Merge([]byte(mergeText), mine, theirs, map[string]Choice{c.Path: choice}); bad == nil {
			t.Errorf("the choice %v is taken", choice)
		}
	}
}

// flat lists what a text says: the attributes of each block, and the order of
// blocks of each type.
type flat struct {
	attrs map[string]string
	order map[string][]string
}

func flatten(t *testing.T, src []byte) flat {
	t.Helper()
	root, bad := Objects(src)
	if bad != nil {
		t.Fatalf("%v in:\n%s", bad, src)
	}
	f := flat{map[string]string{}, map[string][]string{}}
	var walk func(*Object)
	walk = func(o *Object) {
		for _, b := range o.Blocks {
			var words []string
			for _, name := range slices.Sorted(maps.Keys(b.Attrs)) {
				words = append(words, name+"="+b.Attrs[name])
			}
			f.attrs[b.Path.Short()] = strings.Join(words, ";") + "."
			list := o.Path.Short() + ">" + b.Step.Block
			f.order[list] = append(f.order[list], b.Path.Short())
			walk(b)
		}
	}
	walk(root)
	return f
}

func under(p string, in map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range in {
		if k == p || strings.HasPrefix(k, p+"/") {
			out[k] = v
		}
	}
	return out
}

// oracle merges values in a slow and obvious way. It returns the attributes of
// the blocks and the paths of the conflicts; a conflict about a whole block hides
// what is within.
func oracle(b, m, t flat) (map[string]string, []string) {
	out, conflicts := map[string]string{}, map[string]bool{}
	all := maps.Clone(b.attrs)
	maps.Copy(all, m.attrs)
	maps.Copy(all, t.attrs)
	hidden := func(p string) bool {
		for c := range conflicts {
			if strings.HasPrefix(c, "!") && strings.HasPrefix(p, c[1:]+"/") {
				return true
			}
		}
		return false
	}
	for _, p := range slices.Sorted(maps.Keys(all)) {
		if hidden(p) {
			continue
		}
		bs, ms, ts := under(p, b.attrs), under(p, m.attrs), under(p, t.attrs)
		sameOrder := func(x, y flat) bool {
			for k, v := range x.order {
				if strings.HasPrefix(k, p+">") || strings.HasPrefix(k, p+"/") {
					if !slices.Equal(v, y.order[k]) {
						return false
					}
				}
			}
			return true
		}
		equal := func(x, y map[string]string, fx, fy flat) bool { return maps.Equal(x, y) && sameOrder(fx, fy) }
		switch {
		case len(ms) == 0 && len(ts) == 0:
		case len(ms) == 0 && len(bs) == 0:
			out[p] = t.attrs[p]
		case len(ts) == 0 && len(bs) == 0:
			out[p] = m.attrs[p]
		case len(ms) == 0 && equal(ts, bs, t, b), len(ts) == 0 && equal(ms, bs, m, b):
		case len(ms) == 0 || len(ts) == 0, len(bs) == 0 && !equal(ms, ts, m, t):
			conflicts["!"+p] = true
		case m.attrs[p] == b.attrs[p]:
			out[p] = t.attrs[p]
		case t.attrs[p] == b.attrs[p], t.attrs[p] == m.attrs[p]:
			out[p] = m.attrs[p]
		default:
			conflicts[p] = true
		}
	}
	var paths []string
	for c := range conflicts {
		paths = append(paths, strings.TrimPrefix(c, "!"))
	}
	slices.Sort(paths)
	return out, paths
}

// randomEdits changes a text in a few random ways.
func randomEdits(t *testing.T, r *rand.Rand, src []byte, tag string) []byte {
	for range 1 + r.IntN(4) {
		root, bad := Objects(src)
		if bad != nil {
			t.Fatal(bad)
		}
		var all []*Object
		var walk func(*Object)
		walk = func(o *Object) {
			for _, b := range o.Blocks {
				all = append(all, b)
				walk(b)
			}
		}
		walk(root)
		o := all[r.IntN(len(all))]
		var out []byte
		switch r.IntN(6) {
		case 0:
			out, bad = RemoveBlock(src, o.Path)
		case 1:
			siblings := root.Find(o.Path[:len(o.Path)-1]).byType()[o.Step.Block]
			out, bad = MoveBlock(src, o.Path, &siblings[r.IntN(len(siblings))].Step)
		case 2:
			if o.Step.Label == "" {
				continue
			}
			label := fmt.Sprintf("%s%d", tag, r.IntN(3))
			out, bad = InsertBlock(src, o.Path[:len(o.Path)-1], &o.Step, fmt.Sprintf("# new by %s\n%s %q {}", tag, o.Step.Block, label))
			if root.Find(append(slices.Clone(o.Path[:len(o.Path)-1]), Step{Block: o.Step.Block, Label: label})) != nil {
				continue
			}
		default:
			for name := range o.Attrs {
				out, bad = Edit(src, o.Path, name, fmt.Sprintf("%q", fmt.Sprint(r.IntN(3))))
				break
			}
		}
		if out != nil && bad == nil {
			src = out
		}
	}
	return src
}

func TestMergeAgreesWithTheOracle(t *testing.T) {
	clean, clashed := 0, 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		base := []byte(mergeText)
		tags := []string{"x", "y"}
		if seed%3 == 0 {
			tags[1] = "x" // both may add the same
		}
		mine, theirs := randomEdits(t, r, base, tags[0]), randomEdits(t, r, base, tags[1])
		b, m, th := flatten(t, base), flatten(t, mine), flatten(t, theirs)
		want, paths := oracle(b, m, th)
		got, conflicts, bad := Merge(base, mine, theirs, nil)
		if bad != nil {
			t.Fatalf("seed %d: %v\nmine:\n%s\ntheirs:\n%s", seed, bad, mine, theirs)
		}
		var clash []string
		order := false
		for _, c := range conflicts {
			if c.Kind == ConflictOrder {
				order = true
				continue
			}
			clash = append(clash, c.Path)
		}
		slices.Sort(clash)
		if !slices.Equal(clash, paths) {
			t.Fatalf("seed %d: conflicts %v, want %v\nmine:\n%s\ntheirs:\n%s", seed, clash, paths, mine, theirs)
		}
		if len(clash) > 0 || order {
			clashed++
			continue
		}
		clean++
		f := flatten(t, got)
		if !maps.Equal(f.attrs, want) {
			t.Fatalf("seed %d: merged to:\n%s\nmine:\n%s\ntheirs:\n%s", seed, got, mine, theirs)
		}
		checkOrder(t, seed, b, m, th, f)
		checkComments(t, seed, mine, theirs, got)
	}
	if clean < 40 || clashed < 12 {
		t.Errorf("%d merges were clean and %d clashed: the edits are not random enough", clean, clashed)
	}
}

// checkOrder checks that two blocks which all sides have stand as on the side
// that has put them in another order.
func checkOrder(t *testing.T, seed uint64, b, m, th, got flat) {
	t.Helper()
	before := func(list []string, x, y string) int {
		i, j := slices.Index(list, x), slices.Index(list, y)
		if i < 0 || j < 0 {
			return 0
		}
		return j - i
	}
	for k, list := range got.order {
		for i, x := range list {
			for _, y := range list[i+1:] {
				was, my, their := before(b.order[k], x, y), before(m.order[k], x, y), before(th.order[k], x, y)
				if was == 0 || my == 0 || their == 0 {
					continue
				}
				if was > 0 && my < 0 && their < 0 || was < 0 && my < 0 && their < 0 || (my > 0) == (their > 0) && my < 0 {
					t.Fatalf("seed %d: %s and %s stand as on neither side", seed, x, y)
				}
			}
		}
	}
}

// checkComments checks that no comment is lost that both sides have.
func checkComments(t *testing.T, seed uint64, mine, theirs, got []byte) {
	t.Helper()
	left := comments(got)
	for _, c := range comments(mine) {
		if slices.Contains(comments(theirs), c) && !slices.Contains(left, c) && !strings.HasPrefix(c, "# new") {
			t.Fatalf("seed %d: the comment %q is lost:\n%s", seed, c, got)
		}
	}
}

func FuzzMerge(f *testing.F) {
	for i := range uint64(6) {
		r := rand.New(rand.NewPCG(i, 2))
		f.Add([]byte(mergeText), randomEdits(nil, r, []byte(mergeText), "x"), randomEdits(nil, r, []byte(mergeText), "y"))
	}
	f.Add([]byte(editText), []byte(editText), []byte(editText))
	f.Fuzz(func(t *testing.T, base, mine, theirs []byte) {
		text, conflicts, bad := Merge(base, mine, theirs, nil)
		if (text == nil) != (len(conflicts) > 0 || bad.HasErrors()) {
			t.Fatalf("text %q with conflicts %v and %v", text, conflicts, bad)
		}
		if text == nil {
			return
		}
		if _, bad := Objects(text); bad.HasErrors() {
			t.Fatalf("the merged text is broken: %v\n%s", bad, text)
		}
		if string(mine) == string(base) && string(text) != string(theirs) {
			t.Fatalf("nothing was changed by me, and theirs became %q", text)
		}
	})
}
