// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"maps"
	"strconv"
	"sync"
)

// Config says what a Registry is for. Only Loops is required.
type Config struct {
	Loops int // event loops, each with its own slot of everything

	Version string // of the firmware; "unknown"
	Commit  string // it was built from; "unknown"
	Model   string // of the box; "unknown"

	// RejectReason names an index of ClusterSlot.Rejected. Nil: the index in
	// decimal.
	RejectReason func(index int) string

	// HandshakeReason names an index of ClusterSlot.HandshakeFailed. Nil: the
	// index in decimal.
	HandshakeReason func(index int) string
}

// A Registry holds the counters of everything that exists, by name. All its
// methods may be called from any goroutine; none is for the hot path.
type Registry struct {
	cfg    Config
	engine *Engine

	mu         sync.Mutex // guards what follows
	clusters   map[string]*Cluster
	rules      map[RuleKey]*Rule
	members    map[MemberKey]*Member
	collectors []func(*Writer)
}

// A RuleKey names a rule.
type RuleKey struct{ Cluster, Rule string }

// A MemberKey names a member.
type MemberKey struct{ Pool, Server string }

// Live lists what a configuration has.
type Live struct {
	Clusters []string
	Rules    []RuleKey
	Members  []MemberKey
}

// NewRegistry returns an empty registry.
func NewRegistry(cfg Config) *Registry {
	for _, s := range []*string{&cfg.Version, &cfg.Commit, &cfg.Model} {
		if *s == "" {
			*s = "unknown"
		}
	}
	if cfg.RejectReason == nil {
		cfg.RejectReason = strconv.Itoa
	}
	if cfg.HandshakeReason == nil {
		cfg.HandshakeReason = strconv.Itoa
	}
	return &Registry{
		cfg:      cfg,
		engine:   NewEngine(cfg.Loops),
		clusters: make(map[string]*Cluster),
		rules:    make(map[RuleKey]*Rule),
		members:  make(map[MemberKey]*Member),
	}
}

// Engine returns the counters of the loops.
func (r *Registry) Engine() *Engine { return r.engine }

// Cluster returns the counters of the cluster of that name, new ones if there
// are none.
func (r *Registry) Cluster(name string) *Cluster {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.clusters[name]
	if c == nil {
		c = NewCluster(name, r.cfg.Loops)
		r.clusters[name] = c
	}
	return c
}

// Rule returns the counters of a cluster's rule, new ones if there are none.
func (r *Registry) Rule(cluster, name string) *Rule {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := RuleKey{cluster, name}
	u := r.rules[k]
	if u == nil {
		u = NewRule(cluster, name, r.cfg.Loops)
		r.rules[k] = u
	}
	return u
}

// Member returns the counters of a pool's member, new ones if there are none.
func (r *Registry) Member(pool, server string) *Member {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := MemberKey{pool, server}
	m := r.members[k]
	if m == nil {
		m = NewMember(pool, server, r.cfg.Loops)
		r.members[k] = m
	}
	return m
}

// Keep forgets everything that live does not list. Exchanges of an old generation
// may go on counting in what was forgotten; nobody sees it.
func (r *Registry) Keep(live Live) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keepOnly(r.clusters, live.Clusters)
	keepOnly(r.rules, live.Rules)
	keepOnly(r.members, live.Members)
}

func keepOnly[K comparable, V any](m map[K]V, keys []K) {
	live := make(map[K]bool, len(keys))
	for _, k := range keys {
		live[k] = true
	}
	maps.DeleteFunc(m, func(k K, _ V) bool { return !live[k] })
}

// Register adds a collector, which is called at each reading for the values that
// others own.
func (r *Registry) Register(collect func(*Writer)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collectors = append(r.collectors, collect)
}
