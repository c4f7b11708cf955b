// SPDX-License-Identifier: Apache-2.0

// Package http1 speaks the syntax and the framing of HTTP/1.0 and HTTP/1.1
// (RFC 9112, RFC 9110) in both directions: bytes in and a [message.Head] or body
// bytes out, and back. It is strict: wherever two implementations could read a
// message differently it refuses the message instead of repairing it, because a
// balancer that repairs is how requests are smuggled.
//
// It does no I/O, keeps no buffer of heads and allocates nothing for a message
// without trailers. It knows no connection, no TLS, no route and no limit but
// those of [Options]; package l7 drives it.
package http1

import "evener/firmware/message"

// Underscore says what becomes of a request field whose name contains "_",
// which servers with a CGI heritage confuse with "-".
type Underscore uint8

const (
	Drop   Underscore = iota // the field is marked Hop and so not forwarded
	Keep                     // the field is forwarded like any other
	Reject                   // the request is refused
)

// Options are the limits and choices of a listener. A zero field, or no Options
// at all, means the default named beside it.
type Options struct {
	MaxHead   int // bytes of a head, all lines with their ends; 32 KiB
	MaxFields int // field lines; 100
	MaxField  int // bytes of one field line without its end; 16 KiB
	MaxTarget int // bytes of a request target; 8 KiB

	Extended           bool       // let bytes from 0x80 stand in targets
	Underscore         Underscore // requests only; Drop
	RejectGetBody      bool       // refuse GET, HEAD and DELETE with a body
	RejectEncodedSlash bool       // refuse %2f and %5c in a path
}

const (
	defaultMaxHead   = 32 << 10
	defaultMaxFields = 100
	defaultMaxField  = 16 << 10
	defaultMaxTarget = 8 << 10
)

// ReqInfo is what the reading of an answer depends on: the request that the
// server got.
type ReqInfo struct {
	Method  message.Method
	Upgrade bool // it carried Upgrade, so that 101 is an answer to it
}
