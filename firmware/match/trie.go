// SPDX-License-Identifier: Apache-2.0

package match

import "strings"

// A trie finds all beginnings of a text that are in a set, or all endings, in
// one pass over the text. It is a radix tree: edges carry several bytes, so
// that its depth is that of the branching and not that of the text. The zero
// trie is empty; node 0 is the root.
type trie struct{ nodes []trieNode }

type trieNode struct {
	label  string // of the edge that leads here
	first  string // the first bytes of the kids' labels
	kids   []int32
	here   fact // of a beginning that ends here
	within fact // the same, true only if a slash or the end follows
}

// add adds s with a fact, which replaces any before. The order of the bytes is
// that in which find will meet them.
func (t *trie) add(s string, f fact, within bool) {
	if len(t.nodes) == 0 {
		t.nodes = make([]trieNode, 1)
	}
	at := t.locate(s)
	if within {
		t.nodes[at].within = f
	} else {
		t.nodes[at].here = f
	}
}

// locate returns the node of s, which it makes if there is none.
func (t *trie) locate(s string) int32 {
	at := int32(0)
	for s != "" {
		i := strings.IndexByte(t.nodes[at].first, s[0])
		if i < 0 {
			return t.attach(at, s)
		}
		kid := t.nodes[at].kids[i]
		label := t.nodes[kid].label
		n := 0
		for n < len(s) && n < len(label) && s[n] == label[n] {
			n++
		}
		if n < len(label) { // split the edge
			mid := int32(len(t.nodes))
			t.nodes = append(t.nodes, trieNode{
				label: label[:n], first: label[n : n+1], kids: []int32{kid},
			})
			t.nodes[kid].label = label[n:]
			t.nodes[at].kids[i] = mid
			kid = mid
		}
		at, s = kid, s[n:]
	}
	return at
}

// attach adds a leaf below node at.
func (t *trie) attach(at int32, label string) int32 {
	leaf := int32(len(t.nodes))
	t.nodes = append(t.nodes, trieNode{label: label})
	t.nodes[at].first += label[:1]
	t.nodes[at].kids = append(t.nodes[at].kids, leaf)
	return leaf
}

// appendBeginnings appends the facts of all beginnings of b.
func (t *trie) appendBeginnings(dst []fact, b []byte) []fact {
	if len(t.nodes) == 0 {
		return dst
	}
	n, pos := &t.nodes[0], 0
	for {
		if n.here != 0 {
			dst = append(dst, n.here)
		}
		if n.within != 0 && (pos == len(b) || b[pos] == '/') {
			dst = append(dst, n.within)
		}
		if pos == len(b) {
			return dst
		}
		i := strings.IndexByte(n.first, b[pos])
		if i < 0 {
			return dst
		}
		n = &t.nodes[n.kids[i]]
		if len(b)-pos < len(n.label) || string(b[pos:pos+len(n.label)]) != n.label {
			return dst
		}
		pos += len(n.label)
	}
}

// appendEndings appends the facts of all endings of b; they were added with
// their bytes in reverse order.
func (t *trie) appendEndings(dst []fact, b []byte) []fact {
	if len(t.nodes) == 0 {
		return dst
	}
	n, end := &t.nodes[0], len(b)
	for {
		if n.here != 0 {
			dst = append(dst, n.here)
		}
		if end == 0 {
			return dst
		}
		i := strings.IndexByte(n.first, b[end-1])
		if i < 0 {
			return dst
		}
		n = &t.nodes[n.kids[i]]
		if end < len(n.label) {
			return dst
		}
		for j := range len(n.label) {
			if b[end-1-j] != n.label[j] {
				return dst
			}
		}
		end -= len(n.label)
	}
}

// reversed returns the bytes of s in reverse order.
func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
