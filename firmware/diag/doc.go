// SPDX-License-Identifier: Apache-2.0

// Package diag answers the first questions about a network: does a host answer,
// which way do packets go, what does a name stand for. Each look is bounded in
// time and number, ends with its context and tells what it finds as it finds it.
//
// It needs no right where the system allows ping sockets; where it lacks one it
// says which. It changes nothing.
package diag
