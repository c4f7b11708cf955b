// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// A talk is a connection that carries one exchange after the other. Times alone do
// not tell them apart: the balancer notes the end of one when it comes to it, and a
// quick client has asked again by then. So its packets are put in turns: what is
// asked, and what is answered to it. Turns and exchanges follow each other in the same
// order.
type talk struct {
	turns []turn
	list  []*Exchange

	// Of the reading of the packets, which happens twice.
	cur      int // turn, -1 before the first
	answered bool
}

// A turn is some bytes of the side that asks, and the answer.
type turn struct {
	ask, answer time.Time // of the first packets with contents; zero: there is none
	owners      []*Exchange
}

type talkKey struct {
	endpoint
	near netip.AddrPort
}

// step goes on with a packet and returns the turn that it belongs to; turns are made
// if learn is set.
func (t *talk) step(f flow, request, learn bool) int {
	switch {
	case !f.payload:
	case request && (t.cur < 0 || t.answered), !request && t.cur < 0:
		t.cur++
		t.answered = !request
		if learn {
			t.turns = append(t.turns, turn{ask: f.at})
		}
	case !request && !t.answered:
		t.answered = true
	}
	if at := max(t.cur, 0); learn && f.payload && !request && t.turns[at].answer.IsZero() {
		t.turns[at].answer = f.at
	}
	return max(t.cur, 0)
}

// match gives each turn its exchanges. An exchange has the turn whose time is nearest
// to its own, behind the turn of the exchange before it, and leaving one for each
// exchange after it. Requests that were sent at once share one.
func (t *talk) match(s side) {
	key := func(e *Exchange) time.Time { return e.Begin }
	at := func(n int) time.Time { return t.turns[n].ask }
	if s == serverSide { // where exchanges wait for a connection, they get it in another order than they began
		key = func(e *Exchange) time.Time {
			if !e.Answer.IsZero() {
				return e.Answer
			}
			return e.Begin
		}
		at = func(n int) time.Time {
			if a := t.turns[n].answer; !a.IsZero() {
				return a
			}
			return t.turns[n].ask
		}
		slices.SortStableFunc(t.list, func(a, b *Exchange) int { return key(a).Compare(key(b)) })
	}
	if len(t.turns) == 0 {
		return
	}
	next := 0
	for j, e := range t.list {
		last := max(next, len(t.turns)-len(t.list)+j)
		if next >= len(t.turns) {
			t.share(e)
			continue
		}
		best := next
		for n := next + 1; n <= min(last, len(t.turns)-1); n++ {
			if cmp.Compare(distance(at(n), key(e)), distance(at(best), key(e))) >= 0 {
				break
			}
			best = n
		}
		t.turns[best].owners = append(t.turns[best].owners, e)
		next = best + 1
	}
	t.spread()
}

// share lets e have the last turn where it was asked in that: before the answer.
func (t *talk) share(e *Exchange) {
	last := &t.turns[len(t.turns)-1]
	if last.answer.IsZero() || !e.Begin.After(last.answer) {
		last.owners = append(last.owners, e)
	}
}

// spread gives turns without an exchange, such as those of a handshake, to the
// exchange before them, or else to the first.
func (t *talk) spread() {
	var owners []*Exchange
	for i := range t.turns {
		if len(t.turns[i].owners) > 0 {
			owners = t.turns[i].owners
			break
		}
	}
	for i := range t.turns {
		if len(t.turns[i].owners) > 0 {
			owners = t.turns[i].owners
		}
		t.turns[i].owners = owners
	}
}

func distance(a, b time.Time) time.Duration { return a.Sub(b).Abs() }

// owners returns whom a packet belongs to that is of turn n.
func (t *talk) owners(n int) []*Exchange {
	if n < len(t.turns) {
		return t.turns[n].owners
	}
	if len(t.list) > 0 {
		return t.list[:1] // a connection on which nothing was said
	}
	return nil
}
