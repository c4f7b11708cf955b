// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// A tls.Conn keeps the buffer that its longest record needed for as long as it
// lives: 16 KiB and more for each connection that once carried an upload. And it
// cannot tell whether it holds a record, which costs an allocation to find out.
// Both are seen from three fields that it does not export:
//
//	rawInput  bytes.Buffer   ciphertext from the start of a record
//	input     bytes.Reader   plaintext still to be read; lies in rawInput's buffer
//	hand      bytes.Buffer   handshake messages that are not whole
//
// Their places are looked up by name and type when the program starts. A version
// of Go that has other fields makes fields.known false: connections then keep
// their buffers, and Read asks crypto/tls until it has nothing. TestLayoutIsKnown fails
// there, so that nobody ships it unawares.
type layout struct {
	known                 bool
	rawInput, input, hand uintptr
}

var fields = findFields(reflect.TypeFor[tls.Conn]())

func findFields(t reflect.Type) layout {
	raw, okRaw := t.FieldByName("rawInput")
	input, okInput := t.FieldByName("input")
	hand, okHand := t.FieldByName("hand")
	if !okRaw || !okInput || !okHand || raw.Type != reflect.TypeFor[bytes.Buffer]() ||
		input.Type != reflect.TypeFor[bytes.Reader]() || hand.Type != reflect.TypeFor[bytes.Buffer]() {
		return layout{}
	}
	return layout{true, raw.Offset, input.Offset, hand.Offset}
}

func (l *layout) buffers(c *tls.Conn) (raw *bytes.Buffer, input *bytes.Reader, hand *bytes.Buffer) {
	p := unsafe.Pointer(c)
	return (*bytes.Buffer)(unsafe.Add(p, l.rawInput)), (*bytes.Reader)(unsafe.Add(p, l.input)),
		(*bytes.Buffer)(unsafe.Add(p, l.hand))
}

// holdsInput reports whether there is something to read above the socket:
// plaintext, or the whole of a record.
func (c *Conn) holdsInput() bool {
	if !fields.known {
		return !c.dry
	}
	raw, input, _ := fields.buffers(c.tls)
	if input.Len() > 0 {
		return true
	}
	b := raw.Bytes()
	return len(b) >= recordHeader && len(b) >= recordHeader+int(b[3])<<8+int(b[4])
}

// keepInput is the capacity that an idle connection may keep. Requests whose
// records are shorter cost no allocation each.
const keepInput = 2 << 10

// shrinkInput frees what a long record needed.
func (c *Conn) shrinkInput() {
	if !fields.known {
		return
	}
	raw, input, hand := fields.buffers(c.tls)
	if input.Len() > 0 {
		return // plaintext that lies in raw's buffer
	}
	shrink(hand, 0)
	if raw.Cap() > keepInput && raw.Len() < raw.Cap()/2 {
		input.Reset(nil)
		shrink(raw, keepInput)
	}
}

// shrink moves what b holds into a buffer of its size, if b's is longer than keep.
func shrink(b *bytes.Buffer, keep int) {
	switch {
	case b.Cap() <= keep:
	case b.Len() == 0:
		*b = bytes.Buffer{}
	default:
		*b = *bytes.NewBuffer(bytes.Clone(b.Bytes()))
	}
}
