// SPDX-License-Identifier: Apache-2.0

package match

import (
	"net/netip"
	"strings"

	"evener/firmware/message"
)

// A witness is a request made up to meet some terms.
type witness struct {
	head   message.Head
	client netip.Addr
	tls    *TLS
}

// request returns a request that meets those of alt that the index knows. It
// may miss terms that contradict or overlap each other.
func (w *witness) request(alt []term) *Request {
	begin, end := "", ""
	for _, t := range alt {
		if t.neg {
			continue
		}
		st, ok := statement{}, false
		if t.one {
			st, ok = t.pred.statement(t.arg)
		} else if sts := t.pred.statements(); len(sts) == 1 {
			st, ok = sts[0], true
		}
		if !ok {
			continue
		}
		switch st.kind {
		case pathIs, pathBegins:
			begin = st.text
		case pathWithin:
			begin = st.text + "/"
		case pathEnds:
			end = st.text
		default:
			w.state(st)
		}
	}
	if begin != "" && strings.HasPrefix(end, "/") {
		begin = strings.TrimSuffix(begin, "/")
	}
	if begin+end == "" || (begin + end)[0] != '/' && begin+end != "*" {
		begin = "/" + begin
	}
	w.head.Path = w.span(begin + end)
	r := &Request{}
	r.Reset(&w.head, w.client, Options{})
	r.SetTLS(w.tls)
	return r
}

// state makes a statement about something other than the path true.
func (w *witness) state(st statement) {
	switch st.kind {
	case hostIs:
		w.head.Authority = w.span(st.text)
	case labelIs:
		w.head.Authority = w.span(st.text + ".x")
	case hostEnds:
		w.head.Authority = w.span("x" + st.text)
	case clientIs:
		w.client = st.net.Addr()
	case methodIs:
		w.head.Method = w.span(st.text)
	case headerIs, headerHas:
		w.field(st.name, st.text)
	case cookieIs, cookieHas:
		w.field("cookie", st.name+"="+st.text)
	case overHTTP2:
		w.head.HTTP2 = true
	default:
		w.stateTLS(st)
	}
}

// stateTLS makes a statement about TLS true.
func (w *witness) stateTLS(st statement) {
	if w.tls == nil {
		w.tls = &TLS{}
	}
	switch st.kind {
	case sniIs:
		w.tls.ServerName = st.text
	case sniLabelIs:
		w.tls.ServerName = st.text + ".x"
	case sniEnds:
		w.tls.ServerName = "x" + st.text
	case tlsVersionIs:
		w.tls.Version = st.text
	case certShown:
		w.tls.Verified = true
	case subjectIs:
		w.tls.Verified, w.tls.Subject = true, st.text
	case issuerIs:
		w.tls.Verified, w.tls.Issuer = true, st.text
	case printIs:
		w.tls.Verified, w.tls.Fingerprint = true, st.text
	case sanIs:
		w.tls.Verified, w.tls.Names = true, append(w.tls.Names, st.text)
	}
}

func (w *witness) field(name, value string) {
	id := message.FieldByName(name)
	if id == message.Host {
		w.head.Authority = w.span(value)
		return
	}
	w.head.Fields = append(w.head.Fields, message.Field{Name: w.span(name), Value: w.span(value), ID: id})
}

// span adds s to the bytes of the head.
func (w *witness) span(s string) message.Span {
	at := len(w.head.Buf)
	w.head.Buf = append(w.head.Buf, s...)
	return message.Span{Off: uint32(at), Len: uint32(len(s))}
}
