// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"net/netip"
	"strings"
)

// A term is one part of a clause that is a plain conjunction. In an expanded
// clause a positive term has one of its predicate's arguments.
type term struct {
	pred *pred
	neg  bool
	one  bool // arg is the only argument that counts
	arg  string
}

// maxRivals bounds how many earlier clauses a clause is compared with.
const maxRivals = 64

// unreachable warns of rules that can never be the first to match, as far as
// their shape tells: after a rule that always matches, equal to an earlier rule,
// or with every alternative implied by an earlier clause.
func (s *Set) unreachable(roots []node) []placed {
	var out []placed
	same := map[string]int{} // rules by the canonical text of their clauses
	always := -1
	warn := func(rule, by int, what string) {
		w := s.rules[by]
		out = append(out, placed{index: rule, Problem: Problem{
			Range: s.rules[rule].When.Range(), Rule: s.rules[rule].Name, Warning: true,
			Msg: fmt.Sprintf("this rule is never reached: rule %q (line %d) %s",
				w.Name, w.When.Range().Start.Line, what),
		}})
	}
	for from := 0; from < len(s.clauses); {
		to, rule := from+1, int(s.clauses[from].rule)
		for to < len(s.clauses) && int(s.clauses[to].rule) == rule {
			to++
		}
		text := textOf(s.clauses[from:to])
		first, known := same[text]
		if !known {
			same[text] = rule
		}
		switch {
		case always >= 0:
			warn(rule, always, "matches every request")
		case known:
			warn(rule, first, "asks for the same")
		default:
			if by := s.subsumer(from, to); by >= 0 {
				warn(rule, by, "matches all that it could")
			}
		}
		if always < 0 && roots[rule].always() {
			always = rule
		}
		from = to
	}
	return out
}

// textOf returns a text that only equal lists of clauses have.
func textOf(clauses []clause) string {
	var b strings.Builder
	for i := range clauses {
		clauses[i].root.appendText(&b)
	}
	return b.String()
}

func (n *node) appendText(b *strings.Builder) {
	fmt.Fprintf(b, "(%d %v %p", n.op, n.neg, n.pred)
	for i := range n.kids {
		n.kids[i].appendText(b)
	}
	b.WriteByte(')')
}

// subsumer returns the earlier rule that implies the clauses from to to, or
// the first of several that do together; -1 if that cannot be told.
func (s *Set) subsumer(from, to int) int {
	first := -1
	for i := from; i < to; i++ {
		alts := expand(&s.clauses[i].root)
		if len(alts) == 0 {
			return -1
		}
		for _, alt := range alts {
			by := s.rival(alt, s.clauses[i].rule)
			if by < 0 {
				return -1
			}
			if first < 0 || by < first {
				first = by
			}
		}
	}
	return first
}

// terms returns the terms of a clause that is a plain conjunction.
func terms(n *node) []term {
	switch n.op {
	case opLeaf:
		return []term{{pred: n.pred, neg: n.neg}}
	case opAnd:
		var out []term
		for i := range n.kids {
			if n.kids[i].op != opLeaf {
				return nil
			}
			out = append(out, terms(&n.kids[i])...)
		}
		return out
	}
	return nil
}

// expand returns the alternatives of a plain conjunction: one for each choice
// of arguments. It is empty if n is no plain conjunction or has too many.
func expand(n *node) [][]term {
	ts := terms(n)
	count, sum := 1, 0
	for _, t := range ts {
		if k := len(t.pred.args); k > 0 && !t.neg {
			count, sum = count*k, sum+k
		}
		if count > 16+4*sum {
			return nil
		}
	}
	if len(ts) == 0 {
		return nil
	}
	out := [][]term{nil}
	for _, t := range ts {
		var next [][]term
		for _, head := range out {
			if t.neg || len(t.pred.args) == 0 {
				next = append(next, append(head[:len(head):len(head)], t))
				continue
			}
			for _, a := range t.pred.args {
				u := term{pred: t.pred, one: true, arg: a}
				next = append(next, append(head[:len(head):len(head)], u))
			}
		}
		out = next
	}
	return out
}

