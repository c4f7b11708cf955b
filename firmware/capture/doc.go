// SPDX-License-Identifier: Apache-2.0

// Package capture takes packets from interfaces into pcapng files: several
// interfaces at once, chosen by a filter that the kernel applies, within limits of
// bytes, packets, time and disk.
//
// When a capture ends, each packet of a connection of the balancer gets a comment
// that names cluster, exchange and side, so that what a client sent and what its
// member got can be laid side by side. The package does not know the balancer:
// it is told of exchanges by [Folder.Observe].
package capture
