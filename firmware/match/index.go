// SPDX-License-Identifier: Apache-2.0

package match

import (
	"bytes"
	"slices"

	"evener/firmware/message"
)

// An index finds the clauses that a request could meet. It looks up what is
// true of the request, axis by axis, and then the clauses that are filed under
// each combination of these facts (a tuple space search).
type index struct {
	hosts  hostIndex
	names  hostIndex // of servers, as TLS asks for them
	paths  [2]pathIndex
	fields fieldIndex
	crumbs map[string]*valueIndex
	nets   netTable
	verbs  map[string]fact
	tls    tlsIndex
	http2  fact

	filed  map[key]span // clauses by what they imply
	shapes []shape      // the combinations of axes that occur in filed
	rest   span         // clauses that imply nothing
	order  []int32      // what spans are stretches of; ascending in each
}

// A hostIndex finds the names of hosts.
type hostIndex struct {
	whole  map[string]fact
	labels map[string]fact // before the first dot
	ends   trie
}

// A pathIndex finds paths: [0] as they are, [1] in lower case.
type pathIndex struct {
	used   bool
	whole  map[string]fact
	begins trie
	ends   trie
}

// A fieldIndex finds the fields that rules ask for.
type fieldIndex struct {
	used  bool
	known [256]*valueIndex // by message.FieldID
	other map[string]*valueIndex
}

// A valueIndex finds the values of one field or cookie.
type valueIndex struct {
	present fact
	values  [2]map[string]fact // [1] in lower case
	longest int                // of values
}

// A span is a stretch of index.order.
type span struct{ from, to uint32 }

// A shape says for each axis whether keys have a fact of it.
type shape [axes]bool

// A cursor is a list of candidates that has not been read to its end; c is its
// next.
type cursor struct {
	c    int32
	left span // after c
}

// candidates starts the list of all clauses that r could meet: r.cursors is a
// heap by the next clause of each list.
func (x *index) candidates(r *Request) {
	x.lookUp(r)
	r.cursors = r.cursors[:0]
	x.push(r, x.rest)
	none := [...]fact{0}
	for _, sh := range x.shapes {
		var on [axes][]fact
		for axis := range sh {
			if on[axis] = none[:]; sh[axis] {
				on[axis] = r.facts[axis]
			}
		}
		for _, h := range on[hostAxis] {
			for _, p := range on[pathAxis] {
				for _, f := range on[restAxis] {
					if s, ok := x.filed[key{h, p, f}]; ok {
						x.push(r, s)
					}
				}
			}
		}
	}
}

// push adds the list s to the heap.
func (x *index) push(r *Request, s span) {
	if s.from == s.to {
		return
	}
	r.cursors = append(r.cursors, cursor{x.order[s.from], span{s.from + 1, s.to}})
	h := r.cursors
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up].c <= h[i].c {
			return
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
}

// next takes the first candidate off the heap, which is not empty.
func (x *index) next(r *Request) int32 {
	h := r.cursors
	top := h[0].c
	if left := h[0].left; left.from < left.to {
		h[0] = cursor{x.order[left.from], span{left.from + 1, left.to}}
	} else {
		h[0] = h[len(h)-1]
		h = h[:len(h)-1]
		r.cursors = h
	}
	for i := 0; ; {
		down := 2*i + 1
		if down >= len(h) {
			return top
		}
		if down+1 < len(h) && h[down+1].c < h[down].c {
			down++
		}
		if h[i].c <= h[down].c {
			return top
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}

// lookUp finds the facts that are true of r and that some clause needs.
func (x *index) lookUp(r *Request) {
	for i := range r.facts {
		r.facts[i] = r.facts[i][:0]
	}
	if x.hosts.used() {
		r.facts[hostAxis] = x.hosts.appendFacts(r.facts[hostAxis], r.Host())
	}
	if x.names.used() {
		r.facts[hostAxis] = x.names.appendFacts(r.facts[hostAxis], r.serverName())
	}
	for i := range x.paths {
		if p := &x.paths[i]; p.used {
			r.facts[pathAxis] = p.appendFacts(r.facts[pathAxis], r.casePath(i == 1))
		}
	}
	out := r.facts[restAxis]
	if x.fields.used {
		out = x.fields.appendFacts(out, r)
	}
	if len(x.crumbs) > 0 {
		for _, c := range r.crumbs() {
			if v := x.crumbs[string(c.name)]; v != nil {
				out = v.appendFacts(out, r, c.value)
			}
		}
	}
	out = x.nets.appendFacts(out, r.client)
	if len(x.verbs) > 0 {
		if f, ok := x.verbs[string(r.head.Bytes(r.head.Method))]; ok {
			out = append(out, f)
		}
	}
	out = x.tls.appendFacts(out, r)
	if x.http2 != 0 && r.head.HTTP2 {
		out = append(out, x.http2)
	}
	if len(out) > 32 { // the same cookie again and again
		slices.Sort(out)
		out = slices.Compact(out)
	}
	r.facts[restAxis] = out
}

// used reports whether x can find anything.
func (x *hostIndex) used() bool {
	return len(x.whole) > 0 || len(x.labels) > 0 || len(x.ends.nodes) > 0
}

func (x *hostIndex) appendFacts(dst []fact, h []byte) []fact {
	if f, ok := x.whole[string(h)]; ok {
		dst = append(dst, f)
	}
	dst = x.ends.appendEndings(dst, h)
	if len(x.labels) > 0 {
		label, _, _ := bytes.Cut(h, []byte("."))
		if f, ok := x.labels[string(label)]; ok {
			dst = append(dst, f)
		}
	}
	return dst
}

func (x *pathIndex) appendFacts(dst []fact, p []byte) []fact {
	if f, ok := x.whole[string(p)]; ok {
		dst = append(dst, f)
	}
	return x.ends.appendEndings(x.begins.appendBeginnings(dst, p), p)
}

func (x *fieldIndex) appendFacts(dst []fact, r *Request) []fact {
	if v := x.known[message.Host]; v != nil {
		if host, ok := r.field(message.Host, ""); ok {
			dst = v.appendFacts(dst, r, host)
		}
	}
	for i := range r.head.Fields {
		f := &r.head.Fields[i]
		v := x.known[f.ID]
		if f.ID == message.OtherField && len(x.other) > 0 {
			r.scratch = appendLower(r.scratch[:0], r.head.Bytes(f.Name))
			v = x.other[string(r.scratch)]
		}
		if v != nil && f.ID != message.Host {
			dst = v.appendFacts(dst, r, r.head.Bytes(f.Value))
		}
	}
	return dst
}

func (x *valueIndex) appendFacts(dst []fact, r *Request, v []byte) []fact {
	if x.present != 0 {
		dst = append(dst, x.present)
	}
	if len(v) > x.longest {
		return dst
	}
	if f, ok := x.values[0][string(v)]; ok {
		dst = append(dst, f)
	}
	if len(x.values[1]) > 0 {
		if f, ok := x.values[1][string(r.caseValue(v, true))]; ok {
			dst = append(dst, f)
		}
	}
	return dst
}
