// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// printable returns s with control characters spelled out, all but tab and new line:
// names, comments and what browsers call themselves come from others, and a
// terminal would obey what it is told in them. The form is the one that JSON reads.
func printable(s string) string {
	if !strings.ContainsFunc(s, commands) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if commands(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// commands says whether a terminal takes r for an order: C0 and C1 of ECMA-48, and
// what turns the direction of a text (Unicode UAX 9), so that it reads as another.
func commands(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return unicode.IsControl(r)
}

// cell is printable for a place within a line.
func cell(s string) string {
	return printable(strings.NewReplacer("\n", " ", "\t", " ").Replace(s))
}

// A printer collects what is printed and makes it printable: a character may come in
// pieces.
type printer struct{ bytes.Buffer }

func (p *printer) text() string { return printable(p.String()) }
