// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"strconv"

	"evener/firmware/message"
)

// A composition is the head that is being composed.
type composition struct {
	stream  *Stream
	start   int // of its first frame in out
	status  int // of an answer
	isHEAD  bool
	size    int  // decoded, as SETTINGS_MAX_HEADER_LIST_SIZE counts
	invalid bool // it is not to be sent
}

// BeginHead begins a head on s: of a request, an answer (an interim one too), or
// a trailer section. Pseudo-fields come first, with Request or Status; then
// fields; then EndHead, with no other call of c between. A client's stream gets
// its number here.
func (c *Conn) BeginHead(s *Stream) {
	if s.id == 0 && c.err == nil && !s.done() {
		c.opened--
		c.lastID += 1 + c.lastID&1 // 1, 3, 5
		c.begin(s, c.lastID)
	}
	c.out = appendFrame(c.grow(512), 0, typeHeaders, 0, s.id)
	c.head = composition{stream: s, start: len(c.out) - frameHead}
	c.head.invalid = c.err != nil || s.has(sendEnd|sendReset|recvReset)
	if c.peerTable {
		c.out = append(c.out, 0x20) // the dynamic table is empty (RFC 7541 section 6.3)
		c.peerTable = c.head.invalid
	}
}

// Status writes :status.
func (c *Conn) Status(code int) {
	c.head.status = code
	c.count(len(":status"), 3)
	index := 0
	switch code {
	case 200:
		index = 8
	case 204, 206:
		index = 9 + (code-204)/2
	case 304, 400, 404, 500:
		for i, s := range [...]int{304, 400, 404, 500} {
			if s == code {
				index = 11 + i
			}
		}
	}
	if index != 0 {
		c.out = append(c.out, 0x80|byte(index))
		return
	}
	var digits [4]byte
	c.out = appendLiteral(c.grow(16), 8, "", strconv.AppendInt(digits[:0], int64(code), 10))
}

// Request writes the pseudo-fields of a request. path is :path, with the query,
// "*" for the server as a whole. protocol is empty but for extended CONNECT
// (RFC 8441), for which method is CONNECT.
func (c *Conn) Request(method []byte, scheme string, authority, path []byte, protocol string) {
	c.count(len(":method"), len(method))
	c.count(len(":scheme"), len(scheme))
	c.count(len(":path"), len(path))
	switch string(method) {
	case "GET":
		c.out = append(c.out, 0x82)
	case "POST":
		c.out = append(c.out, 0x83)
	default:
		c.head.isHEAD = string(method) == "HEAD"
		c.literal(2, "", method)
	}
	switch scheme {
	case "http":
		c.out = append(c.out, 0x86)
	case "https":
		c.out = append(c.out, 0x87)
	default:
		c.literal(6, "", []byte(scheme))
	}
	if len(authority) != 0 {
		c.count(len(":authority"), len(authority))
		c.literal(1, "", authority)
	}
	if string(path) == "/" {
		c.out = append(c.out, 0x84)
	} else {
		c.literal(4, "", path)
	}
	if protocol != "" {
		c.count(len(":protocol"), len(protocol))
		c.literal(0, ":protocol", []byte(protocol))
	}
}

// Field writes a field; its name may be in any case. Fields that belong to one
// connection are left out: Connection, Keep-Alive, Proxy-Connection,
// Transfer-Encoding, Upgrade, HTTP2-Settings, Host, and TE other than trailers.
// name and value must be sound, as what comes out of a codec is.
func (c *Conn) Field(name string, value []byte) {
	id := message.FieldByName(name)
	if !sendable(id, value) {
		return
	}
	c.count(len(name), len(value))
	c.literal(staticName(id, name), name, value)
}

func sendable(id message.FieldID, value []byte) bool {
	switch id {
	case message.Connection, message.KeepAlive, message.ProxyConnection, message.TransferEncoding,
		message.Upgrade, message.HTTP2Settings, message.Host:
		return false
	case message.TE:
		return message.EqualFold(value, "trailers")
	}
	return true
}

// Length writes Content-Length.
func (c *Conn) Length(n int64) {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	c.count(len("content-length"), len(text))
	c.literal(28, "", text)
}

