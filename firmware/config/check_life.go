// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxLabels = 16
	maxLabel  = 100 // characters of a label's value
)

// checkLabel checks one entry of labels, written name=value.
func checkLabel(entry string) error {
	name, value, _ := strings.Cut(entry, "=")
	if err := checkName(name); err != nil {
		return fmt.Errorf("must have names that are %s", strings.TrimPrefix(err.Error(), "must be "))
	}
	if value == "" || utf8.RuneCountInString(value) > maxLabel || strings.ContainsFunc(value, control) {
		return fmt.Errorf("must have values of one line, 1 to %d characters", maxLabel)
	}
	return nil
}

// checkTestHeader checks one field of a test, written name=value.
func checkTestHeader(entry string) error {
	name, value, _ := strings.Cut(entry, "=")
	if checkCookieName(name) != nil { // both are tokens
		return errors.New("must have names of fields, such as User-Agent")
	}
	if len(value) > 4096 || strings.ContainsFunc(value, control) {
		return errors.New("must have values of one line, at most 4096 bytes")
	}
	return nil
}

// checkTestRequest checks the request of a test.
func checkTestRequest(s string) error {
	method, url, ok := strings.Cut(s, " ")
	if !ok || checkCookieName(method) != nil || url == "" || strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || control(r) }) {
		return errors.New(`must be a method and a URL or path, such as "GET https://www.example.com/path"`)
	}
	return nil
}

func checkIP(s string) error {
	if a, err := netip.ParseAddr(s); err != nil || a.Zone() != "" {
		return errors.New(`must be an address such as "192.0.2.7"`)
	}
	return nil
}

// tests checks what the tests of cl expect.
func (c *checker) tests(cl *Cluster, path string, known map[string]map[string]bool) {
	for _, t := range cl.Tests {
		at := fmt.Sprintf("%s test %q", path, t.Name)
		if t.Expect == nil {
			c.diags.Add(t.Range, at, "expect is missing: write expect { ... } with rule, pool, responder or status")
			continue
		}
		x := t.Expect
		if x.Rule == nil && x.Pool == nil && x.Responder == nil && x.Status == 0 {
			c.diags.Add(x.Range, at, "expect says nothing: give rule, pool, responder or status")
		}
		if x.Status != 0 && x.Status < 100 {
			c.diags.Add(c.where(x, "status", x.Range), at, "status must be 100 to 599, or 0 for any, not %d", x.Status)
		}
		if x.Rule != nil && *x.Rule != "" && !slices.ContainsFunc(cl.Rules, func(r *Rule) bool { return r.Name == *x.Rule }) {
			c.diags.Add(c.where(x, "rule", x.Range), at, "there is no rule %q in this cluster", clip(*x.Rule))
		}
		c.expected(known["pool"], x, "pool", x.Pool, at)
		c.expected(known["responder"], x, "responder", x.Responder, at)
	}
}

// expected reports a name that a test expects and nobody has. It does not make
// the block used.
func (c *checker) expected(known map[string]bool, x *Expect, kind string, name *string, path string) {
	if name != nil && *name != "" && !known[*name] {
		c.diags.Add(c.where(x, kind, x.Range), path, "there is no %s %q", kind, clip(*name))
	}
}
