// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Parse reads a configuration. The Config is nil when the diagnostics hold an
// error; with warnings only it can be used. The name is that of the file and
// appears in positions.
func Parse(name string, src []byte) (*Config, Diagnostics) {
	return ParseWith(name, src, nil)
}

// ParseWith is Parse with one more check, called when the syntax is right even
// if other mistakes were found, so that all of them are reported at once.
// Package lb compiles the rules in it: it may look at every Rule whose When is
// not nil, and must not keep the Config, which can be incomplete.
func ParseWith(name string, src []byte, extra func(*Config, *Diagnostics)) (*Config, Diagnostics) {
	body, duplicates, bad := parseTree(name, src)
	if bad != nil {
		return nil, Diagnostics{*bad}
	}
	d := &decoder{src: src, at: make(map[place]hcl.Range)}
	cfg := new(Config)
	d.body(scope{out: reflect.ValueOf(cfg).Elem()}, body)
	d.duplicates(body, duplicates)
	d.check(cfg)
	if extra != nil {
		extra(cfg, &d.diags)
	}
	d.diags.Sort()
	if d.diags.HasErrors() {
		return nil, d.diags.first(maxDiagnostics)
	}
	return cfg, d.diags.first(maxDiagnostics)
}

// maxDiagnostics is how many mistakes of one text are told: nobody reads more,
// and a text full of them must not become a much longer answer.
const maxDiagnostics = 1000

// first returns at most n of d; one more says how many were left out.
func (d Diagnostics) first(n int) Diagnostics {
	if len(d) <= n {
		return d
	}
	rest := Diagnostic{Range: d[n].Range, Msg: fmt.Sprintf("%d more were found from here on", len(d)-n), Warning: !d.HasErrors()}
	return append(d[:n:n], rest)
}

// duplicates words the parser's findings about attributes that are set twice.
func (d *decoder) duplicates(body *hclsyntax.Body, found hcl.Diagnostics) {
	for _, h := range found {
		if h.Summary != attributeRedefined {
			continue
		}
		in, path := enclosing(body, h.Subject.Start.Byte)
		name := string(d.src[h.Subject.Start.Byte:h.Subject.End.Byte])
		msg := fmt.Sprintf("%s is given twice", name)
		if a := in.Attributes[name]; a != nil {
			msg += fmt.Sprintf("; the first is at line %d", a.NameRange.Start.Line)
		}
		d.diags.Add(*h.Subject, path, "%s", msg)
	}
}

// enclosing returns the innermost body around a byte, and its path.
func enclosing(body *hclsyntax.Body, at int) (*hclsyntax.Body, string) {
	path := ""
	for {
		i := slices.IndexFunc(body.Blocks, func(b *hclsyntax.Block) bool {
			return b.OpenBraceRange.Start.Byte < at && at < b.CloseBraceRange.End.Byte
		})
		if i < 0 {
			return body, path
		}
		b := body.Blocks[i]
		head := b.Type
		for _, l := range b.Labels {
			head += fmt.Sprintf(" %q", clip(l))
		}
		path = strings.TrimSpace(path + " " + head)
		body = b.Body
	}
}
