// SPDX-License-Identifier: Apache-2.0

package http1

import "evener/firmware/message"

// ParseTrailers reads a trailer section, up to and with its empty line, into h,
// and marks as Hop what may not come behind a body (RFC 9110 section 6.5.1):
// framing, routing, authentication, controls, Host, Content-* and cookies. What
// is left may be forwarded where it was asked for. Limits and results are as
// those of [ParseRequest].
func ParseTrailers(h *message.Head, buf []byte, o *Options) (n int, err error) {
	var p parser
	p.open(h, buf, o)
	r := p.fields()
	for i := range h.Fields {
		f := &h.Fields[i]
		if !message.InTrailer(f.ID, h.Bytes(f.Name)) {
			f.Hop = true
		}
	}
	return p.result(r, &requestErrors)
}
