// SPDX-License-Identifier: Apache-2.0

package vrrp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func addrs(texts ...string) []netip.Addr {
	var list []netip.Addr
	for _, t := range texts {
		list = append(list, netip.MustParseAddr(t))
	}
	return list
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A vector is an advertisement, where it goes, and its bytes.
type vector struct {
	name     string
	adv      Advertisement
	src, dst string
	sum      Checksum
	bytes    string
}

// vectors were computed apart from this package; the third is a capture of
// keepalived 2.2.7.
var vectors = []vector{
	{"v3 IPv4, RFC 9568 checksum", Advertisement{3, 10, 100, time.Second, addrs("192.0.2.1"), Auth{}},
		"192.0.2.11", "224.0.0.18", ChecksumRFC9568, "31 0a 64 01 00 64 a8 8e c0 00 02 01"},
	{"v3 IPv4, pseudo header", Advertisement{3, 10, 100, time.Second, addrs("192.0.2.1"), Auth{}},
		"192.0.2.11", "224.0.0.18", ChecksumPseudo, "31 0a 64 01 00 64 05 f4 c0 00 02 01"},
	{"v3 IPv4, capture of keepalived", Advertisement{3, 10, 100, 500 * time.Millisecond, addrs("192.0.2.1"), Auth{}},
		"192.0.2.11", "224.0.0.18", ChecksumPseudo, "31 0a 64 01 00 32 06 26 c0 00 02 01"},
	{"v3 IPv4, 500ms, RFC 9568 checksum", Advertisement{3, 10, 100, 500 * time.Millisecond, addrs("192.0.2.1"), Auth{}},
		"192.0.2.11", "224.0.0.18", ChecksumRFC9568, "31 0a 64 01 00 32 a8 c0 c0 00 02 01"},
	{"v3 IPv4, priority 0", Advertisement{3, 10, 0, time.Second, addrs("192.0.2.1"), Auth{}},
		"192.0.2.11", "224.0.0.18", ChecksumRFC9568, "31 0a 00 01 00 64 0c 8f c0 00 02 01"},
	{"v3 IPv6", Advertisement{3, 10, 200, 250 * time.Millisecond, addrs("fe80::1", "2001:db8::1"), Auth{}},
		"fe80::200:5eff:fe00:20a", "ff02::12", ChecksumRFC9568,
		"31 0a c8 02 00 19 7b 65 fe80000000000000 0000000000000001 20010db800000000 0000000000000001"},
	{"v2, no authentication", Advertisement{2, 51, 100, time.Second, addrs("192.0.2.1"), Auth{}},
		"192.0.2.11", "224.0.0.18", ChecksumRFC9568, "21 33 64 01 00 01 b8 c8 c0 00 02 01 0000000000000000"},
	{"v2, simple text", Advertisement{2, 51, 100, time.Second, addrs("192.0.2.1"),
		Auth{AuthText, [8]byte{'s', 'e', 'c', 'r', 'e', 't'}}},
		"192.0.2.11", "224.0.0.18", ChecksumRFC9568, "21 33 64 01 01 01 7b 7c c0 00 02 01 73 65 63 72 65 74 00 00"},
}

func TestVectorsByteForByte(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			src, dst := netip.MustParseAddr(v.src), netip.MustParseAddr(v.dst)
			want := unhex(t, v.bytes)
			got, err := v.adv.Marshal(src, dst, v.sum)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("Marshal = %x, %v, want %x", got, err, want)
			}
			r, err := Parse(want, src, dst, 255)
			if err != nil {
				t.Fatalf("Parse = %v", err)
			}
			if wantR := (Received{v.adv, src, dst, v.sum}); !reflect.DeepEqual(r, wantR) {
				t.Errorf("Parse = %+v, want %+v", r, wantR)
			}
		})
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	v := vectors[0]
	b, err := v.adv.Append([]byte("head"), netip.MustParseAddr(v.src), netip.MustParseAddr(v.dst), v.sum)
	if want := append([]byte("head"), unhex(t, v.bytes)...); err != nil || !bytes.Equal(b, want) {
		t.Errorf("Append = %x, %v, want %x", b, err, want)
	}
}

// Versions of keepalived up to 1.3.6 summed the group's address into the
// pseudo header of packets to a unicast peer.
func TestParseTakesTheGroupInTheSumOfAUnicastPacket(t *testing.T) {
	src, peer := netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.12")
	b, err := vectors[0].adv.Marshal(src, IPv4.Group(), ChecksumPseudo)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Parse(b, src, peer, 255)
	if err != nil || r.Checksum != ChecksumPseudo {
		t.Errorf("Parse = checksum %v, %v, want pseudo", r.Checksum, err)
	}
}

