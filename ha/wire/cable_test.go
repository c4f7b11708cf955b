// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// Real advertisements of router 10: for 192.0.2.10, and for fe80::10 and 2001:db8::10.
// The checksum of the latter the kernel fills in, the other one is of the sender; tshark
// wants it with a pseudo header.
var (
	advert4, _ = hex.DecodeString("310a640100640000c000020a")
	advert6, _ = hex.DecodeString("310a640200640000" + "fe800000000000000000000000000010" + "20010db8000000000000000000000010")
)

func TestCableShowsTheVirtualMACOfTheActiveBoxOnly(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left, right := newBox(t, "left", "192.0.2.11/24", "2001:db8::11/64"), newBox(t, "right", "192.0.2.12/24", "2001:db8::12/64")
	fromLeft, fromRight := sniff(t, "left"), sniff(t, "right")
	lanL, lanR := left.lan(), right.lan()
	for _, c := range []testCase{{IPv4, true}, {IPv6, true}} {
		active, standby := attach(t, lanL, c.config()), attach(t, lanR, c.config())
		ready(t, lanL, active)
		ready(t, lanR, standby)
		must(t, active.Take(c.config().Addresses...))
		must(t, active.Announce())
		advert := withChecksum(active.Status().Primary, Group(IPv4), advert4)
		if c.family == IPv6 {
			advert = advert6
		}
		must(t, active.Send(Group(c.family), advert))
		expect(t, lanR, advert)
		eventually(t, "the advertisement", func() bool { return len(adverts(c, fromLeft.all())) > 0 })
		advertIsRight(t, c, adverts(c, fromLeft.all()), active.Status().Primary)
		announcementsAreRight(t, c, fromLeft.from(mac(c.family, 10)))
		noReports(t, fromLeft.from(mac(c.family, 10)))
		// Some switches learn from any frame: from the standby there is none.
		if got := fromRight.from(mac(c.family, 10)); len(got) > 0 {
			t.Errorf("%v: the standby sent with the virtual MAC:\n%s", c.family, strings.Join(tshark(t, got, "_ws.col.Info"), "\n"))
		}
		if fdb := run(t, "bridge", "fdb", "show"); strings.Count(fdb, mac(c.family, 10).String()) != 1 || !strings.Contains(fdb, mac(c.family, 10).String()+" dev left ") {
			t.Errorf("%v: the switch has the virtual MAC at:\n%s", c.family, fdb)
		}
		// Only where the interface below knows no way, the one with the virtual MAC has one.
		net4 := left.run("ip", "route", "show", "dev", active.Status().Virtual)
		if c.family == IPv4 && (strings.Contains(net4, "192.0.2.0/24") || !strings.Contains(net4, "198.51.100.0/24")) {
			t.Errorf("the interface with the virtual MAC has the routes\n%s", net4)
		}
	}
	// Both did report to be in the groups, with their own MACs, so that switches which
	// listen to that let adverts through.
	for _, s := range []*sniffer{fromLeft, fromRight} {
		eventually(t, "reports of both families", func() bool {
			text := strings.Join(tshark(t, s.all(), "igmp.maddr", "icmpv6.mldr.mar.multicast_address"), "\n")
			return strings.Contains(text, "224.0.0.18") && strings.Contains(text, "ff02::12")
		})
	}
	if out := left.run("ip", "maddress", "show", "dev", "lan1"); !strings.Contains(out, "ff02::1:ff00:10") {
		t.Errorf("neighbours who look for fe80::10 are not heard at a switch that listens to reports:\n%s", out)
	}
}

// adverts picks the frames of protocol 112 and the family.
func adverts(c testCase, frames [][]byte) (out [][]byte) {
	for _, f := range frames {
		if len(f) > 40 && (c.family == IPv4 && f[12] == 8 && f[23] == Protocol || c.family == IPv6 && f[12] == 0x86 && f[20] == Protocol) {
			out = append(out, f)
		}
	}
	return out
}

