// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"

	"evener/firmware/config"
)

// checkIdle warns of what is said in a configuration to no effect, or not said
// although nothing happens without it. Where there are mistakes, those come first.
func checkIdle(cfg *config.Config, d *config.Diagnostics) {
	if d.HasErrors() {
		return
	}
	if len(cfg.Clusters) == 0 {
		*d = append(*d, config.Diagnostic{Msg: "no cluster: nothing is served", Warning: true})
	}
	for _, p := range cfg.Pools {
		if p.Policy == config.RoundRobin {
			checkWeights(p, d)
		}
	}
}

// checkWeights warns once of a pool whose policy ignores weights, where members
// have different ones. A weight of 0 keeps new clients away under any policy.
func checkWeights(p *config.Pool, d *config.Diagnostics) {
	first := 0
	for _, m := range p.Members {
		switch {
		case m.Weight == 0:
		case first == 0:
			first = m.Weight
		case m.Weight != first:
			d.Warn(m.Range, fmt.Sprintf("pool %q member %q", p.Name, m.Server),
				"policy round_robin ignores weights: every member gets as many clients; "+
					"static_weight, adaptive, fastest_response, least_connections, server_agent, custom, "+
					"random2, source_hash and uri_hash go by them")
			return
		}
	}
}
