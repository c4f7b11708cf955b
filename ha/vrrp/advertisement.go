// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// headerSize is the part of an advertisement before the addresses, authSize
// what version 2 appends to them.
const (
	headerSize        = 8
	authSize          = 8
	typeAdvertisement = 1
)

// An Advertisement is the one message of VRRP: the ACTIVE router says that it
// is there, or with priority 0 that it gives up.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-------+-------+---------------+---------------+---------------+
//	|Version| Type 1|     VRID      |   Priority    |     Count     |
//	+-------+-------+---------------+---------------+---------------+
//	| Zero  | Interval in 10 ms     |           Checksum            |  version 3
//	|   Auth type   | Interval in s |           Checksum            |  version 2
//	+-------------------------------+-------------------------------+
//	|  Count addresses of 4 or 16 bytes; version 2: 8 bytes more    |
type Advertisement struct {
	Version   uint8         // 3, or 2
	VRID      uint8         // 1 to 255
	Priority  uint8         // 0 gives up, 255 owns the addresses
	Interval  time.Duration // version 3: 10ms to 40.95s; version 2: 1s to 255s, whole seconds
	Addresses []netip.Addr  // 1 to 255 of one family; of IPv6 the first is link-local
	Auth      Auth          // version 2 only
}

// An Auth is what RFC 2338 used to protect version 2 with. RFC 3768 abolished
// it, because a password that everybody on the link can read protects nothing.
type Auth struct {
	Type AuthType
	Data [authSize]byte // the password of AuthText, padded with zeros
}

// An AuthType says how a version 2 packet is authenticated.
type AuthType uint8

// The types of RFC 2338, section 5.3.6.
const (
	AuthNone   AuthType = 0
	AuthText   AuthType = 1 // a password in clear text
	AuthHeader AuthType = 2 // an IP authentication header around the packet
)

// String returns the type in words.
func (t AuthType) String() string {
	switch t {
	case AuthNone:
		return "no authentication"
	case AuthText:
		return "a clear text password"
	case AuthHeader:
		return "an IP authentication header"
	}
	return fmt.Sprintf("authentication type %d", uint8(t))
}

// Marshal returns a as the payload of an IP packet from src to dst; the
// checksum depends on them, and c chooses between its two forms for version 3
// over IPv4. The error says which field cannot be sent.
func (a Advertisement) Marshal(src, dst netip.Addr, c Checksum) ([]byte, error) {
	return a.Append(nil, src, dst, c)
}

// Append is Marshal into spare room of b.
func (a Advertisement) Append(b []byte, src, dst netip.Addr, c Checksum) ([]byte, error) {
	if err := a.check(FamilyOf(src), FamilyOf(dst)); err != nil {
		return b, err
	}
	start := len(b)
	b = append(b, a.Version<<4|typeAdvertisement, a.VRID, a.Priority, byte(len(a.Addresses)))
	if a.Version == 2 {
		b = append(b, byte(a.Auth.Type), byte(a.Interval/IntervalStepV2))
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(a.Interval/IntervalStep))
	}
	b = append(b, 0, 0)
	for _, addr := range a.Addresses {
		b = append(b, addr.AsSlice()...)
	}
	if a.Version == 2 {
		b = append(b, a.Auth.Data[:]...)
	}
	msg := b[start:]
	binary.BigEndian.PutUint16(msg[6:], checksum(msg, pseudoHeader(a.Version, src, dst, len(msg), c)))
	return b, nil
}

// check returns why a cannot be sent in a packet between addresses of the
// families src and dst.
func (a Advertisement) check(src, dst Family) error {
	switch {
	case src == 0 || src != dst:
		return fmt.Errorf("advertisement from %v to %v: both addresses must be of one family", src, dst)
	case a.Version != 2 && a.Version != 3:
		return fmt.Errorf("VRRP version must be 2 or 3, not %d", a.Version)
	case a.Version == 2 && src != IPv4:
		return fmt.Errorf("VRRP version 2 is for IPv4 only; use version 3 for %v", src)
	case a.VRID == 0:
		return fmt.Errorf("VRID must be 1 to 255, not 0")
	case a.Version == 3 && a.Auth != Auth{}:
		return fmt.Errorf("VRRP version 3 has no authentication")
	}
	if err := checkInterval(a.Version, a.Interval); err != nil {
		return err
	}
	return checkAddresses(src, a.Addresses)
}

// checkInterval returns why a router of the version cannot advertise every d.
func checkInterval(version uint8, d time.Duration) error {
	if version == 2 {
		if d < IntervalStepV2 || d > IntervalMaxV2 || d%IntervalStepV2 != 0 {
			return fmt.Errorf("interval of version 2 must be 1s to 255s in whole seconds, not %v", d)
		}
		return nil
	}
	if d < IntervalMin || d > IntervalMax || d%IntervalStep != 0 {
		return fmt.Errorf("interval must be 10ms to 40.95s in steps of 10ms, not %v", d)
	}
	return nil
}

// checkAddresses returns why list cannot be the addresses of a virtual router
// of the family (RFC 9568, sections 5.2.5 and 5.2.9).
func checkAddresses(f Family, list []netip.Addr) error {
	if len(list) < 1 || len(list) > 255 {
		return fmt.Errorf("a virtual router has 1 to 255 addresses, not %d", len(list))
	}
	for _, a := range list {
		if FamilyOf(a) != f {
			return fmt.Errorf("address %v: all addresses of this virtual router must be %v", a, f)
		}
	}
	if f == IPv6 && !list[0].IsLinkLocalUnicast() {
		return fmt.Errorf("address %v: the first IPv6 address must be link-local (fe80::/10)", list[0])
	}
	return nil
}
