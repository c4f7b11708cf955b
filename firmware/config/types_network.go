// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// A System is what the box calls itself, and where it is.
type System struct {
	HostName string `json:"host_name,omitempty"` // empty: the machine keeps its own
	TimeZone string `json:"time_zone,omitempty"` // of the IANA database; empty: the machine keeps its own

	// NTP are the time servers: names or addresses, perhaps with a port, or NoServers
	// alone. Empty: those that DHCP gives to the management port, if any.
	NTP []string `json:"ntp"`

	Range hcl.Range `json:"-"`
}

// NoServers in place of time servers means that nobody is asked.
const NoServers = "none"

// A Management is how the box is reached to be administered.
type Management struct {
	Port    string         `json:"port,omitempty"` // as on the front; empty: the board's management port
	VLAN    int64          `json:"vlan"`           // 1 to 4094: the tag of its frames; 0: they have none
	Method  Method         `json:"method"`         // none
	Address []netip.Prefix `json:"address"`        // with dhcp of IPv6 only
	Gateway []netip.Addr   `json:"gateway"`        // one of each family at most
	DNS     []netip.Addr   `json:"dns"`            // empty: what DHCP gives, or the machine's own

	Range hcl.Range `json:"-"`
}

// A Method says where the addresses of the management port come from.
type Method string

// The methods.
const (
	MethodNone   Method = "none" // somebody else configures the network
	MethodStatic Method = "static"
	MethodDHCP   Method = "dhcp"
)

// Limits of the management port.
const (
	maxAddresses   = 8
	maxNameservers = 3 // as many as a resolver asks: MAXNS of resolv.h
	maxHostName    = 64
	maxTimeServers = 8
)
