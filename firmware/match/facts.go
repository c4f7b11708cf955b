// SPDX-License-Identifier: Apache-2.0

package match

import (
	"cmp"
	"net/netip"
)

// A fact is the number of something that can be true of a request and that the
// index can look up, such as "the host is www.example.com"; 0 is no fact.
type fact uint32

// A kind of fact is a way to look it up.
type kind uint8

const (
	hostIs kind = iota
	labelIs
	hostEnds
	sniIs
	sniLabelIs
	sniEnds
	pathIs
	pathBegins
	pathWithin // path_prefix
	pathEnds
	printIs
	subjectIs
	sanIs
	headerIs
	cookieIs
	headerHas
	cookieHas
	clientIs
	issuerIs
	certShown
	methodIs
	tlsVersionIs
	overHTTP2
	isSecure
)

// The axes of the index: a clause is filed under at most one fact of each.
const (
	hostAxis = iota
	pathAxis
	restAxis
	axes
)

func (k kind) axis() int {
	switch {
	case k <= sniEnds:
		return hostAxis
	case k <= pathEnds:
		return pathAxis
	}
	return restAxis
}

// A statement is what a fact says.
type statement struct {
	kind kind
	fold bool // text is in lower case and so is what it is compared with
	name string
	text string
	net  netip.Prefix
}

// A key is facts that are true together, at most one for each axis.
type key [axes]fact

// A book numbers the statements of a set and knows how many clauses could be
// filed under each.
type book struct {
	numbers map[statement]fact
	list    []statement // list[f] is what f says
	uses    []int
}

func newBook() *book {
	return &book{numbers: map[statement]fact{}, list: make([]statement, 1), uses: make([]int, 1)}
}

// number returns the fact that st is.
func (b *book) number(st statement) fact {
	f, ok := b.numbers[st]
	if !ok {
		f = fact(len(b.list))
		b.numbers[st] = f
		b.list = append(b.list, st)
		b.uses = append(b.uses, 0)
	}
	return f
}

// count notes the facts that occur in n.
func (b *book) count(n *node) {
	if n.op == opLeaf && !n.neg {
		for _, st := range n.pred.statements() {
			b.uses[b.number(st)]++
		}
	}
	for i := range n.kids {
		b.count(&n.kids[i])
	}
}

// statements returns what p implies: if p holds for a request, one of them
// does. It is empty if nothing of the kind can be looked up.
func (p *pred) statements() []statement {
	if len(p.args) == 0 {
		switch p.spec.subject {
		case header:
			return []statement{{kind: headerHas, name: p.name}}
		case cookie:
			return []statement{{kind: cookieHas, name: p.name}}
		case secure:
			return []statement{{kind: isSecure}}
		case cert:
			return []statement{{kind: certShown}}
		case http2:
			return []statement{{kind: overHTTP2}}
		}
		return nil
	}
	out := make([]statement, 0, len(p.args))
	for _, a := range p.args {
		st, ok := p.statement(a)
		if !ok {
			return nil
		}
		out = append(out, st)
	}
	return out
}

// statement returns what p implies if it holds because of its argument a.
func (p *pred) statement(a string) (st statement, ok bool) {
	st = statement{fold: p.fold, name: p.name, text: a}
	switch p.spec.subject {
	case header, cookie:
		st.kind = headerHas + kind(p.spec.subject-header)
		if p.spec.op == equal {
			st.kind = headerIs + kind(p.spec.subject-header)
		} else {
			st.text, st.fold = "", false
		}
		return st, true
	case client:
		return statement{kind: clientIs, net: netip.MustParsePrefix(a)}, true
	case method:
		return statement{kind: methodIs, text: a}, true
	case hostLabel:
		st.kind = labelIs
		return st, p.spec.op == equal
	case hostRest:
		st.kind, st.text = hostEnds, "."+a
		return st, p.spec.op == equal
	case host:
		if st.kind = hostIs; a[0] == '*' {
			st.kind, st.text = hostEnds, a[1:]
		}
		return st, p.spec.op == hostName
	}
	if p.spec.subject.ofTLS() {
		return p.tlsStatement(st), true
	}
	return p.pathStatement(st)
}

