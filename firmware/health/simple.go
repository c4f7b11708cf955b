// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// A simpleProber asks a simple health check, which answers like an agent but
// with a float between Healthy and Loaded. -1 means "take me out" unless it lies
// between the two.
type simpleProber struct{ question }

func (p simpleProber) probe(ctx context.Context, t *transcript) Result {
	text, r := p.listen(ctx, t)
	if r.Outcome == Good {
		r = p.answered(text)
	}
	return p.tolerate(r)
}

func (p simpleProber) answered(text string) Result {
	f, err := parseSimple(text)
	if err != nil {
		return bad(Syntax, "%v", err)
	}
	load := (f - p.Healthy) / (p.Loaded - p.Healthy)
	if f == -1 && (load < 0 || load > 1) {
		return Result{Reason: AskedOut, Detail: "the check asks to be taken out (-1)",
			HasLoad: true, Load: Out}
	}
	r := good("the check says %g", f)
	r.HasLoad, r.Load = true, min(max(load, 0), 1)
	return r
}

// parseSimple returns the float of a simple health check's answer: decimal, with
// or without an exponent.
func parseSimple(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, fmt.Errorf("answer %q is not a decimal number", text)
	}
	return f, nil
}
