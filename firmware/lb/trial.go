// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"fmt"

	"evener/firmware/config"
	"evener/firmware/health"
)

// Try asks a member of cfg all its questions once, though cfg is not served: the
// member need not be there yet. Nothing changes by it.
func (b *Balancer) Try(ctx context.Context, cfg *config.Config, poolName, member string) ([]health.Exchange, error) {
	b.mu.Lock()
	gen, err := b.asked(cfg)
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for _, t := range targets(gen) {
		if t.Pool != poolName || t.Member != member {
			continue
		}
		// Never run: it asks only what Test asks.
		return health.New(health.Config{Targets: []health.Target{t}}, b.log).Test(ctx, poolName, member), nil
	}
	return nil, fmt.Errorf("member %s of pool %q is not there or has no probes", member, poolName)
}
