// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"slices"
)

// A Conflict is a block that both sides have changed, each in another way.
type Conflict struct {
	Path   string // as ParsePath reads it; of an order: the blocks' parent, a slash, their type
	Kind   string
	Base   string // text of the block before; "" if it was not there
	Mine   string // "" if it was removed
	Theirs string // likewise

	At Path // of the block, or of the parent of an order
}

// The kinds of conflicts.
const (
	ConflictChanged = "changed" // the block's own attributes
	ConflictRemoved = "removed" // on one side, and changed on the other
	ConflictAdded   = "added"   // on both sides, not the same
	ConflictOrder   = "order"   // of blocks of one type
)

// A Choice says which side of a conflict to take: "mine", "theirs", or "text"
// with the block's new text, where an empty one removes it.
type Choice struct{ Take, Text string }

// Merge applies what has changed from base to mine to theirs, block by block. A
// block's own attributes count as one thing, and so does the order of its blocks
// of one type: what has changed on one side is taken, what has changed on both in
// the same way is taken too, and all else is a conflict, which choices, by their
// paths, may decide. The text is nil while there is another conflict.
//
// The text is that of theirs as it stands, except where mine has changed
// something: comments and order of both survive, as far as they are inside or
// directly above a block.
func Merge(base, mine, theirs []byte, choices map[string]Choice) ([]byte, []Conflict, Diagnostics) {
	var roots [3]*Object
	for i, src := range [][]byte{base, mine, theirs} {
		var bad Diagnostics
		if roots[i], bad = Objects(src); bad.HasErrors() {
			return nil, nil, bad
		}
	}
	m := &merger{choices: choices}
	want := &Object{}
	text := m.both(want, roots[0], roots[1], roots[2])
	switch {
	case len(m.bad) > 0:
		return nil, nil, m.bad
	case len(m.conflicts) > 0:
		return nil, m.conflicts, nil
	}
	got, bad := Objects([]byte(text))
	if bad.HasErrors() || !got.Same(want) {
		return nil, nil, Diagnostics{{Msg: "the texts cannot be merged: " + inTheWay}}
	}
	return []byte(text), nil, nil
}

// A merger collects what could not be decided.
type merger struct {
	choices   map[string]Choice
	conflicts []Conflict
	bad       Diagnostics
}

// choose returns the choice for a conflict: theirs for one that is left open.
func (m *merger) choose(c Conflict) Choice {
	choice, ok := m.choices[c.Path]
	switch {
	case !ok:
		m.conflicts = append(m.conflicts, c)
	case choice.Take == "mine", choice.Take == "text" && c.Kind != ConflictOrder:
		return choice
	case choice.Take != "theirs":
		m.bad = append(m.bad, Diagnostic{Path: c.Path, Msg: fmt.Sprintf("a choice is mine, theirs or a text, not %q", choice.Take)})
	}
	return Choice{Take: "theirs"}
}

func conflict(kind string, at Path, base, mine, theirs *Object) Conflict {
	return Conflict{Path: at.Short(), Kind: kind, At: at, Base: base.text(), Mine: mine.text(), Theirs: theirs.text()}
}

func (o *Object) text() string {
	if o == nil {
		return ""
	}
	return o.Text
}

// child merges one block, which may be missing on any side. It returns the text
// of the lines that it takes, and what they must mean: nil if it is gone.
func (m *merger) child(base, mine, theirs *Object) (string, *Object) {
	byMe, byThem := !base.Same(mine), !base.Same(theirs)
	gone := mine == nil || theirs == nil
	switch {
	case mine.Same(theirs) && (base == nil || gone || base.Text != theirs.Text):
		return theirs.text(), theirs
	case !byThem && (gone || base.Text == theirs.Text):
		return mine.text(), mine
	case !byMe && (gone || base.Text == mine.Text):
		return theirs.text(), theirs
	case gone:
		return m.whole(ConflictRemoved, base, mine, theirs)
	case base == nil:
		return m.whole(ConflictAdded, base, mine, theirs)
	}
	want := &Object{Step: theirs.Step, Path: theirs.Path}
	if choice := m.choices[theirs.Path.Short()]; choice.Take == "text" && m.shellConflict(base, mine, theirs) {
		return m.given(theirs.Path, choice.Text)
	}
	return m.both(want, base, mine, theirs), want
}

// whole decides between two blocks as wholes.
func (m *merger) whole(kind string, base, mine, theirs *Object) (string, *Object) {
	one := theirs
	if one == nil {
		one = mine
	}
	switch c := m.choose(conflict(kind, one.Path, base, mine, theirs)); c.Take {
	case "mine":
		return mine.text(), mine
	case "text":
		return m.given(one.Path, c.Text)
	}
	return theirs.text(), theirs
}

