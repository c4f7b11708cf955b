// SPDX-License-Identifier: Apache-2.0

// Package accesslog writes one line for each exchange. An event loop fills a
// fixed [Record] and puts it into its own bounded ring, which never blocks and
// never allocates; one goroutine takes the records out, formats them as JSON or
// combined lines and writes them to a file or to standard error.
//
// When the destination cannot keep up, records are dropped, counted and reported;
// traffic never waits. The package does not know what an exchange is, who decides
// what is logged, nor how files are rotated: it reopens its file when told to.
package accesslog
