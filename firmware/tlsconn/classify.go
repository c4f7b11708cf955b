// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
)

// The alerts that say what went wrong (RFC 8446, 6.2; RFC 7301, 3.2).
const (
	alertHandshakeFailure      = 40
	alertProtocolVersion       = 70
	alertInternal              = 80
	alertInappropriateFallback = 86
	alertUnrecognizedName      = 112
	alertNoApplicationProtocol = 120
)

// noClientCertificate is how crypto/tls words the lack of a client certificate:
// in TLS 1.3 the alert is encrypted, and in 1.2 a general one. A test notices
// when the words change.
const noClientCertificate = "tls: client didn't provide a certificate"

// classify finds the reason for an error of crypto/tls. sent is the alert that
// we sent in clear, 0 for none.
func classify(err error, sent uint8) *Error {
	e := &Error{Reason: Protocol, Err: err}
	if alert, ok := remoteAlert(err); ok {
		e.Reason, e.Alert = RefusedByPeer, alert
		return e
	}
	if reason, ok := certificateReason(err); ok {
		e.Reason = reason
		return e
	}
	switch sent {
	case alertProtocolVersion, alertInappropriateFallback:
		e.Reason = NoSharedVersion
	case alertHandshakeFailure:
		e.Reason = NoSharedCipher
	case alertUnrecognizedName:
		e.Reason = UnknownName
	case alertNoApplicationProtocol:
		e.Reason = NoSharedProtocol
	case alertInternal:
		e.Reason = Internal
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Reason = PeerLeft
	}
	return e
}

// remoteAlert returns the fatal alert that the peer sent. Its type is not
// exported; its kind is a byte.
func remoteAlert(err error) (uint8, bool) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return 0, false
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return uint8(v.Uint()), true
	}
	return 0, true
}

// certificateReason finds what is wrong with the peer's certificate.
func certificateReason(err error) (Reason, bool) {
	if strings.Contains(err.Error(), noClientCertificate) {
		return CertMissing, true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return CertUnknownCA, true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return CertWrongName, true
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return CertExpired, true
		}
		return CertInvalid, true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return CertInvalid, true
	}
	return 0, false
}

// notTLS returns the error for a connection that began with first, which is no
// TLS record.
func notTLS(first []byte, err error) *Error {
	e := &Error{Reason: NotTLS, First: first, Err: err}
	if looksLikeHTTP(first) {
		e.Reason = PlainHTTP
	}
	return e
}

// looksLikeHTTP reports whether b begins as an HTTP/1 request line does: with
// a method in capitals, of which a part may be still to come, and a space.
func looksLikeHTTP(b []byte) bool {
	method, _, _ := bytes.Cut(b, []byte(" "))
	if len(method) < 3 || len(method) > 20 {
		return false
	}
	for _, c := range method {
		if (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return true
}
