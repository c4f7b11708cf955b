// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"golang.org/x/sys/unix"

	"evener/firmware/compress"
	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/reactor"
)

// A body is one direction of an exchange behind its head: how the end is found
// on the side that it comes from, and how it is framed for the side that it
// goes to.
type body struct {
	framing message.Framing   // as it comes
	chunked bool              // as it goes; otherwise its bytes go as they are
	drop    bool              // the receiver takes no trailers
	closed  bool              // the end was passed on (tunnels)
	late    bool              // what is small is sent at the end of the turn
	done    bool              // all of it is in the receiver's hands or its buffer
	left    int64             // of a Length body
	limit   int64             // refuse more than this; 0: no limit
	bytes   int64             // of content that went through
	enc     *compress.Encoder // content goes compressed; nil: as it is, or all is compressed
	coded   bool              // there was an encoder
	held    bool              // the encoder keeps content that came
	packed  int64             // bytes of content that the encoder has made
	chunks  http1.Chunks
	fault   *http1.Error  // of chunks
	pipe    *reactor.Pipe // holds bytes on their way by splice
}

// begin sets b up for the body that h announces and src brings. On a stream the
// end of the stream is its end, whatever the head says of its length: the codec
// compares the two.
func (b *body) begin(h *message.Head, src *conn) {
	b.framing = h.Body
	b.left = h.Length
	b.chunked = false
	b.done = h.Body == message.NoBody || (h.Body == message.Length && h.Length == 0)
	if src.stream != nil && h.Body != message.NoBody {
		b.framing, b.done = message.Stream, src.eof && len(src.buffered()) == 0
	}
	b.bytes = 0
	b.limit = 0
	if h.Body == message.Chunked {
		b.chunks.Reset()
	}
}

// trailer returns the fields that came behind the body.
func (b *body) trailer(src *conn) []byte {
	switch b.framing {
	case message.Chunked:
		return b.chunks.Trailer()
	case message.Stream:
		return src.stream.trailer
	}
	return nil
}

// A state says why a pump stopped.
type state uint8

const (
	waiting    state = iota // for either side to become ready
	finished                // the body has gone through
	composed                // all that is left is in the receiver's buffer
	yielded                 // there is more to do, but others wait their turn
	srcEnded                // the stream ended inside the body
	srcFailed               // reading failed
	srcBad                  // the framing is wrong
	srcTooMuch              // the limit was passed
	dstFailed               // writing failed
	packFailed              // the encoder failed
)

// Bodies above spliceMin go through a pipe, where their bytes need no framing:
// below, two copies cost less than the two calls.
const spliceMin = 16 << 10

// A last piece of body up to smallBody is copied behind the head: that costs
// less than the kernel's reading of a vector.
const smallBody = 4 << 10

// turnBytes bounds what one pump moves before others get their turn.
const turnBytes = 1 << 20

// pump moves what it can of b from src to dst. What dst has pending goes first.
func (b *body) pump(dst, src *conn) state {
	for budget := turnBytes; budget > 0; {
		if b.pipe != nil {
			n, st := b.spliceStep(dst, src)
			if st != finished {
				return st
			}
			budget -= n
			continue
		}
		if !b.done && b.raw() && len(src.buffered()) > 0 {
			n, st := b.writeStep(dst, src)
			if st != finished {
				return st
			}
			budget -= n
			continue
		}
		if b.done && dst.stream != nil {
			dst.stream.end(b.kept(src))
		}
		if b.done && b.late && dst.writable && len(dst.pending()) > 0 && dst.stream == nil {
			return composed
		}
		if ok, errno := dst.flush(); errno != 0 {
			return dstFailed
		} else if !ok {
			return waiting
		}
		if b.done {
			return finished
		}
		if len(src.buffered()) > 0 {
			n, st := b.recode(dst, src)
			if st != finished {
				return st
			}
			budget -= n
			continue
		}
		if st := b.read(dst, src); st != finished {
			return st
		}
	}
	return yielded
}

// read gets more bytes, or finds out that there are none. What an encoder keeps
// is sent before anybody waits for more.
func (b *body) read(dst, src *conn) state {
	st := b.readMore(dst, src)
	if st == waiting && b.held {
		return b.release(dst)
	}
	return st
}

func (b *body) readMore(dst, src *conn) state {
	if src.eof {
		return b.ended(dst, src)
	}
	if !src.readable {
		return waiting
	}
	if b.spliceable() && src.plain() && dst.plain() {
		pipe, err := src.w.pipes.Get()
		if err == nil {
			b.pipe = pipe
			return finished
		} // out of descriptors: copying serves as well
	}
	if src.in == nil && b.spliceable() && dst.tls != nil {
		src.in = src.w.bufs.GetLarge() // in place of splicing
	}
	n, errno := src.fill()
	switch {
	case errno == unix.EAGAIN:
		return waiting
	case errno != 0:
		return srcFailed
	case n == 0:
		return b.ended(dst, src)
	}
	return finished
}

// raw reports whether content goes as it comes, without framing inside.
func (b *body) raw() bool { return b.framing != message.Chunked && !b.chunked && !b.coded }

func (b *body) spliceable() bool {
	if !b.raw() {
		return false
	}
	return b.framing == message.UntilClose || b.left >= spliceMin
}

// kept returns the trailers that go on.
func (b *body) kept(src *conn) []byte {
	if b.drop {
		return nil
	}
	trailer := b.trailer(src)
	if b.coded && len(trailer) > 0 {
		return withoutStale(src.w, trailer)
	}
	return trailer
}

// ended handles the end of the stream that the body comes from.
func (b *body) ended(dst, src *conn) state {
	switch {
	case b.framing == message.Stream:
	case b.framing != message.UntilClose, src.tls != nil && src.tls.Truncated():
		return srcEnded
	}
	b.done = true
	if b.chunked || b.enc != nil {
		out, st := b.appendLast(dst.compose(), src)
		dst.keep(out)
		return st
	}
	return finished
}

// writeStep sends what dst has pending together with buffered content, without
// copying it.
func (b *body) writeStep(dst, src *conn) (int, state) {
	if !dst.writable {
		return 0, waiting
	}
	data := src.buffered()
	if b.framing == message.Length && int64(len(data)) > b.left {
		data = data[:b.left]
	}
	if b.limit != 0 && b.bytes+int64(len(data)) > b.limit {
		return 0, srcTooMuch
	}
	if len(data) <= smallBody && cap(dst.out)-len(dst.out) >= len(data) {
		dst.keep(append(dst.compose(), data...))
		b.take(src, len(data))
		return len(data), finished
	}
	head := dst.pending()
	sent, errno := dst.writev(head, data)
	if errno == unix.EAGAIN {
		dst.writable = false
		return 0, waiting
	}
	if errno != 0 {
		return 0, dstFailed
	}
	if sent < len(head) {
		dst.sent(sent)
		return sent, finished
	}
	dst.sent(len(head))
	b.take(src, sent-len(head))
	return sent, finished
}

// take accounts for n bytes of content that went through.
func (b *body) take(src *conn, n int) {
	src.consume(n)
	b.bytes += int64(n)
	if b.framing == message.Length {
		b.left -= int64(n)
		b.done = b.left == 0
	}
}
