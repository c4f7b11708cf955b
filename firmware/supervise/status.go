// SPDX-License-Identifier: Apache-2.0

package supervise

import "time"

// A State says how far a process of a role is.
type State string

// The states of a process.
const (
	Starting      State = "starting"  // it initialises
	WaitingForGo  State = "ready"     // it is ready and waits for the old one's release
	Serving       State = "running"   // it owns what the role owns
	Releasing     State = "releasing" // it hands over what it owns
	DrainingState State = "draining"  // it finishes what it has begun
	Stopping      State = "stopping"  // it was told to end
	BackingOff    State = "waiting"   // of a role: it crashed often; the next start is delayed
	Held          State = "held"      // of a role: it is kept stopped until somebody releases it
	Stopped       State = "stopped"   // of a role: nothing runs
)

// A Status is what a supervisor runs at one moment.
type Status struct {
	PID     int          `json:"pid"`
	Version string       `json:"version"`
	Since   time.Time    `json:"since"`
	Roles   []RoleStatus `json:"roles"`
}

// A RoleStatus is one role of a Status. The process fields are those of the
// process that runs, or else of the one that starts.
type RoleStatus struct {
	Name string `json:"name"`
	ProcessStatus
	Next      *ProcessStatus  `json:"next,omitempty"`       // the successor, during a planned restart
	Draining  []ProcessStatus `json:"draining,omitempty"`   // oldest first
	Restarts  int             `json:"restarts"`             // planned ones, since the supervisor's start
	Crashes   int             `json:"crashes"`              // since the supervisor's start
	LastCrash string          `json:"last_crash,omitempty"` // its cause
	Crashed   []time.Time     `json:"crashed,omitempty"`    // when it crashed last, the latest last; 100 at most
	Held      string          `json:"held,omitempty"`       // why it is kept stopped; empty: it is not
	HeldUntil time.Time       `json:"held_until,omitzero"`  // when it is started again at the latest
	Listeners []string        `json:"listeners,omitempty"`  // such as "tcp 127.0.0.1:8080"
}

// A ProcessStatus is one process of a RoleStatus.
type ProcessStatus struct {
	PID     int       `json:"pid,omitempty"`
	State   State     `json:"state"`
	Version string    `json:"version,omitempty"` // as told by the process
	Since   time.Time `json:"since,omitzero"`    // its start
}
