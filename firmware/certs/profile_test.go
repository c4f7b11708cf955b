// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"fmt"
	"slices"
	"testing"
)

func TestParseProfile(t *testing.T) {
	tests := []struct {
		name string
		cfg  ProfileConfig
		want string // versions, suites, curves; or the error
	}{
		{"default", ProfileConfig{}, "303 304 6 [X25519MLKEM768 X25519 CurveP256 CurveP384]"},
		{"intermediate", ProfileConfig{Name: "intermediate"}, "303 304 6 [X25519MLKEM768 X25519 CurveP256 CurveP384]"},
		{"modern", ProfileConfig{Name: "modern"}, "304 304 0 [X25519MLKEM768 X25519 CurveP256 CurveP384]"},
		{"custom as intermediate", ProfileConfig{Name: "custom"}, "303 304 6 [X25519MLKEM768 X25519 CurveP256 CurveP384]"},
		{"names of both kinds", ProfileConfig{Name: "custom", Suites: []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ecdhe-rsa-chacha20-poly1305"},
			Curves: []string{"x25519", "secp384r1", "P-521"}}, "303 304 2 [X25519 CurveP384 CurveP521]"},
		{"1.2 only", ProfileConfig{Name: "custom", MaxVersion: "1.2"}, "303 303 6 [X25519MLKEM768 X25519 CurveP256 CurveP384]"},
		{"1.3 only", ProfileConfig{Name: "custom", MinVersion: "1.3"}, "304 304 0 [X25519MLKEM768 X25519 CurveP256 CurveP384]"},
		{"hybrid only", ProfileConfig{Name: "custom", MinVersion: "1.3", Curves: []string{"X25519MLKEM768"}}, "304 304 0 [X25519MLKEM768]"},

		{"unknown", ProfileConfig{Name: "old"}, `there is no TLS profile "old"; take modern, intermediate or custom`},
		{"modern with suites", ProfileConfig{Name: "modern", Suites: []string{"x"}}, "in the profile custom only"},
		{"TLS 1.0", ProfileConfig{Name: "custom", MinVersion: "1.0"}, "TLS 1.0 is not safe any more (RFC 8996); take 1.2 or 1.3"},
		{"SSL", ProfileConfig{Name: "custom", MinVersion: "3.0"}, `there is no TLS version "3.0"`},
		{"upside down", ProfileConfig{Name: "custom", MinVersion: "1.3", MaxVersion: "1.2"}, "1.3, is above the highest, 1.2"},
		{"CBC", ProfileConfig{Name: "custom", Suites: []string{"ECDHE-RSA-AES128-SHA256"}}, `"ECDHE-RSA-AES128-SHA256" is weak or unknown; allowed are ECDHE-ECDSA`},
		{"RSA key exchange", ProfileConfig{Name: "custom", Suites: []string{"AES128-GCM-SHA256"}}, "is weak or unknown"},
		{"suite of 1.3", ProfileConfig{Name: "custom", Suites: []string{"TLS_AES_128_GCM_SHA256"}}, "one of TLS 1.3, which are always on"},
		{"suites without 1.2", ProfileConfig{Name: "custom", MinVersion: "1.3", Suites: []string{"ECDHE-RSA-AES128-GCM-SHA256"}}, "cannot be chosen for TLS 1.3"},
		{"no suites", ProfileConfig{Name: "custom", Suites: []string{}}, "at least one suite: ECDHE-ECDSA"},
		{"no curves", ProfileConfig{Name: "custom", Curves: []string{}}, "at least one key exchange"},
		{"unknown curve", ProfileConfig{Name: "custom", Curves: []string{"sect233k1"}}, "allowed are X25519MLKEM768, X25519, P-256, P-384, P-521"},
		{"hybrid only with 1.2", ProfileConfig{Name: "custom", Curves: []string{"X25519MLKEM768"}}, "exists in TLS 1.3 only"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParseProfile(tt.cfg)
			if err != nil {
				contains(t, "ParseProfile", err, tt.want)
				return
			}
			if got := fmt.Sprintf("%x %x %d %v", p.min, p.max, len(p.suites), p.curves); got != tt.want {
				t.Errorf("ParseProfile = %s, want %s", got, tt.want)
			}
		})
	}
}

// TestNoSuiteIsWeak asks crypto/tls what it thinks of our list, and checks that
// the list is all that has forward secrecy and authenticated encryption.
func TestNoSuiteIsWeak(t *testing.T) {
	for _, s := range tls.InsecureCipherSuites() {
		if slices.Contains(allSuites(), s.ID) {
			t.Errorf("%s is in the list, and insecure", s.Name)
		}
	}
	for _, s := range strongSuites {
		if got := tls.CipherSuiteName(s.id); got != s.iana && got != s.iana+"_SHA256" {
			t.Errorf("suite %x is %s, not %s", s.id, got, s.iana)
		}
		if want := s.iana[:len("TLS_ECDHE_ECDSA")] == "TLS_ECDHE_ECDSA"; isECDSA(s.id) != want {
			t.Errorf("isECDSA(%s) = %t", s.iana, !want)
		}
	}
}
