// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"strings"
	"testing"

	"evener/firmware/message"
)

// A request in the form of tests: its head is made by head.
type request struct {
	method, host, target string
	fields               []string // "Name: value"
}

// head makes a head as a codec would: several Cookie fields are Hop.
func (q request) head() *message.Head {
	h := &message.Head{Minor: 1}
	span := func(s string) message.Span {
		at := len(h.Buf)
		h.Buf = append(h.Buf, s...)
		return message.Span{Off: uint32(at), Len: uint32(len(s))}
	}
	if q.method == "" {
		q.method = "GET"
	}
	h.Method, h.Authority, h.Target = span(q.method), span(q.host), span(q.target)
	path, query, has := strings.Cut(q.target, "?")
	h.Path, h.Query, h.HasQuery = span(path), span(query), has
	cookies := 0
	for _, f := range q.fields {
		name, value, _ := strings.Cut(f, ": ")
		id := message.FieldByName(name)
		if id == message.Cookie {
			cookies++
		}
		h.Fields = append(h.Fields, message.Field{Name: span(name), Value: span(value), ID: id,
			Hop: id == message.Host || id == message.Connection || id == message.ContentLength})
	}
	if cookies > 1 {
		for i := range h.Fields {
			h.Fields[i].Hop = h.Fields[i].Hop || h.Fields[i].ID == message.Cookie
		}
	}
	return h
}

// sent writes the fields of h and c as the HTTP/1 codec does.
func sent(h *message.Head, c *Changes) string {
	var b strings.Builder
	var cookies []string
	for _, from := range []*message.Head{h, &c.Extra} {
		for _, f := range from.Fields {
			if f.ID == message.Cookie && from == h {
				cookies = append(cookies, string(h.Bytes(f.Value)))
			}
			if !f.Hop {
				b.WriteString(string(from.Bytes(f.Name)) + ": " + string(from.Bytes(f.Value)) + "\n")
			}
		}
		if from == h && len(cookies) > 1 {
			b.WriteString("Cookie: " + strings.Join(cookies, "; ") + "\n")
		}
	}
	return b.String()
}

// A stub is a source of fixed values.
type stub struct {
	head   *message.Head
	values map[Kind]string
}

func (s *stub) AppendVar(dst []byte, v Var) []byte {
	if v.Kind.inHead() {
		return v.AppendFrom(dst, s.head)
	}
	return append(dst, s.values[v.Kind]...)
}

// everywhere is a stub that has bytes to break out with for all variables.
type everywhere string

func (s everywhere) AppendVar(dst []byte, _ Var) []byte { return append(dst, s...) }

func compileOps(t testing.TB, d Direction, ops ...Op) *Ops {
	t.Helper()
	o, problems := CompileOps(d, ops)
	if o == nil {
		t.Fatalf("CompileOps(%v): %v", ops, problems)
	}
	return o
}
