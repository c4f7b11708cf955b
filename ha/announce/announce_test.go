// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var (
	mac4 = net.HardwareAddr{0, 0, 0x5e, 0, 1, 10}
	mac6 = net.HardwareAddr{0, 0, 0x5e, 0, 2, 10}
)

func TestFramesAreTheseBytes(t *testing.T) {
	vip4, vip6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	request, err := ARP(mac4, vip4, Request)
	check(t, "request", request, err, "ffffffffffff 00005e00010a 0806 0001 0800 06 04 0001 00005e00010a c0000201 000000000000 c0000201")
	reply, err := ARP(mac4, vip4, Reply)
	check(t, "reply", reply, err, "ffffffffffff 00005e00010a 0806 0001 0800 06 04 0002 00005e00010a c0000201 00005e00010a c0000201")
	const ip6 = "333300000001 00005e00020a 86dd 60000000 0020 3a ff 20010db8000000000000000000000001 ff020000000000000000000000000001 "
	const option = " 00000020010db8000000000000000000000001 0201 00005e00020a"
	router, err := NA(mac6, vip6, true)
	check(t, "of a router", router, err, ip6+"88 00 1b21 a0"+option)
	host, err := NA(mac6, vip6, false)
	check(t, "of a host", host, err, ip6+"88 00 9b21 20"+option)
	zone, err := NA(mac6, vip6.WithZone("lan1"), true)
	check(t, "of an address with zone", zone, err, hex.EncodeToString(router))
}

func check(t *testing.T, what string, got Frame, err error, want string) {
	t.Helper()
	want = strings.ReplaceAll(want, " ", "")
	if err != nil || hex.EncodeToString(got) != want {
		t.Errorf("%s is\n%x, %v, want\n%s", what, []byte(got), err, want)
	}
}

// What another decoder reads is a second opinion on bytes and checksum.
func TestNeighbourAdvertisementIsReadByAnother(t *testing.T) {
	for _, a := range []string{"fe80::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "fd00::c0:ffee"} {
		f, err := NA(mac6, netip.MustParseAddr(a), true)
		if err != nil {
			t.Fatal(err)
		}
		p := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
		if p.ErrorLayer() != nil {
			t.Fatalf("%s: %v", a, p.ErrorLayer().Error())
		}
		ip, _ := p.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
		icmp, _ := p.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6)
		na, _ := p.Layer(layers.LayerTypeICMPv6NeighborAdvertisement).(*layers.ICMPv6NeighborAdvertisement)
		if ip == nil || icmp == nil || na == nil {
			t.Fatalf("%s: decoded as %v", a, p)
		}
		if !na.Router() || na.Solicited() || !na.Override() || na.TargetAddress.String() != a || ip.HopLimit != 255 {
			t.Errorf("%s: decoded as %+v with hop limit %d", a, na, ip.HopLimit)
		}
		got := icmp.Checksum
		again := gopacket.NewSerializeBuffer()
		if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
			t.Fatal(err)
		}
		if err := gopacket.SerializeLayers(again, gopacket.SerializeOptions{ComputeChecksums: true}, icmp, gopacket.Payload(icmp.Payload)); err != nil {
			t.Fatal(err)
		}
		if icmp.Checksum != got {
			t.Errorf("%s: checksum %04x, want %04x", a, got, icmp.Checksum)
		}
	}
}

func TestWrongAddressesAreRefused(t *testing.T) {
	for _, a := range []string{"2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0", "224.0.0.18"} {
		if f, err := ARP(mac4, netip.MustParseAddr(a), Request); err == nil {
			t.Errorf("ARP for %s: %x", a, []byte(f))
		}
	}
	for _, a := range []string{"192.0.2.1", "::ffff:192.0.2.1", "::", "ff02::12"} {
		if f, err := NA(mac6, netip.MustParseAddr(a), true); err == nil {
			t.Errorf("advertisement for %s: %x", a, []byte(f))
		}
	}
	if _, err := ARP(mac4[:5], netip.MustParseAddr("192.0.2.1"), Request); err == nil {
		t.Error("ARP with a MAC of 5 bytes")
	}
	if _, err := NA(nil, netip.MustParseAddr("2001:db8::1"), true); err == nil {
		t.Error("advertisement without a MAC")
	}
}
