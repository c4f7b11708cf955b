// SPDX-License-Identifier: Apache-2.0

// Package lb is the running balancer: it turns a checked configuration into a
// generation for the event loops and swaps generations without dropping an
// exchange. It feeds the probes' verdicts and the weights' controllers into the
// pools, keeps the operator's runtime states, and tells what it does and why.
//
// It knows no files but those that a configuration names, no API and no
// hardware. Listening sockets and durable state are handed in.
package lb
