// SPDX-License-Identifier: Apache-2.0

package health

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

const maxWithin = 1 << 20

// Check returns every mistake in targets, in order, joined into one error; nil if
// there is none.
func Check(targets []Target) error {
	var errs []error
	seen := make(map[key]bool, len(targets))
	for _, t := range targets {
		k := key{t.Pool, t.Member}
		if seen[k] {
			errs = append(errs, fmt.Errorf("member %q of pool %q: is there twice", t.Member, t.Pool))
		}
		seen[k] = true
		if !t.Addr.IsValid() {
			errs = append(errs, fmt.Errorf("member %q of pool %q: has no address", t.Member, t.Pool))
		}
		names := make(map[string]bool, len(t.Probes))
		for _, p := range t.probes() {
			err := p.Check()
			if names[p.Name] {
				err = errors.Join(err, errors.New("is there twice"))
			}
			names[p.Name] = true
			if err != nil {
				errs = append(errs, fmt.Errorf("member %q of pool %q: probe %q: %w",
					t.Member, t.Pool, p.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// Check returns every mistake in p, joined into one error; nil if there is none.
func (p ProbeConfig) Check() error {
	p = p.withDefaults()
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	refuse(p.Interval < time.Millisecond, "interval must be at least 1ms, not %v", p.Interval)
	refuse(p.Jitter < 0 || p.Jitter > 50, "jitter must be 0 to 50 per cent, not %d", p.Jitter)
	refuse(p.Timeout < 0 || p.ConnectTimeout < 0 || p.DataTimeout < 0,
		"a timeout must be positive")
	refuse(p.Rise < 0 || p.Fall < 0 || p.Tries < 0, "rise, fall and tries must be positive")
	refuse(p.Secure && p.Type != TCP && p.Type != HTTP && p.Type != ACV && p.Type != GRPC, "a probe %q does not ask over TLS", p.Type)
	switch p.Type {
	case ICMP, TCP, TLS:
	case GRPC:
		refuse(!isVisible(p.Host), "host must hold neither blanks nor control characters, not %q", p.Host)
		refuse(len(p.Service) > maxGRPC, "service must have at most %d bytes, not %d", maxGRPC, len(p.Service))
	case HTTP:
		p.checkHTTP(refuse)
		p.checkExpect(refuse)
	case ACV:
		refuse(p.Expect == "" && p.ExpectRegex == "", "expect or expect_regex is missing")
		p.checkExpect(refuse)
	case Agent, Simple:
		refuse(p.Weight < 1 || p.Weight > 100, "weight must be 1 to 100, not %d", p.Weight)
		refuse(!finite(p.Loaded-p.Healthy) || p.Healthy == p.Loaded,
			"healthy and loaded must be different numbers, not %v and %v", p.Healthy, p.Loaded)
	default:
		refuse(true, "type must be icmp, tcp, tls, http, grpc, acv, agent or simple, not %q", p.Type)
	}
	return errors.Join(errs...)
}

func (p ProbeConfig) checkHTTP(refuse func(bool, string, ...any)) {
	refuse(!isToken(p.Method) || p.Method == "CONNECT",
		"method must be that of an HTTP request, not %q", p.Method)
	refuse(p.Method == "HEAD" && (p.Expect != "" || p.ExpectRegex != ""),
		"the answer to HEAD has no body to expect something of")
	refuse(!strings.HasPrefix(p.Path, "/") || !isVisible(p.Path),
		`path must begin with "/" and hold neither blanks nor control characters, not %q`, p.Path)
	refuse(!isVisible(p.Host), "host must hold neither blanks nor control characters, not %q", p.Host)
	for _, status := range p.Status {
		refuse(status < 200 || status > 599, "status must be 200 to 599, not %d", status)
	}
}

func (p ProbeConfig) checkExpect(refuse func(bool, string, ...any)) {
	refuse(p.Expect != "" && p.ExpectRegex != "", "only one of expect and expect_regex may be there")
	_, err := regexp.Compile(p.ExpectRegex)
	refuse(err != nil, "expect_regex: %v", err)
	refuse(p.Within < 1 || p.Within > maxWithin,
		"within must be 1 to %d bytes, not %d", maxWithin, p.Within)
	refuse(len(p.Expect) > p.Within, "expect is longer than the %d bytes that it is looked for in",
		p.Within)
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// isVisible reports whether s is free of blanks and control characters, so that
// it cannot end the line of a request that it is written into.
func isVisible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
