// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

var (
	mac1 = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	mac2 = net.HardwareAddr{2, 0, 0, 0, 0, 2}
)

// build makes a frame of layers.
func build(t testing.TB, list ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, list...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func eth(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: mac1, DstMAC: mac2, EthernetType: kind}
}

func ip4(src, dst string, p layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: p, SrcIP: net.ParseIP(src).To4(), DstIP: net.ParseIP(dst).To4()}
}

func ip6(src, dst string, p layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: net.ParseIP(src), DstIP: net.ParseIP(dst)}
}

// frames are one of each kind.
func frames(t testing.TB) map[string]frame {
	web := &layers.TCP{SrcPort: 50000, DstPort: 80, SYN: true, DataOffset: 5}
	options := ip4("192.0.2.1", "198.51.100.2", layers.IPProtocolTCP)
	options.Options = []layers.IPv4Option{{OptionType: 1}, {OptionType: 1}, {OptionType: 1}, {OptionType: 0}}
	piece := ip4("192.0.2.1", "198.51.100.2", layers.IPProtocolUDP)
	piece.FragOffset = 0x1000
	dns := &layers.UDP{SrcPort: 53, DstPort: 5353}
	arp := &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation: 1, SourceHwAddress: mac1, SourceProtAddress: []byte{192, 0, 2, 1}, DstHwAddress: mac2, DstProtAddress: []byte{192, 0, 2, 9}}
	v4, v6 := layers.EthernetTypeIPv4, layers.EthernetTypeIPv6
	return map[string]frame{
		"tcp":      {data: build(t, eth(v4), ip4("192.0.2.1", "198.51.100.2", layers.IPProtocolTCP), web)},
		"options":  {data: build(t, eth(v4), options, web)},
		"udp":      {data: build(t, eth(v4), ip4("198.51.100.2", "192.0.2.1", layers.IPProtocolUDP), dns)},
		"fragment": {data: build(t, eth(v4), piece, gopacket.Payload("xxxxxxxx"))},
		"tcp6":     {data: build(t, eth(v6), ip6("2001:db8::1", "2001:db8:1::2", layers.IPProtocolTCP), web)},
		"udp6":     {data: build(t, eth(v6), ip6("2001:db8::1", "2001:db8::2", layers.IPProtocolUDP), dns)},
		"icmp":     {data: build(t, eth(v4), ip4("192.0.2.1", "192.0.2.1", layers.IPProtocolICMPv4), &layers.ICMPv4{})},
		"icmp6":    {data: build(t, eth(v6), ip6("2001:db8::1", "2001:db8::2", layers.IPProtocolICMPv6), gopacket.Payload{128, 0, 0, 0})},
		"arp":      {data: build(t, eth(layers.EthernetTypeARP), arp)},
		"vlan":     {data: build(t, eth(v4), ip4("192.0.2.1", "198.51.100.2", layers.IPProtocolTCP), web), tagged: true, vlan: 100},
		"short":    {data: build(t, eth(v4), ip4("192.0.2.1", "198.51.100.2", layers.IPProtocolTCP))},
		"header":   {data: build(t, eth(v4))[:14]},
		"nothing":  {data: []byte{1, 2, 3}},
	}
}

func TestFilterTakesWhatItSays(t *testing.T) {
	for _, c := range []struct{ filter, want string }{
		{"", "arp fragment header icmp icmp6 nothing options short tcp tcp6 udp udp6 vlan"},
		{"tcp", "options short tcp tcp6 vlan"},
		{"udp", "fragment udp udp6"},
		{"icmp", "icmp"},
		{"icmp6", "icmp6"},
		{"arp", "arp"},
		{"ip6", "icmp6 tcp6 udp6"},
		{"host 192.0.2.1", "arp fragment icmp options short tcp udp vlan"},
		{"ip host 192.0.2.1", "fragment icmp options short tcp udp vlan"},
		{"src host 192.0.2.1", "arp fragment icmp options short tcp vlan"},
		{"dst 192.0.2.9", "arp"},
		{"src and dst host 192.0.2.1", "icmp"},
		{"net 198.51.100.0/24", "fragment options short tcp udp vlan"},
		{"net 0.0.0.0/0", "arp fragment icmp options short tcp udp vlan"},
		{"dst net 2001:db8:1::/48", "tcp6"},
		{"host 2001:db8::1", "icmp6 tcp6 udp6"},
		{"port 80", "options tcp tcp6 vlan"},
		{"src port 80", ""},
		{"portrange 30000-31000", ""}, // the contents of the fragment would fit
		{"tcp port 80 and not vlan", "options tcp tcp6"},
		{"vlan", "vlan"},
		{"vlan 100", "vlan"},
		{"vlan 101", ""},
		{"udp portrange 50-60", "udp udp6"},
		{"ip6 port 53", "udp6"},
		{"not port 80 and ip", "fragment header icmp short udp"},
		{"host 192.0.2.1 and (tcp port 80 or icmp)", "icmp options tcp vlan"},
		{"!(ip || ip6) && !arp", "nothing"},
	} {
		e, err := ParseFilter(c.filter)
		if err != nil {
			t.Errorf("%q: %v", c.filter, err)
			continue
		}
		program, err := Compile(e, 1000, false)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{"arp", "fragment", "header", "icmp", "icmp6", "nothing", "options", "short", "tcp", "tcp6", "udp", "udp6", "vlan"} {
			f := frames(t)[name]
			n, err := f.passes(program)
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				got = append(got, name)
			}
			if f.wants(e) != (n > 0) {
				t.Errorf("%q, %s: the oracle does not agree", c.filter, name)
			}
			if !f.tagged && kernelPasses(t, program, f.data) != (n > 0) {
				t.Errorf("%q, %s: the kernel does not agree", c.filter, name)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q takes %s; want %s", c.filter, s, c.want)
		}
	}
}

