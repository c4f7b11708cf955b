// SPDX-License-Identifier: Apache-2.0

// Package proxyproto reads and writes the header of the PROXY protocol, versions
// 1 and 2 (haproxy.org, doc/proxy-protocol.txt): what a proxy puts before the
// first byte of a connection to say whose connection it is.
//
// It is pure: bytes in, a [Header] out, and back. It does not know sockets or
// time-outs, and it never guesses. The specification forbids a receiver to find
// out by looking whether a header is there, so the caller decides that by
// configuration and by the sender's address ([Trusted]), and a connection that
// must begin with a header and does not is closed.
//
// Nothing here allocates but [NewTrusted]: what [Parse] returns points into the
// bytes that it was given.
package proxyproto

import (
	"bytes"
	"errors"
	"iter"
	"net/netip"
)

// Limits on the length of a whole header in bytes. The first is the
// specification's. Version 2 has no limit but its 16-bit length; ours leaves
// room for a client certificate (PP2_SUBTYPE_SSL_CLIENT_CERT) and bounds what a
// sender can make us hold before we know anything of it.
const (
	MaxV1 = 107
	MaxV2 = 4096
)

// What Parse returns besides a [MalformedError].
var (
	// ErrMore says that the bytes are the beginning of a header, which may
	// still become valid. A datagram has all its bytes: there it is an error.
	ErrMore = errors.New("the PROXY header is not complete yet")
	// ErrNotProxy says that the bytes are not the beginning of any header.
	ErrNotProxy = errors.New("the connection does not begin with a PROXY header")
)

// A MalformedError says why bytes that begin like a header are none. The
// connection must be closed: the specification allows no tolerance.
type MalformedError string

func (e MalformedError) Error() string { return "malformed PROXY header: " + string(e) }

// A Version is that of the protocol.
type Version uint8

// The versions that there are.
const (
	V1 Version = 1 // a line of text
	V2 Version = 2 // binary
)

// A Transport is what the client's connection used.
type Transport uint8

// The transports that a Header has addresses for.
const (
	// Unspec is everything else: version 1's UNKNOWN, version 2's UNSPEC, and
	// UNIX sockets, whose names are not read.
	Unspec Transport = iota
	TCP
	UDP
)

// A Header says whose connection this is. Unless Proxied, the connection is to
// be taken as what it is: its own addresses hold.
//
// A field of bytes is nil if it was not there, and empty if it was there and
// empty. All of them were written by the peer and are checked for nothing but
// their length.
type Header struct {
	Version   Version // that it was read in; Append does not look at it
	Local     bool    // version 2's LOCAL: the sender's own connection, such as a probe
	Transport Transport

	// The client and what it had connected to, if Transport is not Unspec. An
	// IPv4 address is one even if it came mapped into IPv6.
	Src, Dst netip.AddrPort

	ALPN      []byte // protocol that the client speaks, such as "h2"
	Authority []byte // host that the client asked for: the SNI
	UniqueID  []byte // up to 128 bytes that name the connection
	NetNS     []byte // name of the network namespace
	TLS       TLS    // the client's TLS connection
	Checksum  bool   // a CRC32c was there, and right; or is to be written

	tlvs []byte
}

// Proxied reports whether Src and Dst are to be used in place of the
// connection's own addresses.
func (h *Header) Proxied() bool { return !h.Local && h.Transport != Unspec }

// TLVs yields everything that followed the addresses, in order: what Header has
// a field for, and the rest.
func (h *Header) TLVs() iter.Seq2[Type, []byte] {
	return func(yield func(Type, []byte) bool) {
		for rest := h.tlvs; len(rest) > 0; {
			t, value, after, ok := nextTLV(rest)
			if !ok || !yield(t, value) {
				return
			}
			rest = after
		}
	}
}

// signature2 begins every header of version 2, signature1 those of version 1.
const (
	signature1 = "PROXY"
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
)

// Parse reads the header at the beginning of b and returns how many bytes it
// has; what follows is the client's. The error is ErrMore, ErrNotProxy or a
// MalformedError, and is returned as early as it is known. The Header holds
// slices of b.
func Parse(b []byte) (Header, int, error) {
	switch {
	case begins(b, signature1):
		return parseV1(b)
	case begins(b, signature2):
		return parseV2(b)
	}
	return Header{}, 0, ErrNotProxy
}

// begins reports whether b begins with signature, as far as b goes.
func begins(b []byte, signature string) bool {
	n := min(len(b), len(signature))
	return string(b[:n]) == signature[:n]
}

// parseV1 reads the line of text (section 2.1).
func parseV1(b []byte) (Header, int, error) {
	line, err := cutLine(b)
	if err != nil {
		return Header{}, 0, err
	}
	h, n := Header{Version: V1}, len(line)+len("\r\n")
	family, rest, more := bytes.Cut(line[len(signature1):], []byte(" "))
	if len(family) > 0 || !more {
		return Header{}, 0, MalformedError(`"PROXY" is not followed by one space`)
	}
	family, rest, more = bytes.Cut(rest, []byte(" "))
	parse := parse4
	switch string(family) {
	case "UNKNOWN":
		return h, n, nil // what follows must be ignored
	case "TCP4":
	case "TCP6":
		parse = parse6
	default:
		return Header{}, 0, MalformedError("the family is not TCP4, TCP6 or UNKNOWN")
	}
	if !more {
		return Header{}, 0, MalformedError("no addresses")
	}
	h.Transport = TCP
	if h.Src, h.Dst, err = endpoints(rest, parse); err != nil {
		return Header{}, 0, err
	}
	return h, n, nil
}

// cutLine returns b up to its CRLF, which must come within MaxV1 bytes.
func cutLine(b []byte) ([]byte, error) {
	for i, c := range b[:min(len(b), MaxV1)] {
		switch {
		case c == '\n':
			return nil, MalformedError("LF without CR")
		case c != '\r':
		case i+1 == MaxV1:
			return nil, MalformedError("the line is longer than 107 bytes")
		case i+1 == len(b):
			return nil, ErrMore
		case b[i+1] != '\n':
			return nil, MalformedError("CR without LF")
		default:
			return b[:i], nil
		}
	}
	if len(b) >= MaxV1 {
		return nil, MalformedError("the line is longer than 107 bytes")
	}
	return nil, ErrMore
}
