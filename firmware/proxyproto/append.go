// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"encoding/binary"
	"net/netip"
	"strconv"
)

// maxValue is the length in bytes of the longest value that Append writes: that
// of a host name or a protocol's name. Only UniqueID has less, 128.
const maxValue = 255

// Append adds h to dst in the form of a version, and returns dst. It allocates
// nothing if dst has room for it: MaxV1 bytes, or MaxV2 for version 2; without
// TLS and names it needs 52. The header must be sent before anything else and,
// as the specification wants it, in one write.
//
// Without addresses (Local, or Transport is Unspec, or one of them is not
// valid) the header has nothing else either: "PROXY UNKNOWN", LOCAL or UNSPEC
// of length 0. Version 1 knows nothing but TCP: there UDP is UNKNOWN. If one
// address is IPv6, both are written so. A value that is too long for a receiver
// to expect, over 255 bytes (UniqueID: 128), is left out.
func Append(dst []byte, version Version, h *Header) []byte {
	switch version {
	case V1:
		return appendV1(dst, h)
	case V2:
		return appendV2(dst, h)
	}
	panic("proxyproto: there is no version " + strconv.Itoa(int(version)))
}

// sameFamily returns the addresses of h as both of one family, !ok if there are
// none.
func (h *Header) sameFamily() (src, dst netip.Addr, ok bool) {
	src, dst = h.Src.Addr().Unmap().WithZone(""), h.Dst.Addr().Unmap().WithZone("")
	if !h.Proxied() || !src.IsValid() || !dst.IsValid() {
		return src, dst, false
	}
	if src.Is4() != dst.Is4() {
		src, dst = netip.AddrFrom16(src.As16()), netip.AddrFrom16(dst.As16())
	}
	return src, dst, true
}

func appendV1(b []byte, h *Header) []byte {
	src, dst, ok := h.sameFamily()
	if !ok || h.Transport != TCP {
		return append(b, "PROXY UNKNOWN\r\n"...)
	}
	if src.Is4() {
		b = append(b, "PROXY TCP4 "...)
	} else {
		b = append(b, "PROXY TCP6 "...)
	}
	b = src.AppendTo(b)
	b = append(b, ' ')
	b = dst.AppendTo(b)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(h.Src.Port()), 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(h.Dst.Port()), 10)
	return append(b, "\r\n"...)
}

func appendV2(b []byte, h *Header) []byte {
	start := len(b)
	b = append(b, signature2...)
	src, dst, ok := h.sameFamily()
	if !ok {
		if h.Local {
			return append(b, localV2, unspec, 0, 0)
		}
		return append(b, proxyV2, unspec, 0, 0)
	}
	family := byte(tcp4)
	if !src.Is4() {
		family = tcp6
	}
	if h.Transport == UDP {
		family += udp4 - tcp4
	}
	b = append(b, proxyV2, family, 0, 0)
	if src.Is4() {
		from, to := src.As4(), dst.As4()
		b = append(append(b, from[:]...), to[:]...)
	} else {
		from, to := src.As16(), dst.As16()
		b = append(append(b, from[:]...), to[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, h.Src.Port())
	b = binary.BigEndian.AppendUint16(b, h.Dst.Port())
	b = h.appendTLVs(b)
	if h.Checksum {
		b = append(b, byte(TypeCRC32C), 0, 4, 0, 0, 0, 0)
	}
	header := b[start:]
	binary.BigEndian.PutUint16(header[atLength:], uint16(len(header)-fixedV2))
	if h.Checksum {
		at := len(header) - 4
		binary.BigEndian.PutUint32(header[at:], checksum(header, at))
	}
	return b
}

// appendTLVs adds what h has a field for, but the checksum.
func (h *Header) appendTLVs(b []byte) []byte {
	b = appendTLV(b, TypeALPN, h.ALPN)
	b = appendTLV(b, TypeAuthority, h.Authority)
	if len(h.UniqueID) <= maxUniqueID {
		b = appendTLV(b, TypeUniqueID, h.UniqueID)
	}
	if t := &h.TLS; t.Present {
		start := len(b)
		b = append(b, byte(TypeSSL), 0, 0, byte(t.Client))
		b = binary.BigEndian.AppendUint32(b, t.Verify)
		for sub := SubtypeVersion; sub <= SubtypeSigScheme; sub++ {
			b = appendTLV(b, sub, *t.field(sub))
		}
		binary.BigEndian.PutUint16(b[start+1:], uint16(len(b)-start-tlvHead))
	}
	return appendTLV(b, TypeNetNS, h.NetNS)
}

func appendTLV(b []byte, t Type, value []byte) []byte {
	if value == nil || len(value) > maxValue {
		return b
	}
	b = append(b, byte(t))
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}
