// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Boxes that stand in for each other have one part of the configuration in common,
// which they mirror, and each its own part. A block at the top belongs to one of
// them whole, by its type: see the Local of [Block].

// IsLocal reports whether blocks of the type, at the top, are each box's own. One
// that the language does not know is not.
func IsLocal(block string) bool {
	b := blockIn("", block)
	return b != nil && b.Local
}

// LocalBlocks lists the types of blocks that are each box's own, in the order of
// the table.
func LocalBlocks() []string {
	var out []string
	for _, b := range blocksIn("") {
		if b.Local {
			out = append(out, b.Name)
		}
	}
	return out
}

// SplitShared divides a text into what is shared and what is this box's own. Each
// block takes with it what stands between the end of the one before and its own:
// the comments above it, and empty lines. What stands behind the last block is
// shared. The text may have mistakes, but not in its syntax.
func SplitShared(text []byte) (shared, local []byte, err error) {
	if len(text) >= 3 && string(text[:3]) == "\uFEFF" { // it would stand in the middle of a joined text
		text = text[3:]
	}
	body, _, bad := parseTree("", text)
	if bad != nil {
		return nil, nil, Diagnostics{*bad}
	}
	ends := lineEnds(text)
	start := 0
	shared, local = []byte{}, []byte{}
	for _, b := range body.Blocks {
		i, _ := slices.BinarySearch(ends, b.CloseBraceRange.End.Byte+1)
		end := len(text)
		if i < len(ends) {
			end = ends[i]
		}
		part := &shared
		if IsLocal(b.Type) {
			part = &local
		}
		*part = append(*part, text[start:end]...)
		start = end
	}
	return append(shared, text[start:]...), local, nil
}

// lineEnds returns where lines end, in bytes, but not those within comments and
// texts.
func lineEnds(text []byte) []int {
	tokens, _ := lex("", text)
	var out []int
	for _, t := range tokens {
		end := t.Range.End.Byte
		lineComment := t.Type == hclsyntax.TokenComment && end > 0 && text[end-1] == '\n'
		if t.Type == hclsyntax.TokenNewline || lineComment {
			out = append(out, end)
		}
	}
	return out
}

// JoinShared makes one text of a shared and a local one: this box's own blocks,
// then the shared ones. Of local blocks in shared, and shared ones in local, it
// takes none, so that no peer can set what is this box's own. A text with a
// mistake in its syntax stays as it is: Parse of the result tells it.
//
// SplitShared of the result gives shared and local again, byte for byte where
// they came from SplitShared, but for the end of local's last line.
func JoinShared(shared, local []byte) []byte {
	if s, _, err := SplitShared(shared); err == nil {
		shared = s
	}
	if _, l, err := SplitShared(local); err == nil {
		local = l
	}
	return append([]byte(ended(string(local))), shared...)
}
