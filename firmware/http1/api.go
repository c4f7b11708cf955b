// SPDX-License-Identifier: Apache-2.0

package http1

import "evener/firmware/message"

// ParseRequest reads the head of a request; being written.
func ParseRequest(h *message.Head, buf []byte, o *Options) (n int, err error) {
	h.Reset()
	return 0, &requestErrors[BadRequestLine]
}

// ParseResponse reads the head of an answer; being written.
func ParseResponse(h *message.Head, buf []byte, o *Options, req ReqInfo) (n int, err error) {
	h.Reset()
	return 0, &answerErrors[BadStatusLine]
}

// ParseTrailers reads a trailer section; being written.
func ParseTrailers(h *message.Head, buf []byte, o *Options) (n int, err error) {
	h.Reset()
	return 0, &requestErrors[BadFieldName]
}

// Chunks decodes a chunked body. The zero value is ready.
type Chunks struct {
	MaxTrailer int // bytes of the trailer section; 32 KiB

	left int64
}

// Next consumes n bytes of buf; data are those of the body among them.
func (c *Chunks) Next(buf []byte) (data []byte, n int, done bool, err error) {
	return nil, 0, false, &requestErrors[BadChunkSize]
}

// Reset makes c ready for another body.
func (c *Chunks) Reset() {}

// InData returns how many bytes of chunk data are still expected.
func (c *Chunks) InData() int64 { return c.left }

// Spliced tells c that n of the bytes that InData announced went past it.
func (c *Chunks) Spliced(n int64) { c.left -= n }

// Trailer returns the trailer section, once Next said done.
func (c *Chunks) Trailer() []byte { return nil }
