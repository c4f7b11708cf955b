// SPDX-License-Identifier: Apache-2.0

package ha

import "context"

// Depart gives up all that this box has, because it stops. What is ACTIVE here is handed
// over as by the order to switch, but so that it may come back by priority later. kept
// says whether connections are kept here, until they end or Run does.
func (r *Runner) Depart(ctx context.Context) (kept bool, err error) {
	got := make(chan bool, 1)
	if err := r.do(ctx, func() { got <- r.depart() }); err != nil {
		return false, err
	}
	return <-got, nil
}

func (r *Runner) depart() (kept bool) {
	r.departing = true // what is told of a group from now on: do not count on this box
	for _, g := range r.groups {
		if g.state != Active {
			continue
		}
		to, err := r.successor(g, "")
		if err != nil || to == "" {
			continue // who hears that it is given up may take it
		}
		r.giveUp(g, to, "it stops", "handed over to "+to+": it stops", note{cause: CauseStop})
		kept = kept || r.hands(g) && g.handProblem == ""
	}
	r.stop("the box gives up hot standby")
	return kept
}
