// SPDX-License-Identifier: Apache-2.0

package match

// A nodeOp is what a node of a compiled expression does.
type nodeOp uint8

const (
	opYes   nodeOp = iota // true
	opNo                  // false
	opLeaf                // a predicate, or its negation
	opDebug               // emits msg; true, or false if negated
	opAnd
	opOr
)

// A node is a compiled expression in negation normal form: only leaves are
// negated. Constants occur as whole expressions, or as the last part of an
// "and" or "or" that emits messages before.
type node struct {
	op   nodeOp
	neg  bool  // of opLeaf and opDebug
	call *call // of opLeaf, until finish
	pred *pred // of opLeaf, after finish
	msg  string
	kids []node
}

// eval evaluates n for r, from left to right and no further than needed.
func (n *node) eval(r *Request) bool {
	switch n.op {
	case opLeaf:
		return n.pred.eval(r) != n.neg
	case opDebug:
		r.Debug = append(r.Debug, n.msg)
		return !n.neg
	case opAnd:
		for i := range n.kids {
			if !n.kids[i].eval(r) {
				return false
			}
		}
		return true
	case opOr:
		for i := range n.kids {
			if n.kids[i].eval(r) {
				return true
			}
		}
		return false
	}
	return n.op == opYes
}

// debugs reports whether evaluating n may emit a message.
func (n *node) debugs() bool {
	if n.op == opDebug {
		return true
	}
	for i := range n.kids {
		if n.kids[i].debugs() {
			return true
		}
	}
	return false
}

// always reports whether n is true for every request as far as can be told
// without looking at what its predicates mean.
func (n *node) always() bool {
	switch n.op {
	case opDebug:
		return !n.neg
	case opAnd:
		for i := range n.kids {
			if !n.kids[i].always() {
				return false
			}
		}
		return true
	case opOr:
		for i := range n.kids {
			if n.kids[i].always() {
				return true
			}
		}
		return false
	}
	return n.op == opYes
}

// join builds the "and" or "or" of kids. Constants that change nothing are
// dropped, and what follows one that decides is never evaluated.
func join(op nodeOp, kids []node) node {
	neutral, decisive := opYes, opNo
	if op == opOr {
		neutral, decisive = opNo, opYes
	}
	var out []node
	debugs := false
	for _, k := range kids {
		if k.op == neutral {
			continue
		}
		if k.op == decisive {
			if !debugs {
				return k
			}
			out = append(out, k)
			break
		}
		debugs = debugs || k.debugs()
		if k.op == op {
			out = append(out, k.kids...)
		} else {
			out = append(out, k)
		}
	}
	if !debugs {
		out = mergeCalls(op, out)
	}
	switch len(out) {
	case 0:
		return node{op: neutral}
	case 1:
		return out[0]
	}
	return node{op: op, kids: out}
}

// mergeCalls makes one call of those that ask the same question with different
// strings: host("a") || host("b") is host("a", "b"), and so is the negation of
// either under "and". A list of ten thousand is then one look-up.
func mergeCalls(op nodeOp, kids []node) []node {
	type question struct {
		spec *spec
		name string
		fold bool
	}
	first := map[question]int{}
	owned := map[int]bool{} // merged already: its call may be changed
	out := kids[:0:0]
	for _, k := range kids {
		if k.op != opLeaf || k.neg != (op == opAnd) || len(k.call.args) == 0 {
			out = append(out, k)
			continue
		}
		q := question{k.call.spec, k.call.name, k.call.fold}
		i, ok := first[q]
		if !ok {
			first[q] = len(out)
			out = append(out, k)
			continue
		}
		if !owned[i] {
			owned[i] = true
			c := *out[i].call
			c.args = append([]string(nil), c.args...)
			out[i].call = &c
		}
		out[i].call.args = append(out[i].call.args, k.call.args...)
	}
	return out
}
