// SPDX-License-Identifier: Apache-2.0

// Package ha runs the failover groups of one box. A group is a set of virtual
// routers that move together: they are ACTIVE on one box of a pair, or of up to
// four, and their addresses are there.
//
// A [Runner] feeds the state machines of package vrrp with what package wire
// brings from the network, carries out what they decide, and tells why: each
// change of a group has a line for people and a cause. It is told what to do by
// [Settings] and tells what is by a [Report]; both are JSON between two processes.
//
// It knows neither the configuration's text nor what the addresses are for. Who
// runs it asks the process that serves whether it does (see [Pulse]); one that
// does not answer makes every group give up.
package ha
