// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// A Received is an advertisement that came from the network and passed every
// check that needs no knowledge of the local router.
type Received struct {
	Advertisement
	Source      netip.Addr
	Destination netip.Addr
	Checksum    Checksum // the form its sender uses
}

// A Reason names why a packet was not believed. Reasons are few and fixed, so
// that they can be counted.
type Reason string

// The reasons of Parse, in the order of its checks (RFC 9568, section 7.1 with
// errata 8298 to 8301).
const (
	BadFamily   Reason = "family"   // source and destination are not of one family
	BadTTL      Reason = "ttl"      // TTL or hop limit is not 255
	BadVersion  Reason = "version"  // not 2 or 3, not 3 over IPv6, or not this router's
	BadType     Reason = "type"     // not an advertisement
	BadLength   Reason = "length"   // shorter than it says
	BadChecksum Reason = "checksum" // wrong in either form
	BadVRID     Reason = "vrid"     // 0, or not this router's
	NoAddresses Reason = "count"    // no address
	BadInterval Reason = "interval" // 0; in version 2 not this router's
	NoLinkLocal Reason = "address"  // the first IPv6 address is not link-local
)

// The reasons of Machine, which knows the local router.
const (
	BadAuth   Reason = "auth"  // version 2 with authentication (RFC 3768, section 7.1)
	FromOwner Reason = "owner" // version 2 and this router owns the addresses
	FromSelf  Reason = "self"  // this router's own advertisement came back
	NotTaking Reason = "state" // the router is in INIT
)

// A PacketError says why a packet was discarded.
type PacketError struct {
	Reason Reason
	Source netip.Addr
	Text   string // what is wrong and what would be right
}

// Error implements error.
func (e *PacketError) Error() string {
	return fmt.Sprintf("packet from %v: %s", e.Source, e.Text)
}

// Parse reads b, the payload of an IP packet from src to dst with the TTL or
// hop limit. It makes the checks of RFC 9568, section 7.1, in their order; the
// first that fails is returned as a *PacketError. Bytes after the message are
// ignored, as is the reserved field. An IPv4 address must not be mapped into
// IPv6 (netip.Addr.Unmap). Parse keeps nothing of b.
func Parse(b []byte, src, dst netip.Addr, ttl int) (Received, error) {
	r := Received{Source: src, Destination: dst}
	family := FamilyOf(src)
	bad := func(why Reason, format string, args ...any) (Received, error) {
		return Received{}, &PacketError{Reason: why, Source: src, Text: fmt.Sprintf(format, args...)}
	}
	if family == 0 || family != FamilyOf(dst) {
		return bad(BadFamily, "source is %v, destination %v: %v", family, FamilyOf(dst), dst)
	}
	if ttl != TTL {
		return bad(BadTTL, "TTL is %d, must be 255: it came through a router", ttl)
	}
	if len(b) == 0 {
		return bad(BadLength, "it is empty")
	}
	r.Version = b[0] >> 4
	if r.Version != 3 && (r.Version != 2 || family != IPv4) {
		return bad(BadVersion, "VRRP version is %d over %v", r.Version, family)
	}
	if t := b[0] & 0xf; t != typeAdvertisement {
		return bad(BadType, "type is %d, must be 1 (advertisement)", t)
	}
	if len(b) < headerSize {
		return bad(BadLength, "%d bytes, an advertisement has at least %d", len(b), headerSize)
	}
	size := messageSize(r.Version, family, int(b[3]))
	if len(b) < size {
		return bad(BadLength, "%d bytes, %d addresses need %d", len(b), b[3], size)
	}
	b = b[:size]
	var ok bool
	if r.Checksum, ok = checksumOf(b, r.Version, src, dst); !ok {
		return bad(BadChecksum, "checksum %04x is wrong with and without a pseudo header", b[6:8])
	}
	r.read(b, family)
	switch {
	case r.VRID == 0:
		return bad(BadVRID, "VRID is 0, must be 1 to 255")
	case len(r.Addresses) == 0:
		return bad(NoAddresses, "it names no address")
	case r.Interval == 0:
		return bad(BadInterval, "its interval is 0")
	case family == IPv6 && !r.Addresses[0].IsLinkLocalUnicast():
		return bad(NoLinkLocal, "its first address %v is not link-local", r.Addresses[0])
	}
	return r, nil
}

// messageSize returns the size of a message with n addresses.
func messageSize(version uint8, f Family, n int) int {
	size := headerSize + n*f.addressSize()
	if version == 2 {
		size += authSize
	}
	return size
}

// checksumOf finds the form in which the checksum of msg is right.
func checksumOf(msg []byte, version uint8, src, dst netip.Addr) (Checksum, bool) {
	right := func(dst netip.Addr, c Checksum) bool {
		return checksum(msg, pseudoHeader(version, src, dst, len(msg), c)) == 0
	}
	switch {
	case right(dst, ChecksumRFC9568):
		return ChecksumRFC9568, true
	case version == 2 || src.Is6():
		return 0, false
	case right(dst, ChecksumPseudo):
		return ChecksumPseudo, true
	}
	// Old implementations sum the group into the pseudo header of unicast packets too.
	return ChecksumPseudo, right(IPv4.Group(), ChecksumPseudo)
}

// read fills r from msg, whose length fits its count of addresses.
func (r *Received) read(msg []byte, f Family) {
	r.VRID, r.Priority = msg[1], msg[2]
	if r.Version == 2 {
		r.Auth.Type = AuthType(msg[4])
		r.Auth.Data = [authSize]byte(msg[len(msg)-authSize:])
		r.Interval = time.Duration(msg[5]) * IntervalStepV2
	} else {
		r.Interval = time.Duration(binary.BigEndian.Uint16(msg[4:])&0xfff) * IntervalStep
	}
	rest, size := msg[headerSize:], f.addressSize()
	for range msg[3] {
		a, _ := netip.AddrFromSlice(rest[:size])
		r.Addresses = append(r.Addresses, a)
		rest = rest[size:]
	}
}
