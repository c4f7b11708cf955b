// SPDX-License-Identifier: Apache-2.0

// Package reactor runs event loops over epoll(7): one per core, each a goroutine
// locked to its thread that reads readiness, calls handlers to completion and
// never blocks anywhere else. It knows sockets, pipes and timers, and nothing of
// what is said over them.
//
// Everything that a [Loop] hands to a handler happens on the loop's goroutine, so
// handlers share no lock. Other goroutines reach a loop only by [Loop.Post].
//
// Connections are registered edge-triggered, once, for both directions: there is
// no further epoll_ctl(2) in a connection's life. A handler therefore remembers
// that its socket may still be readable when it stops reading early, and goes on
// by itself when it can. Listeners are level-triggered.
package reactor
