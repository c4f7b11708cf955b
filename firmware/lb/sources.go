// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"net/netip"

	"evener/firmware/config"
	"evener/firmware/persist"
)

// Sources lists records of source persistence, at most limit, with the names of
// pool and member where the running configuration has them.
func (b *Balancer) Sources(limit int) ([]SourceStatus, persist.SourceStats) {
	b.mu.Lock()
	names := map[uint64][2]string{}
	if b.cur != nil {
		for _, p := range b.cur.cfg.Pools {
			for _, m := range p.Members {
				names[persist.MemberRef(p.Name, m.Server)] = [2]string{p.Name, m.Server}
				names[persist.HostRef(b.cur.cfg.Server(m.Server).Address.Addr())] = [2]string{"", m.Server}
			}
		}
	}
	b.mu.Unlock()
	var out []SourceStatus
	b.sources.List(b.now().UnixNano(), func(r persist.SourceRecord) bool {
		n := names[r.Ref]
		out = append(out, SourceStatus{SourceRecord: r, Pool: n[0], Member: n[1]})
		return len(out) < limit
	})
	return out, b.sources.Stats()
}

// A SourceStatus is a record of source persistence with names.
type SourceStatus struct {
	persist.SourceRecord
	Pool, Member string
}

// ClearSources forgets records of source persistence and returns how many: those
// of a cluster, or of all for "", and of one client, or of all for the zero
// address. What clusters share (inter_cluster) goes for all that share it. Clients
// that are connected stay where they are.
func (b *Balancer) ClearSources(cluster string, client netip.Addr) (int, error) {
	b.mu.Lock()
	scopes, masks, err := b.sourceScopes(cluster)
	b.mu.Unlock()
	if err != nil {
		return 0, err
	}
	addrs := map[netip.Addr]bool{client.Unmap(): true}
	for m := range masks {
		addrs[persist.Mask(client, m[0], m[1])] = true
	}
	return b.sources.Clear(b.now().UnixNano(), func(r persist.SourceRecord) bool {
		return (cluster == "" || scopes[r.Key.Scope]) && (!client.IsValid() || addrs[r.Key.Addr])
	}), nil
}

// sourceScopes returns where records of a cluster, or for "" of any, may be, and
// how many bits of addresses of IPv4 and IPv6 they may have.
func (b *Balancer) sourceScopes(cluster string) (scopes map[uint64]bool, masks map[[2]int]bool, err error) {
	scopes, masks = map[uint64]bool{}, map[[2]int]bool{}
	missing := &NotFoundError{Kind: "cluster", Name: cluster}
	found := cluster == ""
	if b.cur == nil {
		return scopes, masks, nil
	}
	for _, c := range b.cur.cfg.Clusters {
		missing.Have = append(missing.Have, c.Name)
		if cluster != "" && c.Name != cluster {
			continue
		}
		found = true
		methods, pools := c.Persist, []string{c.Pool}
		for _, r := range c.Rules {
			methods, pools = append(methods[:len(methods):len(methods)], r.Persist...), append(pools, r.Pool)
		}
		for _, s := range c.SNI {
			pools = append(pools, s.Pool)
		}
		for _, p := range pools {
			scopes[persist.SourceScope(c.Name, p)] = true
		}
		for _, m := range methods {
			if m.Method != config.PersistSource {
				continue
			}
			masks[[2]int{m.Netmask4, m.Netmask6}] = true
			if m.InterCluster {
				scopes[persist.InterClusterScope(kindOf(c.Protocol))] = true
			}
		}
	}
	if !found {
		return nil, nil, missing
	}
	return scopes, masks, nil
}