// given takes a text that a person has written for the block at path.
func (m *merger) given(path Path, text string) (string, *Object) {
	if text == "" {
		return "", nil
	}
	root, bad := Objects([]byte(text))
	step := path[len(path)-1]
	step.Index = 0
	if bad == nil && (len(root.Blocks) != 1 || len(root.Attrs) != 0 || root.Blocks[0].Step != step) {
		bad = Diagnostics{{Msg: fmt.Sprintf("the text must be the one block %s", Path{step})}}
	}
	if bad != nil {
		m.bad = append(m.bad, Diagnostic{Path: path.Short(), Msg: bad[0].Msg})
		return "", nil
	}
	one := root.Blocks[0]
	one.Step = path[len(path)-1]
	return ended(text), one
}

// ended returns text with a line end.
func ended(text string) string {
	if text != "" && text[len(text)-1] != '\n' {
		text += "\n"
	}
	return text
}

// shellConflict reports whether both sides have changed a block's own attributes,
// and not in the same way.
func (m *merger) shellConflict(base, mine, theirs *Object) bool {
	return !maps.Equal(base.Attrs, mine.Attrs) && !maps.Equal(base.Attrs, theirs.Attrs) && !maps.Equal(mine.Attrs, theirs.Attrs)
}

// both merges a block that all sides have, or the whole text, and fills in what
// the result must mean.
func (m *merger) both(want, base, mine, theirs *Object) string {
	from := theirs // whose attributes are taken
	switch {
	case maps.Equal(base.Attrs, theirs.Attrs):
		from = mine
	case m.shellConflict(base, mine, theirs):
		if m.choose(conflict(ConflictChanged, theirs.Path, base, mine, theirs)).Take == "mine" {
			from = mine
		}
	}
	want.Attrs = from.Attrs
	p := &patch{of: theirs, attrs: from, texts: make(map[Step]string), order: make(map[string][]Step)}
	for _, kind := range types(theirs, mine) {
		steps := m.kind(want, p, kind, [3][]*Object{base.byType()[kind], mine.byType()[kind], theirs.byType()[kind]})
		p.order[kind] = m.ordered(theirs.Path, kind, steps, base, mine, theirs)
		sortBlocks(want, kind, p.order[kind])
	}
	return p.render()
}

// kind merges the blocks of one type and returns those that are left.
func (m *merger) kind(want *Object, p *patch, kind string, sides [3][]*Object) map[Step]bool {
	at := [3]map[Step]int{places(sides[0]), places(sides[1]), places(sides[2])}
	get := func(side int, s Step) *Object {
		if i, ok := at[side][s]; ok {
			return sides[side][i]
		}
		return nil
	}
	left := make(map[Step]bool)
	decided := make(map[Step]int) // by type and label: the side that has all of several alike
	for _, s := range union(sides[2], sides[1]) {
		text, object := "", (*Object)(nil)
		if side, several := m.alike(decided, s, sides); several {
			object = get(side, s)
			text = object.text()
		} else {
			text, object = m.child(get(0, s), get(1, s), get(2, s))
		}
		p.texts[s] = ended(text)
		if object != nil {
			left[s] = true
			object.Step = s
			want.Blocks = append(want.Blocks, object)
		}
	}
	return left
}

// union returns the steps of a and those that only b has.
func union(a, b []*Object) []Step {
	var out []Step
	seen := make(map[Step]bool)
	for _, o := range slices.Concat(a, b) {
		if !seen[o.Step] {
			seen[o.Step] = true
			out = append(out, o.Step)
		}
	}
	return out
}

// alike decides about several blocks with the same type and label, which only
// their order tells apart: they are taken together from one side.
func (m *merger) alike(decided map[Step]int, s Step, sides [3][]*Object) (side int, several bool) {
	s.Index = 0
	if side, ok := decided[s]; ok {
		return side, side >= 0
	}
	var lists [3][]*Object
	for i, list := range sides {
		for _, o := range list {
			if o.Step.Block == s.Block && o.Step.Label == s.Label {
				lists[i] = append(lists[i], o)
			}
		}
		several = several || len(lists[i]) > 1
	}
	side = -1
	if several {
		side = m.side(s, lists)
	}
	decided[s] = side
	return side, several
}

// side decides which side's list of blocks alike is taken.
func (m *merger) side(s Step, lists [3][]*Object) int {
	same := func(a, b int) bool { return slices.EqualFunc(lists[a], lists[b], (*Object).Same) }
	switch {
	case same(1, 2), same(0, 1):
		return 2
	case same(0, 2):
		return 1
	}
	var c Conflict
	for i, list := range lists {
		text := ""
		for _, o := range list {
			text += ended(o.Text)
		}
		*[]*string{&c.Base, &c.Mine, &c.Theirs}[i] = text
		if len(list) > 0 {
			c.At = slices.Clone(list[0].Path)
		}
	}
	c.At[len(c.At)-1].Index = 0
	c.Kind, c.Path = ConflictChanged, c.At.Short()
	switch choice := m.choose(c); choice.Take {
	case "mine":
		return 1
	case "text":
		m.bad = append(m.bad, Diagnostic{Path: c.Path, Msg: "there are several of this type and label: take mine or theirs"})
	}
	return 2
}
