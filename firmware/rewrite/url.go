// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"evener/firmware/message"
)

// Limits on rewriting.
const (
	MaxTarget = 32 << 10 // bytes of a rewritten target
	maxRegex  = 1000     // bytes of a regular expression
)

// URLConfig says how the target of a request is rewritten: by the beginning of
// its path or by a regular expression, one of the two. The authority is
// rewritten by setting Host; see [Op].
type URLConfig struct {
	// Prefix is compared with the path by whole segments: "/api" is the
	// beginning of /api, /api/ and /api/x, not of /apix. To takes its place
	// and begins with a slash: with "/", /api/x becomes /x.
	Prefix string
	// Regex is an RE2 expression. To takes the place of the first part of the
	// path that it matches, and may use $0 to $9 for what it captures.
	Regex string
	To    string // text of a template; it sees the request only
	// Query lets Regex see the path, "?" and the query, and To write both. Else
	// the query stays as it is.
	Query bool
	// IgnoreCase compares letters without regard to case.
	IgnoreCase bool
}

// A URL rewrites targets. It is immutable and may be used by any number of
// goroutines.
type URL struct {
	prefix string // without slash at its end
	fold   bool
	regex  *regexp.Regexp // nil: by prefix
	query  bool
	to     *Template // of a prefix, without slash at its end
}

// NewURL compiles c.
func NewURL(c URLConfig) (*URL, error) {
	switch {
	case (c.Prefix == "") == (c.Regex == ""):
		return nil, errors.New("a URL is rewritten by a prefix or by a regular expression: write one of them")
	case c.Query && c.Prefix != "":
		return nil, errors.New("a prefix is one of the path: only a regular expression can see the query")
	case !c.Query && strings.Contains(c.To, "?"):
		return nil, errors.New(`the query stays behind the new path by itself; ` +
			`to rewrite it, use a regular expression that sees the query`)
	case c.Prefix != "":
		return newPrefix(c)
	}
	return newRegex(c)
}

func newPrefix(c URLConfig) (*URL, error) {
	if c.Prefix[0] != '/' {
		return nil, fmt.Errorf("a path begins with a slash: write %q", "/"+c.Prefix)
	}
	if !strings.HasPrefix(c.To, "/") {
		return nil, fmt.Errorf("a path begins with a slash: write %q", "/"+c.To)
	}
	if strings.ContainsAny(c.Prefix, "?#") {
		return nil, errors.New(`a path ends before "?" and "#"`)
	}
	prefix := canonical(c.Prefix)
	if !soundPath([]byte(prefix)) {
		return nil, fmt.Errorf("%q has a dot segment, which the path that rules and prefixes see never has", c.Prefix)
	}
	if to := []byte(c.To); !bytes.Contains(to, []byte("$")) && !soundPath(to) {
		return nil, fmt.Errorf("%q is no path: it has a dot segment, or a character that must be percent-encoded", c.To)
	}
	to, err := parse(strings.TrimSuffix(c.To, "/"), inTarget, 0)
	if err != nil {
		return nil, err
	}
	return &URL{prefix: strings.TrimSuffix(prefix, "/"), fold: c.IgnoreCase, to: to}, nil
}

func newRegex(c URLConfig) (*URL, error) {
	if len(c.Regex) > maxRegex {
		return nil, fmt.Errorf("the regular expression has %d characters; the most is %d", len(c.Regex), maxRegex)
	}
	text := c.Regex
	if c.IgnoreCase {
		text = "(?i)" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		var e *syntax.Error
		if errors.As(err, &e) {
			return nil, fmt.Errorf("regular expression: %s in %q", e.Code, e.Expr)
		}
		return nil, err
	}
	to, err := parse(c.To, inTarget, min(10, re.NumSubexp()+1))
	if err != nil {
		return nil, err
	}
	return &URL{regex: re, query: c.Query, to: to}, nil
}

// canonical returns the path p as normalised paths have it: unreserved
// characters as they are, others that need it percent-encoded with upper-case
// digits (RFC 3986 section 6.2.2).
func canonical(p string) string {
	const unreserved = "-._~"
	out := []byte(p)
	for i := 0; i < len(out); i++ {
		if !escaped(out[i:]) {
			continue
		}
		copy(out[i+1:i+3], bytes.ToUpper(out[i+1:i+3]))
		c := value(out[i+1])<<4 | value(out[i+2])
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if letter || strings.IndexByte(unreserved, c) >= 0 {
			out[i] = c
			out = append(out[:i+1], out[i+3:]...)
		} else {
			i += 2
		}
	}
	return string(escape(out, 0, inPath))
}

// value returns the value of an upper-case hexadecimal digit.
func value(c byte) byte {
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}

// Target returns the target that the request h is sent on with, in dst's memory,
// or nil if it is not rewritten. path is the normalised path that rules have
// seen, without query: what is rewritten is what they have decided on, so that
// no second spelling of a path gets past. The target of h is left alone.
//
// A result is a path from the root without dot segments and with no byte that
// the codecs refuse; else the fault says so, and the request must not be sent.
func (u *URL) Target(dst []byte, h *message.Head, path []byte) (target []byte, f Fault) {
	if u == nil || len(path) == 0 || path[0] != '/' {
		return nil, Sound // "*", the server as a whole
	}
	src := (*headSource)(h)
	if u.regex != nil {
		return u.byRegex(dst[:0], src, path)
	}
	rest, ok := u.cut(path)
	if !ok {
		return nil, Sound
	}
	dst = u.to.Append(dst[:0], src)
	dst = append(dst, rest...)
	if len(dst) == 0 {
		dst = append(dst, '/')
	}
	return sound(appendQuery(dst, h))
}

// cut takes the prefix off path. The rest is empty or begins with a slash.
func (u *URL) cut(path []byte) (rest []byte, ok bool) {
	n := len(u.prefix)
	if len(path) < n || len(path) > n && path[n] != '/' {
		return nil, false
	}
	if u.fold {
		return path[n:], message.EqualFold(path[:n], u.prefix)
	}
	return path[n:], string(path[:n]) == u.prefix
}

func (u *URL) byRegex(dst []byte, src *headSource, path []byte) (target []byte, f Fault) {
	h, subject := (*message.Head)(src), path
	if u.query {
		subject = appendQuery(bytes.Clone(path), h)
	}
	groups := u.regex.FindSubmatchIndex(subject)
	if groups == nil {
		return nil, Sound
	}
	dst = append(dst, subject[:groups[0]]...)
	dst = u.to.AppendMatch(dst, src, Match{Text: subject, Groups: groups})
	dst = append(dst, subject[groups[1]:]...)
	if !u.query {
		dst = appendQuery(dst, h)
	}
	return sound(dst)
}

// sound checks a target that was made.
func sound(t []byte) (target []byte, f Fault) {
	path, query, _ := bytes.Cut(t, []byte("?"))
	switch {
	case len(t) > MaxTarget:
		return nil, TooLarge
	case !soundPath(path):
		return nil, BadTarget
	}
	for _, c := range query { // of which the codec has let 0x80 and more through, or not
		if c <= ' ' || c == 0x7f || c == '#' || c == '\\' {
			return nil, BadTarget
		}
	}
	return t, Sound
}

// A headSource knows the variables of a request's head.
type headSource message.Head

// AppendVar is [Var.AppendFrom].
func (s *headSource) AppendVar(dst []byte, v Var) []byte {
	return v.AppendFrom(dst, (*message.Head)(s))
}
