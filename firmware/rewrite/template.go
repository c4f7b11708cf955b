// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"strings"

	"evener/firmware/message"
)

// Limits on a text.
const (
	maxText = 4096 // bytes
	maxVars = 32
)

// A Template is a text with variables, compiled:
//
//	$client_ip            a variable: the longest name that can be read
//	$(client_ip)          the same where a letter, digit or "_" follows
//	$header_user_agent    the field User-Agent of the request: "_" is "-"
//	$(header:X_Tenant)    a field, its name as it is
//	$0 to $9              what a regular expression captured; $0 is all
//	$$                    a dollar sign
//
// It is immutable and may be used by any number of goroutines.
type Template struct {
	parts []part
	form  form
}

// A form of template: where its text will stand.
type form uint8

const (
	inField  form = iota // bytes that no field may have become spaces
	inPlace              // of a URL: other bytes are percent-encoded
	inTarget             // of a path: so are "?" and "#"
)

// A part of a template: text, a variable or a capture.
type part struct {
	kind    partKind
	text    string
	v       Var
	capture int
}

type partKind uint8

const (
	isText partKind = iota
	isVar
	isCapture
)

// A Match is what a regular expression found, for the captures of a template:
// Groups are the indexes of FindSubmatchIndex in Text.
type Match struct {
	Text   []byte
	Groups []int
}

// NewValue compiles the text of a field value.
func NewValue(text string) (*Template, error) { return parse(text, inField, 0) }

// NewLocation compiles the text of a URL, such as that of a redirect. captures is
// how many of $0 to $9 it may use: one more than the groups of the regular
// expression, 0 without one.
func NewLocation(text string, captures int) (*Template, error) {
	return parse(text, inPlace, captures)
}

func parse(text string, f form, captures int) (*Template, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("the text has %d bytes; the most is %d", len(text), maxText)
	}
	if err := f.check(text); err != nil {
		return nil, err
	}
	t := &Template{form: f}
	vars := 0
	for text != "" {
		before, after, found := strings.Cut(text, "$")
		t.addText(before)
		if !found {
			break
		}
		p, rest, err := parseVar(after, f, captures)
		if err != nil {
			return nil, err
		}
		if text = rest; p.kind == isText {
			t.addText(p.text)
			continue
		}
		if vars++; vars > maxVars {
			return nil, fmt.Errorf("the text has more than %d variables", maxVars)
		}
		t.parts = append(t.parts, p)
	}
	return t, nil
}

func (t *Template) addText(s string) {
	if s == "" {
		return
	}
	if n := len(t.parts); n > 0 && t.parts[n-1].kind == isText {
		t.parts[n-1].text += s
		return
	}
	t.parts = append(t.parts, part{text: s})
}

// check checks the bytes of a text.
func (f form) check(text string) error {
	if f == inField {
		if i := message.EndOfValue([]byte(text), 0); i < len(text) {
			return fmt.Errorf("the text has the control character %#02x, which ends a field or breaks it", text[i])
		}
		return nil
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ' || c >= 0x7f:
			return fmt.Errorf("a URL has no byte %#02x: write it percent-encoded, as %%%02X", c, c)
		case f == inTarget && class[c]&inPath == 0 && c != '%' && c != '?':
			return fmt.Errorf("a path has no %q: write it percent-encoded, as %%%02X", string(rune(c)), c)
		case c == '%' && !escaped([]byte(text[i:])):
			return fmt.Errorf("the %% in %q encodes nothing: write it as %%25", text)
		}
	}
	return nil
}

