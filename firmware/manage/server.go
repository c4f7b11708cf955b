// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/lb"
)

type quiesceParams struct {
	Member       string `json:"member" doc:"POOL/MEMBER"`
	IgnoreSticky bool   `json:"ignore_sticky,omitempty" doc:"keep persistent clients away too"`
	Force        bool   `json:"force,omitempty" doc:"even if it is the last usable member"`
	Reason       string `json:"reason,omitempty" doc:"why; shown with its state"`
}

type drainParams struct {
	quiesceParams
	Deadline api.Duration `json:"deadline,omitempty" doc:"disabled after this; 15m"`
}

type disableParams struct {
	Member string `json:"member" doc:"POOL/MEMBER"`
	Force  bool   `json:"force,omitempty" doc:"even if it is the last usable member"`
	Reason string `json:"reason,omitempty" doc:"why; shown with its state"`
}

type enableParams struct {
	Member string `json:"member" doc:"POOL/MEMBER"`
	Reason string `json:"reason,omitempty" doc:"why; shown with its state"`
}

type weightParams struct {
	Member string `json:"member" doc:"POOL/MEMBER"`
	Weight int    `json:"weight" doc:"0 to 200; -1: as configured"`
	Force  bool   `json:"force,omitempty" doc:"0 even if it is the last usable member"`
	Reason string `json:"reason,omitempty" doc:"why; shown by status"`
}

func (b *Box) addServer(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "server.quiesce", Purpose: "Gives a member no new clients; persistent ones still come.",
		Role: api.Operator, Effect: api.Runtime, Audit: "quiesce {member}"}, b.quiesce)
	api.Add(reg, api.Method{Name: "server.drain", Purpose: "Quiesces a member and disables it after a deadline.",
		Role: api.Operator, Effect: api.Runtime, Audit: "drain {member}"}, b.drain)
	api.Add(reg, api.Method{Name: "server.disable", Purpose: "Gives a member no clients at all; running exchanges finish.",
		Role: api.Operator, Effect: api.Runtime, Audit: "disable {member}"}, b.disable)
	api.Add(reg, api.Method{Name: "server.enable", Purpose: "Brings a member back.",
		Role: api.Operator, Effect: api.Runtime, Audit: "enable {member}"}, b.enable)
	api.Add(reg, api.Method{Name: "server.weight", Purpose: "Changes a member's weight until it is configured anew.",
		Role: api.Operator, Effect: api.Runtime, Audit: "weight {member} {weight}"}, b.weight)
}

// splitMember takes POOL/MEMBER apart.
func splitMember(s string) (pool, member string, err error) {
	pool, member, ok := strings.Cut(s, "/")
	if !ok || pool == "" || member == "" {
		return "", "", api.Errorf(api.CodeParams, "params.member", "a member is written POOL/MEMBER, not %q", s)
	}
	return pool, member, nil
}

// on runs a change of one member and returns the member as it is then.
func (b *Box) on(name string, change func(pool, member string) error) (Member, error) {
	pool, member, err := splitMember(name)
	if err != nil {
		return Member{}, err
	}
	if err := change(pool, member); err != nil {
		return Member{}, apiError(err)
	}
	for _, p := range b.cfg.Balancer.Pools() {
		for _, m := range p.Members {
			if p.Name == pool && m.Name == member {
				return memberOf(pool, m), nil
			}
		}
	}
	return Member{}, api.Errorf(api.CodeNotFound, "not_found", "%s is gone: a commit has removed it", name)
}

func (b *Box) quiesce(_ context.Context, c api.Call, p quiesceParams) (Member, error) {
	return b.on(p.Member, func(pool, member string) error {
		return b.cfg.Balancer.Quiesce(pool, member, !p.IgnoreSticky, lb.Order{By: c.Author, Reason: p.Reason, Force: p.Force})
	})
}

func (b *Box) drain(_ context.Context, c api.Call, p drainParams) (Member, error) {
	if p.Deadline <= 0 {
		p.Deadline = api.Duration(15 * time.Minute)
	}
	return b.on(p.Member, func(pool, member string) error {
		return b.cfg.Balancer.DrainMember(pool, member, !p.IgnoreSticky, time.Now().Add(time.Duration(p.Deadline)),
			lb.Order{By: c.Author, Reason: p.Reason, Force: p.Force})
	})
}

func (b *Box) disable(_ context.Context, c api.Call, p disableParams) (Member, error) {
	return b.on(p.Member, func(pool, member string) error {
		return b.cfg.Balancer.Disable(pool, member, lb.Order{By: c.Author, Reason: p.Reason, Force: p.Force})
	})
}

func (b *Box) enable(_ context.Context, c api.Call, p enableParams) (Member, error) {
	return b.on(p.Member, func(pool, member string) error {
		return b.cfg.Balancer.Enable(pool, member, lb.Order{By: c.Author, Reason: p.Reason})
	})
}

func (b *Box) weight(_ context.Context, c api.Call, p weightParams) (Member, error) {
	return b.on(p.Member, func(pool, member string) error {
		return b.cfg.Balancer.SetWeight(pool, member, p.Weight, lb.Order{By: c.Author, Reason: p.Reason, Force: p.Force})
	})
}
