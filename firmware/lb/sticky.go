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
