// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"golang.org/x/sys/unix"

	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/reactor"
)

// chunkRoom is kept free in the output buffer for the size line and the end of
// a chunk, and for the last chunk.
const chunkRoom = 64

// recode moves buffered bytes into dst's output buffer, taking chunks apart
// where they come and making chunks where they go. It returns what that cost of a
// turn, in bytes.
func (b *body) recode(dst, src *conn) (int, state) {
	out := dst.compose()
	used, st := 0, finished
	for st == finished && !b.done && len(src.buffered()) > 0 {
		room := reactor.BufferSize - chunkRoom - len(out)
		if room <= 0 {
			break
		}
		var n int
		if out, n, st = b.pass(out, src, room); n == 0 {
			break
		}
		used += n
	}
	if st == finished && b.done {
		out, st = b.appendLast(out, src)
	}
	dst.keep(out)
	if len(out) == 0 {
		dst.dropOut()
	}
	switch {
	case st != finished:
		return 0, st
	case used == 0 && !b.done:
		return 0, b.starved(dst, src)
	case b.coded:
		used *= packWeight
	}
	return used + 1, finished
}

// pass moves the content in up to room buffered bytes behind out. n is how many of
// the buffer are used.
func (b *body) pass(out []byte, src *conn, room int) (res []byte, n int, st state) {
	data, n, st := b.decode(src.buffered()[:min(room, len(src.buffered()))])
	if st != finished {
		return out, 0, st
	}
	if b.bytes += int64(len(data)); b.limit != 0 && b.bytes > b.limit {
		return out, 0, srcTooMuch
	}
	if b.enc != nil && len(data) > 0 {
		b.held = true
		data, st = b.compress(src.w, data, false)
	}
	out = b.frame(out, data)
	src.consume(n)
	return out, n, st
}

// starved gets more bytes where those that are buffered make no progress: they
// are the beginning of a size line or of a trailer section.
func (b *body) starved(dst, src *conn) state {
	if ok, errno := dst.flush(); errno != 0 {
		return dstFailed
	} else if !ok {
		return waiting
	}
	return b.read(dst, src)
}

// decode takes content out of the next bytes.
func (b *body) decode(buf []byte) (data []byte, n int, st state) {
	switch b.framing {
	case message.Chunked:
		data, n, done, err := b.chunks.Next(buf)
		if err != nil {
			b.fault = err.(*http1.Error)
			return nil, 0, srcBad
		}
		b.done = done
		return data, n, finished
	case message.Length:
		n := int(min(int64(len(buf)), b.left))
		b.left -= int64(n)
		b.done = b.left == 0
		return buf[:n], n, finished
	}
	return buf, len(buf), finished
}

// frame appends content as the receiver's framing has it.
func (b *body) frame(out, data []byte) []byte {
	if !b.chunked || len(data) == 0 {
		return append(out, data...)
	}
	out = http1.AppendChunkHead(out, len(data))
	out = append(out, data...)
	return append(out, "\r\n"...)
}

// appendLast appends what comes behind the last content.
func (b *body) appendLast(out []byte, src *conn) ([]byte, state) {
	if b.enc != nil {
		var st state
		if out, st = b.closeEncoder(src.w, out); st != finished {
			return out, st
		}
	}
	if b.chunked {
		out = b.appendEnd(out, src)
	}
	return out, finished
}

// appendEnd writes the last chunk and the trailers that may go on. What Chunks
// accepted parses.
func (b *body) appendEnd(out []byte, src *conn) []byte {
	trailer := b.kept(src)
	if len(trailer) == 0 {
		return append(out, http1.LastChunk...)
	}
	h := &src.w.trailers
	if _, err := http1.ParseTrailers(h, trailer, nil); err != nil {
		return append(out, http1.LastChunk...)
	}
	return http1.AppendTrailers(out, h)
}

// spliceStep moves bytes through the pipe. It gives the pipe back as soon as it
// is empty and there is nothing to fill it with.
func (b *body) spliceStep(dst, src *conn) (int, state) {
	if ok, errno := dst.flush(); errno != 0 {
		return 0, dstFailed
	} else if !ok {
		return 0, waiting
	}
	if b.pipe.Held() == 0 {
		if b.done || !src.readable {
			b.dropPipe(src.w)
			if b.done {
				return 0, finished
			}
			return 0, waiting
		}
		if st := b.fillPipe(dst, src); st != finished || b.pipe == nil {
			return 0, st
		}
	}
	if !dst.writable {
		return 0, waiting
	}
	n, errno := b.pipe.Drain(dst.fd, false)
	if errno == unix.EAGAIN {
		dst.writable = false
		return 0, waiting
	}
	if errno != 0 {
		return 0, dstFailed
	}
	return n, finished
}

func (b *body) fillPipe(dst, src *conn) state {
	want := int64(1 << 30)
	if b.framing == message.Length {
		want = b.left
	}
	n, errno := b.pipe.Fill(src.fd, want)
	switch {
	case errno == unix.EAGAIN:
		src.readable = false
		b.dropPipe(src.w)
		return waiting
	case errno != 0:
		b.dropPipe(src.w)
		return srcFailed
	case n == 0:
		src.eof = true
		b.dropPipe(src.w)
		return b.ended(dst, src)
	}
	b.bytes += int64(n)
	if b.framing == message.Length {
		b.left -= int64(n)
		b.done = b.left == 0
	}
	return finished
}

func (b *body) dropPipe(w *Worker) {
	if b.pipe != nil {
		w.pipes.Put(b.pipe)
		b.pipe = nil
	}
}
