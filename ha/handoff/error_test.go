// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"
)

// pathMTU is what a router far away can carry.
const pathMTU = 1300

// tooBig returns the ICMP error that says so about the packet p of a box.
func (l *lab) tooBig(p gopacket.Packet, to net.HardwareAddr) []byte {
	l.t.Helper()
	from, _ := net.ParseMAC(clientMAC)
	eth := &layers.Ethernet{SrcMAC: from, DstMAC: to, EthernetType: layers.EthernetTypeIPv4}
	about := gopacket.Payload(p.LinkLayer().LayerPayload())
	// As if it were the next one: an error about a packet that has arrived is
	// not believed.
	seq := about[len(p.NetworkLayer().LayerContents())+4:]
	binary.BigEndian.PutUint32(seq, tcp(p).Seq+uint32(len(tcp(p).Payload)))
	if l.v6 {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolICMPv6, SrcIP: l.addr(1).AsSlice(), DstIP: l.vip().AsSlice()}
		icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypePacketTooBig, 0)}
		icmp.SetNetworkLayerForChecksum(ip)
		return serialize(l.t, eth, ip, icmp, gopacket.Payload([]byte{0, 0, pathMTU >> 8, pathMTU & 255}), about)
	}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: l.addr(1).AsSlice(), DstIP: l.vip().AsSlice()}
	icmp := &layers.ICMPv4{
		TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4CodeFragmentationNeeded),
		Seq:      pathMTU,
	}
	return serialize(l.t, eth, ip, icmp, about)
}

// pathOf returns the MTU that the box which accepted c believes in.
func (l *lab) pathOf(c *conn) int {
	for _, s := range l.boxes[c.name].accepted() {
		if s.RemoteAddr().String() != c.LocalAddr().String() {
			continue
		}
		raw, err := s.(*net.TCPConn).SyscallConn()
		if err != nil {
			l.t.Fatal(err)
		}
		mtu := 0
		raw.Control(func(fd uintptr) {
			if l.v6 {
				mtu, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_MTU)
			} else {
				mtu, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU)
			}
		})
		if err != nil {
			l.t.Fatal(err)
		}
		return mtu
	}
	return 0
}

func TestErrorsFollowTheirConnection(t *testing.T) {
	families(t, false, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		old := l.dial()
		l.move(left, right, 0)
		fresh := l.dial()
		for i, c := range []*conn{fresh, old} {
			if err := c.echo(fmt.Sprint("something unique ", i)); err != nil {
				t.Fatal(err)
			}
			box := l.boxes[c.name]
			var answers []gopacket.Packet
			eventually(t, "the switch sees the answer of "+c.name, func() bool {
				answers = l.seen.find(func(p gopacket.Packet) bool {
					return bytes.Equal(source(p), box.mac) && tcp(p) != nil && bytes.Contains(tcp(p).Payload, fmt.Append(nil, "unique ", i))
				})
				return len(answers) > 0
			})
			l.in(l.client, func() error { return send("eth0", l.tooBig(answers[0], right.mac)) })
			eventually(t, "the MTU of the path is known to "+c.name, func() bool { return l.pathOf(c) == pathMTU })
			if n := right.receiver.Stats().Errors; n != uint64(i) {
				t.Errorf("errors sent on = %d, want %d", n, i)
			}
		}
	})
}
