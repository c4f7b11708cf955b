// SPDX-License-Identifier: Apache-2.0

package match

import (
	"evener/firmware/message"
)

// buildIndex files clauses under what they imply.
func buildIndex(clauses []clause) index {
	b := newBook()
	for i := range clauses {
		b.count(&clauses[i].root)
	}
	lists := map[key][]int32{}
	for i := range clauses {
		if clauses[i].root.debugs() { // evaluated even where it cannot be true
			lists[key{}] = append(lists[key{}], int32(i))
			continue
		}
		for _, k := range b.keys(&clauses[i].root) {
			if l := lists[k]; len(l) == 0 || l[len(l)-1] != int32(i) {
				lists[k] = append(l, int32(i))
			}
		}
	}
	x := index{filed: make(map[key]span, len(lists))}
	used := make([]bool, len(b.list))
	shapes := map[shape]bool{}
	for k, l := range lists {
		s := span{from: uint32(len(x.order)), to: uint32(len(x.order) + len(l))}
		x.order = append(x.order, l...)
		if k == (key{}) {
			x.rest = s
			continue
		}
		x.filed[k] = s
		var sh shape
		for axis, f := range k {
			sh[axis], used[f] = f != 0, true
		}
		if !shapes[sh] {
			shapes[sh] = true
			x.shapes = append(x.shapes, sh)
		}
	}
	for f := fact(1); int(f) < len(used); f++ {
		if used[f] {
			x.learn(b.list[f], f)
		}
	}
	return x
}

// learn makes x find f.
func (x *index) learn(st statement, f fact) {
	switch st.kind {
	case hostIs, labelIs, hostEnds:
		x.hosts.learn(st.kind, st.text, f)
	case sniIs, sniLabelIs, sniEnds:
		x.names.learn(st.kind-sniIs+hostIs, st.text, f)
	case pathIs, pathBegins, pathWithin, pathEnds:
		x.paths[bit(st.fold)].learn(st, f)
	case headerIs, headerHas:
		x.fields.at(st.name).learn(st, f)
	case cookieIs, cookieHas:
		if x.crumbs == nil {
			x.crumbs = map[string]*valueIndex{}
		}
		if x.crumbs[st.name] == nil {
			x.crumbs[st.name] = &valueIndex{longest: -1}
		}
		x.crumbs[st.name].learn(st, f)
	case clientIs:
		x.nets.add(st.net, f)
	case methodIs:
		x.verbs = with(x.verbs, st.text, f)
	case overHTTP2:
		x.http2 = f
	default:
		x.tls.learn(st, f)
	}
}

func (x *hostIndex) learn(k kind, text string, f fact) {
	switch k {
	case hostIs:
		x.whole = with(x.whole, text, f)
	case labelIs:
		x.labels = with(x.labels, text, f)
	case hostEnds:
		x.ends.add(reversed(text), f, false)
	}
}

func (x *pathIndex) learn(st statement, f fact) {
	x.used = true
	switch st.kind {
	case pathIs:
		x.whole = with(x.whole, st.text, f)
	case pathEnds:
		x.ends.add(reversed(st.text), f, false)
	default:
		x.begins.add(st.text, f, st.kind == pathWithin)
	}
}

// at returns the place of the field called name, in lower case.
func (x *fieldIndex) at(name string) *valueIndex {
	x.used = true
	if id := message.FieldByName(name); id != message.OtherField {
		if x.known[id] == nil {
			x.known[id] = &valueIndex{longest: -1}
		}
		return x.known[id]
	}
	if x.other == nil {
		x.other = map[string]*valueIndex{}
	}
	if x.other[name] == nil {
		x.other[name] = &valueIndex{longest: -1}
	}
	return x.other[name]
}

func (x *valueIndex) learn(st statement, f fact) {
	if st.kind == headerHas || st.kind == cookieHas {
		x.present = f
		return
	}
	i := bit(st.fold)
	x.values[i] = with(x.values[i], st.text, f)
	x.longest = max(x.longest, len(st.text))
}

// with returns m, made if it is nil, with f under text.
func with(m map[string]fact, text string, f fact) map[string]fact {
	if m == nil {
		m = map[string]fact{}
	}
	m[text] = f
	return m
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
