// SPDX-License-Identifier: Apache-2.0

package health

// A vote is what one probe of a member says of it.
type vote struct {
	typ      Type
	state    State
	required bool // agent, simple: RequireResponse
	mute     bool // Unavailable, and never had a verdict
}

// serves reports whether v comes from a probe of the service itself, which makes
// an ICMP probe a mere observer.
func (v vote) serves() bool {
	switch v.typ {
	case TCP, TLS, HTTP, GRPC, ACV:
		return !v.mute
	}
	return false
}

// deciding marks the votes that count. A mute probe never does. ICMP counts only
// where no probe of the service does. An agent that need not answer counts once
// it has answered: an answer is good news, silence is none.
func deciding(votes []vote) []bool {
	service := false
	for _, v := range votes {
		service = service || v.serves()
	}
	counts := make([]bool, len(votes))
	for i, v := range votes {
		switch v.typ {
		case ICMP:
			counts[i] = !v.mute && !service
		case Agent, Simple:
			counts[i] = !v.mute && (v.required || v.state != Checking)
		default:
			counts[i] = !v.mute
		}
	}
	return counts
}

// decide returns the state of a member that was in state before: Down when one
// deciding probe is, Up when all are. Until a new probe of a member has a
// verdict, Up stays Up and Down stays Down, also where the new one cannot ask.
// While nothing decides, an Up member stays Up, but for one that has no probes
// at all; one that was Down because of an agent that is silent now does not.
func decide(before State, votes []vote) State {
	up, pending, mute := 0, 0, 0
	for i, counts := range deciding(votes) {
		switch {
		case votes[i].mute:
			mute++
		case !counts:
		case votes[i].state == Down:
			return Down
		case votes[i].state == Up:
			up++
		default:
			pending++
		}
	}
	switch {
	case len(votes) == 0:
		return Checking
	case up > 0 && pending == 0, before == Up:
		return Up
	case before == Down && pending+mute > 0:
		return Down
	}
	return Checking
}
