// SPDX-License-Identifier: Apache-2.0

package message

// InTrailer reports whether a field may come behind a body (RFC 9110 section
// 6.5.1). Those that frame, route, authenticate or control what came before may
// not: framing fields, Host, Content-*, cookies and their like.
func InTrailer(id FieldID, name []byte) bool {
	switch id {
	case OtherField:
		return otherInTrailer(name)
	case UserAgent, Referer, Server, Accept, AcceptEncoding, XRequestID:
		return true
	}
	return false // every other known field steers somebody
}

// otherInTrailer is InTrailer for the names that have no FieldID.
func otherInTrailer(name []byte) bool {
	for _, prefix := range [...]string{"content-", "x-forwarded-", "if-", "proxy-", "sec-"} {
		if len(name) >= len(prefix) && EqualFold(name[:len(prefix)], prefix) {
			return false
		}
	}
	for _, n := range [...]string{
		"www-authenticate", "authentication-info", "cookie2", "set-cookie2",
		"max-forwards", "pragma", "range", "age", "expires", "retry-after",
		"vary", "warning", "x-real-ip", "x-original-url", "x-rewrite-url",
		"x-http-method-override", "strict-transport-security",
	} {
		if EqualFold(name, n) {
			return false
		}
	}
	return true
}
