// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"time"

	"evener/firmware/api"
	"evener/firmware/health"
	"evener/firmware/lb"
	"evener/firmware/phrase"
	"evener/firmware/stats"
)

// A Cluster is a cluster at one moment.
type Cluster struct {
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels,omitempty"`
	Protocol    string            `json:"protocol"`
	Listen      []string          `json:"listen"`
	Pool        string            `json:"pool,omitempty"`
	Disabled    bool              `json:"disabled"`
	Connections int64             `json:"connections" doc:"of clients, open"`
	Accepted    uint64            `json:"accepted" doc:"connections of clients since the engine's start"`
	Active      int64             `json:"active" doc:"exchanges running"`
	Waiting     int64             `json:"waiting" doc:"exchanges waiting for a member"`
	Requests    uint64            `json:"requests"`
	Classes     map[string]uint64 `json:"classes" doc:"exchanges ended, by class of the status"`
	Retries     uint64            `json:"retries"`
	BytesIn     uint64            `json:"bytes_in"`
	BytesOut    uint64            `json:"bytes_out"`
	P50         api.Duration      `json:"p50"`
	P95         api.Duration      `json:"p95"`
	P99         api.Duration      `json:"p99"`
	Reasons     map[string]uint64 `json:"reasons" doc:"how exchanges ended"`
	Group       string            `json:"group,omitempty" doc:"failover group that it follows; empty: none"`
	Standby     string            `json:"standby,omitempty" doc:"why no clients come to this box, such as: group front is active on left; empty: they do"`

	Said phrase.Words `json:"said,omitempty" says:"standby" doc:"what the texts say, by field: kind and args, for translation"`
}

// A Rule is a rule at one moment.
type Rule struct {
	Cluster   string    `json:"cluster"`
	Name      string    `json:"name"`
	Position  int       `json:"position" doc:"in its cluster, from 1: rules are tried in this order"`
	When      string    `json:"when"`
	Pool      string    `json:"pool,omitempty"`
	Responder string    `json:"responder,omitempty"`
	Disabled  bool      `json:"disabled"`
	Hits      uint64    `json:"hits"`
	LastHit   time.Time `json:"last_hit,omitzero"`
}

