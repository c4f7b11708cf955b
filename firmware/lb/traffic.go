// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"evener/firmware/compress"
	"evener/firmware/config"
	"evener/firmware/l7"
	"evener/firmware/proxyproto"
	"evener/firmware/rewrite"
)

// changes are what a cluster or a rule makes of its messages.
type changes struct {
	requests, answers *rewrite.Ops // nil: nothing
	url               *rewrite.URL
}

// A complaint is told of a mistake, and where it stands; nil: as close as one can say.
type complaint func(at *hcl.Range, msg string)

// compileChanges compiles what a block says of fields and targets, and tells
// report of every mistake.
func compileChanges(requests, answers []string, where config.OperationRanges, r *config.Rewrite, report complaint) changes {
	var c changes
	c.requests = compileOps("request_headers", rewrite.Requests, requests, where.Request, report)
	c.answers = compileOps("answer_headers", rewrite.Answers, answers, where.Answer, report)
	if r != nil {
		url, err := rewrite.NewURL(rewrite.URLConfig{Prefix: r.Prefix, Regex: r.Regex, To: r.To, Query: r.Query, IgnoreCase: r.IgnoreCase})
		if err != nil {
			report(&r.Range, fmt.Sprintf("rewrite: %v", err))
		}
		c.url = url
	}
	return c
}

// compileOps compiles operations on fields; nil when there are none.
func compileOps(keyword string, d rewrite.Direction, lines []string, where []hcl.Range, report complaint) *rewrite.Ops {
	if len(lines) == 0 {
		return nil
	}
	ops := make([]rewrite.Op, 0, len(lines))
	for _, line := range lines {
		action, name, value := config.SplitOperation(line)
		ops = append(ops, rewrite.Op{Action: actionOf(action), Name: name, Value: value})
	}
	out, problems := rewrite.CompileOps(d, ops)
	for _, p := range problems {
		var at *hcl.Range
		if p.Op < len(where) {
			at = &where[p.Op]
		}
		report(at, fmt.Sprintf("%s: %q: %s", keyword, lines[p.Op], p.Msg))
	}
	return out
}

// actionOf returns the action of a word that the configuration has checked.
func actionOf(word string) rewrite.Action {
	for a := rewrite.Add; a < rewrite.Remove; a++ {
		if a.String() == word {
			return a
		}
	}
	return rewrite.Remove
}

// checkChanges reports the mistakes in what a cluster and its rules make of
// messages.
func checkChanges(c *config.Cluster, d *config.Diagnostics) {
	path := fmt.Sprintf("cluster %q", c.Name)
	report := func(block hcl.Range, path string) complaint {
		return func(at *hcl.Range, msg string) {
			if at == nil {
				at = &block
			}
			d.Add(*at, path, "%s", msg)
		}
	}
	if c.HTTP != nil {
		compileChanges(c.HTTP.RequestHeaders, c.HTTP.AnswerHeaders, c.HTTP.OperationsAt, c.Rewrite, report(c.Range, path))
		if _, err := hsts(c.HTTP); err != nil {
			d.Add(c.Range, path, "hsts: %v", err)
		}
	}
	for _, r := range c.Rules {
		compileChanges(r.RequestHeaders, r.AnswerHeaders, r.OperationsAt, r.Rewrite, report(r.Range, fmt.Sprintf("%s rule %q", path, r.Name)))
	}
	checkCompression(c.Compress, path, d)
	for _, r := range c.Rules {
		checkCompression(r.Compress, fmt.Sprintf("%s rule %q", path, r.Name), d)
	}
}

func checkCompression(c *config.Compress, path string, d *config.Diagnostics) {
	if _, err := compression(c); err != nil {
		d.Add(c.Range, path+" compress", "%v", err)
	}
}

// hsts returns the value of Strict-Transport-Security, "" if none is sent.
func hsts(h *config.HTTPFlags) (string, error) {
	if h.HSTS == 0 {
		return "", nil
	}
	return rewrite.HSTS(h.HSTS.D(), h.HSTSSubdomains, h.HSTSPreload)
}

