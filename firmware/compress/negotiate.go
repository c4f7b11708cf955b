// SPDX-License-Identifier: Apache-2.0

package compress

// Negotiate returns which of offers, the best first, to use for a client that
// sent this value of Accept-Encoding. See [Accept].
func Negotiate(acceptEncoding []byte, offers []Coding) Coding {
	var a Accept
	a.Add(acceptEncoding)
	return a.Choose(offers)
}

// An Accept is what a request's Accept-Encoding says (RFC 9110 section
// 12.5.3). The zero value is that of a request without the field.
type Accept struct {
	weights [numCodings]weight
	any     weight // of "*"
	bad     bool
}

// A weight is a qvalue in thousandths, plus one: 0 is a coding that is not
// listed, 1 one that is not acceptable, 1001 a most welcome one.
type weight int16

const refused weight = 1

// Add takes the value of one field line; several count as one list.
func (a *Accept) Add(value []byte) {
	for rest := value; len(rest) > 0 && !a.bad; {
		rest = skipSpace(rest)
		if len(rest) > 0 && rest[0] != ',' {
			rest = a.element(rest)
		}
		switch {
		case len(rest) == 0:
		case rest[0] == ',':
			rest = rest[1:]
		default:
			a.bad = true
		}
	}
}

// Choose returns the one of offers that the client weighs highest, of several
// the first; or Identity, if the client prefers that, takes nothing else, sent
// no such field or one that is malformed.
//
// What a client lists no weight for is weighed by its "*"; without that,
// Identity is acceptable and less welcome than whatever is listed. Identity is
// also the answer to a client that refuses it and all of offers: this side
// cannot know another form of the answer, and the RFC prefers that to an error.
func (a *Accept) Choose(offers []Coding) Coding {
	if a.bad {
		return Identity
	}
	best, most := Identity, max(a.weight(Identity), refused)
	for _, c := range offers {
		w := a.weight(c)
		if w > most || (w == most && w > refused && best == Identity) {
			best, most = c, w
		}
	}
	return best
}

func (a *Accept) weight(c Coding) weight {
	if w := a.weights[c]; w != 0 {
		return w
	}
	return a.any
}

// element reads one coding with its weight and returns what follows. Of a coding
// that is listed twice the lower weight holds.
func (a *Accept) element(b []byte) (rest []byte) {
	n := 0
	for n < len(b) && isToken(b[n]) {
		n++
	}
	name := b[:n]
	w, rest, ok := qvalue(skipSpace(b[n:]))
	if n == 0 || !ok {
		a.bad = true
		return nil
	}
	slot := &a.any
	switch {
	case string(name) == "*":
	case equalFold(name, "gzip"), equalFold(name, "x-gzip"): // RFC 9110 section 8.4.1.3
		slot = &a.weights[Gzip]
	case equalFold(name, "zstd"):
		slot = &a.weights[Zstd]
	case equalFold(name, "br"):
		slot = &a.weights[Brotli]
	case equalFold(name, "identity"):
		slot = &a.weights[Identity]
	default:
		return rest
	}
	if *slot == 0 || w < *slot {
		*slot = w
	}
	return rest
}

// qvalue reads ";q=0.8" with optional spaces around the semicolon and after the
// number (RFC 9110 section 12.4.2); nothing means 1.
func qvalue(b []byte) (w weight, rest []byte, ok bool) {
	const one = 1000
	if len(b) == 0 || b[0] != ';' {
		return refused + one, b, true
	}
	b = skipSpace(b[1:])
	if len(b) < 3 || b[0]|0x20 != 'q' || b[1] != '=' || (b[2] != '0' && b[2] != '1') {
		return 0, nil, false
	}
	w = weight(b[2]-'0') * one
	if b = b[3:]; len(b) > 0 && b[0] == '.' {
		b = b[1:]
		for digit := weight(one / 10); digit > 0 && len(b) > 0 && '0' <= b[0] && b[0] <= '9'; digit /= 10 {
			w += weight(b[0]-'0') * digit
			b = b[1:]
		}
	}
	return refused + w, skipSpace(b), w <= one
}

// skipSpace returns b without the spaces and tabs that it begins with.
func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// isToken reports whether c may be in a token (RFC 9110 section 5.6.2).
func isToken(c byte) bool {
	switch {
	case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}

// equalFold reports whether b is lower, which has no capitals, in any case of
// ASCII letters.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
