// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// A Key authenticates token cookies. Both boxes of a pair have the same keys.
type Key struct {
	ID     byte // tells keys apart; no two in use have the same
	Secret [32]byte
}

// NewKey returns a random key.
func NewKey(id byte) Key {
	k := Key{ID: id}
	rand.Read(k.Secret[:]) // never fails, see its documentation
	return k
}

// Rotate returns keys with a new one in front, and at most keep of the old ones
// behind it, whose cookies are still good and are set anew when they come.
func Rotate(keys []Key, keep int) []Key {
	id := byte(1)
	if len(keys) > 0 {
		id = keys[0].ID + 1
	}
	return append([]Key{NewKey(id)}, keys[:min(keep, len(keys))]...)
}

// Check reports every reason why cfg cannot make a cookie.
func (cfg CookieConfig) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch cfg.Scheme {
	case "", "token":
		if !validName(cfg.Name) {
			bad("cookie name must be letters, digits and !#$%%&'*+-.^_`|~, not %q", cfg.Name)
		}
		if strings.HasPrefix(cfg.Name, "__Host-") && (cfg.Domain != "" || !cfg.Secure || pathOf(cfg) != "/") {
			bad("a cookie named __Host-... needs TLS, path \"/\" and no domain")
		}
		if strings.HasPrefix(cfg.Name, "__Secure-") && !cfg.Secure {
			bad("a cookie named __Secure-... needs TLS")
		}
	case "0", "1", "2":
		if cfg.Name != "" {
			bad("cookie scheme %s has its own name: leave out %q", cfg.Scheme, cfg.Name)
		}
		if !cfg.VIP.IsValid() {
			bad("cookie scheme %s needs a virtual address", cfg.Scheme)
		}
	default:
		bad("cookie scheme must be token, 0, 1 or 2, not %q", cfg.Scheme)
	}
	if cfg.Path != "" && (cfg.Path[0] != '/' || !validAttribute(cfg.Path)) {
		bad("cookie path must begin with / and have no space, comma, semicolon or control character, not %q", cfg.Path)
	}
	if d := cfg.Domain; d != "" && (strings.Trim(d, ".") == "" || !validAttribute(d) || strings.Contains(d, ":")) {
		bad("cookie domain must be a host name, not %q", d)
	}
	if cfg.Age < 0 {
		bad("cookie age must be 0s or more, not %v", cfg.Age)
	}
	if cfg.Generation < 0 || cfg.Generation > 65535 {
		bad("cookie generation must be 0 to 65535, not %d", cfg.Generation)
	}
	return errors.Join(errs...)
}

// validName reports whether a cookie may be named so (a token of RFC 9110 section
// 5.6.2); "" asks for the default.
func validName(name string) bool {
	for _, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return true
}

// validAttribute reports whether s can be an attribute's value (RFC 6265 section
// 4.1.1), and needs no quoting anywhere.
func validAttribute(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == ';' || c == ',' {
			return false
		}
	}
	return true
}
