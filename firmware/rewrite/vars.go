// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bytes"

	"evener/firmware/message"
)

// A Kind of variable. What is not known or does not apply is empty.
type Kind uint8

const (
	ClientIP   Kind = iota // address of the client, without port and brackets
	ClientPort             // its port
	Host                   // host of the request with its port, as the client sent it
	Hostname               // the same without port; an IPv6 address in brackets
	Path                   // path as the client sent it; "/" if it sent an empty one
	Query                  // the query with its "?"; empty if there is none
	Method
	Protocol   // HTTP/1.0, HTTP/1.1 or HTTP/2
	Scheme     // http, or https over TLS
	ListenIP   // address at which the client's connection was accepted
	ListenPort // port of it
	RequestID
	Cluster
	Rule
	Pool
	Member
	TLSVersion            // 1.2 or 1.3
	TLSCipher             // name of the suite (IANA)
	SNI                   // server name that the client asked for
	ClientCertVerified    // SUCCESS, NONE, or FAILED: and the reason
	ClientCertSubject     // RFC 4514
	ClientCertIssuer      // RFC 4514
	ClientCertSerial      // hexadecimal
	ClientCertFingerprint // SHA-256, hexadecimal
	ClientCertPEM         // PEM, URL-encoded in one line
	TimeUnix              // seconds since 1970
	TimeUnixMS            // milliseconds since 1970
	Header                // the first field called Var.Name of the request
	numKinds
)

// kindNames are the variables as they are written, without "$". Header has its
// own form.
var kindNames = [numKinds]string{
	"client_ip", "client_port", "host", "hostname", "path", "query", "method", "protocol", "scheme",
	"listen_ip", "listen_port", "request_id", "cluster", "rule", "pool", "member",
	"tls_version", "tls_cipher", "sni", "client_cert_verified", "client_cert_subject", "client_cert_issuer",
	"client_cert_serial", "client_cert_fingerprint", "client_cert_pem", "time_unix", "time_unix_ms", "header",
}

// A Var is one variable of a text.
type Var struct {
	Kind  Kind
	Name  string          // of a Header, in lower case
	Field message.FieldID // of a Header
}

// String returns v as it is written in a text.
func (v Var) String() string {
	if v.Kind == Header {
		return "$(header:" + v.Name + ")"
	}
	return "$" + kindNames[v.Kind]
}

// A Source knows the values of variables for one exchange. AppendVar appends
// that of v to dst and leaves what is there alone; any bytes will do, the
// caller of it makes them fit. [Var.AppendFrom] serves those that are read off
// the request.
type Source interface {
	AppendVar(dst []byte, v Var) []byte
}

// inHead reports whether AppendFrom knows variables of this kind.
func (k Kind) inHead() bool {
	switch k {
	case Host, Hostname, Path, Query, Method, Protocol, Header:
		return true
	}
	return false
}

// AppendFrom appends the value of v if it is read off the head h of a request,
// else nothing. It sees the request as it was received, whatever operations
// have made of it, fields that are not forwarded included: a source must not
// pass on a forwarding field of a client that it does not trust.
func (v Var) AppendFrom(dst []byte, h *message.Head) []byte {
	switch v.Kind {
	case Host:
		return append(dst, h.Bytes(h.Authority)...)
	case Hostname:
		name, _ := cutPort(h.Bytes(h.Authority))
		return append(dst, name...)
	case Path:
		if h.Path.Empty() {
			return append(dst, '/')
		}
		return append(dst, h.Bytes(h.Path)...)
	case Query:
		return appendQuery(dst, h)
	case Method:
		return append(dst, h.Bytes(h.Method)...)
	case Protocol:
		if h.HTTP2 {
			return append(dst, "HTTP/2"...)
		}
		return append(dst, 'H', 'T', 'T', 'P', '/', '1', '.', '0'+h.Minor)
	case Header:
		return v.appendField(dst, h)
	}
	return dst
}

// appendField appends the value of the first field that v names. That of Host
// is the authority.
func (v Var) appendField(dst []byte, h *message.Head) []byte {
	if v.Field == message.Host {
		return append(dst, h.Bytes(h.Authority)...)
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		switch {
		case f.ID == v.Field && v.Field != message.OtherField:
		case f.ID == message.OtherField && message.EqualFold(h.Bytes(f.Name), v.Name): // see hide
		default:
			continue
		}
		return append(dst, h.Bytes(f.Value)...)
	}
	return dst
}

func appendQuery(dst []byte, h *message.Head) []byte {
	if !h.HasQuery {
		return dst
	}
	return append(append(dst, '?'), h.Bytes(h.Query)...)
}

// cutPort cuts the port from host[:port]; it is empty if there is none.
func cutPort(authority []byte) (host, port []byte) {
	from := max(0, bytes.IndexByte(authority, ']'))
	if i := bytes.IndexByte(authority[from:], ':'); i >= 0 {
		return authority[:from+i], authority[from+i+1:]
	}
	return authority, nil
}
