// SPDX-License-Identifier: Apache-2.0

// Package message is the neutral form of an HTTP request or answer head. A codec
// (http1, http2) fills a [Head] from bytes and writes bytes from one; everything
// between them, rules, persistence and the exchange itself, sees only this form
// and never a wire syntax.
//
// A Head holds no bytes of its own: its spans are offsets into Buf, so a Head can
// be reused without allocation and holds nothing for the garbage collector to
// follow but its two slices.
package message

// A Span is a stretch of Head.Buf.
type Span struct{ Off, Len uint32 }

// Empty reports whether the span has no bytes.
func (s Span) Empty() bool { return s.Len == 0 }

// A Field is one header field line. Hop says that the field belongs to one
// connection only (RFC 9110 section 7.6.1) and is never forwarded: the codec
// sets it for the hop-by-hop fields it knows, for those that Connection names,
// for the framing fields (Content-Length, Transfer-Encoding), which the other
// side's codec writes anew, and for fields that a policy drops.
type Field struct {
	Name, Value Span
	ID          FieldID
	Hop         bool
}

// A Framing says how the end of a body is found (RFC 9112 section 6).
type Framing uint8

const (
	NoBody     Framing = iota // nothing follows the head
	Length                    // exactly Head.Length bytes follow
	Chunked                   // chunks, then a trailer section
	UntilClose                // the rest of the connection; answers only
	Stream                    // what comes until the stream ends (RFC 9113 section 8.1); of unknown length
)

// A Form is the form of a request target (RFC 9112 section 3.2).
type Form uint8

const (
	Origin   Form = iota // /path?query
	Absolute             // http://host/path?query
	Asterisk             // *
)

// A Head is one parsed request or answer head. The zero value is ready to be
// filled; Reset makes a used one ready again and keeps the memory of Fields.
type Head struct {
	Buf []byte // what every span points into

	Method    Span
	MethodID  Method
	Form      Form
	Target    Span // as received
	Scheme    Span // of an absolute form, else empty
	Authority Span // host[:port] of the target if it has one, else of Host; empty if there is none
	Path      Span // of the target, without query; "*" for Asterisk
	Query     Span // after the first "?", without it
	HasQuery  bool // distinguishes "/a?" from "/a"

	Status int // of an answer, 100 to 599
	Reason Span

	Minor  uint8 // the 0 or 1 of HTTP/1.x; 1 for later protocols
	HTTP2  bool  // it came by HTTP/2
	Fields []Field

	Body   Framing
	Length int64 // of the body, when Body is Length

	KeepAlive bool // the peer lets the connection be used again
	Expect100 bool // Expect: 100-continue
	Upgrade   Span // token of Upgrade, when Connection: upgrade was there too
	Websocket bool // Upgrade is "websocket", or the :protocol of an extended CONNECT (RFC 8441)
	TETrailer bool // TE: trailers was asked for
}

// Reset empties h for the next message.
func (h *Head) Reset() {
	*h = Head{Fields: h.Fields[:0]}
}

// Bytes returns the bytes of s. They are only valid as long as Buf's are.
func (h *Head) Bytes(s Span) []byte {
	return h.Buf[s.Off : s.Off+s.Len : s.Off+s.Len]
}

// Get returns the value of the first field with id, and whether there is one.
func (h *Head) Get(id FieldID) ([]byte, bool) {
	for i := range h.Fields {
		if h.Fields[i].ID == id {
			return h.Bytes(h.Fields[i].Value), true
		}
	}
	return nil, false
}

// Lookup returns the value of the first field called name, compared without
// regard to the case of ASCII letters, and whether there is one.
func (h *Head) Lookup(name string) ([]byte, bool) {
	id := FieldByName(name)
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.ID != id || (id == 0 && !EqualFold(h.Bytes(f.Name), name)) {
			continue
		}
		return h.Bytes(f.Value), true
	}
	return nil, false
}

// EqualFold reports whether b and s are equal when ASCII letters are compared
// without regard to case.
func EqualFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if b[i] != s[i] && lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
