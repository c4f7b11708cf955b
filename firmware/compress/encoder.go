// SPDX-License-Identifier: Apache-2.0

package compress

import (
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Piece is after how many bytes of input an encoder ends a block and gives out
// what it has. Left to themselves they gather up to 256 KiB and then keep the
// loop busy for milliseconds; so it is 0.2 to 0.6 ms, the output is bounded,
// brotli needs half the memory, and the result grows by 1 to 2 %.
const Piece = 16 << 10

// Bound returns the most bytes that one call of Append with n bytes of input
// adds to dst, and with n = 0 one of Close: what it may have kept from earlier
// calls, incompressible, and all of n.
func Bound(n int) int {
	const perBlock, ends = 32, 64
	return Piece + n + perBlock*(n/Piece+2) + ends
}

// A codec is one of the foreign encoders.
type codec interface {
	io.Writer
	Flush() error
	Close() error
	Reset(io.Writer)
}

// A sink is where a codec writes: to the end of the caller's slice.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// An Encoder compresses one stream at a time. Pool.Get makes one, Pool.Put takes
// it back. It belongs to one goroutine.
type Encoder struct {
	setting Setting
	codec   codec
	out     sink
	pending int   // bytes of input since the end of a block: less than Piece
	err     error // of an earlier call, or errClosed
	idle    bool
}

// What comes back from a stream that has ended.
var errClosed = errors.New("the compressed stream is closed")

// newEncoder returns an encoder for a normalized setting, without a stream.
func newEncoder(s Setting) (*Encoder, error) {
	e := &Encoder{setting: s}
	switch s.Coding {
	case Gzip:
		w, err := gzip.NewWriterLevel(nil, s.Level)
		e.codec = w
		return e, err
	case Zstd:
		// A window of 256 KiB: browsers take up to 8 MiB (RFC 9659), but it is
		// ours too. Without concurrency there is no goroutine; without the
		// checksum a frame is as trustworthy as the connection. An empty answer
		// is a frame too, or its content would not be what Content-Encoding says.
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevel(s.Level)), zstd.WithWindowSize(256<<10),
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
		e.codec = w
		return e, err
	case Brotli:
		e.codec = brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: s.Level, LGWin: 18})
		return e, nil
	}
	return nil, fmt.Errorf("there is no encoder for %v", s.Coding)
}

// begin makes e ready for a new stream.
func (e *Encoder) begin() error {
	e.pending, e.err = 0, nil
	return e.run(func() error {
		e.codec.Reset(&e.out)
		return nil
	})
}

// Coding returns what to write into Content-Encoding.
func (e *Encoder) Coding() Coding { return e.setting.Coding }

// Append compresses src, adds what is ready to dst and returns dst. With flush
// everything is ready that came so far: the receiver can decode it at once. Use
// that when no more input is at hand, as with events that a server sends one by
// one; it costs a few bytes each time. The rest comes with a later call.
//
// At most Bound(len(src)) bytes are added; dst grows if it has no room. Give
// src in pieces that the loop can afford: compressing takes 4 to 25 µs a KiB.
//
// An error means that the stream cannot go on and the answer must be cut off:
// it comes from a mistake in the encoder, which would otherwise end the engine.
func (e *Encoder) Append(dst, src []byte, flush bool) ([]byte, error) {
	e.out.b = dst
	err := e.run(func() error { return e.write(src, flush) })
	dst, e.out.b = e.out.b, nil
	return dst, err
}

// write passes src on, and ends blocks.
func (e *Encoder) write(src []byte, flush bool) error {
	for len(src) > 0 {
		n := min(len(src), Piece-e.pending)
		if _, err := e.codec.Write(src[:n]); err != nil {
			return err
		}
		src = src[n:]
		e.pending += n
		if e.pending == Piece {
			if err := e.flush(); err != nil {
				return err
			}
		}
	}
	if flush && e.pending > 0 {
		return e.flush()
	}
	return nil
}

func (e *Encoder) flush() error {
	e.pending = 0
	return e.codec.Flush()
}

// Close ends the stream, adds all that was left to dst and returns dst. The next
// call must be Pool.Put.
func (e *Encoder) Close(dst []byte) ([]byte, error) {
	e.out.b = dst
	err := e.run(e.codec.Close)
	dst, e.out.b = e.out.b, nil
	if err == nil {
		e.err = errClosed
	}
	return dst, err
}

// run calls a function of the codec. A panic in it becomes an error: encoders
// are much code of others (panics of one are on record), and one answer is less
// than all connections of the box. After an error nothing of e is used again.
func (e *Encoder) run(f func() error) (err error) {
	if e.err != nil {
		return e.err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil {
			err = fmt.Errorf("compress with %v: %w", e.setting.Coding, err)
			e.err = err
		}
	}()
	return f()
}
