// SPDX-License-Identifier: Apache-2.0

// Package auth knows who may administer the box: users with roles, scopes and
// passwords, their sessions, API tokens and one-time passwords. It decides who a
// token stands for and refuses those who guess.
//
// It knows no transport and no method: package manage offers it as methods, and
// cmd/evener gives it a [Keeper] for its state. Who comes by the serial console or
// the Unix socket does not log in and is not known here.
//
// # What is kept, and where
//
// Four documents, each saved whole. Users, their tokens and the set-up code are
// one: a change is on the disk before it counts, and after an error neither memory
// nor disk has it. Sessions are another, tied to users by an id and an epoch that
// each change of password, role or scope raises: so one write ends them all. When
// a session was last seen, what a token was last used and who is throttled is
// written later, within a minute; a crash loses that much. Settings of users are
// the last. Of tokens, set apart the set-up code that must be shown again, only
// SHA-256 is kept: they have 256 random bits, and need no slow hash.
//
// On a full disk a login and sudo are not refused: whoever can make room must come in.
// What they would write follows when there is room.
//
// # Guessing
//
// Failed attempts are counted for each address (IPv6: each /64) and for each name.
// From the fifth on there is a delay of 1 s, doubling up to 15 min; within it an
// attempt is answered at once and costs nothing. A count is forgotten an hour after
// its last failure. An attempt counts before its password is looked at, so that many
// at once gain nothing.
//
// Nobody can lock a user out for ever: the delay of a name does not hold for
// addresses from which that user has logged in before (the last eight are
// remembered), nor for sessions that exist. The price is that who guesses from such
// an address, behind the same NAT, is held by the delay of the address alone. A user
// at a new address waits up to 15 min while others guess the name from many
// addresses, and may have to be let in over the Unix socket or serial console, where
// throttles can be cleared.
//
// At most two passwords are hashed at once: one for strangers, one for sessions and
// known addresses, each with a short queue. A flood of logins so cannot keep the true
// admin out, and strangers rest between hashes, to leave the CPU to the traffic.
//
// # Clocks
//
// How long a session has lived is measured by the monotonic clock, so that setting the
// clock neither ends nor prolongs it. Over a restart the wall clock counts, from when the
// sessions were written, which is done within a second of a clock that was set; if it has gone
// back by more than a minute since, all sessions end.
package auth