// rival returns an earlier rule that matches whatever meets alt. Only clauses
// that the index offers for a request made to meet alt can do that.
func (s *Set) rival(alt []term, rule int32) int {
	var w witness
	r := w.request(alt)
	s.index.candidates(r)
	for n := 0; n < maxRivals && len(r.cursors) > 0; n++ {
		c := s.index.next(r)
		if s.clauses[c].rule >= rule {
			break
		}
		if ts := terms(&s.clauses[c].root); len(ts) > 0 && impliesAll(alt, ts) {
			return int(s.clauses[c].rule)
		}
	}
	return -1
}

// impliesAll reports whether each of ts follows from some term of alt.
func impliesAll(alt, ts []term) bool {
	for _, t := range ts {
		found := false
		for _, a := range alt {
			if found = a.implies(t); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// implies reports whether t is certainly true of every request that x is true
// of.
func (x term) implies(t term) bool {
	p, q := t.pred, x.pred
	if t.neg || x.neg {
		return t.neg == x.neg && p == q
	}
	if p == q {
		return true
	}
	switch {
	case p.spec.subject == secure && q.spec.subject.ofTLS(), p.spec.subject == cert && q.spec.subject.ofCert():
		return true
	case p.spec.subject != q.spec.subject && !(q.exact() && partOf(p, q)), p.name != q.name:
		return false
	case len(p.args) == 0:
		return true
	case !x.one || q.fold && !p.fold:
		return false
	case q.fold && p.spec.op == regex && p.spec != q.spec && q.spec.subject != host && q.spec.subject != sni:
		return false // (?-i) may tell apart what q does not
	case p.spec.subject == client:
		return p.nets.covers(netip.MustParsePrefix(x.arg))
	}
	v := x.arg
	if p.fold && q.spec.op != regex {
		v = lowered(v)
	}
	if p.spec == q.spec && p.spec.op != segments && p.spec.op != hostName {
		for _, a := range p.args {
			if a == v {
				return true
			}
		}
	}
	return x.impliesFor(p, v)
}

// exact reports whether p knows its subject wholly.
func (p *pred) exact() bool { return p.spec.op == equal || p.spec.op == hostName }

// partOf reports whether p looks at a part of what q looks at.
func partOf(p, q *pred) bool {
	switch q.spec.subject {
	case host:
		return p.spec.subject == hostLabel || p.spec.subject == hostRest
	case path:
		return p.spec.subject == dir || p.spec.subject == file
	case sni:
		return p.spec.subject == sniLabel || p.spec.subject == sniRest
	}
	return false
}

// impliesFor reports whether p follows from x, whose argument in p's case of
// letters is v.
func (x term) impliesFor(p *pred, v string) bool {
	q := x.pred
	switch q.spec.op {
	case hostName:
		if v[0] == '*' {
			return p.spec.op == hostName && p.wild != nil && wildCovers(p, v[1:])
		}
		part, ok := hostPart([]byte(v), p.spec.subject)
		return ok && p.compare(part)
	case equal:
		slash := strings.LastIndexByte(v, '/') + 1
		switch {
		case p.spec.subject == q.spec.subject:
			return p.compare([]byte(v))
		case slash == 0:
			return false
		case p.spec.subject == dir:
			return p.compare([]byte(v[:slash]))
		}
		return p.compare([]byte(v[slash:]))
	case regex:
		return false
	case firstParts, lastParts:
		if p.spec.op == q.spec.op {
			return p.compareParts([]byte(v))
		}
	}
	for _, a := range p.args {
		if partImplies(q.spec.op, v, p.spec.op, a) {
			return true
		}
	}
	return false
}

// partImplies reports whether a value that has v as its op has a as its want.
func partImplies(op comparison, v string, want comparison, a string) bool {
	begins := op == prefix || op == segments
	switch want {
	case prefix:
		return begins && strings.HasPrefix(v, a)
	case suffix:
		return op == suffix && strings.HasSuffix(v, a)
	case substr:
		return strings.Contains(v, a)
	case segments:
		return op == segments && v == a || begins && strings.HasPrefix(v, a+"/")
	}
	return false
}

// wildCovers reports whether all below the suffix v is below one of p's
// wildcards.
func wildCovers(p *pred, v string) bool {
	for i := range len(v) {
		if _, ok := p.wild[v[i:]]; ok && v[i] == '.' {
			return true
		}
	}
	return false
}
