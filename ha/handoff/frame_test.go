// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// A frame is a packet of the client's, to be built.
type frame struct {
	seq      uint32 // marks it
	from, to net.HardwareAddr
	dst      netip.Addr
	change   func(*layers.TCP)
	tag      bool
	udp      bool
	fragment bool
	options  bool // of IPv4, or an extension header of IPv6
}

// build returns the bytes of f; what it does not say is like a packet of an old
// connection.
func (l *lab) build(f frame) []byte {
	l.t.Helper()
	if f.from == nil {
		f.from, _ = net.ParseMAC(clientMAC)
	}
	if f.to == nil {
		f.to = l.boxes["right"].mac
	}
	if !f.dst.IsValid() {
		f.dst = l.vip()
	}
	eth := &layers.Ethernet{SrcMAC: f.from, DstMAC: f.to, EthernetType: layers.EthernetTypeIPv4}
	if l.v6 {
		eth.EthernetType = layers.EthernetTypeIPv6
	}
	list := []gopacket.SerializableLayer{eth}
	if f.tag {
		list = append(list, &layers.Dot1Q{VLANIdentifier: 7, Type: eth.EthernetType})
		eth.EthernetType = layers.EthernetTypeDot1Q
	}
	ip, more := l.header(f)
	list = append(append(list, ip), more...)
	if f.udp {
		u := &layers.UDP{SrcPort: 4000, DstPort: 80}
		u.SetNetworkLayerForChecksum(ip.(gopacket.NetworkLayer))
		list = append(list, u, gopacket.Payload(binary.BigEndian.AppendUint32(nil, f.seq)))
	} else {
		t := &layers.TCP{SrcPort: 4000, DstPort: 80, Seq: f.seq, Ack: 1, ACK: true, Window: 1000}
		if f.change != nil {
			f.change(t)
		}
		t.SetNetworkLayerForChecksum(ip.(gopacket.NetworkLayer))
		list = append(list, t)
	}
	return serialize(l.t, list...)
}

// header returns the IP header of f.
func (l *lab) header(f frame) (ip gopacket.SerializableLayer, more []gopacket.SerializableLayer) {
	proto := layers.IPProtocolTCP
	if f.udp {
		proto = layers.IPProtocolUDP
	}
	if l.v6 {
		h := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: l.addr(1).AsSlice(), DstIP: f.dst.AsSlice()}
		if f.options || f.fragment {
			h.NextHeader = layers.IPProtocolIPv6Destination
			b := []byte{byte(proto), 0, 1, 4, 0, 0, 0, 0}
			if f.fragment {
				h.NextHeader = layers.IPProtocolIPv6Fragment
				b = []byte{byte(proto), 0, 0, 1, 0, 0, 0, 9}
			}
			more = append(more, gopacket.Payload(b))
		}
		return h, more
	}
	h := &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: l.addr(1).AsSlice(), DstIP: f.dst.AsSlice()}
	if f.fragment {
		h.Flags = layers.IPv4MoreFragments
	}
	if f.options {
		h.Options = []layers.IPv4Option{{OptionType: 1}, {OptionType: 1}, {OptionType: 1}, {OptionType: 1}}
	}
	return h, nil
}

func serialize(t *testing.T, list ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, o, list...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// families runs f for IPv4 and IPv6.
func families(t *testing.T, checksums bool, f func(*testing.T, *lab)) {
	for _, v6 := range []bool{false, true} {
		name := "v4"
		if v6 {
			name = "v6"
		}
		t.Run(name, func(t *testing.T) { f(t, newLab(t, v6, false, checksums)) })
	}
}
