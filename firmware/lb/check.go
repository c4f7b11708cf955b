// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"evener/firmware/accesslog"
	"evener/firmware/config"
	"evener/firmware/l7"
	"evener/firmware/match"
)

// Check adds the mistakes that only compiling finds: in rules and responders, and
// in the names of access log fields. It also warns of what has no effect. It is
// made for config.ParseWith, so cfg may
// be incomplete.
func Check(cfg *config.Config, d *config.Diagnostics) {
	for _, c := range cfg.Clusters {
		_, found := compileRules(c)
		*d = append(*d, found...)
		checkChanges(c, d)
		if c.Protocol == config.HTTPS {
			if _, err := profileOf(&c.TLS); err != nil {
				d.Add(c.TLS.Range, fmt.Sprintf("cluster %q tls", c.Name), "%v", err)
			}
		}
	}
	for _, r := range cfg.Responders {
		if _, err := newResponder(r); err != nil {
			d.Add(r.Range, fmt.Sprintf("responder %q", r.Name), "%v", err)
		}
	}
	checkFields(cfg.AccessLog, d)
	checkIdle(cfg, d)
}

// checkFields compares the field names of the access log with those there are.
func checkFields(c *config.AccessLog, d *config.Diagnostics) {
	if c == nil {
		return
	}
	for _, f := range c.Fields {
		if !slices.Contains(accesslog.Fields(), f) {
			d.Add(c.Range, "access_log", "there is no field %q; there are %s", f,
				strings.Join(accesslog.Fields(), ", "))
		}
	}
}

// compileRules compiles the rules of one cluster; nil when it has none.
func compileRules(c *config.Cluster) (*match.Set, config.Diagnostics) {
	var d config.Diagnostics
	if len(c.Rules) == 0 {
		return nil, nil
	}
	rules := make([]match.Rule, 0, len(c.Rules))
	for _, r := range c.Rules {
		if r.When == nil {
			continue // the text says nothing to compile, which is a mistake already
		}
		rules = append(rules, match.Rule{Name: r.Name, When: r.When, Disabled: r.Disabled,
			IgnoreCase: override(r.IgnoreCase, c.Flags.IgnoreCase)})
	}
	set, problems := match.Compile(rules)
	for _, p := range problems {
		path := fmt.Sprintf("cluster %q rule %q", c.Name, p.Rule)
		if p.Warning {
			d.Warn(p.Range, path, "%s", p.Msg)
		} else {
			d.Add(p.Range, path, "%s", p.Msg)
		}
	}
	return set, d
}

// override returns what a rule says, or what its cluster says.
func override(rule *bool, cluster bool) bool {
	if rule != nil {
		return *rule
	}
	return cluster
}

// maxBody is the most that a responder's file may hold.
const maxBody = 1 << 20

func newResponder(r *config.Responder) (*l7.Responder, error) {
	out := &l7.Responder{Name: r.Name, Status: r.Status, ContentType: r.ContentType, Body: []byte(r.Body)}
	if r.File != "" {
		body, err := readBody(r.File)
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	if r.Redirect != "" {
		redirect, err := l7.NewRedirect(r.Redirect, r.Match)
		if err != nil {
			return nil, err
		}
		out.Redirect = redirect
	}
	return out, nil
}

func readBody(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("file: %s is no regular file", name)
	}
	if info.Size() > maxBody {
		return nil, fmt.Errorf("file: %s has %d bytes; at most 1 MiB fits a responder", name, info.Size())
	}
	return os.ReadFile(name)
}
