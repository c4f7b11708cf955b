// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// A Profile is what a TLS server, or client, negotiates: versions, cipher suites
// and key exchanges. Every suite has forward secrecy and authenticated
// encryption; there is no way to make a Profile with another.
//
// The profiles modern and intermediate are those of Mozilla's Server Side TLS
// guidelines, version 6.0 (https://ssl-config.mozilla.org/guidelines/6.0.json):
//
//	modern        TLS 1.3
//	intermediate  TLS 1.2 and 1.3; in 1.2 ECDHE with AES-GCM or ChaCha20-Poly1305
//
// both with the key exchanges X25519MLKEM768, X25519, P-256 and P-384. Which of
// the offered suites is taken is up to crypto/tls: it prefers AES-GCM where both
// ends have hardware for it.
type Profile struct {
	min, max uint16
	suites   []uint16 // of TLS 1.2
	curves   []tls.CurveID
}

// ProfileConfig is a profile in the words of the configuration.
type ProfileConfig struct {
	Name string // "modern", "intermediate" or "custom"; "" is intermediate

	// The rest is for custom only. What is left out is as in intermediate.
	MinVersion string   // "1.2" or "1.3"
	MaxVersion string   // "1.2" or "1.3"
	Suites     []string // of TLS 1.2, by IANA's or OpenSSL's name
	Curves     []string // "X25519MLKEM768", "X25519", "P-256", "P-384", "P-521"
}

// A namedSuite is a suite of TLS 1.2 that may be used.
type namedSuite struct {
	id            uint16
	iana, openssl string
}

