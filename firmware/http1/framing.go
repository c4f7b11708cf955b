// SPDX-License-Identifier: Apache-2.0

package http1

import "evener/firmware/message"

// contentLength takes one Content-Length field (RFC 9110 section 8.6). Several
// values are remembered as such; it is for the caller to refuse or merge them.
func (x *facts) contentLength(list []byte) {
	for more := true; more; {
		var e []byte
		e, list, more = nextElement(list)
		n, valid := message.ParseLength(e)
		switch {
		case !valid:
			x.clFault = BadCL
		case x.lengths > 0 && n != x.length && x.clFault == ok:
			x.clFault = SeveralCL
		}
		x.lengths++
		x.length = n
	}
}

// codings is what was seen of the Transfer-Encoding list so far.
type codings struct {
	chunked bool // the last one is chunked
	other   bool // there is one that is not
	bad     bool // there is one that no party may send
}

// list adds the codings of one field. Empty elements, which RFC 9110 section
// 5.6.1 would let pass, are refused: only attacks have them.
func (t *codings) list(list []byte) {
	for more := true; more; {
		var e []byte
		e, list, more = nextElement(list)
		name := e
		for i, c := range e {
			if c == ';' || isSpace(c) {
				name = e[:i]
				break
			}
		}
		switch {
		case t.chunked, !isToken(name), message.EqualFold(name, "identity"):
			t.bad = true
		case !message.EqualFold(name, "chunked"):
			t.other = true
		case len(name) != len(e):
			t.bad = true // chunked has no parameters
		default:
			t.chunked = true
		}
	}
}

// framing decides how the end of the body is found, as far as the fields say
// (RFC 9112 section 6.3): NoBody if they are silent. Only answers may repeat an
// equal Content-Length.
func (x *facts) framing(h *message.Head, repeat bool) Reason {
	switch {
	case x.transfer && x.lengths > 0:
		return CLAndTE
	case x.transfer && h.Minor == 0:
		return TEInHTTP10
	case x.transfer && (x.codings.bad || !x.codings.chunked):
		return BadTE
	case x.transfer && x.codings.other:
		return UnknownTE
	case x.transfer:
		h.Body = message.Chunked
	case x.lengths == 0:
	case x.clFault != ok:
		return x.clFault
	case x.lengths > 1 && !repeat:
		return SeveralCL
	default:
		h.Body = message.Length
		h.Length = x.length
	}
	return ok
}