func TestVersion2NeverSumsAPseudoHeader(t *testing.T) {
	v := vectors[6]
	b, err := v.adv.Marshal(netip.MustParseAddr(v.src), netip.MustParseAddr(v.dst), ChecksumPseudo)
	if want := unhex(t, v.bytes); err != nil || !bytes.Equal(b, want) {
		t.Errorf("Marshal = %x, %v, want %x", b, err, want)
	}
}

func TestParseIgnoresReservedBitsAndWhatFollows(t *testing.T) {
	src, dst := netip.MustParseAddr("192.0.2.11"), IPv4.Group()
	b := refill(unhex(t, "31 0a 64 01 f0 64 00 00 c0 00 02 01"))
	r, err := Parse(append(b, 1, 2, 3), src, dst, 255)
	if err != nil || r.Interval != time.Second || len(r.Addresses) != 1 {
		t.Errorf("Parse = %+v, %v, want interval 1s and one address", r, err)
	}
}

// refill sets the checksum of b, without a pseudo header.
func refill(b []byte) []byte {
	b[6], b[7] = 0, 0
	s := checksum(b, 0)
	b[6], b[7] = byte(s>>8), byte(s)
	return b
}

// TestParseDiscardsInTheOrderOfTheRFC goes through section 7.1: each row is
// wrong in its own way and in all that are checked later.
func TestParseDiscardsInTheOrderOfTheRFC(t *testing.T) {
	const v4, g4, v6, g6 = "192.0.2.11", "224.0.0.18", "fe80::2", "ff02::12"
	for _, c := range []struct {
		name     string
		src, dst string
		ttl      int
		bytes    string
		want     Reason
	}{
		{"families differ", v4, g6, 254, "41", BadFamily},
		{"7.1 TTL", v4, g4, 254, "42", BadTTL},
		{"7.1 hop limit", v6, g6, 1, "42", BadTTL},
		{"7.1 empty", v4, g4, 255, "", BadLength},
		{"7.1 version 4", v4, g4, 255, "42", BadVersion},
		{"7.1 version 1", v4, g4, 255, "11 0a 64 01 00 64 a8 8e c0 00 02 01", BadVersion},
		{"7.1 version 2 over IPv6", v6, g6, 255, "21", BadVersion},
		{"5.2.2 type 2", v4, g4, 255, "32 00", BadType},
		{"7.1 header cut", v4, g4, 255, "31 00 64 01 00 00 00", BadLength},
		{"7.1 addresses cut", v4, g4, 255, "31 00 64 02 00 00 ff ff c0 00 02 01 c0 00 02", BadLength},
		{"7.1 IPv6 addresses cut", v6, g6, 255, "31 00 64 01 00 00 ff ff c0 00 02 01", BadLength},
		{"v2 without authentication data", v4, g4, 255, "21 33 64 01 00 01 b8 c8 c0 00 02 01", BadLength},
		{"5.2.8 checksum", v4, g4, 255, "31 00 64 00 00 00 12 34", BadChecksum},
		{"5.2.8 IPv6 without pseudo header", v6, g6, 255, "sum 31 00 64 00 00 00 00 00", BadChecksum},
		{"5.2.3 VRID 0", v4, g4, 255, "sum 31 00 64 00 00 00 00 00", BadVRID},
		{"5.2.5, erratum 8299, count 0", v4, g4, 255, "sum 31 0a 64 00 00 00 00 00", NoAddresses},
		{"erratum 8301, interval 0", v4, g4, 255, "sum 31 0a 64 01 00 00 00 00 c0 00 02 01", BadInterval},
		{"v2 interval 0", v4, g4, 255, "sum 21 0a 64 01 00 00 00 00 c0 00 02 01 0000000000000000", BadInterval},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, fill := strings.CutPrefix(c.bytes, "sum ")
			b := unhex(t, text)
			if fill {
				refill(b)
			}
			_, err := Parse(b, netip.MustParseAddr(c.src), netip.MustParseAddr(c.dst), c.ttl)
			var pe *PacketError
			if !errors.As(err, &pe) || pe.Reason != c.want {
				t.Errorf("Parse = %v, want a PacketError with reason %q", err, c.want)
			}
		})
	}
}