// parseVar parses what stands behind a "$".
func parseVar(s string, f form, captures int) (p part, rest string, err error) {
	switch {
	case s == "":
		return p, "", fmt.Errorf(`the text ends with "$": write "$$" for a dollar sign`)
	case s[0] == '$':
		return part{text: "$"}, s[1:], nil
	case s[0] == '{':
		return p, "", fmt.Errorf(`write a variable as $name, or as $(name) where a letter follows, not as ${name}`)
	case '0' <= s[0] && s[0] <= '9':
		n := int(s[0] - '0')
		if n >= captures {
			return p, "", fmt.Errorf("$%d: %s", n, missing(captures))
		}
		return part{kind: isCapture, capture: n}, s[1:], nil
	}
	name := ""
	if s[0] == '(' {
		inside, after, ok := strings.Cut(s[1:], ")")
		if !ok {
			return p, "", fmt.Errorf(`%q: the ")" is missing`, "$"+s)
		}
		name, rest = inside, after
	} else {
		n := 0
		for n < len(s) && (class[s[n]]&inToken != 0 && strings.IndexByte("!#$%&'*+-.^`|~", s[n]) < 0) {
			n++
		}
		name, rest = s[:n], s[n:]
	}
	if name == "" {
		return p, "", fmt.Errorf(`%q: after "$" comes the name of a variable, a digit or another "$"`, "$"+s)
	}
	v, err := lookUp(name, f)
	return part{kind: isVar, v: v}, rest, err
}

// missing says why there is no such capture.
func missing(captures int) string {
	if captures == 0 {
		return "there is no regular expression here that captures"
	}
	return fmt.Sprintf("the regular expression captures only $0 to $%d", captures-1)
}

// lookUp finds the variable called name.
func lookUp(name string, f form) (v Var, err error) {
	field, literal := strings.CutPrefix(name, "header:")
	underscored, spoken := strings.CutPrefix(name, "header_")
	switch {
	case spoken:
		field = strings.ReplaceAll(underscored, "_", "-")
		fallthrough
	case literal:
		if !isToken(field) {
			return v, fmt.Errorf("%q is not the name of a field: write $header_user_agent, or $(header:User-Agent)", field)
		}
		field = strings.ToLower(field)
		return Var{Kind: Header, Name: field, Field: message.FieldByName(field)}, nil
	}
	for k, n := range kindNames[:Header] {
		if n != name {
			continue
		}
		v.Kind = Kind(k)
		switch {
		case f == inTarget && v.Kind == Query:
			return v, fmt.Errorf("$query: the query stays behind the new path by itself")
		case f == inTarget && !v.Kind.inHead():
			return v, fmt.Errorf("%s is not known where a target is rewritten: there are $host, $hostname, $path, "+
				"$method, $protocol and $header_ with a name", v)
		}
		return v, nil
	}
	hint := ""
	if s := suggest(name); s != "" {
		hint = "; did you mean " + s + "?"
	}
	return v, fmt.Errorf("unknown variable $%s%s", name, hint)
}

// Append appends the text for src to dst. Of a value, it is what may stand in a
// field; of a URL, what may stand in one.
func (t *Template) Append(dst []byte, src Source) []byte { return t.AppendMatch(dst, src, Match{}) }

// AppendMatch is Append for a text with captures. A group that took no part in
// the match is empty.
func (t *Template) AppendMatch(dst []byte, src Source, m Match) []byte {
	for i := range t.parts {
		p := &t.parts[i]
		start := len(dst)
		switch p.kind {
		case isText:
			dst = append(dst, p.text...)
			continue
		case isVar:
			dst = src.AppendVar(dst, p.v)
		case isCapture:
			if from := m.Groups[2*p.capture]; from >= 0 {
				dst = append(dst, m.Text[from:m.Groups[2*p.capture+1]]...)
			}
		}
		switch {
		case t.form == inField:
			sanitise(dst[start:])
		case t.form == inTarget && p.kind == isVar:
			dst = escape(dst, start, inPath)
		default:
			dst = escape(dst, start, inURL)
		}
	}
	return dst
}

// constant reports whether the text has no variables, and what it is.
func (t *Template) constant() (text string, ok bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].kind == isText:
		return t.parts[0].text, true
	}
	return "", false
}
