// SPDX-License-Identifier: Apache-2.0

package tlsconn

import "fmt"

// A Reason says why a handshake failed, for counters and logs.
type Reason uint8

// The reasons. Those about certificates mean the certificate that the peer
// showed: a client's in the server's role, and the other way round.
const (
	Busy             Reason = iota // shed: as many handshakes as allowed are under way
	Timeout                        // ended by Cancel, for its deadline
	Cancelled                      // ended by Cancel, for another cause
	PeerLeft                       // the peer closed or reset the connection in the middle
	PlainHTTP                      // an HTTP request without TLS
	NotTLS                         // something else that is not TLS
	NoSharedVersion                // no version of TLS in common
	NoSharedCipher                 // no cipher suite, group or signature scheme in common
	NoSharedProtocol               // no ALPN protocol in common (RFC 7301)
	UnknownName                    // no certificate for the name that the client asked for
	CertMissing                    // a certificate is required and none came
	CertUnknownCA                  // signed by nobody we trust
	CertExpired                    // expired, or not valid yet
	CertRevoked                    // on a revocation list
	CertWrongName                  // valid, but for another name
	CertInvalid                    // refused for another cause
	RefusedByPeer                  // the peer sent a fatal alert: Error.Alert says which
	TooLong                        // more than Config.PeerBytes in one handshake
	Protocol                       // anything else that breaks the protocol
	Internal                       // our fault, such as a key that cannot sign
	Reasons                        // the number of reasons
)

var reasonNames = [Reasons]string{
	"busy", "timeout", "cancelled", "peer_left", "plain_http", "not_tls", "no_shared_version",
	"no_shared_cipher", "no_shared_protocol", "unknown_name", "cert_missing", "cert_unknown_ca",
	"cert_expired", "cert_revoked", "cert_wrong_name", "cert_invalid", "refused_by_peer",
	"too_long", "protocol", "internal",
}

// String returns the word for r that statistics and logs use.
func (r Reason) String() string {
	if r < Reasons {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// An Error says why a handshake failed or an established connection broke.
type Error struct {
	Reason Reason
	Alert  uint8  // the fatal alert that the peer sent (RFC 8446, 6.2); 0 for none
	First  []byte // with PlainHTTP and NotTLS: the bytes that came, all that were read
	Err    error  // the cause; nil where Reason says it all
}

// Error returns the reason and its cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return "tls: " + e.Reason.String()
	}
	return e.Reason.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrBusy is what the owner of a handshake that was shed gets.
var ErrBusy = &Error{Reason: Busy}
