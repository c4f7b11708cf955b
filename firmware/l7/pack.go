// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"strconv"

	"evener/firmware/compress"
	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/rewrite"
)

// A Compression says which answers are compressed for clients that take it, and
// how.
type Compression struct {
	policy   *compress.Policy
	offers   []compress.Coding
	settings []compress.Setting // of each offer
}

// NewCompression returns a compression with these settings, the best first. An
// error says which of them there is no encoder for.
func NewCompression(p *compress.Policy, settings []compress.Setting) (*Compression, error) {
	c := &Compression{policy: p, settings: settings}
	for _, s := range settings {
		if err := s.Check(); err != nil {
			return nil, err
		}
		c.offers = append(c.offers, s.Coding)
	}
	return c, nil
}

// setting returns how to compress with a coding that is offered.
func (c *Compression) setting(k compress.Coding) compress.Setting {
	for _, s := range c.settings {
		if s.Coding == k {
			return s
		}
	}
	return compress.Setting{}
}

// pack decides whether the answer is compressed, gets an encoder, and changes the
// head accordingly. Operations have been applied: what they made counts.
func (x *exchange) pack(e *rewrite.Changes) {
	c := x.route.Compress
	if c == nil || !x.mayPack() || !x.worthPacking(c, e) {
		return
	}
	var accept compress.Accept
	for i := range x.req.Fields {
		if f := &x.req.Fields[i]; f.ID == message.AcceptEncoding {
			accept.Add(x.req.Bytes(f.Value))
		}
	}
	coding := accept.Choose(c.offers)
	if coding == compress.Identity {
		return
	}
	if x.req.MethodID != message.HEAD && !x.takeEncoder(c.setting(coding)) {
		return
	}
	describePacked(&x.resp, e)
	e.Do(&x.resp, rewrite.Add, "Content-Encoding", []byte(coding.String()))
}

// mayPack reports whether the request lets its answer be changed. A part of an
// answer, which a Range may bring, is one of the bytes as the member has them.
func (x *exchange) mayPack() bool {
	if _, ok := x.req.Lookup("range"); ok {
		return false
	}
	for i := range x.req.Fields {
		if f := &x.req.Fields[i]; f.ID == message.CacheControl && compress.NoTransform(x.req.Bytes(f.Value)) {
			return false
		}
	}
	return true
}

// worthPacking reports whether the answer is to be compressed for clients that
// take it. All of them are told then that it depends on that.
func (x *exchange) worthPacking(c *Compression, e *rewrite.Changes) bool {
	a := compress.Answer{Status: x.resp.Status, Length: x.contentLength()}
	for _, h := range [...]*message.Head{&x.resp, &e.Extra} {
		for i := range h.Fields {
			if f := &h.Fields[i]; !f.Hop {
				a.Field(h.Bytes(f.Name), h.Bytes(f.Value))
			}
		}
	}
	if !c.policy.Eligible(&a) {
		return false
	}
	if a.NeedsVary() {
		e.Do(&x.resp, rewrite.Add, "Vary", []byte("Accept-Encoding"))
	}
	return true
}

// contentLength returns how long the content is, or would be if the method were
// not HEAD; -1 if that is not known.
func (x *exchange) contentLength() int64 {
	switch {
	case x.resp.Body == message.Length:
		return x.resp.Length
	case x.resp.Body != message.NoBody:
		return -1
	case x.req.MethodID != message.HEAD:
		return 0
	}
	v, ok := x.resp.Get(message.ContentLength)
	if !ok {
		return -1
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// takeEncoder gives the answer's body an encoder, unless those of the loop have
// used up their memory.
func (x *exchange) takeEncoder(s compress.Setting) bool {
	enc, err := x.w.packs().Get(s)
	if err != nil {
		x.w.log.Error("answer not compressed", "cluster", x.svc.Cluster, "err", err)
		return false
	}
	if enc == nil {
		x.slot().CompressRefused.Add(1)
		return false
	}
	x.down.enc, x.down.coded = enc, true
	return true
}

// describePacked makes the head of an answer that of its compressed form.
func describePacked(resp *message.Head, e *rewrite.Changes) {
	var tag []byte
	for _, h := range [...]*message.Head{resp, &e.Extra} {
		for i := range h.Fields {
			f := &h.Fields[i]
			switch name := h.Bytes(f.Name); {
			case f.Hop:
			case compress.Stale(name):
				f.Hop = true
			case message.EqualFold(name, "etag"):
				tag, f.Hop = h.Bytes(f.Value), true
			}
		}
	}
	if weak, ok := compress.WeakETag(nil, tag); ok {
		e.Do(resp, rewrite.Add, "ETag", weak)
	}
}

// packs returns the encoders of the loop.
func (w *Worker) packs() *compress.Pool {
	if w.encoders == nil {
		w.encoders = compress.NewPool(w.cfg.Compress)
	}
	return w.encoders
}

// packWeight is how many bytes that pass as they are cost as much time as one that
// is compressed: a turn of a loop is as long either way.
const packWeight = 16

// compress compresses the next content, or with nil and flush what it has kept,
// into the worker's memory, where it stays until the next call.
func (b *body) compress(w *Worker, data []byte, flush bool) ([]byte, state) {
	packed, err := b.enc.Append(w.packed[:0], data, flush)
	return b.packedTo(w, packed, err)
}

// packedTo accounts for what the encoder has made.
func (b *body) packedTo(w *Worker, packed []byte, err error) ([]byte, state) {
	w.packed = packed
	if err != nil {
		w.log.Error("answer cut off", "err", err)
		return nil, packFailed
	}
	b.packed += int64(len(packed))
	return packed, finished
}

// release lets the receiver have all that came so far: the sender pauses, and may
// wait for just that to be seen.
func (b *body) release(dst *conn) state {
	packed, st := b.compress(dst.w, nil, true)
	if st != finished {
		return st
	}
	b.held = false
	if len(packed) > 0 {
		dst.keep(b.frame(dst.compose(), packed))
	}
	return finished
}

// closeEncoder ends the compressed content.
func (b *body) closeEncoder(w *Worker, out []byte) ([]byte, state) {
	packed, err := b.enc.Close(w.packed[:0])
	packed, st := b.packedTo(w, packed, err)
	b.held = false
	b.dropEncoder(w)
	return b.frame(out, packed), st
}

func (b *body) dropEncoder(w *Worker) {
	if b.enc != nil {
		w.packs().Put(b.enc)
		b.enc = nil
	}
}

// out returns how many bytes of content the receiver gets.
func (b *body) out() int64 {
	if b.coded {
		return b.packed
	}
	return b.bytes
}

// withoutStale leaves those fields out of a trailer section that are wrong once
// the content is compressed. The result is in the worker's memory.
func withoutStale(w *Worker, trailer []byte) []byte {
	h := &w.trailers
	if n, err := http1.ParseTrailers(h, trailer, nil); err != nil || n == 0 {
		return nil
	}
	for i := range h.Fields {
		if f := &h.Fields[i]; compress.Stale(h.Bytes(f.Name)) {
			f.Hop = true
		}
	}
	w.text = append(http1.AppendFields(w.text[:0], h), "\r\n"...)
	return w.text
}
