// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// lineWidth is how much of a source line is shown, in characters.
const lineWidth = 100

// Write prints each diagnostic, the line of src that it is about, and a caret
// below the place. It returns the first error of w.
func (d Diagnostics) Write(w io.Writer, src []byte) error {
	for _, x := range d {
		if _, err := fmt.Fprintf(w, "%s\n%s", x, excerpt(src, x.Range)); err != nil {
			return err
		}
	}
	return nil
}

// excerpt returns the line at r.Start with a caret below it, or nothing if r
// lies outside src. A long line is cut on both sides.
func excerpt(src []byte, r hcl.Range) string {
	at := r.Start.Byte
	if r.Start.Line == 0 || at > len(src) {
		return ""
	}
	start := bytes.LastIndexByte(src[:at], '\n') + 1
	end := len(src)
	if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
		end = at + i
	}
	before, after := printable(src[start:at]), printable(src[at:end])
	if n := utf8.RuneCountInString(before); n > lineWidth/2 {
		before = "..." + string([]rune(before)[n-lineWidth/2:])
	}
	if r := []rune(after); len(r) > lineWidth {
		after = string(r[:lineWidth]) + "..."
	}
	if strings.TrimSpace(before+after) == "" {
		return ""
	}
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, before)
	return fmt.Sprintf("    %s%s\n    %s^\n", before, strings.TrimRight(after, " \t"), indent)
}

// printable returns s without what a terminal would obey.
func printable(s []byte) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' {
			return -1
		}
		if r != '\t' && control(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, string(s))
}
