// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var (
	third    = net.HardwareAddr{2, 0, 0, 0, 0, 0x33} // another box of the group
	stranger = net.HardwareAddr{2, 0, 0, 0, 0, 0x44}
)

// marker begins the sequence numbers by which frames are known again, even those
// that nobody decodes as TCP.
const marker = 0xabcd0000

// Each frame goes to right, as does one at the end that is sent on for certain.
func TestWhatIsSentOn(t *testing.T) {
	families(t, false, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		c := right.config(left, 0)
		c.Peers = []net.HardwareAddr{third}
		l.in(right.ns, func() (err error) {
			right.receiver, err = right.Receive(c)
			return err
		})
		t.Cleanup(right.receiver.Stop)
		tests := []struct {
			name string
			frame
			want bool
		}{
			{"from the old box", frame{from: left.mac}, false},
			{"from another box", frame{from: third}, false},
			{"data", frame{change: func(t *layers.TCP) { t.PSH = true }}, true},
			{"to the virtual MAC", frame{to: vmac}, true},
			{"to another MAC", frame{to: stranger}, false},
			{"broadcast", frame{to: layers.EthernetBroadcast}, false},
			{"to another address", frame{dst: l.addr(3)}, false},
			{"SYN", frame{change: func(t *layers.TCP) { t.SYN, t.ACK, t.SrcPort = true, false, 4001 }}, false},
			{"SYN and ECN", frame{change: func(t *layers.TCP) { t.SYN, t.ACK, t.ECE, t.CWR, t.SrcPort = true, false, true, true, 4002 }}, false},
			{"ACK after that SYN", frame{change: func(t *layers.TCP) { t.SrcPort = 4001 }}, false},
			{"SYN and ACK", frame{change: func(t *layers.TCP) { t.SYN = true }}, true},
			{"FIN", frame{change: func(t *layers.TCP) { t.FIN = true }}, true},
			{"RST", frame{change: func(t *layers.TCP) { t.RST, t.ACK = true, false }}, true},
			{"no flags", frame{change: func(t *layers.TCP) { t.ACK = false }}, true},
			{"UDP", frame{udp: true}, false},
			{"with a VLAN tag", frame{tag: true}, false},
			{"fragment", frame{fragment: true}, false},
			{"options", frame{options: true}, !l.v6},
			{"last", frame{}, true},
		}
		var want []uint32
		for i, test := range tests {
			test.seq = marker + uint32(i)
			if test.want {
				want = append(want, test.seq)
			}
			// Where the switch has learnt wrongly, it learns again.
			l.in(l.client, func() error { return send("eth0", l.build(test.frame)) })
			l.in(left.ns, func() error { return send("eth0", learn(left.mac)) })
			l.in(right.ns, func() error { return send("eth0", learn(right.mac)) })
		}
		var got []uint32
		eventually(t, "the last frame is sent on", func() bool {
			got = nil
			for _, p := range l.seen.find(forwarded(right, left)) {
				if i := bytes.Index(p.Data(), []byte{marker >> 24, marker >> 16 & 255}); i >= 0 {
					got = append(got, binary.BigEndian.Uint32(p.Data()[i:]))
				}
			}
			return slices.Contains(got, want[len(want)-1])
		})
		for i, test := range tests {
			if seq := marker + uint32(i); slices.Contains(got, seq) != test.want {
				t.Errorf("%s: sent on = %v, want %v", test.name, !test.want, test.want)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d frames sent on, want %d", len(got), len(want))
		}
	})
}

// Both boxes believe that the other is the old one, as in a quick switch back.
func TestNoPacketIsSentOnTwice(t *testing.T) {
	families(t, false, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		l.in(right.ns, func() error { return right.Keep(right.config(left, 0).Addresses) })
		left.receive(right, 0)
		right.receive(left, 0)
		l.seen.forget()
		for i, h := range []*host{left, right} {
			seq := uint32(9000 + i)
			l.in(l.client, func() error { return send("eth0", l.build(frame{seq: seq, to: h.mac})) })
			byOther := func(p gopacket.Packet) bool { return reset(p) && !bytes.Equal(source(p), h.mac) }
			eventually(t, "the other box answers with RST", func() bool { return l.seen.count(byOther) > 0 })
			n := l.seen.count(func(p gopacket.Packet) bool { return tcp(p) != nil && tcp(p).Seq == seq })
			if n != 2 {
				t.Errorf("by way of %s the frame was seen %d times, want 2", h.name, n)
			}
			l.seen.forget()
		}
	})
}

// A SYN cookie leaves no socket behind: the ACK finds only the one that listens.
func TestConnectionWithSYNCookieStaysHere(t *testing.T) {
	families(t, false, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		l.in(right.ns, func() error { return setSysctl("net.ipv4.tcp_syncookies", "2") })
		l.move(left, right, 0)
		for range 5 {
			if c := l.dial(); c.name != "right" {
				t.Errorf("a connection was accepted by %s, want right", c.name)
			}
		}
		if n := right.receiver.Stats().Packets; n != 0 {
			t.Errorf("%d packets sent on, want 0", n)
		}
	})
}

// Who learnt the old box's MAC would go on sending to it.
func TestOldBoxDoesNotSpeakOfTheAddress(t *testing.T) {
	families(t, false, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		old := l.dial()
		l.move(left, right, 0)
		l.seen.forget()
		for range 3 {
			l.in(left.ns, func() error { return forgetNeighbour(l.addr(1)) })
			if err := old.echo("left has to ask for the client"); err != nil {
				t.Fatal(err)
			}
			l.in(l.client, func() error { return forgetNeighbour(l.vip()) })
			if c := l.dial(); c.name != "right" { // the client has to ask for the address
				t.Errorf("a new connection was accepted by %s, want right", c.name)
			}
		}
		asked := l.seen.count(func(p gopacket.Packet) bool { return bytes.Equal(source(p), left.mac) && asks(p) })
		if asked == 0 {
			t.Error("left did not ask for the client, so nothing was tested")
		}
		spoke := func(p gopacket.Packet) bool {
			return bytes.Equal(source(p), left.mac) && speaksOf(p, l.vip().AsSlice())
		}
		if n := l.seen.count(spoke); n != 0 {
			t.Errorf("left spoke of the address %d times", n)
		}
	})
}

// asks says whether p asks for a neighbour.
func asks(p gopacket.Packet) bool {
	a, _ := p.Layer(layers.LayerTypeARP).(*layers.ARP)
	return a != nil && a.Operation == layers.ARPRequest || p.Layer(layers.LayerTypeICMPv6NeighborSolicitation) != nil
}

// speaksOf says whether p tells neighbours the MAC of the address.
func speaksOf(p gopacket.Packet, ip net.IP) bool {
	if a, _ := p.Layer(layers.LayerTypeARP).(*layers.ARP); a != nil {
		return ip.Equal(a.SourceProtAddress)
	}
	if n, _ := p.Layer(layers.LayerTypeICMPv6NeighborAdvertisement).(*layers.ICMPv6NeighborAdvertisement); n != nil {
		return ip.Equal(n.TargetAddress)
	}
	return asks(p) && ip.Equal(p.NetworkLayer().(*layers.IPv6).SrcIP)
}
