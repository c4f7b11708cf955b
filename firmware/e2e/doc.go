// SPDX-License-Identifier: Apache-2.0

// Package e2e holds the end-to-end tests of the box. They build the real program,
// start "evener run" with servers and ports of their own, load it, kill its
// processes, administer it by command line and API, and hold it to what the
// manual promises. The package has no code beside its tests.
//
// It looks at the box from outside only: sockets, the command line, the API's
// socket, /proc, the access log and the metrics. What a part does inside is
// tested beside that part.
//
// # Time
//
// These tests run on the real clock, since the kernel and other processes do.
// They wait for conditions with a generous end and claim no speed. With -short or
// EVENER_SHORT=1 the load is a tenth.
//
// # Programs
//
// TestMain builds the program once; with the race detector if the tests were
// built with it, so that a race in any process of the box fails the test that
// met it. Tests of memory, and the one with 200 000 requests, use a second build
// without it.
package e2e
