// SPDX-License-Identifier: Apache-2.0

package match

import (
	"bytes"
	"net/netip"

	"evener/firmware/message"
)

// Options are the cluster's.
type Options struct {
	MergeSlashes bool // rules see "//" as "/"
}

// A Request is what rules see of a request: the head and, once a rule asks for
// them, the pieces that are computed from it. One value serves any number of
// requests in turn and keeps its memory; it is not safe for concurrent use.
type Request struct {
	Debug []string // what debug_message said since Reset; the caller logs it

	head    *message.Head
	client  netip.Addr
	tls     *TLS // nil for a connection in the clear
	options Options

	have     piece
	host     []byte
	path     []byte
	lowPath  []byte
	lowQuery []byte
	fileAt   int // where the file name begins in path
	cookies  []pair
	sni      []byte

	// Memory for the above and for values that are decoded or lowered.
	hostMem, pathMem, nameMem, scratch []byte

	// The regular expressions evaluated by this Match, and how they came out.
	known, truth [4]uint64

	facts   [axes][]fact // of this request
	cursors []cursor     // a heap of lists of candidates
}

// A piece is a set of the computed parts of a Request.
type piece uint8

const (
	haveHost piece = 1 << iota
	havePath
	haveLowPath
	haveLowQuery
	haveCookies
	haveServerName
)

// A pair is one cookie.
type pair struct{ name, value []byte }

// Reset makes r describe the request h from client. It keeps h: neither h nor
// its bytes may change while r is used. Unless SetTLS is called then, the
// request came in the clear.
func (r *Request) Reset(h *message.Head, client netip.Addr, o Options) {
	r.Debug = r.Debug[:0]
	r.head, r.options, r.have, r.tls = h, o, 0, nil
	r.client = client.Unmap().WithZone("")
}

// Host returns the host that the request is for, in lower case and without
// port and trailing dot; it is empty if the request names none. An IPv6
// address keeps its brackets.
func (r *Request) Host() []byte {
	if r.have&haveHost == 0 {
		r.have |= haveHost
		h := trimPort(r.head.Bytes(r.head.Authority))
		r.hostMem = appendLower(r.hostMem[:0], h)
		r.host = r.hostMem
	}
	return r.host
}

// trimPort cuts the port and one trailing dot from an authority.
func trimPort(a []byte) []byte {
	from := max(0, bytes.IndexByte(a, ']'))
	if i := bytes.IndexByte(a[from:], ':'); i >= 0 {
		a = a[:from+i]
	}
	return trimDot(a)
}

// trimDot cuts one dot from the end of h.
func trimDot(h []byte) []byte { return bytes.TrimSuffix(h, []byte(".")) }

// Path returns the normalised path: what rules compare, not what is forwarded.
func (r *Request) Path() []byte {
	if r.have&havePath == 0 {
		r.have |= havePath
		raw := r.head.Bytes(r.head.Path)
		r.path, r.pathMem = normalise(r.pathMem, raw, r.options.MergeSlashes)
		r.fileAt = bytes.LastIndexByte(r.path, '/') + 1
	}
	return r.path
}

// casePath returns the path, in lower case if fold is set.
func (r *Request) casePath(fold bool) []byte {
	p := r.Path()
	if !fold {
		return p
	}
	if r.have&haveLowPath == 0 {
		r.have |= haveLowPath
		r.lowPath = appendLower(r.lowPath[:0], p)
	}
	return r.lowPath
}

// caseQuery returns the query, in lower case if fold is set.
func (r *Request) caseQuery(fold bool) []byte {
	q := r.head.Bytes(r.head.Query)
	if !fold {
		return q
	}
	if r.have&haveLowQuery == 0 {
		r.have |= haveLowQuery
		r.lowQuery = appendLower(r.lowQuery[:0], q)
	}
	return r.lowQuery
}

// field returns the value of the first field called name. That of Host is the
// authority that is forwarded, even if the target of the request overrides the
// field (RFC 9112 section 3.2.2).
func (r *Request) field(id message.FieldID, name string) ([]byte, bool) {
	switch id {
	case message.Host:
		return r.head.Bytes(r.head.Authority), !r.head.Authority.Empty()
	case message.OtherField:
		return r.head.Lookup(name)
	}
	return r.head.Get(id)
}

// crumbs returns every cookie of every Cookie field (RFC 6265 section 5.4). A
// piece without "=" is no cookie; quotes are part of a value.
func (r *Request) crumbs() []pair {
	if r.have&haveCookies != 0 {
		return r.cookies
	}
	r.have |= haveCookies
	r.cookies = r.cookies[:0]
	for i := range r.head.Fields {
		f := &r.head.Fields[i]
		if f.ID != message.Cookie {
			continue
		}
		for rest, more := r.head.Bytes(f.Value), true; more; {
			var crumb []byte
			crumb, rest, more = bytes.Cut(rest, []byte(";"))
			if name, value, ok := bytes.Cut(crumb, []byte("=")); ok {
				r.cookies = append(r.cookies, pair{trimBlank(name), trimBlank(value)})
			}
		}
	}
	return r.cookies
}

// trimBlank cuts spaces and tabs from both ends of b.
func trimBlank(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// appendDecoded appends a name or value of a query to dst: "+" is a space, and
// a "%" that encodes nothing stands for itself.
func appendDecoded(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if v, ok := unhex(s[i:]); ok {
				c = v
				i += 2
			}
		}
		dst = append(dst, c)
	}
	return dst
}
