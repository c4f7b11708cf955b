// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
)

// A Diagnostic is one mistake in a configuration, worded for the person who
// wrote it: what is wrong, and what would be right.
type Diagnostic struct {
	Range   hcl.Range // where; lines and columns count from 1
	Path    string    // the block it is in, such as `pool "shop"`; may be empty
	Msg     string    // lower case, no period
	Warning bool      // the configuration can be used all the same
}

// String returns "file:line:col: path: message"; without the position if there
// is none, as for an edit.
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.Range.Start.Line > 0 {
		fmt.Fprintf(&b, "%s:%d:%d: ", d.Range.Filename, d.Range.Start.Line, d.Range.Start.Column)
	}
	if d.Warning {
		b.WriteString("warning: ")
	}
	if d.Path != "" {
		b.WriteString(d.Path)
		b.WriteString(": ")
	}
	b.WriteString(d.Msg)
	return b.String()
}

// Diagnostics are the mistakes of one text, in its order. The list is also an
// error; use HasErrors to know whether it holds more than warnings.
type Diagnostics []Diagnostic

// Add appends a mistake. Package lb uses it for what it finds when it compiles
// the rules; call Sort when done.
func (d *Diagnostics) Add(r hcl.Range, path, format string, args ...any) {
	*d = append(*d, Diagnostic{Range: r, Path: path, Msg: fmt.Sprintf(format, args...)})
}

// Warn appends a warning.
func (d *Diagnostics) Warn(r hcl.Range, path, format string, args ...any) {
	*d = append(*d, Diagnostic{Range: r, Path: path, Msg: fmt.Sprintf(format, args...), Warning: true})
}

// AddHCL appends what the HCL library found.
func (d *Diagnostics) AddHCL(path string, diags hcl.Diagnostics) {
	for _, h := range diags {
		*d = append(*d, fromHCL(path, h))
	}
}

// Sort puts d into the order of the text and drops exact repetitions.
func (d *Diagnostics) Sort() {
	slices.SortStableFunc(*d, func(a, b Diagnostic) int {
		return cmp.Or(
			strings.Compare(a.Range.Filename, b.Range.Filename),
			cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte),
			cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
		)
	})
	*d = slices.Compact(*d)
}

// HasErrors reports whether d holds anything but warnings.
func (d Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(d, func(x Diagnostic) bool { return !x.Warning })
}

// Error returns the mistakes, one a line, without the source.
func (d Diagnostics) Error() string {
	lines := make([]string, len(d))
	for i, x := range d {
		lines[i] = x.String()
	}
	return strings.Join(lines, "\n")
}

// fromHCL words a diagnostic of the library in our form.
func fromHCL(path string, h *hcl.Diagnostic) Diagnostic {
	msg := lowerFirst(h.Summary)
	if h.Detail != "" {
		msg += ": " + lowerFirst(h.Detail)
	}
	out := Diagnostic{Path: path, Msg: msg, Warning: h.Severity == hcl.DiagWarning}
	if h.Subject != nil {
		out.Range = *h.Subject
	}
	return out
}

// lowerFirst makes a sentence of the library or the table a part of a message:
// without its capital letter, unless that begins an abbreviation, and without
// the period at its end.
func lowerFirst(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	r := []rune(s)
	if len(r) > 1 && unicode.IsUpper(r[0]) && !unicode.IsUpper(r[1]) {
		r[0] = unicode.ToLower(r[0])
	}
	return string(r)
}
