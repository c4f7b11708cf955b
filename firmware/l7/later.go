// SPDX-License-Identifier: Apache-2.0

package l7

// A later holds what a turn of the loop has composed and not sent: whole small
// requests, and whole small answers. They go out together at its end, first all
// requests, then all answers. Waking a member or a client is a good part of what a
// send costs, and one that is sent to again is awake already: that saves two to
// three per cent of a small exchange, at the price of the rest of the turn, well
// below a millisecond.
type later struct {
	requests, answers []*exchange
	due               bool
}

// send sends x's request, which is composed, at the end of the turn.
func (w *Worker) sendLater(x *exchange) {
	if !x.later {
		x.later = true
		w.later.requests = append(w.later.requests, x)
		w.flushLater()
	}
}

// answerLater sends x's answer, which is composed, at the end of the turn.
func (w *Worker) answerLater(x *exchange) {
	w.later.answers = append(w.later.answers, x)
	w.flushLater()
}

func (w *Worker) flushLater() {
	if !w.later.due {
		w.later.due = true
		w.loop.Soon(w)
	}
}

// Run sends what the turn has composed. Exchanges may have ended meanwhile, and
// others begun in their place: those find nothing to do.
func (w *Worker) Run() {
	w.later.due = false
	for i, x := range w.later.requests {
		w.later.requests[i] = nil
		x.later = false
		if x.s != nil && !x.s.connecting && !x.answered && x.s.unsent() {
			x.sendHead()
		}
	}
	w.later.requests = w.later.requests[:0]
	for i, x := range w.later.answers {
		w.later.answers[i] = nil
		if x.own {
			x.pumpOwn()
		}
	}
	w.later.answers = w.later.answers[:0]
}
