// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
)

// checkConfig refuses what can never work, and puts the rest into one form.
func checkConfig(c *Config) error {
	if c.Interface == "" {
		return fmt.Errorf("attach a station: name its interface")
	}
	if c.Family != IPv4 && c.Family != IPv6 {
		return fmt.Errorf("attach a station to %s: its family is IPv4 or IPv6, not %d", c.Interface, c.Family)
	}
	if c.MAC != nil && (len(c.MAC) != 6 || c.MAC[0]&1 != 0 || bytes.Equal(c.MAC, make([]byte, 6))) {
		return fmt.Errorf("attach a station to %s: %v cannot be the MAC address of a station: it has 6 bytes, is not of a group, and is not zero", c.Interface, c.MAC)
	}
	c.MAC = slices.Clone(c.MAC)
	var err error
	c.Addresses, err = addresses(c.Family, c.Addresses)
	if err != nil {
		return fmt.Errorf("attach a station to %s: %w", c.Interface, err)
	}
	return nil
}

// addresses checks addresses of a family and returns them, each once.
func addresses(f Family, list []netip.Prefix) (out []netip.Prefix, err error) {
	for _, p := range list {
		a := p.Addr()
		switch {
		case !p.IsValid() || Of(a) != f || a.Is4In6():
			return nil, fmt.Errorf("%v is no address of %v with the length of its network, such as %s", p, f, map[Family]string{IPv4: "192.0.2.10/24", IPv6: "2001:db8::10/64"}[f])
		case a.IsUnspecified() || a.IsMulticast() || a.IsLoopback():
			return nil, fmt.Errorf("%v cannot be taken: it is no address of one station", p)
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// apart says why two stations cannot be on one box.
func apart(c, other Config) error {
	if c.Interface != other.Interface {
		return nil
	}
	if c.MAC != nil && bytes.Equal(c.MAC, other.MAC) {
		return fmt.Errorf("attach a station to %s: another one there has %v already; give its router another number", c.Interface, c.MAC)
	}
	for _, p := range c.Addresses {
		if slices.ContainsFunc(other.Addresses, func(q netip.Prefix) bool { return p.Addr() == q.Addr() }) {
			return fmt.Errorf("attach a station to %s: another one there may take %v already", c.Interface, p.Addr())
		}
	}
	return nil
}
