// SPDX-License-Identifier: Apache-2.0

package accesslog

// A Reason says why an exchange or a connection ended as it did.
type Reason uint8

// The reasons; docs/manual/accesslog.md tells each in a sentence.
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
	numReasons     = int(MemberCut) + 1
)

var reasonNames = [numReasons]string{
	"completed", "local", "client_abort", "client_timeout", "bad_request", "over_limit",
	"no_member", "queue_full", "queue_timeout", "connect_failed", "connect_timeout",
	"server_reset", "server_timeout", "bad_answer", "tunnel_idle", "shutdown", "internal",
	"member_cut",
}

// String returns the name that the log shows.
func (r Reason) String() string { return nameOf(reasonNames[:], int(r)) }

// A Persist says what persistence made of the client.
type Persist uint8

// The outcomes of persistence.
const (
	PersistNone    Persist = iota // not configured, or the exchange ended before
	PersistNew                    // first record of this client
	PersistValid                  // the record named a member that was taken
	PersistRenewed                // as valid, and the record was written again
	PersistForeign                // the record was not ours, out of date or its member is gone
	numPersists    = int(PersistForeign) + 1
)

var persistNames = [numPersists]string{"none", "new", "valid", "renewed", "foreign"}

// String returns the name that the log shows.
func (p Persist) String() string { return nameOf(persistNames[:], int(p)) }

// A Protocol says what the client spoke.
type Protocol uint8

// The protocols.
const (
	ProtocolNone Protocol = iota // not known
	HTTP10
	HTTP11
	HTTP2
	TCP
	UDP
	numProtocols = int(UDP) + 1
)

var protocolNames = [numProtocols]string{"-", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "TCP", "UDP"}

// String returns the name that the log shows.
func (p Protocol) String() string { return nameOf(protocolNames[:], int(p)) }

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "unknown"
}
