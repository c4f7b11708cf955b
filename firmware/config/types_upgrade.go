// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/hashicorp/hcl/v2"

// An Upgrade says how long a new version of the firmware is on trial. Without its
// block the defaults hold.
type Upgrade struct {
	Soak  Duration `json:"soak"`  // 30s, for which the self-test must pass
	Limit Duration `json:"limit"` // 10m after its start, when it has failed

	Range hcl.Range `json:"-"`
}
