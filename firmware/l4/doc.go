// SPDX-License-Identifier: Apache-2.0

// Package l4 carries tcp connections and udp flows to members: it chooses a
// member for a client, or keeps the client on the one that it had, and moves the
// bytes between the two untouched. Of what is said it reads nothing but, where a
// cluster wants it, the server name in a TLS ClientHello.
//
// A [Worker] does that on one event loop and shares nothing that it writes with
// other loops. What it serves is a [Generation], which package lb builds from a
// checked configuration and which never changes; a connection finishes on the
// generation that it began with, a flow moves on to the next one if that still
// has its member. l4 does not read configuration text and does not probe members.
//
// # Memory
//
// A connection through which nothing moves holds two sockets and about 600 bytes:
// buffers and pipes are borrowed while they hold bytes, at most 16 KiB in each
// direction, or one pipe. A flow holds one socket and about 600 bytes.
package l4
