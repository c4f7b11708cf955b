// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"encoding/binary"
	"encoding/json"
)

// A chunk is a piece of a stream. To the browser and from it, it is a binary
// message, with all numbers in big endian:
//
//	0        1        2        4        8                16
//	+--------+--------+--------+--------+----------------+------
//	| kind 1 | flags 0|   0    | stream |     offset     | data
//	+--------+--------+--------+--------+----------------+------
//
// To the engine and from it, it is the notification stream.data.
type chunk struct {
	Stream uint32 `json:"stream"`
	Offset uint64 `json:"offset"` // in bytes, of the first byte of Data
	Data   []byte `json:"data"`
}

const (
	chunkHead = 16
	chunkData = 1         // the only kind
	maxChunk  = 256 << 10 // bytes of data: a stream's first credit
)

// frame returns the binary message.
func (k chunk) frame() []byte {
	b := make([]byte, chunkHead, chunkHead+len(k.Data))
	b[0] = chunkData
	binary.BigEndian.PutUint32(b[4:], k.Stream)
	binary.BigEndian.PutUint64(b[8:], k.Offset)
	return append(b, k.Data...)
}

// readChunk reads a binary message.
func readChunk(b []byte) (chunk, *fault) {
	switch {
	case len(b) < chunkHead:
		return chunk{}, faultf(codeRequest, "stream.frame", "a binary message begins with a head of %d bytes", chunkHead)
	case b[0] != chunkData || b[1] != 0 || b[2] != 0 || b[3] != 0:
		return chunk{}, faultf(codeRequest, "stream.frame", "the head of a binary message begins with the bytes 1, 0, 0, 0")
	case len(b) > chunkHead+maxChunk:
		return chunk{}, faultf(codeTooLarge, "stream.frame", "a binary message has %d bytes of data at most", maxChunk)
	}
	return chunk{binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint64(b[8:]), b[chunkHead:]}, nil
}

// request returns the notification for the engine.
func (k chunk) request(m meta) request {
	return request{Method: "stream.data", Params: json.RawMessage(mustJSON(k)), Meta: m}
}
