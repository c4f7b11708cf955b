// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// A trialOrder is what boxes ask each other for a rehearsal.
type trialOrder struct {
	Step   string       `json:"step"` // start, steady, end, keep
	ID     string       `json:"id,omitempty"`
	Target lossTarget   `json:"target,omitzero"`
	Hold   bool         `json:"hold,omitempty"` // connections over the takeover
	Result *HARehearsal `json:"result,omitempty"`
}

type trialSteady struct {
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty"`
}

// probeAt has the box called node carry out a step.
func (b *Box) probeAt(ctx context.Context, node string, o trialOrder, result any) error {
	if result == nil {
		result = &struct{}{}
	}
	return b.callBox(ctx, node, peerTrial, o, result, func() (any, error) { return b.trial(o) })
}

func (b *Box) serveTrial(_ context.Context, _ string, body []byte) (any, error) {
	var o trialOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, err
	}
	return b.trial(o)
}

// trial carries out a step of a rehearsal on this box.
func (b *Box) trial(o trialOrder) (any, error) {
	b.loss.mu.Lock()
	defer b.loss.mu.Unlock()
	l := &b.loss
	switch {
	case o.Step == "keep" && o.Result != nil:
		return struct{}{}, b.keepRehearsal(*o.Result)
	case o.Step == "start":
		if l.probe != nil {
			l.probe.end()
		}
		l.id, l.probe = o.ID, startLoss(context.Background(), o.Target, o.Hold)
		return struct{}{}, nil
	case l.probe == nil || l.id != o.ID:
		return nil, errors.New("the probe of this rehearsal does not run any more")
	case o.Step == "steady":
		ok, err := l.probe.steady(steadyAnswers)
		st := trialSteady{OK: ok}
		if err != nil {
			st.Why = err.Error()
		}
		return st, nil
	case o.Step == "end":
		leg := l.probe.end()
		l.probe = nil
		return leg, nil
	}
	return nil, fmt.Errorf("this version knows no step %q of a rehearsal", o.Step)
}

// tellTrial tells all peers.
func (b *Box) tellTrial(ctx context.Context, o trialOrder) {
	if b.cfg.Mirror == nil {
		return
	}
	for name, p := range b.cfg.Mirror.Status().Peers {
		if !p.Connected {
			continue
		}
		if err := b.callPeer(context.WithoutCancel(ctx), name, peerTrial, o, &struct{}{}); err != nil {
			b.log.Warn("rehearsal not told", "peer", name, "err", err)
		}
	}
}
