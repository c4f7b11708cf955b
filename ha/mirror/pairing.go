// SPDX-License-Identifier: Apache-2.0

package mirror

import "time"

// A Phase is how far a pairing has come.
type Phase string

// The phases.
const (
	PairIdle    Phase = "idle"    // nobody pairs
	PairOpen    Phase = "open"    // this box waits for another to join
	PairJoining Phase = "joining" // this box is on its way to another
	PairCode    Phase = "code"    // both show the code
	PairDone    Phase = "done"
	PairFailed  Phase = "failed"
)

// A PairingState is what people see of a pairing.
type PairingState struct {
	Phase          Phase
	Code           string // six digits, in PairCode
	Peer           string // the other's node name, from PairCode on
	Address        string // where the other is
	Fingerprint    Fingerprint
	ConfirmedHere  bool
	ConfirmedThere bool
	Until          time.Time // when this phase ends by itself
	Problem        string    // why it failed
	Failures       int       // tries that failed since the last that went well
	NotBefore      time.Time // when the next may begin, after failures
}
