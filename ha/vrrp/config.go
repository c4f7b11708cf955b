// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// A Config describes one virtual router as this box runs it.
type Config struct {
	Version   uint8         // 3, or 2 for old peers
	Family    Family        // of Addresses, and of the packets
	VRID      uint8         // 1 to 255
	Priority  uint8         // effective now: 1 to 254, or 255 if the addresses are the interface's own
	Interval  time.Duration // between advertisements while ACTIVE
	Addresses []netip.Addr  // as they are advertised; of IPv6 the first is link-local
	Source    netip.Addr    // primary address of the interface, from which it sends; it decides between equal priorities

	// Checksum is the form that this box sends, as the caller encodes it; people
	// are told of a peer that sends the other one.
	Checksum Checksum

	Preempt      bool          // take over from an ACTIVE router of lower priority; an owner always does
	PreemptDelay time.Duration // how long to wait first; 0 to 1000s; an owner never waits
	Accept       bool          // serve the addresses, not only forward (Accept_Mode); an owner always does

	// LastAdvert makes an ACTIVE router that yields to a better one send one
	// more advertisement, so that the better one announces its addresses
	// again. Without a virtual MAC, neighbours that learnt this box's MAC
	// while both were ACTIVE would keep it; with one, there is nothing to heal.
	LastAdvert bool

	AnnounceAgain   time.Duration // after becoming ACTIVE, announce a second time; 0: do not
	AnnounceRefresh time.Duration // while ACTIVE, announce this often; 0: do not
}

// Check returns every mistake of c, joined; nil if New takes it.
func (c Config) Check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case c.Version != 2 && c.Version != 3:
		wrong("VRRP version must be 2 or 3, not %d", c.Version)
	case c.Version == 2 && c.Family != IPv4:
		wrong("VRRP version 2 is for IPv4 only; use version 3 for %v", c.Family)
	}
	if c.Family != IPv4 && c.Family != IPv6 {
		wrong("family must be IPv4 or IPv6")
	}
	if c.VRID == 0 {
		wrong("VRID must be 1 to 255, not 0")
	}
	if c.Priority == 0 {
		wrong("priority must be 1 to 254, or 255 for the owner of the addresses, not 0")
	}
	if FamilyOf(c.Source) != c.Family {
		wrong("source must be an address of the interface of family %v, not %v", c.Family, c.Source)
	}
	if c.PreemptDelay < 0 || c.PreemptDelay > PreemptDelayMax {
		wrong("preempt delay must be 0s to 1000s, not %v", c.PreemptDelay)
	}
	if c.AnnounceAgain < 0 || c.AnnounceRefresh < 0 {
		wrong("times between announcements must not be negative")
	}
	if err := checkInterval(c.Version, c.Interval); err != nil {
		errs = append(errs, err)
	}
	if err := checkAddresses(c.Family, c.Addresses); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// owner says whether the router owns its addresses.
func (c *Config) owner() bool { return c.Priority == PriorityOwner }

// sameRouter says whether c and d are the same virtual router, so that a
// change from one to the other needs no new election.
func (c *Config) sameRouter(d *Config) bool {
	return c.VRID == d.VRID && c.Family == d.Family
}

// clone returns c with a list of addresses of its own.
func (c Config) clone() Config {
	c.Addresses = slices.Clone(c.Addresses)
	return c
}

// SkewTime returns Skew_Time (RFC 9568, section 6.1): the higher the priority,
// the shorter. It is kept in nanoseconds, so that the routers of priority 253
// and 254 do not wake at once. interval is that of the ACTIVE router; version 2
// reckons with one second instead (RFC 3768, section 6.1).
func SkewTime(version, priority uint8, interval time.Duration) time.Duration {
	if version == 2 {
		interval = time.Second
	}
	return time.Duration(256-int64(priority)) * interval / 256
}

// DownInterval returns Active_Down_Interval: after how much silence a router of
// the priority takes over from one that advertises every interval.
func DownInterval(version, priority uint8, interval time.Duration) time.Duration {
	return 3*interval + SkewTime(version, priority, interval)
}
