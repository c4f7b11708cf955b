// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/phrase"
)

// targets say which members a runtime method is about: all that any of the
// fields names.
type targets struct {
	Member  string            `json:"member,omitempty" doc:"POOL/MEMBER; one of member, members, server and labels must be given"`
	Members []string          `json:"members,omitempty" doc:"several, each POOL/MEMBER"`
	Server  string            `json:"server,omitempty" doc:"name of a server: its members of all pools"`
	Labels  map[string]string `json:"labels,omitempty" doc:"of servers: the members of all servers that carry all of them"`
}

// A target is one member.
type target struct{ pool, member string }

func (t target) String() string { return t.pool + "/" + t.member }

// Acted tells of the members after a runtime method: of the first as it is then,
// and of each what it meant.
type Acted struct {
	Member
	Results []Effect `json:"results" doc:"of each member, as it was just before"`
}

// An Effect tells what taking a member out means, or meant.
type Effect struct {
	Member   string    `json:"member" doc:"POOL/MEMBER"`
	State    string    `json:"state" doc:"up, checking, spare, full, quiesced, disabled or down"`
	Active   int64     `json:"active" doc:"exchanges that run on it"`
	Open     int64     `json:"open" doc:"connections to it, idle ones too"`
	Sticky   uint64    `json:"sticky" doc:"clients that persistence by address keeps on it"`
	Cookies  bool      `json:"cookies,omitempty" doc:"clients may be kept on it by cookies too, which nobody can count"`
	Share    float64   `json:"share" doc:"of the pool's new clients that it gets by its weight, 0 to 1"`
	Left     int       `json:"left" doc:"members of the pool that take new clients when all of them are out"`
	Total    int       `json:"total" doc:"members of the pool"`
	Promoted []string  `json:"promoted,omitempty" doc:"hot spares that take over then"`
	Last     bool      `json:"last,omitempty" doc:"nobody would be left: refused unless forced"`
	Until    time.Time `json:"until,omitzero" doc:"end of its drain, if one runs"`
	Cut      bool      `json:"cut,omitempty" doc:"what is left at the end of that drain is closed"`
	Error    string    `json:"error,omitempty" doc:"why nothing was done with it, one of several"`

	Said phrase.Words `json:"said,omitempty" says:"error" doc:"what the texts say, by field: kind and args, for translation"`
}

// Previewed tells what taking members out would mean.
type Previewed struct {
	Effects []Effect `json:"effects"`
	Guarded bool     `json:"guarded" doc:"it would be refused unless forced"`
}

// resolve lists the members that t names, each once, in the order of the
// configuration, and refuses those outside of the caller's scope.
func (b *Box) resolve(c api.Call, t targets) ([]target, error) {
	named := t.Members
	if t.Member != "" {
		named = append([]string{t.Member}, named...)
	}
	if len(named) == 0 && t.Server == "" && len(t.Labels) == 0 {
		return nil, api.Errorf(api.CodeParams, "params.member", "say which: member, members, server or labels")
	}
	var out []target
	for _, s := range named {
		pool, member, err := splitMember(s)
		if err != nil {
			return nil, err
		}
		out = append(out, target{pool, member})
	}
	out = append(out, t.byServer(b.cfg.Balancer.Config())...)
	if len(out) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "not_found", "no pool has a member of such a server")
	}
	var unique []target
	for _, x := range out {
		if slices.Contains(unique, x) {
			continue
		}
		unique = append(unique, x)
		if err := b.mayTouch(c, "pool", x.pool); err != nil {
			return nil, err
		}
	}
	return unique, nil
}

// byServer lists the members of the servers that t means.
func (t *targets) byServer(cfg *config.Config) (out []target) {
	if cfg == nil || t.Server == "" && len(t.Labels) == 0 {
		return nil
	}
	for _, p := range cfg.Pools {
		for _, m := range p.Members {
			s := cfg.Server(m.Server)
			if m.Server == t.Server || len(t.Labels) > 0 && s != nil && carries(s.Labels, t.Labels) {
				out = append(out, target{p.Name, m.Server})
			}
		}
	}
	return out
}

// act changes members at run time. With guard set it refuses all of them if a
// pool would be left with nobody.
func (b *Box) act(ctx context.Context, c api.Call, t targets, guard bool, change func(pool, member string) error) (Acted, error) {
	list, err := b.resolve(c, t)
	if err != nil {
		return Acted{}, err
	}
	effects := b.effects(list)
	if guard && len(list) > 1 {
		if err := guarded(effects); err != nil {
			return Acted{}, err
		}
	}
	changes := b.beginChanges(list)
	defer func() { changes.note(api.ChangeOf(ctx)) }()
	var failed error
	done := 0
	for i, x := range list {
		if err := change(x.pool, x.member); err != nil {
			failed, effects[i].Error = apiError(err), err.Error()
			effects[i].Said = phrase.Fields("error", effects[i].Error)
			continue
		}
		done++
	}
	if done == 0 {
		return Acted{}, failed
	}
	out := Acted{Results: effects}
	m := b.memberStatus(list[0].pool, list[0].member)
	if m == nil {
		return Acted{}, api.Errorf(api.CodeNotFound, "not_found", "%s is gone: a commit has removed it", list[0])
	}
	out.Member = b.memberOf(list[0].pool, *m)
	return out, nil
}

