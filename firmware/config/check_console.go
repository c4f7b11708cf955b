// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// console checks where the console is.
func (c *checker) console(known map[string]map[string]bool) {
	x := &c.cfg.Console
	at := func(keyword string) (r place) { return place{x, keyword, -1} }
	if len(x.Listen) > MaxConsole {
		c.diags.Add(c.at[at("listen")], "console", "listen must have at most %d addresses, not %d", MaxConsole, len(x.Listen))
	}
	if len(x.Allow) == 0 && c.compact(x, "allow") == "[]" {
		c.diags.Add(c.at[at("allow")], "console", "allow must not be empty: nobody could reach the console; turn it off with listen = []")
	}
	if c.given(x, "certificate") {
		c.refer(known, "certificate", x.Certificate, "console", c.at[at("certificate")])
	}
	if c.given(x, "allow") {
		return
	}
	for i, a := range x.Listen {
		if !a.Addr().IsLoopback() {
			c.diags.Warn(c.element(x, "listen", i, x.Range), "console",
				"everyone who reaches %s can try to log in; name your networks in allow", a)
			return
		}
	}
}

// consoleClaims are the addresses that the console takes.
func (c *checker) consoleClaims() (out []claim) {
	x := &c.cfg.Console
	for i, a := range x.Listen {
		if a.IsValid() {
			out = append(out, claim{Listen: Listen{Addr: a, Last: a.Port()}, owner: "console", at: c.at[place{x, "listen", i}]})
		}
	}
	return out
}

// checkOrigin checks an origin as browsers send it (RFC 6454, section 6.2).
func checkOrigin(s string) error {
	bad := errors.New(`must be what browsers call an origin, such as "https://lb.example.com" or "https://lb.example.com:8443"`)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || s != "https://"+u.Host {
		return bad
	}
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); strings.Contains(host, ":") && (err != nil || a.Zone() != "") {
		return bad
	}
	if host == "" || strings.ContainsFunc(host, notInHost) {
		return errors.New("must have a host name in small letters, as browsers write it")
	}
	_, port, hasPort := strings.Cut(strings.TrimPrefix(u.Host, host), ":")
	if strings.HasPrefix(u.Host, "[") {
		port, hasPort = u.Port(), u.Port() != ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); hasPort && (err != nil || n == 0 || n == 443 || port[0] == '0') {
		return errors.New("must have a port of 1 to 65535, and none where it is 443")
	}
	return nil
}

// notInHost reports what a browser does not send in the host of an origin.
func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:", r)
}
