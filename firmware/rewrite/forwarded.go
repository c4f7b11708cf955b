// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"net/netip"
	"strconv"

	"evener/firmware/message"
)

// Forwarded is one element of the field Forwarded (RFC 7239 section 4): what
// this proxy says of a request.
type Forwarded struct {
	For   netip.AddrPort // the client; "unknown" if it is not valid; a port of 0 is not told
	By    netip.AddrPort // where its request was received; not told if it is not valid
	Host  []byte         // of the request, as received; not told if it is empty or no host
	Proto string         // "http" or "https"
}

// Append appends f to dst.
func (f Forwarded) Append(dst []byte) []byte {
	dst = appendNode(append(dst, "for="...), f.For)
	if f.By.Addr().IsValid() {
		dst = appendNode(append(dst, ";by="...), f.By)
	}
	if _, fault := message.CheckHost(f.Host); fault == message.HostSound {
		dst = appendQuoted(append(dst, ";host="...), f.Host)
	}
	return append(append(dst, ";proto="...), f.Proto...)
}

// appendNode appends the name of a node (section 6). An address with a colon,
// of IPv6 or before a port, stands in quotes: a colon is in no token.
func appendNode(dst []byte, a netip.AddrPort) []byte {
	ip := a.Addr().Unmap().WithZone("") // a zone means nothing elsewhere
	if !ip.IsValid() {
		return append(dst, "unknown"...)
	}
	quoted := ip.Is6() || a.Port() != 0
	if quoted {
		dst = append(dst, '"')
	}
	if ip.Is6() {
		dst = append(ip.AppendTo(append(dst, '[')), ']')
	} else {
		dst = ip.AppendTo(dst)
	}
	if a.Port() != 0 {
		dst = strconv.AppendUint(append(dst, ':'), uint64(a.Port()), 10)
	}
	if quoted {
		dst = append(dst, '"')
	}
	return dst
}

// appendQuoted appends a value of printable ASCII: as it is if it is a token,
// else as a quoted string (RFC 9110 section 5.6.4).
func appendQuoted(dst, v []byte) []byte {
	token := true
	for _, c := range v {
		token = token && class[c]&inToken != 0
	}
	if token {
		return append(dst, v...)
	}
	dst = append(dst, '"')
	for _, c := range v {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// Apply makes f the last element of the field Forwarded of the request h: behind
// those that are there if the source of the request is trusted, else alone.
func (f Forwarded) Apply(h *message.Head, c *Changes, trusted bool) {
	c.scratch = f.Append(c.scratch[:0])
	if trusted {
		c.Do(h, Append, "Forwarded", c.scratch)
	} else {
		c.Do(h, Set, "Forwarded", c.scratch)
	}
}
