// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns src in canonical form: indented by two spaces, "=" aligned, no
// spaces at the ends of lines, at most one empty line in a row and none at the
// edges of a block, one line end at the end. Comments stay. A text with an
// error of syntax is returned as it is, with the error.
func Format(src []byte) ([]byte, Diagnostics) {
	if _, _, bad := parseTree("", src); bad != nil {
		return src, Diagnostics{*bad}
	}
	return canonical(src), nil
}

// canonical formats a text whose syntax is right.
func canonical(src []byte) []byte {
	src = bytes.TrimPrefix(src, []byte("\uFEFF"))
	return tidy(hclwrite.Format(tidy(src)))
}

// A line is one line of a text, without its end.
type line struct {
	text     []byte
	verbatim bool // within a text behind "<<" or a comment
	opens    bool // ends with an opening bracket
	closes   bool // begins with a closing one
}

// tidy puts the line ends and empty lines of src in order. What must stay as it
// is, such as a text behind "<<", is not touched.
func tidy(src []byte) []byte {
	out := make([]byte, 0, len(src)+1)
	edge, empty := true, false // after an opening bracket or nothing; after an empty line
	for _, l := range lines(src) {
		if l.verbatim {
			out = append(append(out, l.text...), '\n')
			edge, empty = false, false
			continue
		}
		text := bytes.TrimRight(l.text, " \t\r")
		if len(text) == 0 {
			empty = true
			continue
		}
		if empty && !edge && !l.closes {
			out = append(out, '\n')
		}
		out = append(append(out, text...), '\n')
		edge, empty = l.opens, false
	}
	return out
}

// lines splits src and marks its lines by their tokens.
func lines(src []byte) []line {
	text := bytes.Split(src, []byte("\n"))
	out := make([]line, len(text))
	for i := range text {
		out[i].text = text[i]
	}
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	seen, heredoc := 0, 0 // the last line that had a token; where a text began
	for _, t := range tokens {
		first, last := t.Range.Start.Line, t.Range.End.Line
		switch t.Type {
		case hclsyntax.TokenEOF:
			continue
		case hclsyntax.TokenOHeredoc:
			heredoc = first
		case hclsyntax.TokenCHeredoc:
			mark(out, heredoc, first-1)
			heredoc = 0
		case hclsyntax.TokenComment:
			if bytes.HasPrefix(t.Bytes, []byte("/*")) {
				mark(out, first, last)
			}
		}
		if heredoc > 0 || t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenComment {
			continue
		}
		l := &out[first-1]
		l.opens = opening(t.Type)
		if seen < first {
			l.closes = closing(t.Type)
		}
		seen = first
	}
	return out
}

// mark makes the lines after first, to last, verbatim; they count from 1.
func mark(l []line, first, last int) {
	for i := first; i < last; i++ {
		l[i].verbatim = true
	}
}

func opening(t hclsyntax.TokenType) bool {
	return t == hclsyntax.TokenOBrace || t == hclsyntax.TokenOBrack || t == hclsyntax.TokenOParen
}

func closing(t hclsyntax.TokenType) bool {
	return t == hclsyntax.TokenCBrace || t == hclsyntax.TokenCBrack || t == hclsyntax.TokenCParen
}
