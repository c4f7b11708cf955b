// SPDX-License-Identifier: Apache-2.0

package l4

import "encoding/binary"

// A Hello says what the first bytes of a connection are.
type Hello uint8

// The verdicts on the first bytes.
const (
	HelloPartial Hello = iota // the beginning of a ClientHello: more is needed
	HelloNamed                // a ClientHello with a server name
	HelloUnnamed              // a ClientHello without one
	HelloNone                 // not TLS, or no ClientHello that is well-formed
)

// MaxHello is the longest ClientHello that is read, its record headers included.
const MaxHello = 16 << 10

const (
	recordHandshake = 22
	recordHeader    = 5
	maxRecord       = 1 << 14
	helloType       = 1
	helloHeader     = 4
	maxName         = 255
)

// ParseHello looks for the server name (RFC 6066 section 3) in the ClientHello
// (RFC 8446 section 4.1.2) that b begins with. The message may be split over
// records in any way (section 5.1); it is put together in scratch, which must have
// room for MaxHello bytes. The name is in lower case; it is in scratch and good
// until that is used again.
//
// Everything up to the name is checked strictly: every length must fill exactly
// what it counts. b is not changed.
func ParseHello(b, scratch []byte) (name []byte, v Hello) {
	msg, v := joinHello(b, scratch[:0])
	if v != HelloUnnamed {
		return nil, v
	}
	name, ok := helloName(msg)
	switch {
	case !ok:
		return nil, HelloNone
	case name == nil:
		return nil, HelloUnnamed
	case !lowerName(name):
		return nil, HelloNone
	}
	return name, HelloNamed
}

// joinHello puts the handshake message together, without its header. It returns
// HelloUnnamed when the message is whole.
func joinHello(b, msg []byte) ([]byte, Hello) {
	read := 0
	for {
		body, whole, v := record(b)
		if v != HelloUnnamed {
			return nil, v
		}
		msg = append(msg, body...)
		if len(msg) > 0 && msg[0] != helloType {
			return nil, HelloNone
		}
		if len(msg) >= helloHeader {
			size := helloHeader + int(binary.BigEndian.Uint32(msg)&0xffffff)
			if size > MaxHello-recordHeader {
				return nil, HelloNone
			}
			if len(msg) > size {
				return nil, HelloNone // nothing may follow before the server has answered
			}
			if len(msg) == size {
				if !whole { // the record goes on after the message
					return nil, HelloNone
				}
				return msg[helloHeader:], HelloUnnamed
			}
		}
		if !whole {
			return nil, partial(read + recordHeader + len(body))
		}
		read += recordHeader + len(body)
		b = b[recordHeader+len(body):]
		if read >= MaxHello {
			return nil, HelloNone
		}
	}
}

// partial is the verdict on n bytes of an unfinished message.
func partial(n int) Hello {
	if n >= MaxHello {
		return HelloNone
	}
	return HelloPartial
}

// record returns what b has of the content of the record that it begins with,
// and whether that is all of it.
func record(b []byte) (body []byte, whole bool, v Hello) {
	if len(b) > 0 && b[0] != recordHandshake || len(b) > 1 && b[1] != 3 {
		return nil, false, HelloNone
	}
	if len(b) < recordHeader {
		return nil, false, HelloPartial
	}
	n := int(binary.BigEndian.Uint16(b[3:]))
	if n == 0 || n > maxRecord {
		return nil, false, HelloNone
	}
	b = b[recordHeader:]
	if n <= len(b) {
		return b[:n], true, HelloUnnamed
	}
	return b, false, HelloUnnamed
}

// A reader takes vectors off the front of what is left of a message.
type reader struct {
	b   []byte
	bad bool
}

// bytes takes n bytes.
func (r *reader) bytes(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// number takes a number of size bytes.
func (r *reader) number(size int) int {
	n := 0
	for _, c := range r.bytes(size) {
		n = n<<8 | int(c)
	}
	return n
}

// vector takes a vector whose length is a number of size bytes.
func (r *reader) vector(size int) []byte { return r.bytes(r.number(size)) }

// helloName returns the name in the body of a ClientHello, nil if there is none;
// ok is false if the message is malformed.
func helloName(msg []byte) (name []byte, ok bool) {
	r := reader{b: msg}
	r.bytes(2 + 32) // legacy_version, random
	session := r.vector(1)
	suites := r.vector(2)
	compression := r.vector(1)
	if r.bad || len(session) > 32 || len(suites) < 2 || len(suites)%2 != 0 || len(compression) < 1 {
		return nil, false
	}
	if len(r.b) == 0 {
		return nil, true // TLS 1.2 and older may have no extensions
	}
	extensions := reader{b: r.vector(2)}
	if r.bad || len(r.b) > 0 {
		return nil, false
	}
	for len(extensions.b) > 0 {
		kind := extensions.number(2)
		body := extensions.vector(2)
		if extensions.bad {
			return nil, false
		}
		if kind != 0 {
			continue
		}
		if name != nil {
			return nil, false // no extension comes twice
		}
		if name = hostName(body); name == nil {
			return nil, false
		}
	}
	return name, true
}

// hostName returns the name in a server_name extension, nil if it is malformed.
// There is one type of name, and one name of each type.
func hostName(ext []byte) []byte {
	r := reader{b: ext}
	list := reader{b: r.vector(2)}
	if r.bad || len(r.b) > 0 {
		return nil
	}
	kind := list.number(1)
	name := list.vector(2)
	if list.bad || len(list.b) > 0 || kind != 0 || len(name) == 0 || len(name) > maxName {
		return nil
	}
	return name
}

// lowerName puts a name in lower case, in its place, and reports whether it can
// be the name of a host.
func lowerName(name []byte) bool {
	for i, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			name[i] = c | 0x20
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == ':':
		default:
			return false
		}
	}
	return name[0] != '.' && name[len(name)-1] != '.'
}