// guarded refuses to take members out if nobody would be left.
func guarded(effects []Effect) error {
	var last []string
	for _, e := range effects {
		pool, _, _ := strings.Cut(e.Member, "/")
		if e.Last && !slices.Contains(last, pool) {
			last = append(last, pool)
		}
	}
	if len(last) == 0 {
		return nil
	}
	e := api.Errorf(api.CodeGuard, "guard.last_server", "nobody would be left in pool %s: new clients would get no server", strings.Join(last, ", "))
	e.Hint = "force"
	e.Args = map[string]any{"pools": last}
	return e
}

func (b *Box) preview(_ context.Context, c api.Call, p targets) (Previewed, error) {
	list, err := b.resolve(api.Call{Author: c.Author}, p) // to look is allowed everywhere
	if err != nil {
		return Previewed{}, err
	}
	for _, x := range list {
		if b.memberStatus(x.pool, x.member) == nil {
			return Previewed{}, api.Errorf(api.CodeNotFound, "not_found", "there is no member %q", x.String())
		}
	}
	out := Previewed{Effects: b.effects(list)}
	out.Guarded = guarded(out.Effects) != nil
	return out, nil
}

func (b *Box) memberStatus(pool, member string) *lb.MemberStatus {
	for _, p := range b.cfg.Balancer.Pools() {
		for i := range p.Members {
			if p.Name == pool && p.Members[i].Name == member {
				return &p.Members[i]
			}
		}
	}
	return nil
}

// effects tells of each member what it means to take all of them out.
func (b *Box) effects(list []target) []Effect {
	pools := make(map[string]lb.PoolStatus)
	for _, p := range b.cfg.Balancer.Pools() {
		pools[p.Name] = p
	}
	sticky := make(map[string]map[string]uint64)
	out := make([]Effect, len(list))
	for i, x := range list {
		out[i].Member = x.String()
		p, ok := pools[x.pool]
		if !ok {
			continue
		}
		if sticky[x.pool] == nil {
			sticky[x.pool] = b.cfg.Balancer.StickyClients(x.pool)
		}
		e := effectOn(p, list, x)
		e.Sticky, e.Cookies = sticky[x.pool][x.member], keepsByCookie(b.cfg.Balancer.Config(), x.pool)
		out[i] = e
	}
	return out
}

// effectOn tells of one member of p what it means to take all of list out.
func effectOn(p lb.PoolStatus, list []target, x target) Effect {
	e := Effect{Member: x.String(), Total: len(p.Members)}
	weights, own, before := 0, 0, 0
	for i := range p.Members {
		m := &p.Members[i]
		usable := m.Health.String() != "down" && m.Admin.String() == "enabled" && m.Static > 0 && m.Dynamic > 0
		if m.Name == x.member {
			e.State, e.Active, e.Open = m.State, m.Counts.Active, m.Counts.Open
			e.Until, e.Cut = m.Until, m.Cut
		}
		if !usable {
			continue
		}
		before++
		if m.Why == "" || m.State == "full" {
			weights += m.Weight
			if m.Name == x.member {
				own = m.Weight
			}
		}
		switch {
		case slices.Contains(list, target{p.Name, m.Name}):
		case m.Spare:
			e.Promoted = append(e.Promoted, m.Name)
		default:
			e.Left++
		}
	}
	if weights > 0 {
		e.Share = float64(own) / float64(weights)
	}
	if e.Left > 0 {
		e.Promoted = nil
	}
	if e.Left == 0 {
		e.Left = len(e.Promoted)
	}
	e.Last = e.Left == 0 && before > 0
	return e
}

// keepsByCookie reports whether clients of a pool are kept by cookies.
func keepsByCookie(cfg *config.Config, pool string) bool {
	if cfg == nil {
		return false
	}
	byCookie := func(list []*config.Persist) bool {
		return slices.ContainsFunc(list, func(p *config.Persist) bool { return p.Method == config.PersistCookie })
	}
	for _, c := range cfg.Clusters {
		if c.Pool == pool && byCookie(c.Persist) {
			return true
		}
		for _, r := range c.Rules {
			name, methods := r.Pool, r.Persist
			if name == "" {
				name = c.Pool
			}
			if len(methods) == 0 {
				methods = c.Persist
			}
			if name == pool && byCookie(methods) {
				return true
			}
		}
	}
	return false
}
