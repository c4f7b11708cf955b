// SPDX-License-Identifier: Apache-2.0

package stats

import "fmt"

// A Reason says why an exchange or a connection ended as it did. The values and
// names are those of the access log's Reason, so that one converts to the other.
type Reason uint8

// The reasons. The words of each are in docs/manual/accesslog.md.
const (
	Completed      Reason = iota // a member answered in full
	Local                        // the box answered itself, as configured
	ClientAbort                  // the client went away
	ClientTimeout                // the client was too slow
	BadRequest                   // the request was refused by the codec
	OverLimit                    // over a limit of the cluster
	NoMember                     // no member was available
	QueueFull                    // every member full, and the queue too
	QueueTimeout                 // waited too long for a member
	ConnectFailed                // no member could be connected to
	ConnectTimeout               // no member accepted in time
	ServerReset                  // the member went away
	ServerTimeout                // the member was too slow
	BadAnswer                    // the member's answer was malformed
	TunnelIdle                   // a tunnel was silent for too long
	Shutdown                     // the box stopped or drained
	Internal                     // a fault of the box
	MemberCut                    // an operator closed the connections to the member
	NumReasons     = int(MemberCut) + 1
)

var reasonNames = [NumReasons]string{
	"completed", "local", "client_abort", "client_timeout", "bad_request", "over_limit",
	"no_member", "queue_full", "queue_timeout", "connect_failed", "connect_timeout",
	"server_reset", "server_timeout", "bad_answer", "tunnel_idle", "shutdown", "internal",
	"member_cut",
}

// String returns the name that metrics and the access log show.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason_%d", uint8(r))
}

// An ErrorKind says what went wrong with a member.
type ErrorKind uint8

// The kinds of error.
const (
	ErrConnect    ErrorKind = iota // no connection: refused, unreachable or too slow
	ErrReset                       // the connection ended before the answer did
	ErrTimeout                     // the answer, or its next part, took too long
	ErrProtocol                    // the answer was malformed
	ErrAborted                     // the box gave up, because the client had or was told to stop
	ErrTLS                         // the TLS handshake failed, such as over the member's certificate
	NumErrorKinds = int(ErrTLS) + 1
)

var errorKindNames = [NumErrorKinds]string{"connect", "reset", "timeout", "protocol", "aborted", "tls"}

// String returns the name that metrics show.
func (k ErrorKind) String() string {
	if int(k) < len(errorKindNames) {
		return errorKindNames[k]
	}
	return fmt.Sprintf("kind_%d", uint8(k))
}

// NumRejects is the size of ClusterSlot.Rejected.
const NumRejects = 160

// numClasses is 1 for "aborted" and 5 for 1xx to 5xx.
const numClasses = 6

var classNames = [numClasses]string{"aborted", "1xx", "2xx", "3xx", "4xx", "5xx"}

// ClassOf returns the index of a status in the Class arrays: status/100, and 0
// for anything that is no status of an answer.
func ClassOf(status int) int {
	if status < 100 || status > 599 {
		return 0
	}
	return status / 100
}
