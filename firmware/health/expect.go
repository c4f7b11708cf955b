// SPDX-License-Identifier: Apache-2.0

package health

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
)

// An expectation is a text that must be found at the beginning of an answer.
type expectation struct {
	text   string
	regex  *regexp.Regexp // nil: text is looked for
	atEnd  bool           // regex may match a part of an answer but not all of it
	within int            // bytes of the answer that count
}

// newExpectation returns the expectation of p, which Check has approved of.
func newExpectation(p ProbeConfig) expectation {
	e := expectation{text: p.Expect, within: p.Within}
	if p.ExpectRegex != "" {
		e.regex = regexp.MustCompile(p.ExpectRegex)
		parsed, err := syntax.Parse(p.ExpectRegex, syntax.Perl)
		e.atEnd = err != nil || looksAhead(parsed)
	}
	return e
}

// any reports whether every answer will do.
func (e expectation) any() bool { return e.text == "" && e.regex == nil }

// String says what is expected.
func (e expectation) String() string {
	if e.regex != nil {
		return fmt.Sprintf("a match of %q", e.regex.String())
	}
	return fmt.Sprintf("%q", e.text)
}

// looksAhead reports whether a match of re depends on what follows it. If it does
// not, then a match in the first bytes stays one whatever arrives later.
func looksAhead(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEndText, syntax.OpEndLine, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range re.Sub {
		if looksAhead(sub) {
			return true
		}
	}
	return false
}

// await reads from r until the text has come, the bytes that count are read, or
// an error occurs, io.EOF among them. It returns how many bytes it read, and no
// error when found.
func (e expectation) await(r io.Reader) (found bool, n int, err error) {
	var got []byte
	chunk := make([]byte, min(e.within, 4096))
	tries, again, searched := 0, 0, 0
	for err == nil && len(got) < e.within {
		n, err = r.Read(chunk[:min(len(chunk), e.within-len(got))])
		got = append(got, chunk[:n]...)
		switch {
		case e.regex == nil:
			from := max(0, searched-len(e.text)+1)
			if bytes.Contains(got[from:], []byte(e.text)) {
				return true, len(got), nil
			}
			searched = len(got)
		case !e.atEnd && len(got) >= again:
			if e.regex.Match(got) {
				return true, len(got), nil
			}
			// An answer that comes byte by byte must not cost a search for each.
			if tries++; tries > 64 {
				again = len(got) + len(got)/8
			}
		}
	}
	if e.regex != nil && e.regex.Match(got) {
		return true, len(got), nil
	}
	return false, len(got), err
}
