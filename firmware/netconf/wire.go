// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"context"
	"errors"
	"net/netip"
)

// Network speaks DHCP on the interfaces of this machine.
type Network struct{}

// errNoClient is what this build says to DHCP on a real cable.
var errNoClient = errors.New("this build of the box speaks no DHCP; give the port an address with method = \"static\"")

// Obtain asks all servers for an address.
func (Network) Obtain(context.Context, string, netip.Addr) (Lease, error) {
	return Lease{}, errNoClient
}

// Verify asks all servers whether a lease still holds.
func (Network) Verify(context.Context, string, Lease) (Lease, error) { return Lease{}, errNoClient }

// Renew asks the server that has given the lease.
func (Network) Renew(context.Context, string, Lease) (Lease, error) { return Lease{}, errNoClient }

// Rebind asks all servers for more time.
func (Network) Rebind(context.Context, string, Lease) (Lease, error) { return Lease{}, errNoClient }