// Erratum 8300: Marshal refuses such a list, so the bytes are made by hand.
func TestParseWantsALinkLocalAddressFirst(t *testing.T) {
	src, dst := netip.MustParseAddr("fe80::2"), IPv6.Group()
	a := Advertisement{3, 10, 100, time.Second, addrs("fe80::1"), Auth{}}
	b, err := a.Marshal(src, dst, ChecksumRFC9568)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[8:], netip.MustParseAddr("2001:db8::1").AsSlice())
	b[6], b[7] = 0, 0
	s := checksum(b, pseudoHeader(3, src, dst, len(b), ChecksumRFC9568))
	b[6], b[7] = byte(s>>8), byte(s)
	var pe *PacketError
	if _, err := Parse(b, src, dst, 255); !errors.As(err, &pe) || pe.Reason != NoLinkLocal {
		t.Errorf("Parse = %v, want reason %q", err, NoLinkLocal)
	}
}

func TestMarshalRefusesWhatCannotBeSent(t *testing.T) {
	ok := Advertisement{3, 10, 100, time.Second, addrs("192.0.2.1"), Auth{}}
	for _, c := range []struct {
		want     string
		src, dst string
		change   func(a *Advertisement)
	}{
		{"version must be 2 or 3, not 4", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.Version = 4 }},
		{"version 2 is for IPv4 only", "fe80::1", "ff02::12", func(a *Advertisement) { a.Version = 2 }},
		{"both addresses must be of one family", "fe80::1", "224.0.0.18", func(*Advertisement) {}},
		{"VRID must be 1 to 255", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.VRID = 0 }},
		{"steps of 10ms, not 15ms", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.Interval = 15 * time.Millisecond }},
		{"not 0s", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.Interval = 0 }},
		{"not 40.96s", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.Interval = 40960 * time.Millisecond }},
		{"whole seconds, not 1.5s", "10.0.0.1", "224.0.0.18", func(a *Advertisement) {
			a.Version, a.Interval = 2, 1500*time.Millisecond
		}},
		{"not 4m16s", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.Version, a.Interval = 2, 256*time.Second }},
		{"1 to 255 addresses, not 0", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.Addresses = nil }},
		{"1 to 255 addresses, not 256", "10.0.0.1", "224.0.0.18", func(a *Advertisement) {
			a.Addresses = make([]netip.Addr, 256)
		}},
		{"must be IPv4", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.Addresses = addrs("192.0.2.1", "fe80::1") }},
		{"first IPv6 address must be link-local", "fe80::1", "ff02::12", func(a *Advertisement) {
			a.Addresses = addrs("2001:db8::1", "fe80::1")
		}},
		{"version 3 has no authentication", "10.0.0.1", "224.0.0.18", func(a *Advertisement) { a.Auth.Type = AuthText }},
	} {
		a := ok
		c.change(&a)
		_, err := a.Marshal(netip.MustParseAddr(c.src), netip.MustParseAddr(c.dst), ChecksumRFC9568)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Marshal(%+v) = %v, want an error with %q", a, err, c.want)
		}
	}
}

func TestAddressesOfTheProtocol(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{IPv4.Group().String(), "224.0.0.18"},
		{IPv6.Group().String(), "ff02::12"},
		{IPv4.GroupMAC().String(), "01:00:5e:00:00:12"},
		{IPv6.GroupMAC().String(), "33:33:00:00:00:12"},
		{IPv4.VirtualMAC(10).String(), "00:00:5e:00:01:0a"},
		{IPv6.VirtualMAC(255).String(), "00:00:5e:00:02:ff"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.bytes), v.dst == "ff02::12", 255)
	}
	f.Add([]byte{0x31}, true, 255)
	f.Add([]byte{}, false, 1)
	f.Fuzz(func(t *testing.T, b []byte, six bool, ttl int) {
		src, dst := netip.MustParseAddr("192.0.2.11"), IPv4.Group()
		if six {
			src, dst = netip.MustParseAddr("fe80::2"), IPv6.Group()
		}
		// Few random packets have a right checksum: try the same with it filled in.
		if len(b) >= 12 && b[0]>>4 == 3 && !six && len(b) == messageSize(3, IPv4, int(b[3])) {
			b = refill(bytes.Clone(b))
		}
		r, err := Parse(b, src, dst, ttl)
		if err != nil {
			var pe *PacketError
			if !errors.As(err, &pe) || pe.Reason == "" || pe.Text == "" {
				t.Fatalf("Parse(%x) = %v, want a PacketError with reason and text", b, err)
			}
			return
		}
		out, err := r.Marshal(src, dst, r.Checksum)
		if err != nil {
			t.Fatalf("Marshal(%+v) = %v after Parse", r, err)
		}
		again, err := Parse(out, src, dst, 255)
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("Parse(Marshal(x)) = %+v, %v, want %+v", again, err, r)
		}
	})
}
