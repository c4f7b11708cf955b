// SPDX-License-Identifier: Apache-2.0

package match

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"

	"evener/firmware/message"
)

// A pred is a call ready to be evaluated. Equal calls of a set share one.
type pred struct {
	*call
	id    message.FieldID // of a header
	set   map[string]struct{}
	wild  map[string]struct{} // the ".example.com" of wildcards
	nets  netTable
	exprs []*regexp.Regexp
	parts [][]byte // of substr
	memo  int16    // bit of Request.known, or -1
}

// finish replaces the calls of n by predicates.
func (p *parser) finish(n node) node {
	if n.op == opLeaf {
		n.pred, n.call = p.pred(n.call), nil
	}
	kids := make([]node, len(n.kids))
	for i, k := range n.kids {
		kids[i] = p.finish(k)
	}
	n.kids = kids
	return n
}

// pred returns the predicate of c.
func (p *parser) pred(c *call) *pred {
	key := fmt.Sprintf("%s %v %q %q", c.spec.name, c.fold, c.name, c.args)
	if q := p.preds[key]; q != nil {
		return q
	}
	q := &pred{call: c, memo: -1}
	p.preds[key] = q
	if c.spec.subject == header {
		q.id = message.FieldByName(c.name)
	}
	switch c.spec.op {
	case regex:
		for _, a := range c.args {
			q.exprs = append(q.exprs, p.regex(a, c.fold))
		}
		if p.memos < maxRegexes {
			q.memo = p.memos
			p.memos++
		}
	case substr:
		for _, a := range c.args {
			q.parts = append(q.parts, []byte(a))
		}
	case equal, hostName, segments, firstParts, lastParts:
		q.fillSets()
	}
	return q
}

// fillSets makes the tables of predicates that compare whole strings.
func (p *pred) fillSets() {
	p.set = make(map[string]struct{}, len(p.args))
	for _, a := range p.args {
		switch {
		case p.spec.subject == client:
			p.nets.add(netip.MustParsePrefix(a), 0)
		case p.spec.op == hostName && a[0] == '*':
			if p.wild == nil {
				p.wild = map[string]struct{}{}
			}
			p.wild[a[1:]] = struct{}{}
		default:
			p.set[a] = struct{}{}
		}
	}
}

// eval reports whether p holds for r.
func (p *pred) eval(r *Request) bool {
	switch p.spec.subject {
	case client:
		return p.nets.has(r.client)
	case version:
		return r.head.Minor == 9
	case http2:
		return r.head.HTTP2
	case secure:
		return r.tls != nil
	case cert:
		return r.certificate() != nil
	}
	if p.memo < 0 {
		return p.test(r)
	}
	word, bit := p.memo>>6, uint64(1)<<(p.memo&63)
	if r.known[word]&bit == 0 {
		r.known[word] |= bit
		r.truth[word] &^= bit
		if p.test(r) {
			r.truth[word] |= bit
		}
	}
	return r.truth[word]&bit != 0
}

// test gets the subject of p and compares it.
func (p *pred) test(r *Request) bool {
	switch p.spec.subject {
	case cookie:
		return p.testCookies(r)
	case param:
		return p.testParams(r)
	case certName:
		return p.testNames(r)
	}
	v, ok := p.value(r)
	return ok && (len(p.args) == 0 || p.compare(v))
}

// value returns what p compares, in lower case if p folds and compares other
// than by regular expression; ok is false if the request has no such thing.
func (p *pred) value(r *Request) (v []byte, ok bool) {
	fold := p.fold && p.spec.op != regex
	switch p.spec.subject {
	case host, hostLabel, hostRest:
		return hostPart(r.Host(), p.spec.subject)
	case sni, sniLabel, sniRest:
		return hostPart(r.serverName(), p.spec.subject)
	case path:
		return r.casePath(fold), true
	case dir, file:
		v = r.casePath(fold)
		if v[0] != '/' {
			return nil, false
		}
		if p.spec.subject == dir {
			return v[:r.fileAt], true
		}
		return v[r.fileAt:], true
	case query:
		return r.caseQuery(fold), r.head.HasQuery
	case method:
		return r.head.Bytes(r.head.Method), true
	case tlsVersion, certSubject, certIssuer, certPrint:
		v, ok = r.tlsText(p.spec.subject)
		return r.caseValue(v, fold), ok
	}
	v, ok = r.field(p.id, p.name)
	return r.caseValue(v, fold), ok
}

