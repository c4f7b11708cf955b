// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// An encoder appends values. In JSON each is a JSON value and what is not known is
// null; else it is the inside of a quoted string, and what is not known is "-".
type encoder struct {
	b     []byte
	json  bool
	names []string
}

// cutMark stands at the end of a text that is not all there.
const cutMark = "..."

func (e *encoder) unknown() {
	if e.json {
		e.b = append(e.b, "null"...)
	} else {
		e.b = append(e.b, '-')
	}
}

// quote appends the quotation mark that a string of the JSON format has.
func (e *encoder) quote() {
	if e.json {
		e.b = append(e.b, '"')
	}
}

// text appends bytes that came from outside.
func (e *encoder) text(s []byte, cut bool) {
	if len(s) == 0 {
		e.unknown()
		return
	}
	if cut {
		s = wholeRunes(s)
	}
	e.quote()
	if e.json {
		e.b = appendJSON(e.b, s)
	} else {
		e.b = appendQuoted(e.b, s, 0x20)
	}
	if cut {
		e.b = append(e.b, cutMark...)
	}
	e.quote()
}

// noSpace appends a part of the request line, where a space is escaped too.
func (e *encoder) noSpace(s []byte, cut bool) {
	e.b = appendQuoted(e.b, s, 0x21)
	if cut {
		e.b = append(e.b, cutMark...)
	}
}

// word appends one of our own words.
func (e *encoder) word(s string, unknown bool) {
	if unknown {
		e.unknown()
		return
	}
	e.quote()
	e.b = append(e.b, s...)
	e.quote()
}

// name appends what a Name stands for.
func (e *encoder) name(n Name) {
	if n == 0 || int(n) > len(e.names) {
		e.unknown()
		return
	}
	e.text([]byte(e.names[n-1]), false)
}

func (e *encoder) number(n uint64, unknown bool) {
	if unknown {
		e.unknown()
		return
	}
	e.b = strconv.AppendUint(e.b, n, 10)
}

// seconds appends nanoseconds as seconds with six decimals.
func (e *encoder) seconds(ns int64) {
	if ns < 0 {
		e.unknown()
		return
	}
	us := uint64(ns) / 1000
	e.b = strconv.AppendUint(e.b, us/1e6, 10)
	e.b = append(e.b, '.')
	e.b = strconv.AppendUint(e.b, us%1e6+1e6, 10) // seven digits, the first a 1
	e.b = slices.Delete(e.b, len(e.b)-7, len(e.b)-6)
}

func (e *encoder) time(ns int64) {
	e.quote()
	e.b = time.Unix(0, ns).UTC().AppendFormat(e.b, "2006-01-02T15:04:05.000000Z07:00")
	e.quote()
}

func (e *encoder) address(a netip.AddrPort) {
	if !a.IsValid() {
		e.unknown()
		return
	}
	e.quote()
	e.b = a.Addr().AppendTo(e.b)
	e.quote()
}

// plain holds the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

const hexDigits = "0123456789abcdef"

// appendJSON appends the inside of a JSON string (RFC 8259 section 7). What is no
// UTF-8 becomes U+FFFD. Control characters, also those of C1 and DEL, are escaped
// so that a terminal that shows the log obeys nobody; U+2028 and U+2029 so that
// no reader takes them for the end of the line.
func appendJSON(b, s []byte) []byte {
	for len(s) > 0 {
		n := 0
		for n < len(s) && plain[s[n]] {
			n++
		}
		b = append(b, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			break
		}
		if c := s[0]; c == '"' || c == '\\' {
			b = append(b, '\\', c)
			s = s[1:]
			continue
		}
		r, size := utf8.DecodeRune(s)
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, "\uFFFD"...)
		case r < 0xa0:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		case r == '\u2028':
			b = append(b, `\u2028`...)
		case r == '\u2029':
			b = append(b, `\u2029`...)
		default:
			b = append(b, s[:size]...)
		}
		s = s[size:]
	}
	return b
}

// appendQuoted appends the inside of a quoted string of the combined format. All
// bytes but the printable ones of ASCII from lowest on are written as \xHH, and so
// are the quotation mark and the backslash: nothing can end the string or the line.
func appendQuoted(b, s []byte, lowest byte) []byte {
	for _, c := range s {
		if c < lowest || c >= 0x7f || c == '"' || c == '\\' {
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

// wholeRunes takes away a rune whose end was cut off.
func wholeRunes(s []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax-1, len(s)); i++ {
		if tail := s[len(s)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return s[:len(s)-i]
			}
			break
		}
	}
	return s
}
