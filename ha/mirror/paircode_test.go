// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
)

// A man in the middle ends both TLS connections, and with its own certificates
// passes on what both say. The codes differ, whichever of the fields it keeps.
func TestManInTheMiddleSeesDifferentCodes(t *testing.T) {
	cert := func(b byte) Fingerprint { return sha256.Sum256([]byte{b}) }
	base := func() *transcript {
		t := &transcript{
			exporter: bytes.Repeat([]byte{1}, 32),
			joins:    party{"right", "10.0.0.2:7460", cert('r')}, began: party{"left", "10.0.0.1:7460", cert('l')},
		}
		t.joinsN[0], t.beganN[0] = 1, 2
		return t
	}
	code, secret, err := base().keys()
	if err != nil {
		t.Fatal(err)
	}
	commit := base().commitment()
	for name, change := range map[string]func(*transcript){
		"connection":   func(t *transcript) { t.exporter[5]++ },
		"certificate":  func(t *transcript) { t.joins.cert = cert('m') },
		"certificate2": func(t *transcript) { t.began.cert = cert('m') },
		"name":         func(t *transcript) { t.joins.node = "rightx" },
		"moved border": func(t *transcript) { t.joins.node, t.joins.address = "right1", "0.0.0.2:7460" },
		"address":      func(t *transcript) { t.began.address = "10.0.0.9:7460" },
		"nonce":        func(t *transcript) { t.joinsN[31]++ },
		"nonce2":       func(t *transcript) { t.beganN[31]++ },
	} {
		other := base()
		change(other)
		if c, s, err := other.keys(); err != nil || c == code || s == secret {
			t.Errorf("%s: code %s, the same secret: %v, err %v", name, c, s == secret, err)
		}
		began := name == "address" || name == "nonce2" // not known when the commitment is made
		if same := bytes.Equal(other.commitment(), commit); same != began {
			t.Errorf("%s: the same commitment: %v, want %v", name, same, began)
		}
	}
}

func TestAddressesOfOthers(t *testing.T) {
	for address, want := range map[string]bool{
		"10.0.0.1:7460": true, "[::1]:7460": true, "box.example:7460": true, ":7460": true,
		"": false, "10.0.0.1": false, "10.0.0.1:": false, "a\x1b:1": false, strings.Repeat("a", 255) + ":1": false,
	} {
		if got := validAddress(address); got != want {
			t.Errorf("validAddress(%.30q) = %v, want %v", address, got, want)
		}
	}
}

func TestReachable(t *testing.T) {
	for _, tt := range []struct{ address, from, want string }{
		{"10.0.0.1:7460", "10.0.0.9", "10.0.0.1:7460"},
		{"0.0.0.0:7460", "10.0.0.9", "10.0.0.9:7460"},
		{"[::]:7460", "fe80::1", "[fe80::1]:7460"},
		{":7460", "10.0.0.9", "10.0.0.9:7460"},
		{"box.example:7460", "10.0.0.9", "box.example:7460"},
	} {
		if got := reachable(tt.address, tt.from); got != tt.want {
			t.Errorf("reachable(%q, %q) = %q, want %q", tt.address, tt.from, got, tt.want)
		}
	}
}

func TestIdentityIsReadBack(t *testing.T) {
	id, err := NewIdentity("left")
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseIdentity(id.PEM())
	if err != nil || again.Fingerprint() != id.Fingerprint() {
		t.Errorf("ParseIdentity = %v, %v", again, err)
	}
	text, _ := id.Fingerprint().MarshalText()
	var f Fingerprint
	if err := f.UnmarshalText(text); err != nil || f != id.Fingerprint() {
		t.Errorf("UnmarshalText(%s) = %v, %v", text, f, err)
	}
	for _, bad := range []string{"", "12", strings.Repeat("x", 64)} {
		if err := f.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("UnmarshalText(%q) is accepted", bad)
		}
	}
	for _, bad := range [][]byte{nil, []byte("x"), append(id.PEM(), id.PEM()...)} {
		if _, err := ParseIdentity(bad); err == nil {
			t.Errorf("ParseIdentity(%.20q) is accepted", bad)
		}
	}
}
