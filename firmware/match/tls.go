// SPDX-License-Identifier: Apache-2.0

package match

// A TLS is what rules may know of the TLS of a request's connection. It stays
// the same for all requests of a connection, so the caller makes it once.
type TLS struct {
	Version    string // "1.2" or "1.3"
	ServerName string // what the client asked for (RFC 6066 section 3), "" if nothing

	// The client's certificate. Rules see it only if it was verified.
	Verified    bool
	Subject     string   // RFC 4514, printable ASCII: other bytes are written as \C3
	Issuer      string   // likewise
	Fingerprint string   // SHA-256 of the certificate, 64 lower-case hexadecimal digits
	Names       []string // its DNS, e-mail and URI names (RFC 5280 section 4.2.1.6)
}

// SetTLS says that r came over TLS; call it after Reset. It keeps t, which must
// not change while r is used. Without it, or with nil, r came in the clear.
func (r *Request) SetTLS(t *TLS) {
	r.tls = t
	r.have &^= haveServerName
}

// serverName returns the name that the client asked for in its handshake, in
// lower case and without a dot at its end; empty if it asked for none.
func (r *Request) serverName() []byte {
	if r.have&haveServerName == 0 {
		r.have |= haveServerName
		r.nameMem = r.nameMem[:0]
		if r.tls != nil {
			r.nameMem = append(r.nameMem, r.tls.ServerName...)
		}
		r.sni = trimDot(appendLower(r.nameMem[:0], r.nameMem))
	}
	return r.sni
}

// certificate returns what is known of the verified certificate of the client,
// nil if it has shown none.
func (r *Request) certificate() *TLS {
	if r.tls == nil || !r.tls.Verified {
		return nil
	}
	return r.tls
}

// tlsText returns the one text that s stands for. It is in r's scratch memory.
func (r *Request) tlsText(s subject) (v []byte, ok bool) {
	t := r.tls
	if s != tlsVersion {
		t = r.certificate()
	}
	if t == nil {
		return nil, false
	}
	text := t.Version
	switch s {
	case certSubject:
		text = t.Subject
	case certIssuer:
		text = t.Issuer
	case certPrint:
		text = t.Fingerprint
	}
	r.scratch = append(r.scratch[:0], text...)
	return r.scratch, true
}

// testNames tries every name of the client's certificate.
func (p *pred) testNames(r *Request) bool {
	t := r.certificate()
	if t == nil {
		return false
	}
	for _, name := range t.Names {
		r.scratch = append(r.scratch[:0], name...)
		if p.compare(r.caseValue(r.scratch, p.fold && p.spec.op != regex)) {
			return true
		}
	}
	return false
}

// A tlsIndex finds what rules ask of TLS.
type tlsIndex struct {
	secure, cert            fact
	versions, prints        map[string]fact
	subjects, issuers, sans valueIndex
}

func (x *tlsIndex) learn(st statement, f fact) {
	switch st.kind {
	case isSecure:
		x.secure = f
	case certShown:
		x.cert = f
	case tlsVersionIs:
		x.versions = with(x.versions, st.text, f)
	case printIs:
		x.prints = with(x.prints, st.text, f)
	case subjectIs:
		x.subjects.learn(st, f)
	case issuerIs:
		x.issuers.learn(st, f)
	case sanIs:
		x.sans.learn(st, f)
	}
}

func (x *tlsIndex) appendFacts(dst []fact, r *Request) []fact {
	if r.tls == nil {
		return dst
	}
	if x.secure != 0 {
		dst = append(dst, x.secure)
	}
	if f, ok := x.versions[r.tls.Version]; ok {
		dst = append(dst, f)
	}
	t := r.certificate()
	if t == nil {
		return dst
	}
	if x.cert != 0 {
		dst = append(dst, x.cert)
	}
	if f, ok := x.prints[t.Fingerprint]; ok {
		dst = append(dst, f)
	}
	dst = x.subjects.appendTextFacts(dst, r, t.Subject)
	dst = x.issuers.appendTextFacts(dst, r, t.Issuer)
	for _, name := range t.Names {
		dst = x.sans.appendTextFacts(dst, r, name)
	}
	return dst
}

// appendTextFacts is appendFacts for a string.
func (x *valueIndex) appendTextFacts(dst []fact, r *Request, v string) []fact {
	if len(v) > x.longest {
		return dst
	}
	r.scratch = append(r.scratch[:0], v...)
	return x.appendFacts(dst, r, r.scratch)
}