// compression returns how the answers of a cluster or a rule are compressed; nil for
// not at all.
func compression(c *config.Compress) (*l7.Compression, error) {
	if c == nil || c.Disabled {
		return nil, nil
	}
	levels := map[compress.Coding]int{compress.Gzip: c.GzipLevel, compress.Brotli: c.BrotliLevel, compress.Zstd: c.ZstdLevel}
	cfg := compress.PolicyConfig{MinLength: int64(c.MinSize)}
	if len(c.Types) > 0 {
		cfg.Types = c.Types
	}
	policy, err := compress.NewPolicy(cfg)
	if err != nil {
		return nil, fmt.Errorf("types: %w", err)
	}
	var settings []compress.Setting
	for _, name := range c.Codings {
		if k, ok := compress.CodingByName(name); ok {
			settings = append(settings, compress.Setting{Coding: k, Level: levels[k]})
		}
	}
	if len(c.Codings) == 0 {
		for _, k := range compress.Preferred {
			settings = append(settings, compress.Setting{Coding: k, Level: levels[k]})
		}
	}
	return l7.NewCompression(policy, settings)
}

// traffic adds to s what the cluster makes of its messages and connections, but
// for its routes.
func (u *builder) traffic(c *config.Cluster, s *l7.Service) (err error) {
	h := c.HTTP
	s.Forwarded, s.RedirectHTTPS, s.RedirectPort = h.Forwarded, h.RedirectHTTPS, h.RedirectHTTPSPort
	s.SecureAnswers = c.Protocol == config.HTTPS && !h.NoHeaderRewrite
	if s.HSTS, err = hsts(h); err != nil {
		return fmt.Errorf("hsts: %w", err)
	}
	s.Proxies, err = proxies(c)
	return err
}

// proxies returns who may begin connections with a header of the PROXY protocol;
// nil: nobody must.
func proxies(c *config.Cluster) (*proxyproto.Trusted, error) {
	if c.ProxyProtocol != "require" {
		return nil, nil
	}
	return proxyproto.NewTrusted(c.ProxyFrom)
}

// proxyVersion returns the PROXY protocol that a pool's members are told by.
func proxyVersion(c *config.Pool) proxyproto.Version {
	switch c.ProxyProtocol {
	case "v1":
		return proxyproto.V1
	case "v2":
		return proxyproto.V2
	}
	return 0
}

// proxyParts are the TLVs of a pool by their names.
var proxyParts = map[string]proxyproto.Parts{
	"authority": proxyproto.PartAuthority, "ssl": proxyproto.PartTLS, "cert_cn": proxyproto.PartCN,
	"alpn": proxyproto.PartALPN, "unique_id": proxyproto.PartUniqueID, "crc32c": proxyproto.PartChecksum,
}

// proxyTells returns what a pool's members are told beside the addresses.
func proxyTells(c *config.Pool) (parts proxyproto.Parts) {
	for _, name := range c.ProxyTLVs {
		parts |= proxyParts[name]
	}
	return parts
}

// preamble returns what probes of a pool's members begin with: a header that says
// that the connection is the box's own.
func preamble(c *config.Pool) string {
	v := proxyVersion(c)
	if v == 0 {
		return ""
	}
	return string(proxyproto.Append(nil, v, &proxyproto.Header{Local: true}))
}

// change adds to the route what the cluster, and the rule if r is not nil, make of
// messages.
func (u *builder) change(out *l7.Route, c *config.Cluster, r *config.Rule) error {
	var err error
	report := func(_ *hcl.Range, msg string) { err = errors.New(msg) }
	of := compileChanges(c.HTTP.RequestHeaders, c.HTTP.AnswerHeaders, c.HTTP.OperationsAt, c.Rewrite, report)
	add := func(of changes) {
		if of.requests != nil {
			out.RequestOps = append(out.RequestOps, of.requests)
		}
		if of.answers != nil {
			out.AnswerOps = append(out.AnswerOps, of.answers)
		}
		if of.url != nil {
			out.Rewrite = of.url
		}
	}
	add(of)
	if r != nil {
		add(compileChanges(r.RequestHeaders, r.AnswerHeaders, r.OperationsAt, r.Rewrite, report))
	}
	if err != nil {
		return err
	}
	packing := c.Compress
	if r != nil && r.Compress != nil {
		packing = r.Compress
	}
	out.Compress, err = compression(packing)
	return err
}
