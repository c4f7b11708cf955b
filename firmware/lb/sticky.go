// SPDX-License-Identifier: Apache-2.0

package lb

import "evener/firmware/persist"

// StickyClients counts, for each member of a pool, the clients that persistence
// by address keeps on it. Clients that are kept by a cookie are known to nobody.
func (b *Balancer) StickyClients(pool string) map[string]uint64 {
	cfg := b.Config()
	if cfg == nil || cfg.Pool(pool) == nil {
		return nil
	}
	counts := b.stickyByRef()
	out := make(map[string]uint64)
	for _, m := range cfg.Pool(pool).Members {
		out[m.Server] = counts[persist.MemberRef(pool, m.Server)]
	}
	return out
}

// StickyMembers counts the clients that persistence by address keeps on each
// member, by POOL/MEMBER, in one pass over all that is remembered.
func (b *Balancer) StickyMembers() map[string]uint64 {
	cfg := b.Config()
	if cfg == nil {
		return nil
	}
	counts := b.stickyByRef()
	out := make(map[string]uint64)
	for _, p := range cfg.Pools {
		for _, m := range p.Members {
			out[p.Name+"/"+m.Server] = counts[persist.MemberRef(p.Name, m.Server)]
		}
	}
	return out
}
