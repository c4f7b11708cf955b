// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bytes"

	"evener/firmware/message"
)

// MaxExtra bounds the bytes that operations add to one head: what a client
// sends may be written many times.
const MaxExtra = 64 << 10

// keepBuf is how much memory Changes keep from one message to the next.
const keepBuf = 16 << 10

// A Fault says why what was made may not be sent.
type Fault uint8

const (
	Sound     Fault = iota
	BadHost         // the text for Host is no authority for this request
	BadTarget       // the rewritten target is none
	TooLarge        // more than MaxExtra or MaxTarget
)

// String returns the fault in words, "" for Sound.
func (f Fault) String() string {
	return [...]string{"", "the new Host is no host", "the rewritten URL is no path",
		"the rewritten head is too large"}[f]
}

// Changes are what operations have made of one head: lines of it that are not
// sent, which are marked Hop there, and lines that are sent after its own, which
// are in Extra. A value serves any number of messages in turn and keeps its
// memory.
type Changes struct {
	// Extra holds the new fields. Its Authority, if not empty, replaces that of
	// a request.
	Extra message.Head

	hidden  []hidden
	scratch []byte
}

// A hidden is a field of the head as it was before it was marked.
type hidden struct {
	index int
	id    message.FieldID
	hop   bool
}

// Reset makes c ready for another message.
func (c *Changes) Reset() {
	buf := c.Extra.Buf[:0]
	if cap(buf) > keepBuf {
		buf = nil
	}
	c.Extra.Reset()
	c.Extra.Buf = buf
	c.hidden = c.hidden[:0]
}

// Undo takes back what was made of h, which c was used for since Reset, so that
// operations can be applied anew: for another try with another member. A head
// with operations applied twice would have everything twice.
func (c *Changes) Undo(h *message.Head) {
	for i := len(c.hidden) - 1; i >= 0; i-- {
		was := c.hidden[i]
		f := &h.Fields[was.index]
		f.ID, f.Hop = was.id, was.hop
	}
	c.Reset()
}

// Apply applies o, which may be nil, to the head h. Operations see what those
// before them have made, also those of an Apply before: the caller applies the
// cluster's, then the rule's. Variables see the request as it was received.
// What comes after a fault is not applied.
func (o *Ops) Apply(h *message.Head, c *Changes, src Source) Fault {
	if o == nil {
		return Sound
	}
	for i := range o.list {
		op := &o.list[i]
		if op.name.id == message.Host {
			if !c.setHost(op.value, src) {
				return BadHost
			}
		} else {
			c.do(h, op, src, nil)
		}
		if len(c.Extra.Buf) > MaxExtra {
			return TooLarge
		}
	}
	return Sound
}

// Do does to the fields of h called name what an operation would do, with a
// value that is not checked: it must be one that a field may have. Name is no
// prefix and not Host.
func (c *Changes) Do(h *message.Head, a Action, name string, value []byte) {
	c.do(h, &op{action: a, name: fieldName{text: name, id: message.FieldByName(name)}}, nil, value)
}

// do carries out op with its text, or with value if it has none.
func (c *Changes) do(h *message.Head, op *op, src Source, value []byte) {
	if op.action == Remove {
		c.hide(h, &op.name)
		return
	}
	if op.action == SetIfAbsent && c.has(h, &op.name) {
		return
	}
	before := len(c.Extra.Buf)
	name := c.text(op.name.text)
	start := len(c.Extra.Buf)
	if op.action == Append {
		c.join(h, &op.name)
	}
	own := len(c.Extra.Buf)
	if op.value != nil {
		c.Extra.Buf = op.value.Append(c.Extra.Buf, src)
	} else {
		c.Extra.Buf = append(c.Extra.Buf, value...)
	}
	span := c.trimmed(own)
	if span.Empty() {
		c.Extra.Buf = c.Extra.Buf[:before]
		if op.action == Set {
			c.hide(h, &op.name)
		}
		return
	}
	if op.action == Append {
		span = message.Span{Off: uint32(start), Len: span.Off + span.Len - uint32(start)}
	}
	if op.action == Set || op.action == Append {
		c.hide(h, &op.name)
	}
	c.Extra.Fields = append(c.Extra.Fields, message.Field{Name: name, Value: span, ID: op.name.id})
}

// text puts s into the memory of Extra.
func (c *Changes) text(s string) message.Span {
	at := len(c.Extra.Buf)
	c.Extra.Buf = append(c.Extra.Buf, s...)
	return message.Span{Off: uint32(at), Len: uint32(len(s))}
}

// trimmed returns the end of Extra's memory from start on without blanks around
// it. Those in front are overwritten.
func (c *Changes) trimmed(start int) message.Span {
	v := bytes.Trim(c.Extra.Buf[start:], " \t")
	n := copy(c.Extra.Buf[start:], v)
	c.Extra.Buf = c.Extra.Buf[:start+n]
	return message.Span{Off: uint32(start), Len: uint32(n)}
}

// join appends the values of all lines called n to Extra's memory, as elements
// of one list (RFC 9110 section 5.3) that is not yet at its end.
func (c *Changes) join(h *message.Head, n *fieldName) {
	for _, head := range [...]*message.Head{h, &c.Extra} {
		for i := range head.Fields {
			f := &head.Fields[i]
			if !visible(f) || f.Value.Empty() || !n.is(head, f) {
				continue
			}
			c.Extra.Buf = append(c.Extra.Buf, head.Bytes(f.Value)...)
			if n.id == message.Cookie { // RFC 6265 section 4.2.1
				c.Extra.Buf = append(c.Extra.Buf, ';', ' ')
			} else {
				c.Extra.Buf = append(c.Extra.Buf, ',', ' ')
			}
		}
	}
}

// visible reports whether f is sent. Several Cookie fields are marked Hop by the
// codecs, which then write them joined.
func visible(f *message.Field) bool { return !f.Hop || f.ID == message.Cookie }

// has reports whether a line called n is sent.
func (c *Changes) has(h *message.Head, n *fieldName) bool {
	for _, head := range [...]*message.Head{h, &c.Extra} {
		for i := range head.Fields {
			if f := &head.Fields[i]; visible(f) && n.is(head, f) {
				return true
			}
		}
	}
	return false
}

// hide takes away all lines called n.
func (c *Changes) hide(h *message.Head, n *fieldName) {
	for i := range h.Fields {
		if f := &h.Fields[i]; visible(f) && n.is(h, f) {
			c.hideAt(h, i)
		}
	}
	kept := c.Extra.Fields[:0]
	for i := range c.Extra.Fields {
		if f := &c.Extra.Fields[i]; !n.is(&c.Extra, f) {
			kept = append(kept, *f)
		}
	}
	c.Extra.Fields = kept
}

// hideAt takes away the line at index. A Cookie loses its ID too, because
// codecs join all that have it.
func (c *Changes) hideAt(h *message.Head, index int) {
	f := &h.Fields[index]
	c.hidden = append(c.hidden, hidden{index: index, id: f.ID, hop: f.Hop})
	f.Hop = true
	if f.ID == message.Cookie {
		f.ID = message.OtherField
	}
}

// setHost makes the text of t the authority of the request. ok is false if it
// is none.
func (c *Changes) setHost(t *Template, src Source) (ok bool) {
	start := len(c.Extra.Buf)
	c.Extra.Buf = t.Append(c.Extra.Buf, src)
	span := c.trimmed(start)
	if _, fault := message.CheckHost(c.Extra.Bytes(span)); fault != message.HostSound {
		return false
	}
	c.Extra.Authority = span
	return true
}
