// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
)

// ordered returns the order of the blocks of one type that are left.
func (m *merger) ordered(parent Path, kind string, left map[Step]bool, base, mine, theirs *Object) []Step {
	b, y, t := steps(base.byType()[kind]), steps(mine.byType()[kind]), steps(theirs.byType()[kind])
	common := func(x, y []Step) []Step { return only(x, set(y)) }
	byMe := !slices.Equal(common(b, y), common(y, b))
	byThem := !slices.Equal(common(b, t), common(t, b))
	first, second := t, y
	switch {
	case byMe && !byThem:
		first, second = y, t
	case byMe && byThem && !slices.Equal(common(y, t), common(t, y)):
		c := Conflict{Path: strings.TrimPrefix(parent.Short()+"/"+kind, "/"), Kind: ConflictOrder, At: parent,
			Base: names(b), Mine: names(y), Theirs: names(t)}
		if m.choose(c).Take == "mine" {
			first, second = y, t
		}
	}
	return woven(only(first, left), only(second, left))
}

// woven returns first with what only second has put in: each before the block
// that it stands before in second, or at the end.
func woven(first, second []Step) []Step {
	out := slices.Clone(first)
	have := set(first)
	for i := len(second) - 1; i >= 0; i-- {
		if have[second[i]] {
			continue
		}
		at := len(out)
		if i+1 < len(second) {
			at = slices.Index(out, second[i+1])
		}
		out = slices.Insert(out, at, second[i])
	}
	return out
}

func steps(list []*Object) []Step {
	out := make([]Step, len(list))
	for i, o := range list {
		out[i] = o.Step
	}
	return out
}

func set(list []Step) map[Step]bool {
	out := make(map[Step]bool, len(list))
	for _, s := range list {
		out[s] = true
	}
	return out
}

// only returns those of list that are in keep.
func only(list []Step, keep map[Step]bool) []Step {
	var out []Step
	for _, s := range list {
		if keep[s] {
			out = append(out, s)
		}
	}
	return out
}

// names lists blocks for people.
func names(list []Step) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = Path{s}.words()
	}
	return strings.Join(out, ", ")
}

// sortBlocks puts the blocks of one type, the last that were added to want, into
// the order.
func sortBlocks(want *Object, kind string, order []Step) {
	n := len(want.Blocks) - len(order)
	at := make(map[Step]int, len(order))
	for i, s := range order {
		at[s] = i
	}
	slices.SortFunc(want.Blocks[n:], func(a, b *Object) int { return at[a.Step] - at[b.Step] })
	count := make(map[Step]int) // blocks alike are numbered by their place
	for i, o := range want.Blocks[n:] {
		s := o.Step
		s.Index = 0
		o2 := *o
		o2.Step.Index = count[s]
		count[s]++
		want.Blocks[n+i] = &o2
	}
}
