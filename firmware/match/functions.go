// SPDX-License-Identifier: Apache-2.0

package match

import "strings"

// A subject is the part of a request that a function looks at.
type subject uint8

const (
	nothing   subject = iota // the function is a constant or a switch
	host                     // lower case, without port
	hostLabel                // the host before its first dot
	hostRest                 // the host after its first dot
	path                     // normalised
	dir                      // the path up to its last slash, with it
	file                     // the path after its last slash
	query                    // as received, without "?"
	param                    // one parameter of the query, decoded
	header                   // the first field of a name
	cookie                   // every cookie of a name
	method
	client
	version
	http2       // the request came by HTTP/2
	secure      // the connection is TLS
	tlsVersion  // of it
	sni         // the server name of the handshake, lower case
	sniLabel    // it before its first dot
	sniRest     // it after its first dot
	cert        // the client has shown a certificate that was verified
	certSubject // its subject
	certIssuer  // its issuer
	certPrint   // its fingerprint
	certName    // every alternative name of it
)

// ofTLS reports whether what looks at s is false without TLS.
func (s subject) ofTLS() bool { return s >= secure }

// ofCert reports whether what looks at s is false without a verified
// certificate of the client.
func (s subject) ofCert() bool { return s >= cert }

// A comparison is how a function compares its subject with a string.
type comparison uint8

const (
	equal comparison = iota
	prefix
	suffix
	substr
	regex
	hostName   // equal, or under "*.": a wildcard
	segments   // equal, or a prefix that ends before a slash
	firstParts // equal, or the first whole parts of a distinguished name
	lastParts  // equal, or the last
)

// A spec describes one function of the language. Every function that compares
// takes several strings and is true if one of them fits.
type spec struct {
	name    string
	subject subject
	op      comparison
	named   bool // the first argument is the name of a field, cookie or parameter
	min     int  // fewest arguments, name included
	max     int  // most; many for no limit
	example string
}

const many = 1 << 30

// The functions that look at nothing of the request are told apart by name.
const (
	fnAny         = "any"
	fnDebug       = "debug_message"
	fnIgnoreCase  = "ignore_case"
	fnObserveCase = "observe_case"
)