func advertIsRight(t *testing.T, c testCase, frames [][]byte, primary netip.Addr) {
	t.Helper()
	fields := []string{"eth.src", "eth.dst", "ip.src", "ip.dst", "ip.ttl", "ip.dsfield", "ip.checksum.status", "vrrp.checksum.status", "vrrp.prio", "vrrp.ip_addr"}
	want := fmt.Sprintf("|%v|01:00:5e:00:00:12|%v|224.0.0.18|255|0xc0|1|1|100|192.0.2.10", mac(IPv4, 10), primary)
	if c.family == IPv6 {
		fields = []string{"eth.src", "eth.dst", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass", "vrrp.checksum.status", "vrrp.prio", "vrrp.ipv6_addr"}
		want = fmt.Sprintf("|%v|33:33:00:00:00:12|%v|ff02::12|255|0x000000c0|1|100|fe80::10,2001:db8::10", mac(IPv6, 10), primary)
	}
	if got := tshark(t, frames, fields...); len(got) != 1 || got[0] != want {
		t.Errorf("%v: tshark sees\n%s\nwant\n%s", c.family, strings.Join(got, "\n"), want)
	}
}

func announcementsAreRight(t *testing.T, c testCase, frames [][]byte) {
	t.Helper()
	field := "arp.src.proto_ipv4"
	if c.family == IPv6 {
		field = "icmpv6.nd.na.target_address"
	}
	got := tshark(t, frames, field)
	for _, p := range c.config().Addresses {
		if !slices.Contains(got, "|"+p.Addr().String()) && !slices.Contains(got, "Duplicate IP address configured ("+p.Addr().String()+")|"+p.Addr().String()) {
			t.Errorf("%v was not announced, but\n%s", p, strings.Join(got, "\n"))
		}
	}
}

// noReports wants no reports of membership and no solicitations of routers.
func noReports(t *testing.T, frames [][]byte) {
	t.Helper()
	for i, line := range tshark(t, frames, "igmp.type", "icmpv6.type") {
		_, kinds, _ := strings.Cut(line, "|")
		for _, kind := range []string{"0x", "131", "132", "133", "143"} {
			if strings.Contains(kinds, kind) {
				t.Errorf("the virtual MAC sent %x: %s", frames[i], kinds)
			}
		}
	}
}

func TestAddressIsAnsweredByWhoHoldsItOnly(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	own := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	run(t, "ip", "link", "set", "br0", "address", own.String())
	for _, c := range []testCase{{IPv4, true}, {IPv6, true}, {IPv4, false}, {IPv6, false}} {
		t.Run(c.String(), func(t *testing.T) {
			left, right := newBox(t, "left", "192.0.2.11/24", "2001:db8::11/64"), newBox(t, "right", "192.0.2.12/24", "2001:db8::12/64")
			fromLeft, fromRight := sniff(t, "left"), sniff(t, "right")
			lanL, lanR := left.lan(), right.lan()
			a, b := attach(t, lanL, c.config()), attach(t, lanR, c.config())
			ready(t, lanL, a)
			ready(t, lanR, b)
			told := func() (out string) {
				for i, s := range []*sniffer{fromLeft, fromRight} {
					for _, m := range answers(c, s.all(), "10") {
						out += []string{"left ", "right "}[i] + m + ", "
					}
				}
				return out
			}
			// want asks which MACs answer for the address. The boxes' own addresses are asked
			// for after it: when they have answered, nothing else is to come, but what a
			// macvlan has to say, which gets broadcasts from a queue.
			want := func(text string) {
				t.Helper()
				fromLeft.forget()
				fromRight.forget()
				for _, x := range []string{"10", "11", "12"} {
					inject(t, c.asks(own, x))
				}
				for i, s := range []*sniffer{fromLeft, fromRight} {
					eventually(t, "an answer for its own address", func() bool { return len(answers(c, s.all(), fmt.Sprint(11+i))) > 0 })
				}
				if text != "" {
					eventually(t, "an answer for the address", func() bool { return told() != "" })
				}
				if got := told(); got != text {
					t.Errorf("answers came from %q, want %q", got, text)
				}
			}
			at := func(s Station) string { return s.Status().MAC.String() + ", " }
			vip := c.config().Addresses[0]
			want("")
			must(t, a.Take(vip))
			want("left " + at(a))
			must(t, a.Release(vip))
			want("")
			must(t, b.Take(vip))
			want("right " + at(b))
			must(t, b.Close())
			want("")
		})
	}
}

// asks asks for the address of the case's network that ends with host.
func (c testCase) asks(mac net.HardwareAddr, host string) []byte {
	if c.family == IPv4 {
		return asks(mac, net.ParseIP("192.0.2.1"), net.ParseIP("192.0.2."+host))
	}
	return solicits(mac, net.ParseIP("2001:db8::1"), net.ParseIP("2001:db8::"+host))
}

// answers returns the MACs that frames say an address is at.
func answers(c testCase, frames [][]byte, host string) (out []string) {
	for _, f := range frames {
		switch {
		case c.family == IPv4 && f[12] == 8 && f[13] == 6 && f[21] == 2 && net.IP(f[28:32]).String() == "192.0.2."+host:
			out = append(out, net.HardwareAddr(f[22:28]).String())
		case c.family == IPv6 && f[12] == 0x86 && f[20] == 58 && f[54] == 136 && net.IP(f[62:78]).String() == "2001:db8::"+host:
			if len(f) < 86 { // to who knows it already, it need not say
				out = append(out, net.HardwareAddr(f[6:12]).String())
			} else {
				out = append(out, net.HardwareAddr(f[80:86]).String())
			}
		}
	}
	return out
}

func TestBoxNeverSpeaksForItsAddressWithAnotherMAC(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bridge(t)
	left := newBox(t, "left", "192.0.2.11/24", "2001:db8::11/64")
	run(t, "ip", "address", "add", "192.0.2.1/24", "dev", "br0")
	run(t, "ip", "address", "add", "2001:db8::1/64", "dev", "br0", "nodad")
	s := sniff(t, "left")
	lan := left.lan()
	for _, c := range []testCase{{IPv4, true}, {IPv6, true}} {
		a := attach(t, lan, c.config())
		ready(t, lan, a)
		must(t, a.Take(c.config().Addresses...))
		vip, neighbour := c.config().Addresses[0].Addr(), map[Family]string{IPv4: "192.0.2.1", IPv6: "2001:db8::1"}[c.family]
		left.do(func() {
			conn, err := net.DialUDP("udp", &net.UDPAddr{IP: vip.AsSlice()}, &net.UDPAddr{IP: net.ParseIP(neighbour), Port: 9})
			must(t, err)
			_, err = conn.Write([]byte("where is my neighbour?"))
			must(t, err)
			must(t, conn.Close())
		})
		eventually(t, "the datagram, after the neighbour was found", func() bool {
			return slices.ContainsFunc(s.all(), func(f []byte) bool {
				return bytes.Contains(f, []byte("where is my neighbour?")) && f[12] == map[Family]byte{IPv4: 8, IPv6: 0x86}[c.family]
			})
		})
		for _, f := range s.all() {
			arp := f[12] == 8 && f[13] == 6 && bytes.Equal(f[28:32], vip.AsSlice())
			nd := f[12] == 0x86 && f[20] == 58 && f[54] == 135 && bytes.Equal(f[22:38], vip.AsSlice())
			if (arp || nd) && !bytes.Equal(f[6:12], mac(c.family, 10)) {
				t.Errorf("%v asked for a neighbour in the name of %v: whoever hears it goes there", net.HardwareAddr(f[6:12]), vip)
			}
		}
	}
}
