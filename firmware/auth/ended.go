// SPDX-License-Identifier: Apache-2.0

package auth

// An Ending says how a session ended.
type Ending string

// The endings.
const (
	EndRevoked  Ending = "revoked"  // somebody ended it, or the user was deleted
	EndExpired  Ending = "expired"  // its time was over
	EndLogout   Ending = "logout"   // its user left
	EndPassword Ending = "password" // the user's password was changed
	EndRole     Ending = "role"     // the user's role or scope was changed
	EndIdle     Ending = "idle"     // it was not used
)

// An ended tells when something has ended, and how.
type ended struct {
	done chan struct{}
	how  *Ending // set before done is closed
}

func newEnded() ended { return ended{make(chan struct{}), new(Ending)} }

// end ends it, once; the caller has Auth.mu.
func (e ended) end(how Ending) {
	if *e.how == "" {
		*e.how = how
		close(e.done)
	}
}

// Ended returns a channel that is closed when the session or API token with an id has
// ended, and a function that tells, after that, how. One that is not there has.
func (a *Auth) Ended(id string) (<-chan struct{}, func() Ending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var e ended
	switch x, t := a.sessions.byID[id], a.tokens[id]; {
	case x != nil:
		e = x.ended
	case t != nil:
		e = t.ended
	default:
		e = newEnded()
		e.end(EndRevoked)
	}
	return e.done, func() Ending {
		select {
		case <-e.done:
			return *e.how
		default:
			return ""
		}
	}
}