// kernelPasses asks the kernel, by a pair of sockets with the filter on one end.
func kernelPasses(t testing.TB, program []bpf.Instruction, data []byte) bool {
	t.Helper()
	raw, err := bpf.Assemble(program)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	if err := unix.SetsockoptSockFprog(pair[1], unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}); err != nil {
		t.Fatalf("the kernel refuses the program: %v", err)
	}
	// A sender is told of a filter that drops what it sends.
	if err := unix.Send(pair[0], data, 0); err != nil && !errors.Is(err, unix.EPERM) {
		t.Fatal(err)
	}
	n, err := unix.Read(pair[1], make([]byte, 2000))
	return err == nil && n >= 0
}

func TestOutgoingIsLeftOutOnce(t *testing.T) {
	f := frames(t)["tcp"]
	for _, once := range []bool{false, true} {
		program, err := Compile(nil, 100, once)
		if err != nil {
			t.Fatal(err)
		}
		f.out = true
		n, err := f.passes(program)
		if err != nil || (n == 0) != once {
			t.Errorf("once %t: passes = %d, %v", once, n, err)
		}
	}
}

func TestFilterMistakes(t *testing.T) {
	for filter, want := range map[string]string{
		"port":                      `character 5: expected a port from 0 to 65535, not ""`,
		"port 70000":                `character 6: expected a port`,
		"tcp and":                   `character 8: expected host`,
		"host example.com":          `expected an address such as`,
		"net 192.0.2.1/24":          `write that`,
		"portrange 10":              `two ports such as`,
		"portrange 10-5":            `is empty`,
		"icmp port 80":              `icmp has no ports`,
		"ip6 host 192.0.2.1":        `no address of IPv4`,
		"arp host ::1":              `no address of IPv6`,
		"(tcp":                      `expected )`,
		"tcp udp":                   `expected and, or, or the end, not "udp"`,
		"vlan 5000":                 `VLAN from 0 to 4095`,
		"fqdn x":                    `not "fqdn"`,
		strings.Repeat("(", 100):    `in each other`,
		strings.Repeat("x", 5000):   `4096 bytes at most`,
		"host 1.2.3.4 & port 80":    `not "&"`,
		"port 80 or" + " port 80 )": `not ")"`,
	} {
		if _, err := ParseFilter(filter); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseFilter(%.40q) = %v, want %s", filter, err, want)
		}
	}
	long := strings.TrimSuffix(strings.Repeat("port 80 or ", 200), " or ")
	e, err := ParseFilter(long)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(e, 100, false); err == nil || !strings.Contains(err.Error(), "too many tests") {
		t.Errorf("Compile of a long filter: %v", err)
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"tcp", "host 192.0.2.1 and (tcp port 80 or icmp)", "src or dst net 10.0.0.0/8", "not vlan 3 or arp", "ip6 portrange 1-9", "net ::/0"} {
		for _, fr := range frames(f) {
			f.Add(s, fr.data, uint16(3))
		}
	}
	f.Fuzz(func(t *testing.T, filter string, data []byte, vlan uint16) {
		e, err := ParseFilter(filter)
		if err != nil {
			return
		}
		if e != nil {
			again, err := ParseFilter(text(e))
			if errors.As(err, new(*FilterError)) && len(text(e)) > maxFilter || strings.Contains(text(e), "((((((((((((((((") {
				return // it is longer with its parentheses
			}
			if err != nil || again != e && text(again) != text(e) {
				t.Fatalf("%q reads back as %v, %v", text(e), again, err)
			}
		}
		program, err := Compile(e, 1500, false)
		if err != nil {
			return
		}
		fr := frame{data: data, tagged: vlan&1 == 1, vlan: vlan >> 1 & 0xfff}
		n, err := fr.passes(program)
		if err != nil {
			t.Fatalf("%q: %v", filter, err)
		}
		if got, want := n > 0, fr.wants(e); got != want {
			t.Fatalf("%q on %x: the program says %t, the oracle %t", filter, data, got, want)
		}
	})
}