var strongSuites = []namedSuite{
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
	{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
	{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
}

// isECDSA reports whether one of the strong suites is for ECDSA and Ed25519 keys.
func isECDSA(suite uint16) bool {
	return suite == tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ||
		suite == tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 ||
		suite == tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
}

// A namedCurve is a key exchange with the names that it goes by.
type namedCurve struct {
	id    tls.CurveID
	names []string // the first is ours
}

var knownCurves = []namedCurve{
	{tls.X25519MLKEM768, []string{"X25519MLKEM768"}},
	{tls.X25519, []string{"X25519"}},
	{tls.CurveP256, []string{"P-256", "prime256v1", "secp256r1"}},
	{tls.CurveP384, []string{"P-384", "secp384r1"}},
	{tls.CurveP521, []string{"P-521", "secp521r1"}},
}

func allSuites() (ids []uint16) {
	for _, s := range strongSuites {
		ids = append(ids, s.id)
	}
	return ids
}

func usualCurves() []tls.CurveID {
	return []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384}
}

// Modern returns the profile modern.
func Modern() Profile {
	return Profile{min: tls.VersionTLS13, max: tls.VersionTLS13, curves: usualCurves()}
}

// Intermediate returns the profile intermediate.
func Intermediate() Profile {
	return Profile{min: tls.VersionTLS12, max: tls.VersionTLS13, suites: allSuites(), curves: usualCurves()}
}

// ParseProfile checks a profile of the configuration.
func ParseProfile(cfg ProfileConfig) (Profile, error) {
	if cfg.Name != "custom" && (cfg.MinVersion != "" || cfg.MaxVersion != "" || cfg.Suites != nil || cfg.Curves != nil) {
		return Profile{}, fmt.Errorf("versions, suites and key exchanges can be chosen in the profile custom only")
	}
	switch cfg.Name {
	case "modern":
		return Modern(), nil
	case "", "intermediate":
		return Intermediate(), nil
	case "custom":
		return customProfile(cfg)
	}
	return Profile{}, fmt.Errorf("there is no TLS profile %q; take modern, intermediate or custom", cfg.Name)
}

func customProfile(cfg ProfileConfig) (Profile, error) {
	p := Intermediate()
	if err := parseVersion(cfg.MinVersion, &p.min); err != nil {
		return Profile{}, err
	}
	if err := parseVersion(cfg.MaxVersion, &p.max); err != nil {
		return Profile{}, err
	}
	if p.min > p.max {
		return Profile{}, fmt.Errorf("the lowest TLS version, %s, is above the highest, %s", cfg.MinVersion, cfg.MaxVersion)
	}
	if cfg.Suites != nil {
		if p.min == tls.VersionTLS13 {
			return Profile{}, fmt.Errorf("suites cannot be chosen for TLS 1.3, where all are strong")
		}
		p.suites = nil
	}
	for _, name := range cfg.Suites {
		id, err := parseSuite(name)
		if err != nil {
			return Profile{}, err
		}
		p.suites = append(p.suites, id)
	}
	if cfg.Curves != nil {
		p.curves = nil
	}
	for _, name := range cfg.Curves {
		id, err := parseCurve(name)
		if err != nil {
			return Profile{}, err
		}
		p.curves = append(p.curves, id)
	}
	if p.min == tls.VersionTLS13 {
		p.suites = nil
	} else if len(p.suites) == 0 {
		return Profile{}, fmt.Errorf("TLS 1.2 needs at least one suite: %s", suiteNames())
	}
	return p, p.checkCurves()
}

// checkCurves makes sure that each version has a key exchange: the hybrid one is
// for TLS 1.3 only.
func (p Profile) checkCurves() error {
	if len(p.curves) == 0 {
		return fmt.Errorf("at least one key exchange is needed: %s", curveNames())
	}
	if p.min < tls.VersionTLS13 && !slices.ContainsFunc(p.curves, func(c tls.CurveID) bool { return c != tls.X25519MLKEM768 }) {
		return fmt.Errorf("X25519MLKEM768 exists in TLS 1.3 only; add X25519 for TLS 1.2, or set the lowest version to 1.3")
	}
	return nil
}

func parseVersion(s string, v *uint16) error {
	switch s {
	case "":
	case "1.2":
		*v = tls.VersionTLS12
	case "1.3":
		*v = tls.VersionTLS13
	case "1.0", "1.1":
		return fmt.Errorf("TLS %s is not safe any more (RFC 8996); take 1.2 or 1.3", s)
	default:
		return fmt.Errorf("there is no TLS version %q; take 1.2 or 1.3", s)
	}
	return nil
}

func parseSuite(name string) (uint16, error) {
	for _, s := range strongSuites {
		if strings.EqualFold(name, s.iana) || strings.EqualFold(name, s.openssl) {
			return s.id, nil
		}
	}
	for _, s := range tls.CipherSuites() {
		if strings.EqualFold(name, s.Name) && slices.Contains(s.SupportedVersions, tls.VersionTLS13) {
			return 0, fmt.Errorf("the suite %s is one of TLS 1.3, which are always on", s.Name)
		}
	}
	return 0, fmt.Errorf("the suite %q is weak or unknown; allowed are %s", name, suiteNames())
}

func parseCurve(name string) (tls.CurveID, error) {
	for _, c := range knownCurves {
		for _, n := range c.names {
			if strings.EqualFold(name, n) {
				return c.id, nil
			}
		}
	}
	return 0, fmt.Errorf("the key exchange %q is unknown; allowed are %s", name, curveNames())
}

func suiteNames() string {
	var names []string
	for _, s := range strongSuites {
		names = append(names, s.openssl)
	}
	return strings.Join(names, ", ")
}

func curveNames() string {
	var names []string
	for _, c := range knownCurves {
		names = append(names, c.names[0])
	}
	return strings.Join(names, ", ")
}

// orIntermediate makes the zero Profile the default.
func (p Profile) orIntermediate() Profile {
	if p.max == 0 {
		return Intermediate()
	}
	return p
}

// apply writes the profile into a configuration of crypto/tls.
func (p Profile) apply(c *tls.Config) {
	c.MinVersion, c.MaxVersion = p.min, p.max
	c.CipherSuites = slices.Clone(p.suites)
	c.CurvePreferences = slices.Clone(p.curves)
}
