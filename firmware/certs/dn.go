// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"net/url"
	"strings"
)

// dnTypes are the short names of attribute types: the table of RFC 4514 section
// 3, and those that OpenSSL writes and administrators expect.
var dnTypes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C",
	"2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
	"2.5.4.5": "serialNumber", "2.5.4.4": "SN", "2.5.4.42": "GN", "2.5.4.12": "title",
	"2.5.4.17": "postalCode", "1.2.840.113549.1.9.1": "emailAddress",
}

// SubjectDN returns the subject of a certificate in the form of RFC 4514 (and so
// of RFC 2253): most specific part first, such as "CN=a,O=b\, c,C=CH". All bytes
// are printable ASCII, others are written as a backslash and two hexadecimal
// digits, so it can stand in a header field and cannot end it.
func SubjectDN(c *x509.Certificate) string { return formatDN(c.RawSubject) }

// IssuerDN returns the issuer of a certificate in the form of [SubjectDN].
func IssuerDN(c *x509.Certificate) string { return formatDN(c.RawIssuer) }

// An attribute is one part of a name, whatever the type of its value.
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// formatDN writes a DER-encoded name. crypto/x509/pkix would put its parts into
// another order and let control characters through.
func formatDN(der []byte) string {
	var rdns []rdnSET
	if rest, err := asn1.Unmarshal(der, &rdns); err != nil || len(rest) > 0 {
		return "#" + hex.EncodeToString(der)
	}
	var b strings.Builder
	for i := len(rdns) - 1; i >= 0; i-- {
		for j, a := range rdns[i] {
			switch {
			case j > 0:
				b.WriteByte('+')
			case b.Len() > 0:
				b.WriteByte(',')
			}
			writeAttribute(&b, a)
		}
	}
	return b.String()
}

// rdnSET is a relative name; encoding/asn1 takes the suffix SET for the type.
type rdnSET []attribute

func writeAttribute(b *strings.Builder, a attribute) {
	name, known := dnTypes[a.Type.String()]
	if !known {
		name = a.Type.String()
	}
	b.WriteString(name)
	b.WriteByte('=')
	var text string
	if _, err := asn1.Unmarshal(a.Value.FullBytes, &text); err != nil || !known {
		b.WriteByte('#') // RFC 4514 section 2.4: no string form
		b.WriteString(hex.EncodeToString(a.Value.FullBytes))
		return
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case c < ' ' || c > '~':
			b.WriteByte('\\')
			b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
			continue
		case strings.IndexByte(`"+,;<>\=`, c) >= 0, i == 0 && (c == '#' || c == ' '), i == len(text)-1 && c == ' ':
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
}

// EscapedPEM returns a certificate as PEM in one line that may stand in a header
// field: URL-encoded, as nginx does in $ssl_client_escaped_cert and as servers
// know to undo.
func EscapedPEM(c *x509.Certificate) string {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	// QueryEscape turns a space into +, which servers leave as it is.
	return strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20")
}
