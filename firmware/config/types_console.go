// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// A Console says where the box is administered with a browser, and who may come.
// Without its block the defaults hold.
type Console struct {
	Listen         []netip.AddrPort `json:"listen"`                // 127.0.0.1:9443; empty: there is no console
	Allow          []netip.Prefix   `json:"allow"`                 // everyone
	AllowedOrigins []string         `json:"allowed_origins"`       // as browsers spell them; besides the console's own
	TrustedProxies []netip.Prefix   `json:"trusted_proxies"`       // whose X-Forwarded-For is believed
	Certificate    string           `json:"certificate,omitempty"` // empty: one that the box makes for its addresses
	IdleTimeout    Duration         `json:"idle_timeout"`          // 30m

	Range hcl.Range `json:"-"`
}

// MaxConsole is how many addresses the console may have.
const MaxConsole = 8
