// SPDX-License-Identifier: Apache-2.0

package config

var upgradeBlocks = []Block{{
	Name: "upgrade", Max: 1, Local: true, field: "Upgrade",
	Purpose: "How long a new version of the firmware is on trial. Without the block the defaults hold.",
	Keywords: []Keyword{
		{Name: "soak", Kind: KindDuration, Min: "1s", Max: "1h", Default: "30s",
			Purpose: "How long the self-test must pass without a break before a version counts as good."},
		{Name: "limit", Kind: KindDuration, Min: "10s", Max: "2h", Default: "10m",
			Purpose: "How long after its start the self-test of a version may fail before the box goes back."},
	},
}}
