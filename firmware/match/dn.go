// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"net/netip"
	"strings"
)

// checkDN checks a string that is compared with a distinguished name or with
// whole parts of one, and brings it into the form of [TLS.Subject]: no blanks
// around parts, special characters with a backslash before them, bytes other
// than printable ASCII as a backslash and two digits (RFC 4514 section 2.4).
func checkDN(s *spec, v string) (canonical, msg string) {
	if s.op == substr {
		return string(appendDNText(nil, v, false)), ""
	}
	if v == "" {
		return "", "the string is empty"
	}
	if strings.HasPrefix(v, "/") {
		return "", fmt.Sprintf("%q: a name is written most specific part first, with commas, such as %s", v, s.example)
	}
	var out []byte
	for i, part := range cutDN(v, ',') {
		if i > 0 {
			out = append(out, ',')
		}
		for j, attribute := range cutDN(part, '+') {
			if j > 0 {
				out = append(out, '+')
			}
			kind, value, ok := strings.Cut(attribute, "=")
			kind = strings.TrimSpace(kind)
			if !ok || !isToken(kind) {
				return "", fmt.Sprintf("%q has the part %q, which is no attribute such as \"CN=alice\"; "+
					`a comma inside a value is written \\,`, v, attribute)
			}
			out = append(append(out, kind...), '=')
			if out, ok = appendDNValue(out, trimDN(value)); !ok {
				return "", fmt.Sprintf("%q: a backslash stands before a special character or two hexadecimal digits, "+
					"a # at the beginning of a value before hexadecimal digits only", v)
			}
		}
	}
	return string(out), ""
}

// cutDN cuts a name at each sep that has no backslash before it.
func cutDN(v string, sep byte) (parts []string) {
	from := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case sep:
			parts = append(parts, v[from:i])
			from = i + 1
		}
	}
	return append(parts, v[from:])
}

// trimDN cuts blanks from both ends, but none that has a backslash before it.
func trimDN(v string) string {
	v = strings.TrimLeft(v, " ")
	for strings.HasSuffix(v, " ") && !strings.HasSuffix(v, `\ `) {
		v = v[:len(v)-1]
	}
	return v
}

// appendDNValue appends the canonical form of one value. ok is false if a
// backslash or number sign in it stands before nothing that it can.
func appendDNValue(dst []byte, v string) (out []byte, ok bool) {
	if strings.HasPrefix(v, "#") { // the encoding in hexadecimal
		h := lowered(v[1:])
		return append(append(dst, '#'), h...), len(h) > 0 && len(h)%2 == 0 && strings.Trim(h, "0123456789abcdef") == ""
	}
	var plain []byte
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '\\' {
			if i++; i == len(v) {
				return dst, false
			}
			c = v[i]
			if d := digit(c); d < 16 && i+1 < len(v) && digit(v[i+1]) < 16 {
				i++
				c = d<<4 | digit(v[i])
			} else if strings.IndexByte(`"+,;<>\=# `, c) < 0 {
				return dst, false
			}
		}
		plain = append(plain, c)
	}
	return appendDNText(dst, string(plain), true), true
}

// appendDNText appends text as it stands in a name. With value it is a whole
// value, whose special characters are escaped; else a stretch of a name, whose
// special characters are what they seem.
func appendDNText(dst []byte, text string, value bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		first, last := i == 0, i == len(text)-1
		switch {
		case c < ' ' || c > '~':
			dst = append(dst, '\\', hex[c>>4], hex[c&15])
			continue
		case !value:
		case strings.IndexByte(`"+,;<>\=`, c) >= 0, first && (c == '#' || c == ' '), last && c == ' ':
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return dst
}

// compareParts looks among the names for v and for what whole parts at one end
// of v spell.
func (p *pred) compareParts(v []byte) bool {
	if _, ok := p.set[string(v)]; ok {
		return true
	}
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' {
			i++
			continue
		}
		if v[i] != ',' {
			continue
		}
		part := v[:i]
		if p.spec.op == lastParts {
			part = v[i+1:]
		}
		if _, ok := p.set[string(part)]; ok {
			return true
		}
	}
	return false
}

// checkTLSVersion checks a version of TLS.
func checkTLSVersion(v string) (canonical, msg string) {
	switch short := strings.TrimLeft(lowered(v), "tlsv "); short {
	case "1.2", "1.3":
		if short != v {
			return "", fmt.Sprintf("write %q", short)
		}
		return v, ""
	case "1", "1.0", "1.1":
		return "", fmt.Sprintf(`TLS %s is refused, so this is never true; the versions are "1.2" and "1.3"`, short)
	}
	return "", fmt.Sprintf(`%q is no version of TLS: these are "1.2" and "1.3"`, v)
}

// checkFingerprint checks a SHA-256 hash, with or without colons.
func checkFingerprint(v string) (canonical, msg string) {
	h := strings.ReplaceAll(lowered(v), ":", "")
	switch {
	case strings.Trim(h, "0123456789abcdef") != "":
		return "", fmt.Sprintf("%q is not hexadecimal", v)
	case len(h) == 40:
		return "", "this is a SHA-1 fingerprint; write that of SHA-256, which has 64 digits"
	case len(h) != 64:
		return "", fmt.Sprintf("a SHA-256 fingerprint has 64 digits, not %d", len(h))
	}
	return h, ""
}

// checkSAN checks a string that is compared with the names of a certificate.
func checkSAN(s *spec, v string) (canonical, msg string) {
	if s.op == substr && v != "" && isASCII(v) {
		return v, ""
	}
	_, err := netip.ParseAddr(v)
	switch {
	case v == "":
		return "", "the string is empty"
	case !isASCII(v):
		return "", fmt.Sprintf("%q: certificates have DNS names in their xn-- form and URIs percent-encoded", v)
	case strings.Contains(v, " "):
		return "", fmt.Sprintf("%q has a blank, which no name has", v)
	case err == nil && s.op == equal:
		return "", fmt.Sprintf("%q: addresses are not compared, only DNS, e-mail and URI names", v)
	}
	return v, ""
}
