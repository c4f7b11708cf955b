// SPDX-License-Identifier: Apache-2.0

package api

// An Entry is one of a log, with its sequence number.
type Entry[T any] struct {
	Seq  uint64 `json:"seq"` // from 1
	Data T      `json:"data"`
}

// A Batch is what a log has after some sequence number.
type Batch[T any] struct {
	First   uint64     // the oldest sequence number that is kept; the next one where none is
	Last    uint64     // everything up to here was looked at
	Entries []Entry[T] // in order
}
