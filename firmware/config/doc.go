// SPDX-License-Identifier: Apache-2.0

// Package config is the configuration language: text to a tree with positions,
// to checked values, and back to canonical text.
//
// One table, [Schema], describes every block and keyword of the language. It
// drives decoding, defaults, ranges, "did you mean", the canonical text and the
// check that the manual is complete. What one keyword says about another
// (references, overlapping listeners, rules that can never match) is checked in
// the files check_*.go.
//
// The package refuses to know disks and the running balancer: it takes bytes
// and gives values. A rule's condition is kept as an expression with its range;
// package lb compiles it with package match and adds what it finds to the same
// [Diagnostics].
package config
