// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Operations are the words that request_headers and answer_headers begin with.
var operations = []string{"add", "set", "set_if_absent", "append", "remove"}

// SplitOperation takes an operation on fields apart: what it does, the field's
// name, and the value, which may have spaces.
func SplitOperation(s string) (action, name, value string) {
	action, s, _ = strings.Cut(s, " ")
	name, value, _ = strings.Cut(s, " ")
	return action, name, value
}

// checkOperation checks the form of an operation; what it says is checked where
// it is compiled.
func checkOperation(s string) error {
	action, name, value := SplitOperation(s)
	switch {
	case !slices.Contains(operations, action):
		return errors.New(`must begin with "add", "set", "set_if_absent", "append" or "remove"`)
	case name == "":
		return errors.New(`must name a field: "` + action + ` X-Name"`)
	case action == "remove" && value != "":
		return errors.New(`must not have a value: "remove ` + name + `"`)
	case action != "remove" && value == "":
		return errors.New(`must have a value: "` + action + ` ` + name + ` value"`)
	}
	return nil
}

func checkCoding(s string) error {
	if !slices.Contains([]string{"zstd", "br", "gzip"}, s) {
		return errors.New(`must be "zstd", "br" or "gzip"`)
	}
	return nil
}

// operationsAt returns where the operations of a cluster or a rule stand.
func (c *checker) operationsAt(owner any, requests, answers int) OperationRanges {
	of := func(keyword string, n int) (out []hcl.Range) {
		for i := range n {
			out = append(out, c.at[place{owner, keyword, i}])
		}
		return out
	}
	return OperationRanges{of("request_headers", requests), of("answer_headers", answers)}
}

// traffic checks what a cluster makes of its messages and connections.
func (c *checker) traffic(cl *Cluster, path string) {
	switch {
	case cl.ProxyProtocol == "require" && len(cl.ProxyFrom) == 0:
		c.diags.Add(c.where(cl, "proxy_protocol", cl.Range), path,
			"proxy_from is missing: who may say who the client is; everybody else is refused")
	case cl.ProxyProtocol == "off" && len(cl.ProxyFrom) > 0:
		c.diags.Add(c.where(cl, "proxy_from", cl.Range), path, `proxy_from needs proxy_protocol = "require"`)
	}
	if cl.HTTP == nil {
		return
	}
	cl.HTTP.OperationsAt = c.operationsAt(cl, len(cl.HTTP.RequestHeaders), len(cl.HTTP.AnswerHeaders))
	for _, r := range cl.Rules {
		r.OperationsAt = c.operationsAt(r, len(r.RequestHeaders), len(r.AnswerHeaders))
	}
	if s := cl.HTTP.RedirectHTTPS; s != 0 {
		at := c.where(cl, "redirect_https", cl.Range)
		if !slices.Contains([]int{301, 302, 303, 307, 308}, s) {
			c.diags.Add(at, path, "redirect_https must be 301, 302, 303, 307 or 308, not %d", s)
		}
		if c.given(cl, "pool") || c.given(cl, "responder") || len(cl.Rules) > 0 {
			c.diags.Warn(at, path, "pool, responder and rules do nothing: redirect_https answers every request")
		}
	}
	if c.given(cl, "redirect_https_port") && cl.HTTP.RedirectHTTPS == 0 && cl.HTTP.RedirectHTTPSPort != 443 {
		c.diags.Add(c.where(cl, "redirect_https_port", cl.Range), path, "redirect_https_port needs redirect_https: the status, such as 308")
	}
	for k, on := range map[string]bool{"hsts_subdomains": cl.HTTP.HSTSSubdomains, "hsts_preload": cl.HTTP.HSTSPreload} {
		if on && cl.HTTP.HSTS == 0 {
			c.diags.Add(c.where(cl, k, cl.Range), path, "%s needs hsts: how long it holds", k)
		}
	}
}

// poolProxy checks that members can be told whose a connection is.
func (c *checker) poolProxy(p *Pool, path string) {
	if c.given(p, "proxy_tlvs") && p.ProxyProtocol != "v2" && !slices.Equal(p.ProxyTLVs, []string{"authority", "ssl"}) {
		c.diags.Add(c.where(p, "proxy_tlvs", p.Range), path, `proxy_tlvs needs proxy_protocol = "v2"`)
	}
	if slices.Contains(p.ProxyTLVs, "cert_cn") && !slices.Contains(p.ProxyTLVs, "ssl") {
		c.diags.Add(c.where(p, "proxy_tlvs", p.Range), path, `"cert_cn" needs "ssl", which it is a part of`)
	}
	if p.ProxyProtocol != "" && p.ProxyProtocol != "off" && p.Protocol != "http" {
		c.diags.Add(c.where(p, "proxy_protocol", p.Range), path,
			"proxy_protocol needs protocol \"http\": connections of %q are shared by clients", p.Protocol)
	}
}
