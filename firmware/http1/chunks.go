// SPDX-License-Identifier: Apache-2.0

package http1

import "evener/firmware/message"

// A Chunks decodes one chunked body (RFC 9112 section 7.1) that comes in pieces
// of any size. The zero value is ready. Chunk extensions are dropped.
type Chunks struct {
	MaxTrailer int // bytes of the trailer section; 32 KiB, and 100 fields

	state   chunkState
	fault   Reason
	digits  uint8
	ext     int   // bytes of the extensions of this chunk
	exts    int   // and of all before it
	left    int64 // data of this chunk still to come
	last    byte  // of the trailer section so far
	line    int   // bytes of the trailer line so far
	trailer []byte
}

type chunkState uint8

const (
	inSize chunkState = iota
	inExtension
	sizeLF
	inData
	dataCR
	dataLF
	inTrailer
	chunksDone
	chunksFailed
)

const (
	maxSizeDigits     = 16
	maxExtension      = 256     // of one chunk, with its ";"
	maxExtensions     = 4 << 10 // of all chunks of a body
	defaultMaxTrailer = defaultMaxHead
	keptTrailer       = 1 << 10 // memory that Reset does not give back
)

// Reset makes c ready for another body and keeps MaxTrailer.
func (c *Chunks) Reset() {
	t := c.trailer[:0]
	if cap(t) > keptTrailer {
		t = nil
	}
	*c = Chunks{MaxTrailer: c.MaxTrailer, trailer: t}
}

// InData returns how many bytes of the present chunk's data are still to come.
// A caller may move as many by other means and say so with [Chunks.Spliced].
func (c *Chunks) InData() int64 {
	if c.state != inData {
		return 0
	}
	return c.left
}

// Spliced says that the next n bytes of chunk data did not come through Next.
// n is at most InData.
func (c *Chunks) Spliced(n int64) {
	c.left -= n
	if c.state == inData && c.left == 0 {
		c.state = dataCR
	}
}

// Trailer returns the trailer section with its empty line, for
// [ParseTrailers], or nil if there were no trailers. It is whole and valid once
// Next has said done, and until Reset.
func (c *Chunks) Trailer() []byte {
	if c.state != chunksDone || len(c.trailer) == 0 {
		return nil
	}
	return c.trailer
}

// Next consumes the first n bytes of buf and returns the bytes of the body
// among them, a slice of buf that may be empty. Call it again with the rest as
// long as n > 0. done comes with the last byte of the trailer section; what
// follows in buf belongs to the next message. The error is an [*Error], and
// stays: its Status is that for a request.
func (c *Chunks) Next(buf []byte) (data []byte, n int, done bool, err error) {
	for n < len(buf) {
		if c.state == inData {
			k := int64(len(buf) - n)
			if k > c.left {
				k = c.left
			}
			data = buf[n : n+int(k)]
			c.Spliced(k)
			return data, n + int(k), false, nil
		}
		if c.state >= chunksDone {
			break
		}
		if r := c.step(buf[n]); r != ok {
			c.state, c.fault = chunksFailed, r
			break
		}
		n++
	}
	if c.state == chunksFailed {
		return nil, 0, false, &requestErrors[c.fault]
	}
	return nil, n, c.state == chunksDone, nil
}

// step takes one byte that is not chunk data.
func (c *Chunks) step(b byte) Reason {
	switch c.state {
	case inSize:
		return c.size(b)
	case inExtension:
		return c.extension(b)
	case sizeLF:
		if b != '\n' {
			return BareCR
		}
		c.state = inData
		if c.left == 0 {
			c.state = inTrailer
		}
		c.digits = 0
	case dataCR:
		if b == '\n' {
			return BareLF
		}
		if b != '\r' {
			return BadChunkEnd
		}
		c.state = dataLF
	case dataLF:
		if b != '\n' {
			return BadChunkEnd
		}
		c.state = inSize
	case inTrailer:
		return c.trailerByte(b)
	}
	return ok
}

// size takes a byte of 1*HEXDIG, with at most 16 digits and no white space
// around them.
func (c *Chunks) size(b byte) Reason {
	switch {
	case class[b]&inHex != 0:
		if c.digits == maxSizeDigits || c.left > (1<<63-1)>>4 {
			return BadChunkSize
		}
		c.left = c.left<<4 | int64(hexValue(b))
		c.digits++
		return ok
	case b == '\n':
		return BareLF
	case c.digits == 0:
		return BadChunkSize
	case b == '\r':
		c.state = sizeLF
		return ok
	case b == ';':
		c.state = inExtension
		c.ext = 0
		return c.extension(b)
	}
	return BadChunkSize
}

func hexValue(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return (b | 0x20) - 'a' + 10
}

// extension takes a byte of the extensions, which are bounded and otherwise
// only have to be text.
func (c *Chunks) extension(b byte) Reason {
	switch {
	case b == '\r':
		c.state = sizeLF
		return ok
	case b == '\n':
		return BareLF
	case class[b]&inValue == 0:
		return BadChunkExtension
	case c.ext == maxExtension, c.exts == maxExtensions:
		return LongChunkExtension
	}
	c.ext++
	c.exts++
	return ok
}

// trailerByte keeps a byte of the trailer section, until an empty line ends it.
func (c *Chunks) trailerByte(b byte) Reason {
	if c.last == '\r' && b != '\n' {
		return BareCR
	}
	if b == '\n' && c.last != '\r' {
		return BareLF
	}
	c.last = b
	c.line++
	end := b == '\n' && c.line == len(crlf)
	if b == '\n' {
		c.line = 0
	}
	if len(c.trailer) == 0 && c.line <= 1 && (end || b == '\r') {
		if end { // there are no trailers, so nothing is kept
			c.state = chunksDone
		}
		return ok
	}
	if len(c.trailer) == limit(c.MaxTrailer, defaultMaxTrailer) {
		return TrailersTooLarge
	}
	c.trailer = append(c.trailer, b)
	if !end {
		return ok
	}
	return c.endOfTrailer()
}

// endOfTrailer checks the whole section, so that nothing malformed counts as
// the end of a body.
func (c *Chunks) endOfTrailer() Reason {
	c.state = chunksDone
	var h message.Head
	o := Options{MaxHead: len(c.trailer), MaxField: len(c.trailer)}
	var p parser
	p.open(&h, c.trailer, &o)
	return p.fields()
}
