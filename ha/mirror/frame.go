// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A stream is a row of frames:
//
//	length  4 bytes, big endian: of kind and payload
//	kind    1 byte
//	payload
//
// Kinds from frameOptional on may be skipped by who does not know them; another
// unknown kind ends the stream.
const (
	frameHello       = 1  // JSON hello; the first frame in each direction
	frameSnapshot    = 2  // uvarint table, changes
	frameSnapshotEnd = 3  // uvarint table, uvarint number
	frameDelta       = 4  // uvarint table, 8 bytes number of the newest, changes
	frameAck         = 5  // uvarint: how many frames of kinds 2, 3, 4 and 10 were applied
	frameHeartbeat   = 6  // uvarint Unix ns echoed (0: none), uvarint Unix ns here
	frameGoodbye     = 7  // JSON goodbye; nothing follows
	frameRequest     = 8  // uvarint id, uvarint length, method, body
	frameResponse    = 9  // uvarint id, byte 0: body, 1: error text
	frameBegin       = 10 // uvarint table: a snapshot begins
	frameWant        = 11 // uvarint table: please send a snapshot
	frameOptional    = 128
)

// Limits of frames, in bytes.
const (
	headerSize   = 5
	maxControl   = 16 << 10
	maxDataFrame = 256 << 10
	chunk        = 64 << 10 // a data frame is sent when it has so much
	maxMethod    = 64
)

// limitOf returns how long the payload of a kind may be.
func limitOf(kind byte) int {
	switch {
	case kind == frameSnapshot, kind == frameDelta, kind >= frameOptional:
		return maxDataFrame
	case kind == frameRequest, kind == frameResponse:
		return MaxMessage + maxMethod + 2*binary.MaxVarintLen64
	default:
		return maxControl
	}
}

// begun appends the header of a frame whose length is not known yet.
func begun(b []byte, kind byte) []byte { return append(b, 0, 0, 0, 0, kind) }

// ended sets the length of the only frame in b.
func ended(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// A frameReader reads frames. What next returns is valid until it is called again.
type frameReader struct {
	r   io.Reader
	buf []byte
}

// next returns the next frame that is known or may not be skipped.
func (f *frameReader) next() (kind byte, payload []byte, err error) {
	for {
		var head [headerSize]byte
		if _, err := io.ReadFull(f.r, head[:]); err != nil {
			return 0, nil, err
		}
		kind, size := head[4], binary.BigEndian.Uint32(head[:])
		if size == 0 {
			return 0, nil, errors.New("a frame of length 0 came; its kind is missing")
		}
		if int64(size)-1 > int64(limitOf(kind)) {
			return 0, nil, fmt.Errorf("a frame of kind %d has %d bytes; at most %d are allowed",
				kind, size-1, limitOf(kind))
		}
		if kind >= frameOptional {
			if _, err := io.CopyN(io.Discard, f.r, int64(size)-1); err != nil {
				return 0, nil, err
			}
			continue
		}
		payload, err := f.payload(int(size) - 1)
		return kind, payload, err
	}
}

// payload reads n bytes; memory grows with what has come, not with what was said.
func (f *frameReader) payload(n int) ([]byte, error) {
	if cap(f.buf) > maxDataFrame && n <= maxDataFrame {
		f.buf = nil // a long message has passed
	}
	b := f.buf[:0]
	for len(b) < n {
		step := min(n-len(b), maxDataFrame)
		if cap(b)-len(b) < step {
			b = append(make([]byte, 0, max(len(b)+step, min(2*cap(b), n))), b...)
			f.buf = b
		}
		if _, err := io.ReadFull(f.r, b[len(b):len(b)+step]); err != nil {
			return nil, err
		}
		b = b[:len(b)+step]
	}
	f.buf = b
	return b, nil
}

// appendChange appends a record: uvarint length of the key, key, uvarint length
// of the value plus one, or 0 for a deleted one, value.
func appendChange[K string | []byte](b []byte, key K, value []byte, deleted bool) []byte {
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = append(b, key...)
	if deleted {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(value))+1)
	return append(b, value...)
}

var errCut = errors.New("a frame ends in the middle of a field")

// cutUvarint takes a number off b.
func cutUvarint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, errCut
	}
	return v, b[n:], nil
}

// cutBytes takes n bytes off b.
func cutBytes(b []byte, n uint64) (field, rest []byte, err error) {
	if n > uint64(len(b)) {
		return nil, nil, errCut
	}
	return b[:n:n], b[n:], nil
}

// parseChanges appends the records of b, which they point into, to dst.
func parseChanges(dst []Change, b []byte) ([]Change, error) {
	for len(b) > 0 {
		var c Change
		n, rest, err := cutUvarint(b)
		if err != nil {
			return dst, err
		}
		if n == 0 || n > MaxKey {
			return dst, fmt.Errorf("a record's key has %d bytes; 1 to %d are allowed", n, MaxKey)
		}
		if c.Key, rest, err = cutBytes(rest, n); err != nil {
			return dst, err
		}
		if n, rest, err = cutUvarint(rest); err != nil {
			return dst, err
		}
		if n > MaxValue+1 {
			return dst, fmt.Errorf("a record's value has %d bytes; at most %d are allowed", n-1, MaxValue)
		}
		if n == 0 {
			c.Deleted = true
		} else if c.Value, rest, err = cutBytes(rest, n-1); err != nil {
			return dst, err
		}
		dst, b = append(dst, c), rest
	}
	return dst, nil
}

// appendRequest appends the payload of a request.
func appendRequest(b []byte, id uint64, method string, body []byte) []byte {
	b = binary.AppendUvarint(b, id)
	b = binary.AppendUvarint(b, uint64(len(method)))
	b = append(b, method...)
	return append(b, body...)
}

// parseRequest reads the payload of a request; body points into b.
func parseRequest(b []byte) (id uint64, method string, body []byte, err error) {
	if id, b, err = cutUvarint(b); err != nil {
		return 0, "", nil, err
	}
	n, b, err := cutUvarint(b)
	if err != nil {
		return 0, "", nil, err
	}
	if n == 0 || n > maxMethod {
		return 0, "", nil, fmt.Errorf("a method's name has %d bytes; 1 to %d are allowed", n, maxMethod)
	}
	name, body, err := cutBytes(b, n)
	if err == nil && len(body) > MaxMessage {
		err = fmt.Errorf("a message has %d bytes; at most %d are allowed", len(body), MaxMessage)
	}
	return id, string(name), body, err
}

// parseResponse reads the payload of a response; body points into b.
func parseResponse(b []byte) (id uint64, failed bool, body []byte, err error) {
	if id, b, err = cutUvarint(b); err != nil {
		return 0, false, nil, err
	}
	if len(b) == 0 || b[0] > 1 {
		return 0, false, nil, errors.New("a response does not say whether it is an answer or an error")
	}
	return id, b[0] == 1, b[1:], nil
}
