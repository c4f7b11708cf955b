// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// maxChannels bounds the syslog and mail blocks, each of which is a connection.
const maxChannels = 32

// alerts checks who is told of what.
func (c *checker) alerts(known map[string]map[string]bool) {
	channels := map[string]string{} // names to blocks
	used := map[string]bool{}
	claim := func(kind, name string, r hcl.Range) {
		if other, ok := channels[name]; ok && other != kind {
			c.diags.Add(r, pathOf(kind, name), "there is a %s of that name: alert blocks could not tell them apart", pathOf(other, name))
		}
		channels[name] = kind
		if len(channels) == maxChannels+1 {
			c.diags.Add(r, pathOf(kind, name), "there may be at most %d syslog and mail blocks", maxChannels)
		}
	}
	for _, s := range c.cfg.Syslogs {
		claim("syslog", s.Name, s.Range)
		c.referAll(known, "trust", s.CA, s, "ca", s.Range, pathOf("syslog", s.Name))
		used[s.Name] = len(s.Send) > 0
	}
	for _, m := range c.cfg.Mails {
		claim("mail", m.Name, m.Range)
		c.mail(m, known)
	}
	for _, a := range c.cfg.Alerts {
		at := pathOf("alert", a.Name)
		c.notEmpty(a, "to", a.To, at, a.Range)
		for i, to := range a.To {
			used[to] = true
			if channels[to] == "" && checkName(to) == nil {
				c.diags.Add(c.element(a, "to", i, a.Range), at, "there is no syslog or mail %q%s", to, c.hint(to, channels))
			}
		}
	}
	c.untold(used)
}

// notEmpty reports a list that is given and says nothing.
func (c *checker) notEmpty(owner any, keyword string, list []string, at string, r hcl.Range) {
	if len(list) == 0 && c.given(owner, keyword) && c.compact(owner, keyword) == "[]" {
		c.diags.Add(c.where(owner, keyword, r), at, "%s must not be empty: nobody would be told", keyword)
	}
}

func (c *checker) hint(name string, channels map[string]string) string {
	names := make([]string, 0, len(channels))
	for n := range channels {
		names = append(names, n)
	}
	slices.Sort(names)
	if h := didYouMean(name, names); h != "" {
		return h
	}
	return fmt.Sprintf(`; define it with syslog %q { ... } or mail %q { ... }`, name, name)
}

func (c *checker) mail(m *Mail, known map[string]map[string]bool) {
	at := pathOf("mail", m.Name)
	c.referAll(known, "trust", m.CA, m, "ca", m.Range, at)
	c.notEmpty(m, "to", m.To, at, m.Range)
	switch {
	case m.User != "" && m.PasswordSecret == "" && !c.given(m, "password_secret"):
		c.diags.Add(c.where(m, "user", m.Range), at, "user needs password_secret: the name under which the box keeps the password")
	case m.User == "" && m.PasswordSecret != "":
		c.diags.Add(c.where(m, "password_secret", m.Range), at, "password_secret needs user")
	case m.User != "" && m.Security == "none":
		c.diags.Add(c.where(m, "security", m.Range), at, `a password is not sent in the clear: security must be "starttls" or "tls" where there is a user`)
	case m.Security == "none" && c.given(m, "ca"):
		c.diags.Add(c.where(m, "ca", m.Range), at, `ca needs security "starttls" or "tls"`)
	}
}

// untold warns of channels that nothing is sent to.
func (c *checker) untold(used map[string]bool) {
	for _, s := range c.cfg.Syslogs {
		if !used[s.Name] {
			c.diags.Warn(s.Range, pathOf("syslog", s.Name), "it gets nothing: say what with send, or name it in an alert block")
		}
	}
	for _, m := range c.cfg.Mails {
		if !used[m.Name] {
			c.diags.Warn(m.Range, pathOf("mail", m.Name), "it gets nothing: name it in an alert block")
		}
	}
}

// checkHostPort checks where a server is.
func checkHostPort(s string) error {
	bad := errors.New(`must be a host and a port, such as "log.example.com:514", "192.0.2.9:514" or "[2001:db8::9]:514"`)
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return bad
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '+' {
		return bad
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a.IsUnspecified() {
			return bad
		}
		return nil
	}
	if checkHostname(host) != nil {
		return bad
	}
	return nil
}

func checkMailUser(s string) error {
	if s == "" || len(s) > 256 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("must be 1 to 256 characters without control characters")
	}
	return nil
}

// checkObjectPattern checks the path of what an event is about.
func checkObjectPattern(s string) error {
	if _, err := path.Match(s, ""); err != nil || s == "" || len(s) > 300 || !visible(s) || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") {
		return errors.New(`must be a path such as "pool/shop", "pool/*/member/web2" or "certificate/*"`)
	}
	return nil
}

// checkKindPattern checks that an event can be of such a kind.
func checkKindPattern(s string) error {
	for _, k := range EventKinds {
		if ok, err := path.Match(s, k); ok && err == nil {
			return nil
		}
	}
	return fmt.Errorf(`must be a kind of event such as "member.down", or "member.*": there is none like %q%s`, s, didYouMean(s, EventKinds))
}
