// SPDX-License-Identifier: Apache-2.0

package match

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// checkHost checks a string that is compared with a host or a part of one.
func checkHost(s *spec, v string) (canonical, msg string) {
	h := lowered(v)
	if s.op == hostName || s.subject == hostRest || s.subject == sniRest {
		h = strings.TrimSuffix(h, ".")
	}
	rest := strings.TrimPrefix(h, "*.")
	switch {
	case h == "" || rest == "":
		return "", "the string is empty"
	case strings.ContainsAny(h, "/ @"):
		return "", fmt.Sprintf("%q is not a host name: write it without scheme and path", v)
	case !isASCII(h):
		return "", fmt.Sprintf("%q: write a name with other letters than a to z in its xn-- form", v)
	case hasPort(h):
		return "", fmt.Sprintf("%q: a host is compared without its port", v)
	case s.subject == sni && s.op == hostName && isAddress(h):
		return "", fmt.Sprintf("%q: clients send no server name when they ask for an address", v)
	}
	if strings.Contains(h, "*") && (s.op != hostName || strings.Contains(rest, "*")) {
		return "", fmt.Sprintf("%q: a \"*\" stands only for whole labels at the beginning of host, "+
			"such as host(\"*.example.com\")", v)
	}
	if (s.subject == hostLabel || s.subject == sniLabel) && strings.Contains(h, ".") {
		label, _, _ := strings.Cut(h, ".")
		return "", fmt.Sprintf("the prefix is what stands before the first dot: write %q", label)
	}
	if (s.subject == hostRest || s.subject == sniRest) && h[0] == '.' {
		return "", fmt.Sprintf("the suffix is what stands after the first dot: write %q", h[1:])
	}
	if s.op == equal || s.op == hostName {
		if strings.HasPrefix(rest, ".") || strings.Contains(h, "..") {
			return "", fmt.Sprintf("%q has an empty label", v)
		}
	}
	return h, ""
}

// isAddress reports whether h is an IP address, in brackets or not.
func isAddress(h string) bool {
	_, err := netip.ParseAddr(strings.Trim(h, "[]"))
	return err == nil
}

func isASCII(s string) bool {
	for _, c := range []byte(s) {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// hasPort reports whether h has a colon outside of the brackets of an address.
func hasPort(h string) bool {
	return strings.Contains(h[strings.IndexByte(h, ']')+1:], ":")
}

// checkPath checks a string that is compared with a path or a part of one, and
// normalises its percent-encoding as that of the path is.
func checkPath(s *spec, v string) (canonical, msg string) {
	if v == "*" && s.subject == path && s.op == equal {
		return v, "" // of OPTIONS *
	}
	if v == "" && !(s.subject == file && s.op == equal) {
		return "", "the string is empty"
	}
	if strings.ContainsAny(v, "?#") {
		return "", `a path ends before "?" and "#"; query functions compare what follows "?"`
	}
	c := string(appendEncoded(nil, []byte(v), false))
	if s.subject == file {
		if strings.Contains(c, "/") {
			return "", "a file name has no slash; dirname functions compare what stands before it"
		}
		return c, ""
	}
	if (s.op == equal || s.op == prefix || s.op == segments) && c[0] != '/' {
		return "", fmt.Sprintf("a path begins with a slash: write %q", "/"+v)
	}
	if s.subject == dir && (s.op == equal || s.op == suffix) && c[len(c)-1] != '/' {
		return "", fmt.Sprintf("a directory ends with a slash: write %q", v+"/")
	}
	return resolved(s, c)
}

// resolved refuses a path with dot segments, which the path of a request never
// has once it is normalised, and brings that of path_prefix into its form.
func resolved(s *spec, p string) (canonical, msg string) {
	dots := strings.Contains(p, "/./") || strings.Contains(p, "/../")
	if s.op == equal || s.op == segments || s.op == suffix {
		dots = dots || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")
	}
	if dots {
		b := []byte(p)
		if p[0] != '/' {
			return "", "rules compare the normalised path, which has no dot segments"
		}
		return "", fmt.Sprintf("rules compare the normalised path, which has no dot segments: write %q",
			b[:removeDots(b)])
	}
	if s.op == segments {
		return strings.TrimSuffix(p, "/"), ""
	}
	return p, ""
}

// checkNet checks an address or network and returns it as a prefix.
func checkNet(v string) (canonical, msg string) {
	p, msg := parseNet(v)
	if msg != "" {
		return "", msg
	}
	if m := p.Masked(); m != p {
		return "", fmt.Sprintf("%s has bits beyond its mask: write %q", v, m)
	}
	return p.String(), ""
}

// parseNet parses an address, a network or the short form of an IPv4 network
// that leaves out zero octets at its end, such as 10.10.10/24.
func parseNet(v string) (p netip.Prefix, msg string) {
	text, mask, masked := strings.Cut(v, "/")
	if masked && strings.Trim(text, "0123456789.") == "" {
		for n := strings.Count(text, "."); n < 3; n++ {
			text += ".0"
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return p, fmt.Sprintf("%q is no address or network; these are such as "+
			`"192.0.2.7", "10.10.10/24" or "2001:db8::/32"`, v)
	}
	if a.Is4In6() {
		return p, fmt.Sprintf("%q: write an IPv4 address as such", v)
	}
	if !masked {
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	bits, err := strconv.Atoi(mask)
	if err != nil || bits < 0 || bits > a.BitLen() || mask != strconv.Itoa(bits) {
		return p, fmt.Sprintf("%q: the length of the mask is 0 to %d", v, a.BitLen())
	}
	return netip.PrefixFrom(a, bits), ""
}
