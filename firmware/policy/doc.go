// SPDX-License-Identifier: Apache-2.0

// Package policy holds the tests of the repository's own rules: who may import
// whom, which modules of others we use and why, how long a file may be, what
// every file begins with. It has no code beside its tests.
//
// The tests read the tree with package os and parse it with go/parser, never
// with the go command or git: their result must not come from the test cache
// and must be the same in an unpacked archive. Each failure says what would be
// right.
//
// # Skipped tests
//
// A test that needs a right or a program that the machine lacks calls t.Skip
// with the reason and looks at no variable of ours. Where a skip would hide a
// gap, EVENER_NO_SKIP=1 (set by CI=true) makes `make test` list every skipped
// test and fail. Fuzz targets may skip inputs.
package policy
