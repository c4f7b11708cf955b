// SPDX-License-Identifier: Apache-2.0

package compress

// An Answer is what counts of an answer's head. The caller sets Status and
// Length and hands every field line to Field; Policy.Eligible then knows
// whether to compress.
//
// For an answer that is eligible:
//   - if NeedsVary, add "Vary: Accept-Encoding", whatever this client gets;
//   - if it is compressed, also to a HEAD request, drop the fields that are
//     Stale, from the trailer section too; pass ETag through WeakETag; add
//     Content-Encoding; the content's length is not known any more.
//
// A request with Cache-Control: no-transform ([NoTransform]) is not to be asked
// about at all, nor the answer to CONNECT.
type Answer struct {
	Status int
	Length int64 // of the content in bytes; of HEAD what the head says; -1: not known

	contentType []byte
	types       int // lines of Content-Type
	fixed       bool
	varies      bool
}

// Field takes one field line; the name in any case of letters.
func (a *Answer) Field(name, value []byte) {
	switch len(name) {
	case len("vary"):
		if equalFold(name, "vary") && hasElement(value, "accept-encoding", "*") {
			a.varies = true
		}
	case len("content-type"):
		if equalFold(name, "content-type") {
			a.contentType = value
			a.types++
		}
	case len("cache-control"):
		if equalFold(name, "content-range") || (equalFold(name, "cache-control") && NoTransform(value)) {
			a.fixed = true
		}
	case len("content-encoding"):
		if equalFold(name, "content-encoding") {
			a.fixed = true
		}
	}
}

// NeedsVary reports whether no field line said yet that the answer depends on
// Accept-Encoding (RFC 9110 section 12.5.5); "*" says so too.
func (a *Answer) NeedsVary() bool { return !a.varies }

// NoTransform reports whether a value of Cache-Control, of a request or an
// answer, forbids intermediaries to change the content (RFC 9111 sections
// 5.2.1.6 and 5.2.2.6).
func NoTransform(cacheControl []byte) bool {
	return hasElement(cacheControl, "no-transform", "no-transform")
}

// hasElement reports whether a list has an element that begins with one of two
// tokens, in any case of letters. A comma in a quoted string is no separator; a
// string without an end reaches to the end.
func hasElement(list []byte, token1, token2 string) bool {
	for len(list) > 0 {
		list = skipSpace(list)
		n := 0
		for n < len(list) && isToken(list[n]) {
			n++
		}
		if equalFold(list[:n], token1) || equalFold(list[:n], token2) {
			return true
		}
		list = nextElement(list[n:])
	}
	return false
}

// nextElement returns what follows the next comma outside of quoted strings.
func nextElement(list []byte) []byte {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return list[i+1:]
		}
	}
	return nil
}

// Stale reports whether a field of the given name, in any case of letters, is
// wrong once the content is compressed: its length, what was computed from its
// bytes (RFC 9530; RFC 3230, RFC 1864), and the offer of byte ranges, which
// the server would count in the content that this client has not got.
func Stale(name []byte) bool {
	switch len(name) {
	case len("digest"):
		return equalFold(name, "digest")
	case len("content-md5"):
		return equalFold(name, "content-md5") || equalFold(name, "repr-digest")
	case len("accept-ranges"):
		return equalFold(name, "accept-ranges")
	case len("content-length"):
		return equalFold(name, "content-length") || equalFold(name, "content-digest")
	}
	return false
}

// WeakETag adds to dst the value of ETag that the compressed answer has: weak,
// because the same bytes no longer come to everyone (RFC 9110 section 8.8.1).
// The server still recognises it in If-None-Match, which compares weakly; If-Match
// and If-Range do not match it, as they must not. !ok: the value is no entity
// tag, and the field is to be dropped.
func WeakETag(dst, value []byte) (b []byte, ok bool) {
	opaque := value
	if len(value) >= 2 && value[0] == 'W' && value[1] == '/' {
		opaque = value[2:]
	}
	if !isOpaqueTag(opaque) {
		return dst, false
	}
	return append(append(dst, "W/"...), opaque...), true
}

// isOpaqueTag reports whether b is a quoted string of etagc (RFC 9110 section
// 8.8.3).
func isOpaqueTag(b []byte) bool {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return false
	}
	for _, c := range b[1 : len(b)-1] {
		if c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}
