// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"bytes"
	"fmt"
	"strings"
)

// A PolicyConfig says which answers to compress. A zero field takes the default
// named beside it.
type PolicyConfig struct {
	// Types are media types: "text/html", "text/*", "*+json" for all of that
	// suffix (RFC 6839), or "*/*". DefaultTypes.
	Types []string
	// MinLength is the shortest content in bytes. 1024: with its head, a shorter
	// one fills one packet, compressed or not. Content of unknown length is
	// taken.
	MinLength int64
}

// DefaultTypes returns the types that are compressed by default: text, and what
// is not compressed in itself.
func DefaultTypes() []string {
	return []string{
		"text/*", "*+json", "*+xml", "*+text", "application/json", "application/x-ndjson", "application/json-seq",
		"application/javascript", "application/x-javascript", "application/xml", "application/wasm",
		"application/yaml", "application/rtf", "application/vnd.ms-fontobject", "font/ttf", "font/otf", "font/collection",
		"image/bmp", "image/x-icon", "image/vnd.microsoft.icon",
	}
}

// A Policy decides which answers to compress. It does not change and may be used
// by all loops at once.
type Policy struct {
	minLength int64
	all       bool
	exact     map[string]bool // media types
	majors    map[string]bool // "text" of "text/*"
	suffixes  map[string]bool // "json" of "*+json"
}

// NewPolicy returns the policy of cfg; an error names the type that is none.
func NewPolicy(cfg PolicyConfig) (*Policy, error) {
	if cfg.Types == nil {
		cfg.Types = DefaultTypes()
	}
	if cfg.MinLength == 0 {
		cfg.MinLength = 1024
	}
	p := &Policy{minLength: cfg.MinLength, exact: map[string]bool{}, majors: map[string]bool{}, suffixes: map[string]bool{}}
	for _, t := range cfg.Types {
		if !p.add(strings.ToLower(t)) {
			return nil, fmt.Errorf("%q is no media type: write type/subtype, type/*, *+suffix or */*", t)
		}
	}
	return p, nil
}

// add takes one pattern, in lower case.
func (p *Policy) add(pattern string) bool {
	if len(pattern) > maxType {
		return false
	}
	if suffix, ok := strings.CutPrefix(pattern, "*+"); ok {
		p.suffixes[suffix] = true
		return isName(suffix)
	}
	major, minor, ok := strings.Cut(pattern, "/")
	switch {
	case !ok:
		return false
	case pattern == "*/*":
		p.all = true
		return true
	case minor == "*":
		p.majors[major] = true
		return isName(major)
	}
	p.exact[pattern] = true
	return isName(major) && isName(minor)
}

// isName reports whether s can be a part of a media type: a token without a
// wildcard.
func isName(s string) bool {
	for i := range len(s) {
		if !isToken(s[i]) || s[i] == '*' {
			return false
		}
	}
	return s != ""
}

// Eligible reports whether an answer may and should be compressed for a client
// that takes it. The content must be whole and of a final answer: no 204, 205,
// 206, 226 (a difference) or 3xx, no Content-Range; in no coding yet; free to be
// changed (no no-transform); of one of the types, said once; and long enough.
func (p *Policy) Eligible(a *Answer) bool {
	switch s := a.Status; {
	case s < 200 || s > 599, s >= 300 && s < 400, s == 204, s == 205, s == 206, s == 226:
		return false
	}
	if a.fixed || a.types != 1 || (a.Length >= 0 && a.Length < p.minLength) {
		return false
	}
	return p.takes(a.contentType)
}

// maxType is the length in bytes of the longest media type that is looked at
// (RFC 6838 section 4.2: 127 for each half).
const maxType = 2*127 + 1

// grpc is never compressed: it has frames and compression of its own and allows
// no content coding.
const grpc = "application/grpc"

// takes reports whether the media type of a Content-Type is one of the types.
func (p *Policy) takes(contentType []byte) bool {
	t, _, _ := bytes.Cut(contentType, []byte(";"))
	t = bytes.Trim(t, " \t")
	var buf [maxType]byte
	if len(t) > len(buf) {
		return false
	}
	lower := buf[:len(t)]
	for i, c := range t {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	slash := bytes.IndexByte(lower, '/')
	if slash <= 0 || slash == len(lower)-1 {
		return false
	}
	if rest, ok := bytes.CutPrefix(lower, []byte(grpc)); ok && (len(rest) == 0 || rest[0] == '+' || rest[0] == '-') {
		return false
	}
	if p.all || p.exact[string(lower)] || p.majors[string(lower[:slash])] {
		return true
	}
	plus := bytes.LastIndexByte(lower, '+') // without one, or before the slash, no suffix matches
	return p.suffixes[string(lower[plus+1:])]
}
