// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
)

type trialParams struct {
	Text   string `json:"text" doc:"whole configuration in HCL; it is not served"`
	Member string `json:"member" doc:"POOL/MEMBER of that text"`
}

// Whoever may try any text may make the box connect anywhere: so may only who
// could put the text into a candidate.
func (b *Box) addTrial(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "probe.try", Purpose: "Asks a member of a text that is not served all its questions, and shows each exchange.",
		Role: api.Editor, Effect: api.Read, Timeout: 2 * time.Minute}, b.tryProbe)
}

func (b *Box) tryProbe(ctx context.Context, c api.Call, p trialParams) (Probed, error) {
	if len(c.Scope) > 0 {
		return Probed{}, api.Errorf(api.CodeForbidden, "auth.scope", "who is limited to some objects may not try others: ask somebody without a scope")
	}
	pool, member, err := splitMember(p.Member)
	if err != nil {
		return Probed{}, err
	}
	cfg, found := Check("text", []byte(p.Text))
	if cfg == nil {
		return Probed{}, validation(found)
	}
	asked, err := b.cfg.Balancer.Try(ctx, cfg, pool, member)
	out := Probed{Exchanges: []Exchange{}}
	for _, x := range asked {
		out.Exchanges = append(out.Exchanges, exchangeOf(x))
	}
	return out, apiError(err)
}
