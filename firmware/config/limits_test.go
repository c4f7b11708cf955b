// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// TestParseSurvivesHugeTexts feeds what overflows a stack or takes quadratic
// time if nothing bounds it; the test's own time limit is the judge.
func TestParseSurvivesHugeTexts(t *testing.T) {
	const size = 256 << 10 // parentheses overflow the stack from 200 KB on
	fill := func(head, unit, tail string) string {
		return head + strings.Repeat(unit, (size-len(head)-len(tail))/len(unit)) + tail
	}
	rule := func(when string) string {
		return "cluster \"a\" {\nrule \"a\" {\nwhen = " + when + "\n}\n}\n"
	}
	for name, c := range map[string]struct{ src, want string }{
		"parentheses": {fill("engine {\n loops = ", "(", "\n}\n"), "nested more than 32 deep"},
		"brackets":    {fill("engine {\n loops = ", "[", "\n}\n"), "nested more than 32 deep"},
		"blocks":      {fill("", "a {\n", ""), "nested more than 32 deep"},
		"quotes":      {fill("a = ", `"${`, ""), "template"},
		"not":         {rule(fill("", "!", "any()")[:size-100]), "signs in a row"},
		"not on lines": {fill("a = {for a in ", "!\n", ""),
			"signs in a row"},
		"or":       {rule(fill("any()", " || a()", "")[:size-100]), "operators"},
		"or lines": {rule(fill("(any()", " ||\n a()", "")[:size-100]), "operators"},
		"index":    {rule(fill("a", "[a]", "")[:size-100]), "operators"},
		"dots":     {rule(fill("a", ".a", "")[:size-100]), "operators"},
		"objects":  {rule(fill("any()", " || {x=1}", "")[:size-100]), "operators"},
		"digits":   {fill("engine {\n loops = ", "1", "\n}\n"), "at most 32 characters"},
		"size":     {strings.Repeat(" ", MaxSize+1), "longer than 1MiB"},
		"unknown":  {fill("", "x {\n}\n", ""), "unknown block"},
		"refs":     {fill("pool \"p\" {\n", "member \"wxyz\" {}\n", "}\n"), "given twice"},
		"heredoc":  {fill("responder \"a\" {\nbody = <<X\n", " X Y\n", "X\n}\n"), "at most 1024 lines"},
		"dollars":  {fill("responder \"a\" {\nbody = \"", "$%a", "\"\n}\n"), ""},
		"texts":    {fill("", "responder \"a\" {\nbody = <<X\n"+strings.Repeat("\n", 1000)+"X\n}\n", ""), "given twice"},
	} {
		t.Run(name, func(t *testing.T) {
			src := []byte(c.src)
			_, diags := Parse("huge.hcl", src)
			if !strings.Contains(diags.Error(), c.want) {
				t.Errorf("Parse(%s): %.200s, want %q", name, diags.Error(), c.want)
			}
			if err := diags.Write(io.Discard, src); err != nil {
				t.Error(err)
			}
			if len(diags) > maxDiagnostics+1 {
				t.Errorf("Parse(%s) tells %d mistakes, want at most %d and one", name, len(diags), maxDiagnostics)
			}
		})
	}
}

func TestManyServersAndClustersAreQuick(t *testing.T) {
	var b strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&b, "server \"s%d\" { address = \"10.0.%d.%d:80\" }\n", i, i/250, i%250+1)
	}
	for i := range 4000 {
		fmt.Fprintf(&b, "pool \"p%d\" {\n  member \"s%d\" {}\n}\n", i, i)
		fmt.Fprintf(&b, "cluster \"c%d\" {\n  protocol = \"http\"\n  listen = [\"10.1.0.1:%d\"]\n  pool = \"p%d\"\n}\n", i, i+1, i)
	}
	if cfg, diags := Parse("many.hcl", []byte(b.String())); cfg == nil || len(diags) > 0 {
		t.Errorf("Parse: %.200s, want no diagnostics", diags.Error())
	}
}

// TestOverlapsAreAllFound compares the sweep with the comparison of all pairs.
func TestOverlapsAreAllFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	hosts := []string{"192.0.2.1", "192.0.2.2", "0.0.0.0", "2001:db8::1", "::"}
	for range 3000 {
		c := &checker{decoder: &decoder{}}
		claims := make([]claim, 2+rng.IntN(6))
		for i := range claims {
			first := uint16(1 + rng.IntN(20))
			claims[i] = claim{Listen: Listen{netip.AddrPortFrom(netip.MustParseAddr(hosts[rng.IntN(len(hosts))]), first),
				first + uint16(rng.IntN(2)*rng.IntN(9))}, owner: fmt.Sprint(i)}
			claims[i].at.Start.Byte, claims[i].at.Start.Line = i, i+1
		}
		colliding := make(map[string]bool) // those that overlap any other
		for i, a := range claims {
			for j, b := range claims {
				if i != j && claimsMeet(a.Listen, b.Listen) {
					colliding[a.owner] = true
				}
			}
		}
		c.overlaps(claims)
		if (len(c.diags) > 0) != (len(colliding) > 0) {
			t.Fatalf("overlaps(%v) = %v, want some: %t", claims, c.diags, len(colliding) > 0)
		}
		for _, d := range c.diags {
			if !colliding[d.Path] {
				t.Fatalf("overlaps(%v) reports %v, which does not", claims, d)
			}
		}
	}
}

// claimsMeet tries every port.
func claimsMeet(a, b Listen) bool {
	for p := int(a.Addr.Port()); p <= int(a.Last); p++ {
		if p < int(b.Addr.Port()) || p > int(b.Last) {
			continue
		}
		x, y := a.Addr.Addr(), b.Addr.Addr()
		wild := x.String() == "0.0.0.0" || y.String() == "0.0.0.0" || x.String() == "::" || y.String() == "::"
		return x == y || wild && x.Is4() == y.Is4()
	}
	return false
}
