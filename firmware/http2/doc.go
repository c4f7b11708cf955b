// SPDX-License-Identifier: Apache-2.0

// Package http2 speaks HTTP/2 (RFC 9113) as a server and as a client: bytes in
// and events out, calls in and bytes out. A [Conn] is the state of one
// connection: framing, HPACK (RFC 7541), streams, flow control, and the budgets
// that keep a peer from making us work for nothing. Requests and answers come
// out as a [message.Head], as strictly judged as package http1 judges them.
//
// It does no I/O, starts no goroutine and has no clock: the caller reads, writes
// and says what time it is. It knows no TLS, no route and no limit but those of
// [Config]; package l7 drives it. A Conn, and the [Pool] that several of them
// share, belong to one goroutine.
//
// # Reading
//
// [Conn.Next] takes bytes from the front of what the caller has received and
// returns at most one [Event]. The caller repeats it until it neither takes
// bytes nor has an event, then sends [Conn.Out] and reads more.
//
// # Streams
//
// A [Stream] is handed out with the event that begins it, or by [Conn.Open],
// and belongs to the caller until [Conn.Release], which is to be called once for
// each, also after it was reset. Until then it counts against the limit of
// concurrent streams, so that a peer cannot start new work by resetting streams
// whose work still runs.
//
// # Writing
//
// A head is composed field by field between [Conn.BeginHead] and [Conn.EndHead];
// [Conn.Write] takes as much of a body as the windows and the room in Out allow.
// When it takes less, the stream waits, and [Conn.Writable] names it again when
// it can go on.
//
// Fields are sent as literals that are never indexed, without Huffman coding:
// no dynamic table to keep for each peer, and none that one client's secrets
// share with another's.
package http2
