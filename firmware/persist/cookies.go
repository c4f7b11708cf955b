// SPDX-License-Identifier: Apache-2.0

// Package persist keeps a client on the member that it had: by a cookie that the
// client carries, or by its source address in a table that survives restarts.
//
// It does not know how members are chosen, whether they are up, or what a request
// is: it finds a member for a cookie field or an address, and what becomes of it
// is the caller's decision. Cookies are immutable and belong to a generation; a
// Sources table belongs to the process and is shared by all event loops. Times
// are Unix nanoseconds that callers give.
package persist

import (
	"bytes"
	"net/netip"
	"time"
)

// A Ref names a member of a pool.
type Ref struct {
	Name string
	Addr netip.AddrPort
}

// CookieConfig describes the cookie of one pool behind one virtual address. Pool
// and Members are required; a zero field takes the default named beside it.
type CookieConfig struct {
	Scheme     string        // "token"; "0", "1" and "2" are those of Equalizer and show addresses
	Name       string        // token: EVENER_ and 8 hex digits that stand for the pool; schemes 0 to 2 have their own
	Path       string        // "/"
	Domain     string        // none: the host that set it
	Age        time.Duration // 0: until the browser is closed; else whole seconds
	Generation int           // a cookie of another generation is worth nothing
	Always     bool          // see Cookies.Always
	Pool       string
	VIP        netip.AddrPort // schemes 0 to 2: the address that clients connect to
	Secure     bool           // clients connect over TLS: they must send it over TLS only
	Members    []Ref
}

// A Verdict says what a cookie was worth.
type Verdict uint8

// The verdicts.
const (
	None    Verdict = iota // there is no such cookie
	Valid                  // the member is known, the cookie is as it should be
	Stale                  // the member is known, the cookie was made with an older key: set it anew
	Foreign                // forged, of another generation, or of a member that is gone; not an error
)

// String returns the verdict in one word.
func (v Verdict) String() string {
	switch v {
	case None:
		return "none"
	case Valid:
		return "valid"
	case Stale:
		return "stale"
	case Foreign:
		return "foreign"
	}
	return "unknown"
}

// Better reports whether v is worth more than o: a caller with several cookie
// fields keeps the best.
func (v Verdict) Better(o Verdict) bool { return worth[v&3] > worth[o&3] }

var worth = [4]uint8{None: 0, Foreign: 1, Stale: 2, Valid: 3}

// Cookies makes and recognises the cookies of one pool. It is immutable.
//
// A cookie's values can be listed: there is one for each member and key. So all
// of them are computed once, and checking one is a look-up.
type Cookies struct {
	cfg     CookieConfig
	names   []string // the one to set, then those of older keys
	values  map[string]value
	set     [][]byte // by member: the whole field value
	setHost [][]byte // the same without Domain
}

type value struct {
	member int
	stale  bool
}

// NewCookies returns the cookies of a pool. cfg must have passed Check. The first
// key makes cookies, the others are still accepted; scheme "token" needs one.
func NewCookies(cfg CookieConfig, keys []Key) *Cookies {
	c := &Cookies{cfg: cfg, values: make(map[string]value)}
	make1 := func(k Key, m Ref) string { return token(k, cfg.Pool, m.Name, cfg.Generation) }
	switch cfg.Scheme {
	case "", "token":
		if len(keys) == 0 {
			panic("persist: token cookies without a key")
		}
		for _, k := range keys {
			c.addName(tokenName(cfg, k))
		}
	default:
		keys = []Key{{}} // these schemes have no secret
		make1 = func(_ Key, m Ref) string { return plainValue(cfg, m.Addr) }
		c.addName(plainName(cfg))
	}
	for at, k := range keys {
		for i, m := range cfg.Members {
			v := make1(k, m)
			if at == 0 {
				c.set = append(c.set, setCookie(cfg, c.names[0], v, cfg.Domain))
				c.setHost = append(c.setHost, setCookie(cfg, c.names[0], v, ""))
			}
			// With scheme 2, members on one host share a value: the first has it.
			if _, dup := c.values[v]; !dup {
				c.values[v] = value{member: i, stale: at > 0}
			}
		}
	}
	return c
}

func (c *Cookies) addName(name string) {
	for _, n := range c.names {
		if n == name {
			return
		}
	}
	c.names = append(c.names, name)
}

// Name returns the name of the cookie that is set.
func (c *Cookies) Name() string { return c.names[0] }

// Always reports whether the cookie is to be set in every answer, not only where
// the client did not bring a Valid one.
func (c *Cookies) Always() bool { return c.cfg.Always }

// Find looks for the cookie in the value of one Cookie field (RFC 6265 section
// 4.2: "a=b; c=d") and returns the index of its member in CookieConfig.Members,
// or -1. Names and values must be exactly right; a value may be in double quotes.
// Of several cookies of the name the first of the best verdict wins. It does not
// allocate.
func (c *Cookies) Find(field []byte) (member int, v Verdict) {
	member = -1
	for len(field) > 0 {
		var pair []byte
		pair, field, _ = bytes.Cut(field, []byte{';'})
		name, val, ok := bytes.Cut(pair, []byte{'='})
		if !ok || !c.named(bytes.Trim(name, " \t")) {
			continue
		}
		m, got := c.check(unquote(bytes.Trim(val, " \t")))
		if got.Better(v) {
			member, v = m, got
		}
		if v == Valid {
			break
		}
	}
	return member, v
}

func (c *Cookies) named(name []byte) bool {
	for _, n := range c.names {
		if n == string(name) {
			return true
		}
	}
	return false
}

func (c *Cookies) check(val []byte) (int, Verdict) {
	v, ok := c.values[string(val)]
	switch {
	case !ok:
		return -1, Foreign
	case v.stale:
		return v.member, Stale
	}
	return v.member, Valid
}

func unquote(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}

// AppendSetCookie appends the value of a Set-Cookie field (RFC 6265 section 4.1)
// that keeps the client on member. It has the configured Domain: see
// AppendSetCookieFor.
func (c *Cookies) AppendSetCookie(dst []byte, member int) []byte {
	return append(dst, c.set[member]...)
}

// AppendSetCookieFor is AppendSetCookie for an answer to a request for host (with
// or without a port). Where host is outside the configured domain, the attribute
// is left out: a browser would refuse the cookie with it.
func (c *Cookies) AppendSetCookieFor(dst []byte, member int, host []byte) []byte {
	if c.DomainFits(host) {
		return append(dst, c.set[member]...)
	}
	return append(dst, c.setHost[member]...)
}

// DomainFits reports whether host (with or without a port) may set a cookie for
// the configured domain: it is that domain or inside it. Without a configured
// domain every host fits.
func (c *Cookies) DomainFits(host []byte) bool {
	d := c.cfg.Domain
	if d == "" {
		return true
	}
	if d[0] == '.' {
		d = d[1:]
	}
	host = withoutPort(host)
	n := len(host) - len(d)
	return n >= 0 && equalFold(host[n:], d) && (n == 0 || host[n-1] == '.')
}

func withoutPort(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}

// equalFold compares host names, which are ASCII.
func equalFold(b []byte, s string) bool {
	lower := func(c byte) byte {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return len(b) == len(s)
}
