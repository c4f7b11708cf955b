// SPDX-License-Identifier: Apache-2.0

// Package stats counts what the box does and remembers it: counters, gauges and
// latency histograms that event loops write without locks, a short and a long
// history of their rates, and the Prometheus text of it all.
//
// Each event loop has its own slot of every object (cluster, rule, member,
// engine) and is the only one who writes there; slots share no cache line.
// Readers add the slots up. Objects live in a [Registry] under stable names, so
// that they survive a change of the configuration.
//
// The package does not know who shows the numbers, nor what a member, a probe or
// a revision is: values that others own come in through [Registry.Register].
package stats
