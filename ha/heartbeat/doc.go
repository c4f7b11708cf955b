// SPDX-License-Identifier: Apache-2.0

// Package heartbeat tells boxes of a group about each other beside VRRP, so
// that silence on a data network can be told from the death of a box. Each box
// sends each other one small sealed datagram per interval, over UDP.
//
//	 0        1             9                25             33
//	+---------+-------------+----------------+--------------+--------------------+
//	|version 1| key id      | sender's epoch | sequence     | sealed report, tag |
//	+---------+-------------+----------------+--------------+--------------------+
//
// Each direction has a key of its own, derived with HKDF from the secret that
// the boxes got when they were paired. The epoch is random and new with each
// start; with the sequence it is the nonce of XChaCha20-Poly1305. A report
// carries the epochs that the sender heard of the receiver: one that does not
// name the receiver's own present epoch is from another time, and is refused,
// as is one with a sequence not greater than the last.
//
// A Peer is pure: bytes and times in, bytes and verdicts out. Package ha has the
// socket, reads it before it judges any time, and says what a report means.
package heartbeat