// hostPart returns the part of the host h that s names.
func hostPart(h []byte, s subject) (part []byte, ok bool) {
	if len(h) == 0 || s == host || s == sni {
		return h, len(h) > 0
	}
	label, rest, dotted := bytes.Cut(h, []byte("."))
	if s == hostLabel || s == sniLabel {
		return label, true
	}
	return rest, dotted
}

// caseValue returns v, in lower case and in r's scratch memory if fold is set.
func (r *Request) caseValue(v []byte, fold bool) []byte {
	if !fold {
		return v
	}
	r.scratch = appendLower(r.scratch[:0], v)
	return r.scratch
}

// testCookies tries every cookie of p's name.
func (p *pred) testCookies(r *Request) bool {
	for _, c := range r.crumbs() {
		if string(c.name) != p.name {
			continue
		}
		if len(p.args) == 0 || p.compare(r.caseValue(c.value, p.fold && p.spec.op != regex)) {
			return true
		}
	}
	return false
}

// testParams tries every parameter of p's name.
func (p *pred) testParams(r *Request) bool {
	for rest, more := r.head.Bytes(r.head.Query), r.head.HasQuery; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, []byte("&"))
		name, value, _ := bytes.Cut(part, []byte("="))
		r.scratch = appendDecoded(r.scratch[:0], name)
		if string(r.scratch) != p.name {
			continue
		}
		if len(p.args) == 0 {
			return true
		}
		r.scratch = appendDecoded(r.scratch[:0], value)
		if p.fold {
			r.scratch = appendLower(r.scratch[:0], r.scratch)
		}
		if p.compare(r.scratch) {
			return true
		}
	}
	return false
}

// compare reports whether v fits one of p's strings.
func (p *pred) compare(v []byte) bool {
	switch p.spec.op {
	case equal:
		_, ok := p.set[string(v)]
		return ok
	case hostName:
		return p.compareHost(v)
	case segments:
		return p.compareSegments(v)
	case firstParts, lastParts:
		return p.compareParts(v)
	case regex:
		for _, e := range p.exprs {
			if e.Match(v) {
				return true
			}
		}
		return false
	case substr:
		for _, a := range p.parts {
			if bytes.Contains(v, a) {
				return true
			}
		}
		return false
	}
	for _, a := range p.args {
		switch {
		case len(a) > len(v):
		case p.spec.op == prefix && string(v[:len(a)]) == a:
			return true
		case p.spec.op == suffix && string(v[len(v)-len(a):]) == a:
			return true
		}
	}
	return false
}

// compareHost looks for the host v among the names, and for each of its
// parents among the wildcards.
func (p *pred) compareHost(v []byte) bool {
	if _, ok := p.set[string(v)]; ok || p.wild == nil {
		return ok
	}
	for i := 1; i < len(v); i++ {
		if v[i] == '.' {
			if _, ok := p.wild[string(v[i:])]; ok {
				return true
			}
		}
	}
	return false
}

// compareSegments looks for v, and for what stands before each of its slashes,
// among the prefixes.
func (p *pred) compareSegments(v []byte) bool {
	if v[0] != '/' {
		return false
	}
	if _, ok := p.set[string(v)]; ok {
		return true
	}
	for i := 0; i < len(v); i++ {
		if v[i] == '/' {
			if _, ok := p.set[string(v[:i])]; ok {
				return true
			}
		}
	}
	return false
}