// A Pool is a pool at one moment.
type Pool struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`

	Policy  string   `json:"policy"`
	Tier    string   `json:"tier" doc:"which members are in use: regular, spare, quiesced or none"`
	Members []Member `json:"members"`
}

// A Member is a member of a pool at one moment.
type Member struct {
	Pool    string `json:"pool"`
	Name    string `json:"name"`
	Address string `json:"address"`

	Labels map[string]string `json:"labels,omitempty" doc:"of its server"`

	State     string       `json:"state" doc:"up, checking, spare, full, quiesced, disabled or down"`
	Why       string       `json:"why,omitempty" doc:"why a new client does not get it"`
	Health    string       `json:"health"`
	Reason    string       `json:"reason,omitempty" doc:"of its health"`
	Since     time.Time    `json:"since,omitzero" doc:"of its health"`
	Admin     string       `json:"admin"`
	Until     time.Time    `json:"until,omitzero" doc:"end of its drain"`
	Cut       bool         `json:"cut,omitempty" doc:"what is left at the end of its drain is closed"`
	Static    int          `json:"static" doc:"weight as configured"`
	Override  *int         `json:"override,omitempty" doc:"weight that the operator set in its place"`
	Weight    int          `json:"weight" doc:"in force"`
	WeightWhy string       `json:"weight_why,omitempty"`
	Active    int64        `json:"active"`
	Limit     int          `json:"limit,omitempty" doc:"max_connections"`
	Open      int64        `json:"open" doc:"connections to it, idle ones too"`
	Picked    uint64       `json:"picked"`
	Failed    uint64       `json:"failed"`
	P95       api.Duration `json:"p95"`
	Steps     []string     `json:"steps,omitempty" doc:"of its weight, the latest last"`

	Peers map[string]PeerHealth `json:"peers,omitempty" doc:"what the probes of other boxes say of it, by box"`

	Said phrase.Words `json:"said,omitempty" says:"why,reason,weight_why" doc:"what the texts say, by field: kind and args, for translation"`
}

// Given returns the weight that was given to the member: by the operator or else
// by the configuration. Weight is what is made of it.
func (m Member) Given() int {
	if m.Override != nil {
		return *m.Override
	}
	return m.Static
}

// Clusters lists clusters.
type Clusters struct {
	Clusters []Cluster `json:"clusters"`
}

// Rules lists rules in their order.
type Rules struct {
	Rules []Rule `json:"rules"`
}

// Pools lists pools.
type Pools struct {
	Pools []Pool `json:"pools"`
}

type memberParams struct {
	Member string `json:"member" doc:"POOL/MEMBER"`
}

// Probed lists what was asked and answered.
type Probed struct {
	Exchanges []Exchange `json:"exchanges"`
}

// An Exchange is one probe that was made for a person to look at.
type Exchange struct {
	Probe         string       `json:"probe"`
	Address       string       `json:"address"`
	Outcome       string       `json:"outcome" doc:"good, bad, abstain or unavailable"`
	Detail        string       `json:"detail" doc:"why, in words"`
	Verdict       string       `json:"verdict" doc:"what the probe would say if this counted"`
	Took          api.Duration `json:"took"`
	Connect       api.Duration `json:"connect" doc:"until the connection stood; 0s: it never did"`
	FirstByte     api.Duration `json:"first_byte" doc:"until the answer began; 0s: it never did"`
	Notes         []string     `json:"notes,omitempty" doc:"events in order"`
	Sent          string       `json:"sent,omitempty" doc:"printable beginning"`
	SentBytes     int          `json:"sent_bytes"`
	Received      string       `json:"received,omitempty" doc:"printable beginning"`
	ReceivedBytes int          `json:"received_bytes"`

	Said phrase.Words `json:"said,omitempty" says:"detail" doc:"what the texts say, by field: kind and args, for translation"`
}

func (b *Box) addShow(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "cluster.list", Purpose: "Lists the clusters.", Role: api.Viewer}, b.clusters)
	api.Add(reg, api.Method{Name: "rule.list", Purpose: "Lists the rules with their hits.", Role: api.Viewer}, b.rules)
	api.Add(reg, api.Method{Name: "pool.list", Purpose: "Lists the pools and their members.", Role: api.Viewer}, b.pools)
	api.Add(reg, api.Method{Name: "probe.run", Purpose: "Asks a member all its questions now and shows each exchange.",
		Role: api.Operator, Effect: api.Read, Timeout: 2 * time.Minute}, b.probe)
}

func (b *Box) clusters(context.Context, api.Call, struct{}) (Clusters, error) {
	out := Clusters{Clusters: []Cluster{}}
	for _, c := range b.cfg.Balancer.Clusters() {
		out.Clusters = append(out.Clusters, b.clusterOf(c))
	}
	return out, nil
}

var classWords = []string{"aborted", "1xx", "2xx", "3xx", "4xx", "5xx"}

func (b *Box) clusterOf(c lb.ClusterStatus) Cluster {
	t := &c.Totals
	group, standby := b.followed(c.Name)
	out := Cluster{
		Name: c.Name, Labels: c.Labels, Protocol: string(c.Protocol), Pool: c.Pool, Disabled: c.Disabled,
		Connections: t.Connections, Accepted: t.Accepted, Active: t.Active, Waiting: t.Waiting,
		Requests: t.Requests, Retries: t.Retries, BytesIn: t.BytesIn, BytesOut: t.BytesOut,
		P50: api.Duration(t.Duration.Quantile(.5)), P95: api.Duration(t.Duration.Quantile(.95)),
		P99: api.Duration(t.Duration.Quantile(.99)), Classes: map[string]uint64{}, Reasons: map[string]uint64{}, Group: group, Standby: standby,
		Said: phrase.Fields("standby", standby),
	}
	for _, l := range c.Listen {
		text := l.Addr.String()
		if l.Last != l.Addr.Port() {
			text += fmt.Sprintf("-%d", l.Last)
		}
		out.Listen = append(out.Listen, text)
	}
	for i, n := range t.Class {
		if n > 0 {
			out.Classes[classWords[i]] = n
		}
	}
	for i, n := range t.Aborts {
		if n > 0 {
			out.Reasons[stats.Reason(i).String()] = n
		}
	}
	return out
}

func (b *Box) rules(context.Context, api.Call, struct{}) (Rules, error) {
	out := Rules{Rules: []Rule{}}
	for _, c := range b.cfg.Balancer.Clusters() {
		for i, r := range c.Rules {
			rule := Rule{Cluster: c.Name, Name: r.Name, Position: i + 1, When: r.When, Pool: r.Pool,
				Responder: r.Responder, Disabled: r.Disabled, Hits: r.Hits}
			if r.LastHit != 0 {
				rule.LastHit = time.Unix(0, r.LastHit)
			}
			out.Rules = append(out.Rules, rule)
		}
	}
	return out, nil
}

func (b *Box) pools(context.Context, api.Call, struct{}) (Pools, error) {
	out := Pools{Pools: []Pool{}}
	for _, p := range b.cfg.Balancer.Pools() {
		pool := Pool{Name: p.Name, Labels: p.Labels, Policy: string(p.Policy), Tier: p.Tier.String()}
		for _, m := range p.Members {
			pool.Members = append(pool.Members, b.memberOf(p.Name, m))
		}
		out.Pools = append(out.Pools, pool)
	}
	return out, nil
}

func (b *Box) memberOf(pool string, m lb.MemberStatus) Member {
	out := Member{
		Pool: pool, Name: m.Name, Labels: m.Labels, Address: m.Addr.String(), State: m.State, Why: m.Why,
		Health: m.Health.String(), Reason: m.Reason, Since: m.Since, Admin: m.Admin.String(),
		Until: m.Until, Cut: m.Cut, Static: m.Configured, Weight: m.Weight, WeightWhy: m.WeightReason,
		Active: m.Counts.Active, Limit: m.Counts.Limit, Open: m.Counts.Open, Picked: m.Counts.Picked,
		Failed: m.Counts.Failed, P95: api.Duration(m.Totals.Duration.Quantile(.95)), Peers: b.peerHealth(pool, m.Name),
	}
	if m.Hand != nil {
		out.Override = &m.Hand.Weight
	}
	for _, s := range m.Steps {
		out.Steps = append(out.Steps, fmt.Sprintf("%s: %s", s.After.Round(time.Second), s.Reason))
	}
	out.Said = phrase.Fields("why", out.Why, "reason", out.Reason, "weight_why", out.WeightWhy)
	return out
}

func (b *Box) probe(ctx context.Context, c api.Call, p memberParams) (Probed, error) {
	pool, member, err := splitMember(p.Member)
	if err == nil {
		err = b.mayTouch(c, "pool", pool)
	}
	if err != nil {
		return Probed{}, err
	}
	asked, err := b.cfg.Balancer.Probe(ctx, pool, member)
	out := Probed{Exchanges: []Exchange{}}
	for _, x := range asked {
		out.Exchanges = append(out.Exchanges, exchangeOf(x))
	}
	return out, apiError(err)
}

func exchangeOf(x health.Exchange) Exchange {
	return Exchange{
		Probe: x.Probe, Address: x.Addr.String(), Outcome: x.Result.Outcome.String(),
		Detail: x.Result.Detail, Verdict: x.Verdict.State.String(), Took: api.Duration(x.Result.Took),
		Connect: api.Duration(x.Connect), FirstByte: api.Duration(x.FirstByte), Notes: x.Notes,
		Sent: x.Sent, SentBytes: x.SentBytes, Received: x.Received, ReceivedBytes: x.ReceivedBytes,
		Said: phrase.Fields("detail", x.Result.Detail),
	}
}
