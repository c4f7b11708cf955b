// SPDX-License-Identifier: Apache-2.0

package menu

import "context"

// pairMenu is how this box gets to know another one.
func pairMenu() view {
	return &list{title: titled(tPairing), choices: func(s *state) (out []choice) {
		if underway(s.news.pairing.Phase) {
			return []choice{{s.text(tGoOn), "", func(s *state) { s.push(pairView()) }}}
		}
		ha := s.news.standby
		if ha == nil || ha.Mirror.Listen == "" {
			return []choice{{label: s.text(tNoListen)}}
		}
		out = append(out, choice{s.text(tWaitPeer), "", func(s *state) { s.pairing("ha.pair.begin", struct{}{}, true) }})
		for _, p := range ha.Peers {
			if !p.Paired && p.Address != "" {
				out = append(out, choice{s.text(tJoin) + " " + p.Name, "", func(s *state) {
					s.pairing("ha.pair.join", map[string]any{"address": p.Address}, true)
				}})
			}
		}
		return out
	}}
}

// pairing does a step, and shows how far it is then.
func (s *state) pairing(method string, params any, first bool) {
	var p pairing
	s.order(order{
		do: func(ctx context.Context, engine, _ caller) error { return engine.Call(ctx, method, params, &p) },
		then: func(s *state, err error) {
			if err != nil {
				s.outcome(tDone, err)
				return
			}
			s.news.pairing = p
			if first {
				s.push(pairView())
			}
		},
	})
}

// pairView is a pairing that is under way. Who leaves it leaves it going; that both
// boxes show the same code is said with the key held down, as it cannot be taken back.
func pairView() view {
	return &list{
		title: func(s *state) string {
			switch p := s.news.pairing; p.Phase {
			case "code":
				return s.text(tCode) + " " + groups(p.Code, 3) // on 16 columns there is room for no more
			case "done":
				return s.text(tPaired)
			case "failed":
				return s.text(tNotDone)
			}
			return s.text(tWaiting)
		},
		choices: pairChoices,
	}
}

func pairChoices(s *state) []choice {
	p := s.news.pairing
	cancel := choice{s.text(tCancel), "", func(s *state) { s.pairing("ha.pair.cancel", struct{}{}, false) }}
	switch {
	case p.Phase == "code" && p.ConfirmedHere:
		return []choice{{label: s.text(tWaiting)}, cancel}
	case p.Phase == "code":
		confirm := func(same bool) func(*state) {
			return func(s *state) { s.pairing("ha.pair.confirm", map[string]any{"code_matches": same}, false) }
		}
		return []choice{
			{s.text(tSame), "", func(s *state) { s.ask(tSame, confirm(true)) }},
			{s.text(tDifferent), "", confirm(false)},
			cancel,
		}
	case p.Phase == "open":
		return []choice{{label: p.Listen}, cancel}
	case p.Phase == "joining":
		return []choice{cancel}
	case p.Phase == "done":
		return []choice{{p.Peer, s.text(tOK), (*state).pop}}
	case p.Phase == "failed":
		return []choice{{p.Problem, "", func(s *state) { s.read(tNotDone, wrap(p.Problem, s.disp.Cols)...) }}}
	}
	return nil
}