// Fields writes every field of h that is not Hop, in order, and several Cookie
// fields, which a codec marks, one by one.
func (c *Conn) Fields(h *message.Head) {
	cookies := 0
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.ID == message.Cookie {
			cookies++
		}
		if f.Hop {
			continue
		}
		value := h.Bytes(f.Value)
		if sendable(f.ID, value) {
			name := h.Bytes(f.Name)
			c.count(len(name), len(value))
			c.out = appendLiteral(c.grow(len(name)+len(value)+16), staticName(f.ID, name), name, value)
		}
	}
	if cookies > 1 {
		for i := range h.Fields {
			if f := &h.Fields[i]; f.ID == message.Cookie && f.Hop && !f.Value.Empty() {
				c.count(len("cookie"), int(f.Value.Len))
				c.literal(32, "", h.Bytes(f.Value))
			}
		}
	}
}

// count adds a field to the size of the head (RFC 9113 section 6.5.2).
func (c *Conn) count(name, value int) { c.head.size += name + value + 32 }

func (c *Conn) literal(index uint8, name string, value []byte) {
	c.out = appendLiteral(c.grow(len(name)+len(value)+16), index, name, value)
}

// appendLiteral appends a literal that is never indexed (RFC 7541 section
// 6.2.3), with the name at index of the static table, or name if index is 0.
func appendLiteral[S string | []byte](dst []byte, index uint8, name S, value []byte) []byte {
	switch {
	case index == 0:
		dst = append(dst, 0x10)
		dst = appendInteger(dst, 0, 7, len(name))
		for i := range len(name) {
			k := name[i]
			if 'A' <= k && k <= 'Z' {
				k |= 0x20
			}
			dst = append(dst, k)
		}
	case index < 15:
		dst = append(dst, 0x10|index)
	default:
		dst = append(dst, 0x1f, index-15)
	}
	dst = appendInteger(dst, 0, 7, len(value))
	return append(dst, value...)
}

// appendInteger appends v with a prefix of bits (RFC 7541 section 5.1).
func appendInteger(dst []byte, first, bits uint8, v int) []byte {
	top := 1<<bits - 1
	if v < top {
		return append(dst, first|byte(v))
	}
	dst = append(dst, first|byte(top))
	for v -= top; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

// EndHead ends the head, and with end what is sent on the stream. It reports whether
// the peer takes so large a head, by what it has announced: if not, nothing is sent,
// and the stream is as it was.
func (c *Conn) EndHead(end bool) (fits bool) {
	fits = uint64(c.head.size) <= uint64(c.peerHead)
	if c.head.invalid || !fits {
		c.peerTable = c.peerTable || !fits && c.out[c.head.start+frameHead] == 0x20
		c.out = c.out[:c.head.start]
		c.head = composition{}
		return fits
	}
	flags := uint8(0)
	if end {
		flags = flagEndStream
	}
	if block := len(c.out) - c.head.start - frameHead; block > minFrame {
		c.split(block, flags)
	} else {
		appendFrame(c.out[:c.head.start], block, typeHeaders, flags|flagEndHeaders, c.head.stream.id)
	}
	s := c.head.stream
	if c.head.status < 100 || c.head.status >= 200 {
		s.state |= sendHead
	}
	if c.head.isHEAD {
		s.state |= toHEAD
	}
	c.head = composition{}
	if end {
		c.endSend(s)
	}
	return true
}

// split makes HEADERS and CONTINUATION of the block behind the frame head: every
// peer takes frames of minFrame bytes. The last piece moves first.
func (c *Conn) split(block int, flags uint8) {
	more := (block - 1) / minFrame // CONTINUATION frames
	c.grow(more * frameHead)
	start, id := c.head.start, c.head.stream.id
	b := c.out[:len(c.out)+more*frameHead]
	last := uint8(flagEndHeaders)
	for i := more; i > 0; i-- {
		n := min(block-i*minFrame, minFrame)
		from := start + frameHead + i*minFrame
		at := from + i*frameHead
		copy(b[at:at+n], b[from:from+n])
		appendFrame(b[:at-frameHead], n, typeContinuation, last, id)
		last = 0
	}
	appendFrame(b[:start], minFrame, typeHeaders, flags, id)
	c.out = b
}
