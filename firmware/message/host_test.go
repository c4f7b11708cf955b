// SPDX-License-Identifier: Apache-2.0

package message

import (
	"net/netip"
	"testing"
)

// slowIPv6 is isIPv6 by means of the standard library.
func slowIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

var addresses = []string{
	"::", "::1", "1::", "1::2", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
	"1:2:3:4::5:6:7:8", "1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::",
	":::", "", ":", "1:", ":1", "12345::", "g::", "::ffff:192.0.2.1", "::192.0.2.256",
	"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:7:192.0.2.1", "::1:2:3:4:5:192.0.2.1",
	"::1:2:3:4:5:6:192.0.2.1", "::192.0.2", "::192.0.2.1.1", "::192.0.02.1", "::1.2.3.4:5",
	"192.0.2.1", "fe80::1%eth0", "::1234.0.2.1", "1::2:", "::.1.1.1", "abcd:ef01::", "::0.0.0.0",
}

func TestIPv6Addresses(t *testing.T) {
	for _, s := range addresses {
		if got, want := isIPv6([]byte(s)), slowIPv6(s); got != want {
			t.Errorf("isIPv6(%q) = %v, want %v", s, got, want)
		}
	}
}

func FuzzIPv6(f *testing.F) {
	for _, s := range addresses {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := isIPv6([]byte(s)), slowIPv6(s); got != want {
			t.Errorf("isIPv6(%q) = %v, want %v", s, got, want)
		}
	})
}
