// SPDX-License-Identifier: Apache-2.0

// Package tlsconn speaks TLS 1.2 and 1.3, by crypto/tls, on a non-blocking
// socket that an event loop watches. It serves both roles.
//
// crypto/tls wants to block while it shakes hands, and a loop must not. So a
// handshake runs on a goroutine of its own, which reads and writes the socket
// itself and sleeps when it would block, until the loop tells of an event
// ([Conn.Ready]). A [Gate] bounds them all: how many are under way, and how many
// of those compute at the same time. A handshake that waits for its peer holds
// no slot, and one whose peer has not said a word holds no goroutine.
//
// When the handshake has ended its [Owner] is told, on the loop, once. From then
// on the connection belongs to the loop alone: [Conn.Read] and [Conn.Write] work
// on whole records, never block, and keep at most one record that the socket did
// not take.
//
// The package does not register sockets, set timers or close anything. It does
// not know HTTP, but for telling its requests from noise, and it does not choose
// certificates: that is what tls.Config has callbacks for.
//
// Three things crypto/tls does not export are read through their address, in
// layout.go: see there for how that is kept safe.
package tlsconn
