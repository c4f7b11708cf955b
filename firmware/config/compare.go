// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Change is one thing that differs between two texts.
type Change struct {
	Path   string `json:"path"`           // of the block, as ParsePath reads it
	Kind   string `json:"kind"`           // added, removed, changed or moved
	Attr   string `json:"attr,omitempty"` // of a block that has changed
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Text   string `json:"text"` // the same as an English sentence

	At Path `json:"-"`
}

// The kinds of changes. Before and After of one that moved are its places among
// its siblings, from 1; of one that was added or removed they are empty.
const (
	ChangeAdded   = "added"
	ChangeRemoved = "removed"
	ChangeChanged = "changed"
	ChangeMoved   = "moved"
)

// hidden stands for a value that is not to be shown.
const hidden = "(hidden)"

// Compare tells what changes from one text to another, block by block, in the
// order of the new text. A default that is written out changes nothing.
func Compare(before, after *Object) []Change {
	var c comparer
	c.blocks(before, after, "", "")
	return c.out
}

type comparer struct{ out []Change }

// blocks compares what stands in two blocks; sel is the value of their By.
func (c *comparer) blocks(before, after *Object, selBefore, selAfter string) {
	for _, kind := range types(after, before) {
		old, now := before.byType()[kind], after.byType()[kind]
		was, is := places(old), places(now)
		for _, o := range now {
			if i, ok := was[o.Step]; ok {
				c.block(old[i], o, selBefore, selAfter)
			} else {
				c.add(o.Path, ChangeAdded, "", "", "")
			}
		}
		for _, o := range old {
			if _, ok := is[o.Step]; !ok {
				c.add(o.Path, ChangeRemoved, "", "", "")
			}
		}
		c.moves(was, now)
	}
}

// places returns where each object stands in the list.
func places(list []*Object) map[Step]int {
	out := make(map[Step]int, len(list))
	for i, o := range list {
		out[o.Step] = i
	}
	return out
}

// block compares two blocks with the same path.
func (c *comparer) block(before, after *Object, outerBefore, outerAfter string) {
	b := after.schema()
	selBefore, selAfter := before.selector(b, outerBefore), after.selector(b, outerAfter)
	names := slices.Sorted(maps.Keys(before.Attrs))
	for name := range after.Attrs {
		if _, ok := before.Attrs[name]; !ok {
			names = append(names, name)
		}
	}
	if b != nil { // in the order of the table
		slices.SortStableFunc(names, func(x, y string) int { return b.position(x) - b.position(y) })
	}
	for _, name := range names {
		x, y := before.shown(b, name, selBefore), after.shown(b, name, selAfter)
		switch {
		case x == y:
		case secret(name):
			c.add(after.Path, ChangeChanged, name, hiding(x), hiding(y))
		default:
			c.add(after.Path, ChangeChanged, name, x, y)
		}
	}
	c.blocks(before, after, selBefore, selAfter)
}

// secret reports whether values of the keyword are not to be shown.
func secret(keyword string) bool {
	return slices.Contains([]string{"token", "password", "secret", "key", "pin"}, keyword)
}

func hiding(value string) string {
	if value == "" {
		return ""
	}
	return hidden
}

// moves reports the blocks of one type that stand elsewhere among those that
// both texts have: the fewest whose move explains the new order.
func (c *comparer) moves(was map[Step]int, now []*Object) {
	var from, to []int
	for i, o := range now {
		if n, ok := was[o.Step]; ok {
			from, to = append(from, n), append(to, i)
		}
	}
	stays := rising(from)
	for i, n := range to {
		if !stays[i] {
			c.add(now[n].Path, ChangeMoved, "", strconv.Itoa(from[i]+1), strconv.Itoa(n+1))
		}
	}
}

// rising marks a longest rising sequence among different numbers.
func rising(nums []int) []bool {
	var tails []int // index of the smallest number that ends a sequence of each length
	prev := make([]int, len(nums))
	for i, n := range nums {
		at, _ := slices.BinarySearchFunc(tails, n, func(t, n int) int { return nums[t] - n })
		if prev[i] = -1; at > 0 {
			prev[i] = tails[at-1]
		}
		if at == len(tails) {
			tails = append(tails, i)
		} else {
			tails[at] = i
		}
	}
	in := make([]bool, len(nums))
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = prev[i] {
			in[i] = true
		}
	}
	return in
}

// add notes a change and words it.
func (c *comparer) add(at Path, kind, attr, before, after string) {
	x := Change{Path: at.Short(), Kind: kind, Attr: attr, Before: before, After: after, At: at}
	head, rest := at[:1].words(), at[1:].words()
	what := kind
	switch kind {
	case ChangeMoved:
		what = fmt.Sprintf("moved from place %s to %s", before, after)
	case ChangeChanged:
		switch {
		case before == "":
			what = fmt.Sprintf("%s set to %s", attr, after)
		case after == "":
			what = fmt.Sprintf("%s %s removed", attr, before)
		default:
			what = fmt.Sprintf("%s %s -> %s", attr, before, after)
		}
	}
	x.Text = head + ": " + strings.TrimSpace(rest+" "+what)
	c.out = append(c.out, x)
}

// words returns p as people say it: pool shop member web1.
func (p Path) words() string {
	var out []string
	for _, s := range p {
		w := strings.TrimSpace(s.Block + " " + strings.ReplaceAll(s.Label, labelGap, " "))
		if s.Index > 0 {
			w += fmt.Sprintf(" #%d", s.Index+1)
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

// schema returns what the table says of the block, or nil.
func (o *Object) schema() *Block {
	if len(o.Path) == 0 {
		return nil
	}
	return blockIn(o.Path.ends())
}

// selector returns the value of the block's By, as far as it can be told.
func (o *Object) selector(b *Block, outer string) string {
	switch {
	case b == nil || b.By == "":
		return ""
	case b.By == b.Label:
		first, _, _ := strings.Cut(o.Step.Label, labelGap)
		return first
	case b.keyword(b.By) == nil:
		return outer
	case o.Attrs[b.By] != "":
		return strings.Trim(o.Attrs[b.By], `"`)
	}
	return b.keyword(b.By).Default
}

// shown returns an attribute's value as it is shown: the default where it is not
// given, and without quotes where it is one text.
func (o *Object) shown(b *Block, name, sel string) string {
	v := o.Attrs[name]
	var k *Keyword
	if b != nil {
		k = b.keyword(name)
	}
	if k == nil {
		return v
	}
	if v == "" {
		return k.defaultFor(sel)
	}
	if k.Kind.quoted() && len(v) >= 2 && v[0] == '"' && !strings.ContainsAny(v[1:len(v)-1], `"\`) {
		return v[1 : len(v)-1]
	}
	return v
}

// position returns where the keyword stands in the table.
func (b *Block) position(name string) int {
	for i := range b.Keywords {
		if b.Keywords[i].Name == name {
			return i
		}
	}
	return len(b.Keywords)
}
