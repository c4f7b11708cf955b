// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

func trust(t *testing.T, prefixes ...string) *Trusted {
	t.Helper()
	var list []netip.Prefix
	for _, p := range prefixes {
		list = append(list, netip.MustParsePrefix(p))
	}
	set, err := NewTrusted(list)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestTrustedContains(t *testing.T) {
	set := trust(t, "192.0.2.0/24", "192.0.2.128/25", "10.1.2.3/8", "203.0.113.7/32", "2001:db8::/32", "2001:db8:1::/48",
		"fe80::/10", "::ffff:198.51.100.0/120")
	for _, tc := range []struct {
		addr string
		want bool
	}{
		{"192.0.2.0", true}, {"192.0.2.127", true}, {"192.0.2.255", true}, {"192.0.1.255", false}, {"192.0.3.0", false},
		{"10.255.255.255", true}, {"9.255.255.255", false}, {"11.0.0.0", false},
		{"203.0.113.7", true}, {"203.0.113.6", false}, {"203.0.113.8", false},
		{"::ffff:10.0.0.1", true}, {"::ffff:11.0.0.1", false}, {"198.51.100.9", true}, {"198.51.101.9", false},
		{"2001:db8::1", true}, {"2001:db8:2::", true}, {"2001:db9::", false}, {"2001:db7:ffff::", false},
		{"fe80::1%eth0", true}, {"::1", false}, {"0.0.0.0", false}, {"255.255.255.255", false},
	} {
		if got := set.Contains(netip.MustParseAddr(tc.addr)); got != tc.want {
			t.Errorf("Contains(%s) = %v, want %v", tc.addr, got, tc.want)
		}
	}
	if set.Contains(netip.Addr{}) || (&Trusted{}).Contains(netip.MustParseAddr("10.0.0.1")) {
		t.Error("an invalid address or an empty set is trusted")
	}
}

func TestTrustedKeepsTheFamiliesApart(t *testing.T) {
	if all6 := trust(t, "::/0"); all6.Contains(netip.MustParseAddr("192.0.2.1")) || !all6.Contains(netip.MustParseAddr("::1")) {
		t.Error("::/0 must trust every IPv6 address and no IPv4 one")
	}
	if all4 := trust(t, "0.0.0.0/0"); all4.Contains(netip.MustParseAddr("::1")) || !all4.Contains(netip.MustParseAddr("::ffff:1.2.3.4")) {
		t.Error("0.0.0.0/0 must trust every IPv4 address, mapped too, and no IPv6 one")
	}
	wide := trust(t, "::ffff:0:0/90")
	if wide.Contains(netip.MustParseAddr("192.0.2.1")) || !wide.Contains(netip.MustParseAddr("::fff0:1:2")) {
		t.Error("::ffff:0:0/90 must trust IPv6 addresses only")
	}
}

func TestNewTrustedRefusesAnInvalidPrefix(t *testing.T) {
	if _, err := NewTrusted([]netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), 33)}); err == nil {
		t.Error("NewTrusted took 10.0.0.0/33")
	}
}

func TestTrustedAgreesWithASearchOfAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	addr := func() netip.Addr { // few bits differ, so that prefixes nest
		if rng.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, byte(rng.IntN(4)), byte(rng.IntN(256)), byte(rng.IntN(256))})
		}
		return netip.AddrFrom16([16]byte{0x20, byte(rng.IntN(4)), byte(rng.IntN(256)), 15: byte(rng.IntN(256))})
	}
	for range 200 {
		var list []netip.Prefix
		for range rng.IntN(40) {
			a := addr()
			list = append(list, netip.PrefixFrom(a, 6+rng.IntN(a.BitLen()-5)))
		}
		set, err := NewTrusted(list)
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			a, want := addr(), false
			for _, p := range list {
				want = want || p.Contains(a)
			}
			if got := set.Contains(a); got != want {
				t.Fatalf("Contains(%v) = %v, want %v: %v", a, got, want, list)
			}
		}
	}
}
