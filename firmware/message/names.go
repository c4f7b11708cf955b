// SPDX-License-Identifier: Apache-2.0

package message

// A Method is a request method that the data plane treats in a way of its own;
// every other token is OtherMethod. Methods are case-sensitive (RFC 9110
// section 9.1).
type Method uint8

const (
	OtherMethod Method = iota
	GET
	HEAD
	POST
	PUT
	DELETE
	OPTIONS
	PATCH
	TRACE
	CONNECT
)

// MethodOf returns the Method that b spells.
func MethodOf(b []byte) Method {
	switch string(b) {
	case "GET":
		return GET
	case "HEAD":
		return HEAD
	case "POST":
		return POST
	case "PUT":
		return PUT
	case "DELETE":
		return DELETE
	case "OPTIONS":
		return OPTIONS
	case "PATCH":
		return PATCH
	case "TRACE":
		return TRACE
	case "CONNECT":
		return CONNECT
	}
	return OtherMethod
}

// Idempotent reports whether a request with m may be sent again when its first
// sending may have had an effect (RFC 9110 section 9.2.2).
func (m Method) Idempotent() bool {
	switch m {
	case GET, HEAD, PUT, DELETE, OPTIONS, TRACE:
		return true
	}
	return false
}

// A FieldID numbers the field names that the data plane looks at; 0 is any
// other name.
type FieldID uint8

const (
	OtherField FieldID = iota
	Host
	Connection
	ContentLength
	TransferEncoding
	KeepAlive
	ProxyConnection
	ProxyAuthenticate
	ProxyAuthorization
	TE
	Trailer
	Upgrade
	Expect
	Cookie
	SetCookie
	Via
	Forwarded
	XForwardedFor
	XForwardedProto
	XForwardedHost
	XForwardedPort
	XRequestID
	Authorization
	CacheControl
	ContentType
	ContentEncoding
	ContentRange
	UserAgent
	Referer
	Accept
	AcceptEncoding
	Location
	Date
	Server
	HTTP2Settings
	numFields
)

var fieldNames = [numFields]string{
	Host: "host", Connection: "connection", ContentLength: "content-length",
	TransferEncoding: "transfer-encoding", KeepAlive: "keep-alive",
	ProxyConnection: "proxy-connection", ProxyAuthenticate: "proxy-authenticate",
	ProxyAuthorization: "proxy-authorization", TE: "te", Trailer: "trailer",
	Upgrade: "upgrade", Expect: "expect", Cookie: "cookie", SetCookie: "set-cookie",
	Via: "via", Forwarded: "forwarded", XForwardedFor: "x-forwarded-for",
	XForwardedProto: "x-forwarded-proto", XForwardedHost: "x-forwarded-host",
	XForwardedPort: "x-forwarded-port", XRequestID: "x-request-id",
	Authorization: "authorization", CacheControl: "cache-control",
	ContentType: "content-type", ContentEncoding: "content-encoding",
	ContentRange: "content-range", UserAgent: "user-agent", Referer: "referer",
	Accept: "accept", AcceptEncoding: "accept-encoding", Location: "location",
	Date: "date", Server: "server", HTTP2Settings: "http2-settings",
}

// String returns the lower-case name of a known field, "" for OtherField.
func (id FieldID) String() string { return fieldNames[id] }
