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
	targets
	IgnoreSticky bool   `json:"ignore_sticky,omitempty" doc:"keep persistent clients away too"`
	Force        bool   `json:"force,omitempty" doc:"even if it is the last usable member"`
	Reason       string `json:"reason,omitempty" doc:"why; shown with its state"`
}

type drainParams struct {
	quiesceParams
	Mode     DrainMode    `json:"mode,omitempty" doc:"keep-sticky: persistent clients still come; ignore-sticky: they do not; now: disabled and cut at once; keep-sticky"`
	Deadline api.Duration `json:"deadline,omitempty" doc:"disabled after this; 15m"`
	Cut      bool         `json:"cut,omitempty" doc:"at the deadline, close what is left; otherwise it may finish"`
}

type disableParams struct {
	targets
	Cut    bool   `json:"cut,omitempty" doc:"close what is open to it; otherwise running exchanges finish"`
	Force  bool   `json:"force,omitempty" doc:"even if it is the last usable member"`
	Reason string `json:"reason,omitempty" doc:"why; shown with its state"`
}

type enableParams struct {
	targets
	Reason string `json:"reason,omitempty" doc:"why; shown with its state"`
}

type weightParams struct {
	Member string `json:"member" doc:"POOL/MEMBER"`
	Weight int    `json:"weight" doc:"0 to 200; -1: as configured"`
	Force  bool   `json:"force,omitempty" doc:"0 even if it is the last usable member"`
	Reason string `json:"reason,omitempty" doc:"why; shown by status"`
}

// A DrainMode says what becomes of the clients that persistence keeps on a member.
type DrainMode string

// The modes.
const (
	KeepSticky   DrainMode = "keep-sticky"
	IgnoreSticky DrainMode = "ignore-sticky"
	DisableNow   DrainMode = "now"
)

// Words lists the modes.
func (DrainMode) Words() []string {
	return []string{string(KeepSticky), string(IgnoreSticky), string(DisableNow)}
}

func (b *Box) addServer(reg *api.Registry) {
	act := func(name, purpose, audit string) api.Method {
		return api.Method{Name: name, Purpose: purpose, Role: api.Operator, Effect: api.Runtime, Audit: audit + " {member} {members} {server} {labels}"}
	}
	api.Add(reg, act("server.quiesce", "Gives members no new clients; persistent ones still come.", "quiesce"), b.quiesce)
	api.Add(reg, act("server.drain", "Quiesces members and disables them after a deadline.", "drain"), b.drain)
	api.Add(reg, act("server.disable", "Gives members no clients at all; running exchanges finish, or are cut.", "disable"), b.disable)
	api.Add(reg, act("server.enable", "Brings members back.", "enable"), b.enable)
	api.Add(reg, act("server.cancel", "Ends the drain of members: they get new clients again.", "cancel the drain of"), b.cancelDrain)
	api.Add(reg, api.Method{Name: "server.weight", Purpose: "Changes a member's weight until it is configured anew.",
		Role: api.Operator, Effect: api.Runtime, Audit: "weight {member} {weight}"}, b.weight)
	api.Add(reg, api.Method{Name: "server.preview", Purpose: "Tells what taking members out would mean, and takes none out.",
		Role: api.Viewer}, b.preview)
}

// splitMember takes POOL/MEMBER apart.
func splitMember(s string) (pool, member string, err error) {
	pool, member, ok := strings.Cut(s, "/")
	if !ok || pool == "" || member == "" {
		return "", "", api.Errorf(api.CodeParams, "params.member", "a member is written POOL/MEMBER, not %q", s)
	}
	return pool, member, nil
}

func (b *Box) quiesce(ctx context.Context, c api.Call, p quiesceParams) (Acted, error) {
	return b.act(ctx, c, p.targets, !p.Force, func(pool, member string) error {
		return b.cfg.Balancer.Quiesce(pool, member, !p.IgnoreSticky, lb.Order{By: c.Author, Reason: p.Reason, Force: p.Force})
	})
}

func (b *Box) drain(ctx context.Context, c api.Call, p drainParams) (Acted, error) {
	if p.Deadline <= 0 {
		p.Deadline = api.Duration(15 * time.Minute)
	}
	order := lb.Order{By: c.Author, Reason: p.Reason, Force: p.Force, Cut: p.Cut || p.Mode == DisableNow}
	keep := p.Mode != IgnoreSticky && !p.IgnoreSticky
	return b.act(ctx, c, p.targets, !p.Force, func(pool, member string) error {
		if p.Mode == DisableNow {
			return b.cfg.Balancer.Disable(pool, member, order)
		}
		return b.cfg.Balancer.DrainMember(pool, member, keep, time.Now().Add(time.Duration(p.Deadline)), order)
	})
}

func (b *Box) disable(ctx context.Context, c api.Call, p disableParams) (Acted, error) {
	return b.act(ctx, c, p.targets, !p.Force, func(pool, member string) error {
		return b.cfg.Balancer.Disable(pool, member, lb.Order{By: c.Author, Reason: p.Reason, Force: p.Force, Cut: p.Cut})
	})
}

func (b *Box) enable(ctx context.Context, c api.Call, p enableParams) (Acted, error) {
	return b.act(ctx, c, p.targets, false, func(pool, member string) error {
		return b.cfg.Balancer.Enable(pool, member, lb.Order{By: c.Author, Reason: p.Reason})
	})
}

// cancelDrain is enable for members that are being drained or are quiesced.
func (b *Box) cancelDrain(ctx context.Context, c api.Call, p enableParams) (Acted, error) {
	return b.act(ctx, c, p.targets, false, func(pool, member string) error {
		if m := b.memberStatus(pool, member); m != nil && m.Admin.String() != "quiesced" {
			return api.Errorf(api.CodeConflict, "member.state", "%s/%s is %s: there is no drain to cancel", pool, member, m.Admin)
		}
		return b.cfg.Balancer.Enable(pool, member, lb.Order{By: c.Author, Reason: p.Reason})
	})
}

func (b *Box) weight(ctx context.Context, c api.Call, p weightParams) (Member, error) {
	out, err := b.act(ctx, c, targets{Member: p.Member}, false, func(pool, member string) error {
		return b.cfg.Balancer.SetWeight(pool, member, p.Weight, lb.Order{By: c.Author, Reason: p.Reason, Force: p.Force})
	})
	return out.Member, err
}
