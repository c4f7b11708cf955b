// SPDX-License-Identifier: Apache-2.0

// Package rewrite changes what passes through: the fields of requests and
// answers ([Ops]), the target of a request ([URL]), and what an answer says of
// its own place ([Own]). What it writes comes from texts with variables
// ([Template]).
//
// Everything is compiled once, with errors worded for the person who wrote the
// configuration, and applied without allocation; only regular expressions
// allocate. Nothing that a peer sent can end a field or a request line: control
// characters become spaces in fields and percent-encoded bytes in targets.
//
// The package sees heads in their neutral form. It does not know wire syntax,
// clusters or members: who has a variable's value implements [Source].
package rewrite