// tlsStatement is statement for what TLS says.
func (p *pred) tlsStatement(st statement) statement {
	switch s, op := p.spec.subject, p.spec.op; {
	case s == sniLabel:
		st.kind = sniLabelIs
	case s == sniRest:
		st.kind, st.text = sniEnds, "."+st.text
	case s == sni && op == hostName && st.text[0] == '*':
		st.kind, st.text = sniEnds, st.text[1:]
	case s == sni && op == hostName:
		st.kind = sniIs
	case s == tlsVersion:
		st.kind = tlsVersionIs
	case s == certPrint:
		st.kind = printIs
	case s == certSubject && op == equal:
		st.kind = subjectIs
	case s == certIssuer && op == equal:
		st.kind = issuerIs
	case s == certName && op == equal:
		st.kind = sanIs
	case s.ofCert():
		return statement{kind: certShown}
	default:
		return statement{kind: isSecure}
	}
	return st
}

// pathStatement is statement for the subjects that are parts of the path.
func (p *pred) pathStatement(st statement) (statement, bool) {
	switch s, op := p.spec.subject, p.spec.op; {
	case s == path && op == equal:
		st.kind = pathIs
	case s == path && op == segments:
		st.kind = pathWithin
	case s == path && op == prefix, s == dir && (op == prefix || op == equal):
		st.kind = pathBegins
	case (s == path || s == file) && op == suffix:
		st.kind = pathEnds
	case s == file && op == equal:
		st.kind, st.text = pathEnds, "/"+st.text
	default:
		return st, false
	}
	return st, true
}

// keys returns what n implies: if n is true of a request, so are the facts of
// one of the keys. One empty key means that nothing is known.
func (b *book) keys(n *node) []key {
	unknown := []key{{}}
	switch {
	case n.op == opLeaf && !n.neg:
		sts := n.pred.statements()
		if len(sts) == 0 {
			return unknown
		}
		out := make([]key, len(sts))
		for i, st := range sts {
			out[i][st.kind.axis()] = b.number(st)
		}
		return out
	case n.op == opOr:
		var out []key
		for i := range n.kids {
			k := b.keys(&n.kids[i])
			if k[0] == (key{}) {
				return unknown
			}
			out = append(out, k...)
		}
		return out
	case n.op == opAnd:
		out := unknown
		for i := range n.kids {
			out = b.both(out, b.keys(&n.kids[i]))
		}
		return out
	}
	return unknown
}

// both returns the keys of "x and y". If combining every x with every y would
// make many more keys than the text has, the more selective side serves alone.
func (b *book) both(x, y []key) []key {
	switch {
	case y[0] == key{}:
		return x
	case x[0] == key{}:
		return y
	case len(x)*len(y) > 16+4*(len(x)+len(y)):
		if cmp.Or(cmp.Compare(b.worst(x), b.worst(y)), cmp.Compare(len(x), len(y))) <= 0 {
			return x
		}
		return y
	}
	out := make([]key, 0, len(x)*len(y))
	for _, kx := range x {
		for _, ky := range y {
			k := kx
			for axis, f := range ky {
				if f != 0 && (k[axis] == 0 || b.rarer(f, k[axis])) {
					k[axis] = f
				}
			}
			out = append(out, k)
		}
	}
	return out
}

// rarer reports whether fewer clauses depend on f than on g; between equals the
// kind of fact that comes first tells more about a request.
func (b *book) rarer(f, g fact) bool {
	return cmp.Or(cmp.Compare(b.uses[f], b.uses[g]), cmp.Compare(b.list[f].kind, b.list[g].kind)) < 0
}

// worst returns how many clauses may share the most common of keys.
func (b *book) worst(keys []key) int {
	worst := 0
	for _, k := range keys {
		fewest := many
		for _, f := range k {
			if f != 0 {
				fewest = min(fewest, b.uses[f])
			}
		}
		worst = max(worst, fewest)
	}
	return worst
}