// functions is the language: every function there is.
var functions = []spec{
	{name: fnAny, example: `any()`},
	{name: fnDebug, min: 1, max: 1, example: `debug_message("rule 3 was tried")`},
	{name: fnIgnoreCase, example: `ignore_case()`},
	{name: fnObserveCase, example: `observe_case()`},

	{name: "client_ip", subject: client, min: 1, max: many, example: `client_ip("10.10.10/24")`},
	{name: "method", subject: method, min: 1, max: many, example: `method("GET", "HEAD")`},
	{name: "http_09", subject: version, example: `http_09()`},
	{name: "http_2", subject: http2, example: `http_2()`},

	{name: "tls", subject: secure, example: `tls()`},
	{name: "tls_version", subject: tlsVersion, op: equal, min: 1, max: many, example: `tls_version("1.3")`},
	{name: "sni", subject: sni, op: hostName, min: 1, max: many, example: `sni("www.example.com")`},
	{name: "sni_prefix", subject: sniLabel, op: equal, min: 1, max: many, example: `sni_prefix("www")`},
	{name: "sni_suffix", subject: sniRest, op: equal, min: 1, max: many, example: `sni_suffix("example.com")`},
	{name: "sni_substr", subject: sni, op: substr, min: 1, max: many, example: `sni_substr("shop")`},
	{name: "sni_regex", subject: sni, op: regex, min: 1, max: many, example: `sni_regex("^www[0-9]+\\.")`},

	{name: "client_cert", subject: cert, example: `client_cert()`},
	{name: "client_cert_subject", subject: certSubject, op: equal, min: 1, max: many, example: `client_cert_subject("CN=alice,O=Example,C=CH")`},
	{name: "client_cert_subject_prefix", subject: certSubject, op: firstParts, min: 1, max: many, example: `client_cert_subject_prefix("CN=alice")`},
	{name: "client_cert_subject_suffix", subject: certSubject, op: lastParts, min: 1, max: many, example: `client_cert_subject_suffix("O=Example,C=CH")`},
	{name: "client_cert_subject_substr", subject: certSubject, op: substr, min: 1, max: many, example: `client_cert_subject_substr("OU=Staff")`},
	{name: "client_cert_subject_regex", subject: certSubject, op: regex, min: 1, max: many, example: `client_cert_subject_regex("^CN=[a-z]+,")`},
	{name: "client_cert_issuer", subject: certIssuer, op: equal, min: 1, max: many, example: `client_cert_issuer("CN=Staff CA,O=Example,C=CH")`},
	{name: "client_cert_issuer_prefix", subject: certIssuer, op: firstParts, min: 1, max: many, example: `client_cert_issuer_prefix("CN=Staff CA")`},
	{name: "client_cert_issuer_suffix", subject: certIssuer, op: lastParts, min: 1, max: many, example: `client_cert_issuer_suffix("O=Example,C=CH")`},
	{name: "client_cert_issuer_substr", subject: certIssuer, op: substr, min: 1, max: many, example: `client_cert_issuer_substr("Staff CA")`},
	{name: "client_cert_issuer_regex", subject: certIssuer, op: regex, min: 1, max: many, example: `client_cert_issuer_regex("CA [0-9]+,")`},
	{name: "client_cert_fingerprint", subject: certPrint, op: equal, min: 1, max: many, example: `client_cert_fingerprint("` + strings.Repeat("ab", 32) + `")`},
	{name: "client_cert_san", subject: certName, op: equal, min: 1, max: many, example: `client_cert_san("alice@example.com")`},
	{name: "client_cert_san_prefix", subject: certName, op: prefix, min: 1, max: many, example: `client_cert_san_prefix("spiffe://example.com/")`},
	{name: "client_cert_san_suffix", subject: certName, op: suffix, min: 1, max: many, example: `client_cert_san_suffix("@example.com")`},
	{name: "client_cert_san_substr", subject: certName, op: substr, min: 1, max: many, example: `client_cert_san_substr("/ns/shop/")`},
	{name: "client_cert_san_regex", subject: certName, op: regex, min: 1, max: many, example: `client_cert_san_regex("^spiffe://[^/]+/ns/shop/")`},

	{name: "host", subject: host, op: hostName, min: 1, max: many, example: `host("www.example.com")`},
	{name: "host_prefix", subject: hostLabel, op: equal, min: 1, max: many, example: `host_prefix("www")`},
	{name: "host_suffix", subject: hostRest, op: equal, min: 1, max: many, example: `host_suffix("example.com")`},
	{name: "host_substr", subject: host, op: substr, min: 1, max: many, example: `host_substr("shop")`},
	{name: "host_regex", subject: host, op: regex, min: 1, max: many, example: `host_regex("^www[0-9]+\\.")`},

	{name: "path_prefix", subject: path, op: segments, min: 1, max: many, example: `path_prefix("/v1/")`},
	{name: "pathname", subject: path, op: equal, min: 1, max: many, example: `pathname("/index.html")`},
	{name: "pathname_prefix", subject: path, op: prefix, min: 1, max: many, example: `pathname_prefix("/img")`},
	{name: "pathname_suffix", subject: path, op: suffix, min: 1, max: many, example: `pathname_suffix(".jpg")`},
	{name: "pathname_substr", subject: path, op: substr, min: 1, max: many, example: `pathname_substr("/img/")`},
	{name: "pathname_regex", subject: path, op: regex, min: 1, max: many, example: `pathname_regex("^/u/[0-9]+$")`},

	{name: "dirname", subject: dir, op: equal, min: 1, max: many, example: `dirname("/img/")`},
	{name: "dirname_prefix", subject: dir, op: prefix, min: 1, max: many, example: `dirname_prefix("/img/")`},
	{name: "dirname_suffix", subject: dir, op: suffix, min: 1, max: many, example: `dirname_suffix("/thumbs/")`},
	{name: "dirname_substr", subject: dir, op: substr, min: 1, max: many, example: `dirname_substr("/cache/")`},
	{name: "dirname_regex", subject: dir, op: regex, min: 1, max: many, example: `dirname_regex("/[0-9]{4}/$")`},

	{name: "filename", subject: file, op: equal, min: 1, max: many, example: `filename("robots.txt")`},
	{name: "filename_prefix", subject: file, op: prefix, min: 1, max: many, example: `filename_prefix("report-")`},
	{name: "filename_suffix", subject: file, op: suffix, min: 1, max: many, example: `filename_suffix(".png", ".jpg")`},
	{name: "filename_substr", subject: file, op: substr, min: 1, max: many, example: `filename_substr("2026")`},
	{name: "filename_regex", subject: file, op: regex, min: 1, max: many, example: `filename_regex("^[a-f0-9]+\\.js$")`},

	{name: "query", subject: query, op: equal, min: 1, max: many, example: `query("wsdl")`},
	{name: "query_prefix", subject: query, op: prefix, min: 1, max: many, example: `query_prefix("page=")`},
	{name: "query_suffix", subject: query, op: suffix, min: 1, max: many, example: `query_suffix("&debug=1")`},
	{name: "query_substr", subject: query, op: substr, min: 1, max: many, example: `query_substr("lang=de")`},
	{name: "query_regex", subject: query, op: regex, min: 1, max: many, example: `query_regex("(^|&)id=[0-9]+(&|$)")`},
	{name: "query_param", subject: param, op: equal, named: true, min: 1, max: many, example: `query_param("lang", "de")`},

	{name: "header", subject: header, op: equal, named: true, min: 1, max: many, example: `header("X-Tier", "gold")`},
	{name: "header_prefix", subject: header, op: prefix, named: true, min: 2, max: many, example: `header_prefix("Accept-Language", "de")`},
	{name: "header_suffix", subject: header, op: suffix, named: true, min: 2, max: many, example: `header_suffix("Referer", "/cart")`},
	{name: "header_substr", subject: header, op: substr, named: true, min: 2, max: many, example: `header_substr("User-Agent", "curl/")`},
	{name: "header_regex", subject: header, op: regex, named: true, min: 2, max: many, example: `header_regex("User-Agent", "(Android|iPhone)")`},

	{name: "cookie", subject: cookie, op: equal, named: true, min: 1, max: many, example: `cookie("group", "b")`},
	{name: "cookie_prefix", subject: cookie, op: prefix, named: true, min: 2, max: many, example: `cookie_prefix("session", "eu-")`},
	{name: "cookie_suffix", subject: cookie, op: suffix, named: true, min: 2, max: many, example: `cookie_suffix("session", ".web1")`},
	{name: "cookie_substr", subject: cookie, op: substr, named: true, min: 2, max: many, example: `cookie_substr("prefs", "dark")`},
	{name: "cookie_regex", subject: cookie, op: regex, named: true, min: 2, max: many, example: `cookie_regex("ab", "^[0-4]$")`},
}

// byName finds a function.
var byName = func() map[string]*spec {
	m := make(map[string]*spec, len(functions))
	for i := range functions {
		m[functions[i].name] = &functions[i]
	}
	return m
}()

// takes says in words what arguments s wants.
func (s *spec) takes() string {
	switch {
	case s.max == 0:
		return "no argument"
	case s.max == 1:
		return "one string"
	case s.named && s.min == 1:
		return "a name and any number of values"
	case s.named:
		return "a name and one or more strings"
	}
	return "one or more strings"
}

// folds reports whether letters are compared without regard to case when the
// rule's flag is ignore: hosts always are (RFC 3986 section 6.2.2.1, RFC 6066
// section 3), methods never (RFC 9110 section 9.1).
func (s *spec) folds(ignore bool) bool {
	switch s.subject {
	case host, hostLabel, hostRest, sni, sniLabel, sniRest:
		return true
	case method, client, version, http2, secure, tlsVersion, cert, certPrint, nothing:
		return false
	}
	return ignore
}
