// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// token is base64url(key id, HMAC-SHA256("v1", pool, member, generation) cut to
// 120 bits): 22 characters that say nothing to who has no key.
func token(k Key, pool, member string, generation int) string {
	mac := k.mac("v1", pool, member, strconv.Itoa(generation))
	return base64.RawURLEncoding.EncodeToString(append([]byte{k.ID}, mac[:15]...))
}

// tokenName returns the configured name, or one that differs from pool to pool,
// so that pools do not overwrite each other's cookies, and not from cluster to
// cluster, so that clusters which share a pool share its cookie.
func tokenName(cfg CookieConfig, k Key) string {
	if cfg.Name != "" {
		return cfg.Name
	}
	return "EVENER_" + hex.EncodeToString(k.mac("name", cfg.Pool)[:4])
}

// mac authenticates a list of words; each is preceded by its length, so that no
// two lists are the same bytes.
func (k Key) mac(words ...string) []byte {
	h := hmac.New(sha256.New, k.Secret[:])
	for _, w := range words {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(w))))
		h.Write([]byte(w))
	}
	return h.Sum(nil)
}

// plainName is the name of schemes 0, 1 and 2, which says for which virtual
// address the cookie is good: with its port only in scheme 0.
func plainName(cfg CookieConfig) string {
	name := "Coyote-" + cfg.Scheme + "-" + hexAddr(cfg.VIP.Addr())
	if cfg.Scheme == "0" {
		name += fmt.Sprintf("%04x", cfg.VIP.Port())
	}
	return name
}

// plainValue is the value of schemes 0, 1 and 2: the server, without its port in
// scheme 2, and the generation.
func plainValue(cfg CookieConfig, a netip.AddrPort) string {
	v := hexAddr(a.Addr())
	if cfg.Scheme != "2" {
		v += fmt.Sprintf("%04x", a.Port())
	}
	return v + ":" + strconv.Itoa(cfg.Generation)
}

func hexAddr(a netip.Addr) string { return hex.EncodeToString(a.Unmap().AsSlice()) }

func setCookie(cfg CookieConfig, name, val, domain string) []byte {
	b := fmt.Appendf(nil, "%s=%s; Path=%s; HttpOnly; SameSite=Lax", name, val, pathOf(cfg))
	if age := cfg.Age / time.Second; age > 0 {
		b = fmt.Appendf(b, "; Max-Age=%d", age)
	}
	if domain != "" {
		b = fmt.Appendf(b, "; Domain=%s", domain)
	}
	if cfg.Secure {
		b = append(b, "; Secure"...)
	}
	return b
}

func pathOf(cfg CookieConfig) string {
	if cfg.Path == "" {
		return "/"
	}
	return cfg.Path
}
