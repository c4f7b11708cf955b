// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
)

// Sizes and numbers of ARP for IPv4 on Ethernet (RFC 826).
const (
	etherHeader = 14
	arpLength   = 28
	leastFrame  = 60 // without the checksum
	etherARP    = 0x0806
	arpRequest  = 1
	arpReply    = 2
)

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// appendProbe appends the frame that asks who has an address, and says nothing of
// who asks but his MAC (RFC 5227, section 2.1.1):
//
//	to 6 | from 6 | 0806 | 0001 0800 06 04 | op 2 | MAC 6 | IP 4 | MAC 6 | IP 4
func appendProbe(b []byte, mac net.HardwareAddr, address netip.Addr) []byte {
	at := len(b)
	b = append(b, broadcast...)
	b = append(b, mac...)
	b = append(b, 0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, arpRequest)
	b = append(b, mac...)
	b = append(b, 0, 0, 0, 0)
	b = append(b, make([]byte, 6)...)
	b = append(b, address.AsSlice()...)
	return append(b, make([]byte, leastFrame-(len(b)-at))...)
}

// parseClaim reads a frame in which somebody says that an address is his: an answer
// or a question with that address as the sender's. A probe is none: switches that
// keep track of devices ask in the same way whether a machine is still there, and
// to take that for a conflict would cost the machine its address.
func parseClaim(frame []byte) (address netip.Addr, mac net.HardwareAddr, ok bool) {
	if len(frame) < etherHeader+arpLength || binary.BigEndian.Uint16(frame[12:]) != etherARP {
		return netip.Addr{}, nil, false
	}
	p := frame[etherHeader:]
	if op := p[7]; !bytes.Equal(p[:7], []byte{0, 1, 0x08, 0x00, 6, 4, 0}) || op != arpRequest && op != arpReply {
		return netip.Addr{}, nil, false
	}
	mac = bytes.Clone(p[8:14])
	address = netip.AddrFrom4([4]byte(p[14:18]))
	return address, mac, !address.IsUnspecified() && mac[0]&1 == 0 && !bytes.Equal(mac, make([]byte, 6))
}
