// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A SharedDifference is one block at the top of two shared texts that is not the
// same in both.
type SharedDifference struct {
	Path     string   // as ParsePath reads it; empty: no block, see Text
	Block    string   // such as "pool"; empty: comments and the form of the text
	Name     string   // its label
	Who      string   // who has changed it since both were the same: SharedMine, SharedTheirs or SharedBoth
	Changes  []Change // that lead from theirs to mine
	Text     string   // the same in words
	Conflict bool     // both have changed the same thing: somebody must choose
}

// Who has changed a block.
const (
	SharedMine   = "mine"
	SharedTheirs = "theirs"
	SharedBoth   = "both" // also where it is not known
)

// SharedDifferences compares two shared texts block by block. Base is the text on
// which both agreed last; nil: they never did. Blocks are in the order of mine,
// then those that only theirs has.
func SharedDifferences(base, mine, theirs []byte) ([]SharedDifference, error) {
	var roots [3]*Object
	for i, src := range [][]byte{base, mine, theirs} {
		var bad Diagnostics
		if roots[i], bad = Objects(src); bad.HasErrors() {
			return nil, fmt.Errorf("%s: %w", [3]string{"the text that both had", "the text of this box", "the text of the peer"}[i], bad)
		}
	}
	_, conflicts, _ := Merge(base, mine, theirs, nil)
	at := make(map[Step]bool)
	for _, c := range conflicts {
		if len(c.At) > 0 {
			at[c.At[0]] = true
		}
	}
	changes := make(map[Step][]Change)
	for _, x := range Compare(roots[2], roots[1]) {
		changes[x.At[0]] = append(changes[x.At[0]], x)
	}
	b, m, t := tops(roots[0]), tops(roots[1]), tops(roots[2])
	var out []SharedDifference
	for _, s := range union(roots[1].Blocks, roots[2].Blocks) {
		moved := changes[s]
		if m[s].Same(t[s]) && len(moved) == 0 {
			continue
		}
		d := SharedDifference{Path: Path{s}.Short(), Block: s.Block, Name: strings.ReplaceAll(s.Label, labelGap, " "), Who: who(base, b[s], m[s], t[s]),
			Changes: moved, Conflict: at[s]}
		words := make([]string, len(moved))
		for i, x := range moved {
			words[i] = x.Text
		}
		d.Text = strings.Join(words, "; ")
		out = append(out, d)
	}
	if len(out) == 0 && !bytes.Equal(mine, theirs) {
		out = append(out, SharedDifference{Who: whoText(base, mine, theirs), Text: "comments, or the form of the text"})
	}
	return out, nil
}

// tops returns the blocks at the top.
func tops(root *Object) map[Step]*Object {
	out := make(map[Step]*Object, len(root.Blocks))
	for _, o := range root.Blocks {
		out[o.Step] = o
	}
	return out
}

// who tells which side differs from what both had. Blocks that have only moved
// are not told apart.
func who(text []byte, base, mine, theirs *Object) string {
	switch {
	case text == nil || mine.Same(theirs):
		return SharedBoth
	case base.Same(theirs):
		return SharedMine
	case base.Same(mine):
		return SharedTheirs
	}
	return SharedBoth
}

func whoText(base, mine, theirs []byte) string {
	switch {
	case base == nil:
		return SharedBoth
	case bytes.Equal(base, theirs):
		return SharedMine
	case bytes.Equal(base, mine):
		return SharedTheirs
	}
	return SharedBoth
}

// MergeShared makes one shared text of two. Of the blocks at the top whose paths,
// as ParsePath reads them, are keys of choices, the whole block of that side is
// taken: SharedMine or SharedTheirs, and a block that this side has not is gone.
// All others are merged with base, the text on which both agreed last, as Merge
// does it; the text is nil while there is a conflict among them. Base is nil where
// they never agreed: then what differs is a conflict.
func MergeShared(base, mine, theirs []byte, choices map[string]string) ([]byte, []Conflict, error) {
	var fromTheirs, fromMine []Path
	for _, short := range slices.Sorted(maps.Keys(choices)) {
		path, err := ParsePath(short)
		if err == nil && (len(path) != 1 || IsLocal(path[0].Block)) {
			err = fmt.Errorf("%s is no shared block at the top", short)
		}
		if err != nil {
			return nil, nil, err
		}
		switch choices[short] {
		case SharedMine:
			fromMine = append(fromMine, path)
		case SharedTheirs:
			fromTheirs = append(fromTheirs, path)
		default:
			return nil, nil, fmt.Errorf("%s: take mine or theirs, not %q", short, choices[short])
		}
	}
	m, err := withBlocks(mine, theirs, fromTheirs)
	if err != nil {
		return nil, nil, err
	}
	t, err := withBlocks(theirs, mine, fromMine)
	if err != nil {
		return nil, nil, err
	}
	text, conflicts, bad := Merge(base, m, t, nil)
	if bad.HasErrors() {
		return nil, nil, bad
	}
	return text, conflicts, nil
}

// withBlocks returns text with the blocks at paths as from has them.
func withBlocks(text, from []byte, paths []Path) ([]byte, error) {
	to, bad := Objects(text)
	src, worse := Objects(from)
	if bad.HasErrors() || worse.HasErrors() {
		return nil, append(bad, worse...)
	}
	var cuts []splice
	added := ""
	for _, p := range paths {
		o, n := to.Find(p), src.Find(p)
		switch {
		case o == nil && n == nil:
			return nil, fmt.Errorf("there is no %s on either side", p)
		case o == nil:
			added += "\n" + ended(n.Text)
		case n == nil:
			start, end := to.reader.e.closeGap(o.start, o.end)
			cuts = append(cuts, splice{start, end, ""})
		default:
			cuts = append(cuts, splice{o.start, o.end, ended(n.Text)})
		}
	}
	slices.SortFunc(cuts, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	var out bytes.Buffer
	at := 0
	for _, c := range cuts {
		c.start = max(c.start, at)
		out.Write(text[at:c.start])
		out.WriteString(c.text)
		at = max(c.end, at)
	}
	out.Write(text[at:])
	if added != "" {
		if out.Len() == 0 {
			added = added[1:]
		}
		return verified([]byte(ended(out.String())+added), src, paths)
	}
	return verified(out.Bytes(), src, paths)
}

// verified makes sure that text has the blocks as src has them.
func verified(text []byte, src *Object, paths []Path) ([]byte, error) {
	got, bad := Objects(text)
	if bad.HasErrors() {
		return nil, errors.New(inTheWay)
	}
	for _, p := range paths {
		if !got.Find(p).Same(src.Find(p)) {
			return nil, errors.New(inTheWay)
		}
	}
	return text, nil
}
