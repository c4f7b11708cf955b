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
		if notInTrailer(f.ID, h.Bytes(f.Name)) {
			f.Hop = true
		}
	}
	return p.result(r, &requestErrors)
}

func notInTrailer(id message.FieldID, name []byte) bool {
	switch id {
	case message.OtherField:
		return namedNotInTrailer(name)
	case message.UserAgent, message.Referer, message.Server, message.Accept,
		message.AcceptEncoding, message.XRequestID:
		return false
	}
	return true // every other known field steers somebody
}

// namedNotInTrailer knows the names that have no FieldID.
func namedNotInTrailer(name []byte) bool {
	for _, prefix := range [...]string{"content-", "x-forwarded-", "if-", "proxy-", "sec-"} {
		if hasPrefixFold(name, prefix) {
			return true
		}
	}
	for _, n := range [...]string{
		"www-authenticate", "authentication-info", "cookie2", "set-cookie2",
		"max-forwards", "pragma", "range", "age", "expires", "retry-after",
		"vary", "warning", "x-real-ip", "x-original-url", "x-rewrite-url",
		"x-http-method-override", "strict-transport-security",
	} {
		if message.EqualFold(name, n) {
			return true
		}
	}
	return false
}
