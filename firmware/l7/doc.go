// SPDX-License-Identifier: Apache-2.0

// Package l7 carries HTTP exchanges: it takes a request head from a client,
// matches it against the cluster's rules, keeps the client on its member or
// picks one, forwards the request and brings the answer back.
//
// A [Worker] does that on one event loop and shares nothing that it writes with
// other loops. What it serves is a [Generation], which package lb builds from a
// checked configuration and which never changes; exchanges finish on the
// generation that they began with. l7 does not read configuration text and does
// not probe members.
//
// Buffers belong to exchanges: an idle connection holds none.
package l7
