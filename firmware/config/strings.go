// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"mime"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// What names and texts may look like. Each check says what would be right; the
// caller puts the keyword before it and the value behind it.

const (
	maxName  = 47      // characters of a name
	maxText  = 1 << 20 // bytes of a body
	maxProbe = 4096    // bytes that a probe sends or expects
)

// CheckName checks what may be the name of a certificate or any other block with
// a name of its own. Its error follows the word: "must be ...".
func CheckName(s string) error { return checkName(s) }

// checkName checks the name of a server, pool, cluster, rule or responder.
func checkName(s string) error {
	ok := s != "" && len(s) <= maxName && alnum(s[0])
	for i := 0; ok && i < len(s); i++ {
		ok = alnum(s[i]) || strings.IndexByte("_-.", s[i]) >= 0
	}
	if !ok {
		return fmt.Errorf(`must be 1 to %d letters, digits, "_", "-" or ".", with a letter or digit first`, maxName)
	}
	return nil
}

func alnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// all reports whether every byte of s is a letter, a digit or one of extra.
func all(s, extra string) bool {
	for i := range len(s) {
		if !alnum(s[i]) && strings.IndexByte(extra, s[i]) < 0 {
			return false
		}
	}
	return true
}

func checkDescription(s string) error {
	if utf8.RuneCountInString(s) > 200 || strings.ContainsFunc(s, control) {
		return errors.New("must be one line of at most 200 characters")
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// checkToken checks a bearer token (RFC 6750 section 2.1).
func checkToken(s string) error {
	if len(s) < 8 || len(s) > 256 || !all(strings.TrimRight(s, "="), "-._~+/") {
		return errors.New(`must be 8 to 256 letters, digits, "-", ".", "_", "~", "+" or "/"`)
	}
	return nil
}

// checkCookieName checks a token (RFC 6265 section 4.1.1, RFC 9110 section 5.6.2).
func checkCookieName(s string) error {
	if s == "" || len(s) > 64 || !all(s, "!#$%&'*+-.^_`|~") {
		return errors.New(`must be a token: 1 to 64 letters, digits or "-", "_", ".", without spaces, "=" or ";"`)
	}
	return nil
}

func checkCookiePath(s string) error {
	if !strings.HasPrefix(s, "/") || !visible(s) || strings.Contains(s, ";") {
		return errors.New(`must begin with "/" and have no spaces or ";"`)
	}
	return nil
}

// visible reports whether s is printable ASCII without spaces.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// checkDomain checks the domain of a cookie.
func checkDomain(s string) error {
	if checkHostname(s) != nil || !strings.Contains(s, ".") {
		return errors.New(`must be a domain such as "example.com", without a leading dot`)
	}
	return nil
}

// checkHostname checks a DNS name (RFC 1123 section 2.1).
func checkHostname(s string) error {
	err := errors.New(`must be a host name such as "www.example.com"`)
	if s == "" || len(s) > 253 {
		return err
	}
	if _, bad := netip.ParseAddr(s); bad == nil {
		return err
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || !all(label, "-_") || label[0] == '-' || label[len(label)-1] == '-' {
			return err
		}
	}
	return nil
}

// checkPattern checks the label of an sni block.
func checkPattern(s string) error {
	if checkHostname(strings.TrimPrefix(s, "*.")) != nil || s != strings.ToLower(s) {
		return errors.New(`must be a host name in lower case, such as "www.example.com" or "*.example.com"`)
	}
	return nil
}

// checkHost checks a Host field: a name or an address, perhaps with a port.
func checkHost(s string) error {
	host := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		if _, err := parsePort(s[i+1:]); err != nil {
			host = ""
		} else {
			host = s[:i]
		}
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && strings.Contains(host, ":") == (host[0] == '[') {
		return nil
	}
	if checkHostname(host) != nil {
		return errors.New(`must be a host name or an address, perhaps with a port, such as "www.example.com:8080"`)
	}
	return nil
}

// checkTarget checks an origin-form request target (RFC 9112 section 3.2.1).
func checkTarget(s string) error {
	if !strings.HasPrefix(s, "/") || !visible(s) || strings.Contains(s, "#") || len(s) > 8192 {
		return errors.New(`must begin with "/" and have no spaces, "#" or other than ASCII characters`)
	}
	return nil
}

func checkProbeText(s string) error {
	if len(s) > maxProbe {
		return fmt.Errorf("must be at most %d bytes long", maxProbe)
	}
	return nil
}

func checkLogPath(s string) error {
	if s != "stderr" && checkFile(s) != nil {
		return errors.New(`must be "stderr" or the absolute path of a file`)
	}
	return nil
}

func checkFile(s string) error {
	if !path.IsAbs(s) || path.Clean(s) != s || s == "/" || strings.ContainsFunc(s, control) {
		return errors.New(`must be the absolute path of a file, without "." or ".."`)
	}
	return nil
}

func checkFieldName(s string) error {
	if s == "" || len(s) > 64 || !all(s, "_") || s != strings.ToLower(s) {
		return errors.New(`must be names of access log fields, such as "status"`)
	}
	return nil
}

func checkMediaType(s string) error {
	t, _, err := mime.ParseMediaType(s)
	if err != nil || !strings.Contains(t, "/") || strings.ContainsFunc(s, control) {
		return errors.New(`must be a media type such as "text/html; charset=utf-8"`)
	}
	return nil
}

// checkDirectory checks the URL of an ACME directory, which must be reached over
// TLS (RFC 8555 section 6.1).
func checkDirectory(s string) error {
	u, err := url.Parse(s)
	if err != nil || !visible(s) || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New(`must be a URL that begins with "https://"`)
	}
	return nil
}

func checkEmail(s string) error {
	name, host, ok := strings.Cut(s, "@")
	if !ok || name == "" || !visible(s) || strings.ContainsAny(name, `"<>,;:\`) || checkHostname(host) != nil {
		return errors.New(`must be an e-mail address such as "hostmaster@example.com"`)
	}
	return nil
}

func checkKeyID(s string) error {
	if s == "" || len(s) > 256 || !visible(s) {
		return errors.New("must be the key identifier that the CA gives, without spaces")
	}
	return nil
}

// checkWord checks the name of a cipher suite or a key exchange; which there are
// is known elsewhere.
func checkWord(s string) error {
	if s == "" || len(s) > 64 || !all(s, "_-") {
		return errors.New("must be a name of letters, digits, \"_\" and \"-\"")
	}
	return nil
}

// checkCertificateName checks what a certificate can be for.
func checkCertificateName(s string) error {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return nil
	}
	if checkHostname(strings.TrimPrefix(s, "*.")) != nil {
		return errors.New(`must be a host name such as "www.example.com" or "*.example.com", or an address`)
	}
	return nil
}

// reservedFields are those that the box writes, or that say how a message is to be
// read.
var reservedFields = []string{"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect",
	"keep-alive", "proxy-connection", "cookie", "via", "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
	"x-forwarded-port", "x-request-id", "date", "content-type", "content-encoding", "authorization"}

// checkFieldToSet checks the name of a request field that the box is to set.
func checkFieldToSet(s string) error {
	if s == "" || len(s) > 64 || !all(s, "-") {
		return errors.New(`must be the name of a field, such as "X-Client-Subject"`)
	}
	if slices.Contains(reservedFields, strings.ToLower(s)) {
		return errors.New("must not be a field with a meaning of its own")
	}
	return nil
}
