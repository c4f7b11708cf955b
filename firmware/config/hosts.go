// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Hosts returns the names that the rule's condition compares the host with, in
// the order of the text, without ports and in small letters. Those of a function
// that stands below "!" are left out: requests for them are what it is not for.
func (r *Rule) Hosts() []string {
	w := &hostWalk{}
	if node, ok := r.When.(hclsyntax.Node); ok {
		_ = hclsyntax.Walk(node, w) // it collects, and finds nothing wrong
	}
	return w.hosts
}

// A hostWalk collects names on its way through a condition.
type hostWalk struct {
	hosts []string
	not   int // how many "!" stand above
}

// Enter looks at a node before those within.
func (w *hostWalk) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.UnaryOpExpr:
		w.not++
	case *hclsyntax.FunctionCallExpr:
		if w.not == 0 && strings.EqualFold(n.Name, "host") {
			w.take(n.Args)
		}
	}
	return nil
}

// Exit looks at a node after those within.
func (w *hostWalk) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(*hclsyntax.UnaryOpExpr); ok {
		w.not--
	}
	return nil
}

func (w *hostWalk) take(args []hclsyntax.Expression) {
	for _, a := range args {
		v, diags := a.Value(nil)
		if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
			continue
		}
		host := strings.ToLower(v.AsString())
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if !slices.Contains(w.hosts, host) {
			w.hosts = append(w.hosts, host)
		}
	}
}
