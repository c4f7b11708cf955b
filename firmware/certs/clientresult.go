// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// A Reason says why a client's certificate is not good; Verified that it is. Its
// text is the label of counters and logs.
type Reason uint8

// The reasons.
const (
	Verified       Reason = iota
	NoCertificate         // the client has shown none
	UnknownCA             // none of our CAs stands above it
	TimeExpired           // it, or a CA above it, has expired
	TimeNotYet            // it is not valid yet
	Revoked               // a CRL lists it, or a CA above it
	CRLExpired            // the CRL of its CA is too old to tell
	CRLMissing            // there are CRLs, but none of its CA
	TooDeep               // more CAs above it than are allowed
	WrongUsage            // it is not for clients
	BadCertificate        // anything else: a constraint of a CA, a weak signature
	NumReasons
)

var reasonNames = [NumReasons]string{"verified", "no_certificate", "unknown_ca", "expired", "not_yet_valid",
	"revoked", "crl_expired", "crl_missing", "too_deep", "wrong_usage", "bad_certificate"}

func (r Reason) String() string { return reasonNames[r] }

// A ClientResult is what is known of the client's certificate.
type ClientResult struct {
	Reason Reason
	Cert   *x509.Certificate // nil with NoCertificate; not to be trusted unless Verified
	cause  error             // of crypto/x509
}

// Verified reports whether the certificate is good.
func (r ClientResult) Verified() bool { return r.Reason == Verified }

// Err returns nil, or a [*ClientError] that says why the certificate is not good.
func (r ClientResult) Err() error {
	if r.Verified() {
		return nil
	}
	return &ClientError{Reason: r.Reason, cause: r.cause}
}

// Header returns the result for a header field in the words that nginx uses in
// $ssl_client_verify: SUCCESS, NONE, or FAILED: and the reason. Who sends
// subject or PEM to servers sends this too.
func (r ClientResult) Header() string {
	switch r.Reason {
	case Verified:
		return "SUCCESS"
	case NoCertificate:
		return "NONE"
	}
	return "FAILED:" + r.Reason.String()
}

// A ClientError is why a handshake ended over the client's certificate.
type ClientError struct {
	Reason Reason
	cause  error
}

func (e *ClientError) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("client certificate: %s: %v", e.Reason, e.cause)
	}
	return "client certificate: " + e.Reason.String()
}

func (e *ClientError) Unwrap() error { return e.cause }

// ReasonOf returns why a handshake with client certificates has failed. ok is
// false if err is about something else. A client without a certificate is not
// told apart here; crypto/tls has no error type for it.
func ReasonOf(err error, now time.Time) (r Reason, ok bool) {
	if e, is := errors.AsType[*ClientError](err); is {
		return e.Reason, true
	}
	if e, is := errors.AsType[*tls.CertificateVerificationError](err); is && len(e.UnverifiedCertificates) > 0 {
		return reasonOf(e.Err, e.UnverifiedCertificates[0], now), true
	}
	return 0, false
}

// reasonOf translates an error of x509.Certificate.Verify.
func reasonOf(err error, leaf *x509.Certificate, now time.Time) Reason {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		switch invalid.Reason {
		case x509.Expired:
			if now.Before(invalid.Cert.NotBefore) {
				return TimeNotYet
			}
			return TimeExpired
		case x509.IncompatibleUsage:
			return WrongUsage
		}
		return BadCertificate
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		if now.After(leaf.NotAfter) {
			return TimeExpired
		}
		return UnknownCA
	}
	return BadCertificate
}
