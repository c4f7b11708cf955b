// SPDX-License-Identifier: Apache-2.0

// Package plays holds behaviour tests of the balancer, written as little plays:
// servers that follow a script, a configuration, and clients that follow theirs,
// on real sockets of the loopback. README.md describes the format. The package
// has no code beside its tests.
//
// A play sees what clients and members of a pool see, down to the byte. The
// balancer runs in the process of the test, from the text of a configuration on,
// through package lb as in the engine; what is around it, the supervisor, the API
// and the command line, is tested by package e2e.
//
// testdata has a folder for each feature. testdata/ambiguous holds tables instead
// of plays: messages that two programs could read differently, and what must
// become of each.
package plays
