// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// settings are the console's part of the running configuration, as the method
// console.settings of the engine returns it. Members that are not here are the
// engine's own business.
type settings struct {
	Listen         []netip.AddrPort `json:"listen"`          // none: no console
	Allow          []netip.Prefix   `json:"allow"`           // clients that may talk to us
	AllowedOrigins []string         `json:"allowed_origins"` // besides our own
	TrustedProxies []netip.Prefix   `json:"trusted_proxies"` // whose X-Forwarded-For counts
	Certificate    string           `json:"certificate"`     // PEM, leaf first
	Key            string           `json:"key"`             // PEM
	SelfSigned     bool             `json:"self_signed"`
}

// A site is what the settings come to. It does not change: new settings make a
// new one, and a request goes by the one that it met first.
type site struct {
	settings
	tls  *tls.Config
	csrf *http.CrossOriginProtection
}

// newSite checks the settings in the answer of console.settings.
func newSite(answer json.RawMessage) (*site, error) {
	st := new(site)
	if err := json.Unmarshal(answer, &st.settings); err != nil {
		return nil, fmt.Errorf("console.settings: %w", err)
	}
	cert, err := tls.X509KeyPair([]byte(st.Certificate), []byte(st.Key))
	if err != nil {
		return nil, fmt.Errorf("console.settings: certificate: %w", err)
	}
	st.tls = &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}
	st.csrf = http.NewCrossOriginProtection()
	for i, o := range st.AllowedOrigins {
		o = strings.ToLower(strings.TrimSuffix(o, "/"))
		if err := st.csrf.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("console.settings: allowed_origins must be like https://name:port: %w", err)
		}
		st.AllowedOrigins[i] = o
	}
	return st, nil
}

// allows says whether a client of this address may talk to us.
func (st *site) allows(a netip.Addr) bool { return within(st.Allow, a) }

// trusts says whether a page of this origin may, when it was fetched from host.
func (st *site) trusts(origin, host string) bool {
	origin = strings.ToLower(origin)
	return origin == "https://"+strings.TrimSuffix(strings.ToLower(host), ":443") ||
		slices.Contains(st.AllowedOrigins, origin)
}

// client returns the address of who has sent r: that of the connection, or,
// behind proxies that the settings trust, the last one in X-Forwarded-For that is
// none of them.
func (st *site) client(r *http.Request) netip.AddrPort {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil { // a transport without addresses
		return netip.AddrPort{}
	}
	peer = netip.AddrPortFrom(peer.Addr().Unmap().WithZone(""), peer.Port())
	if !within(st.TrustedProxies, peer.Addr()) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // what stands before it may be made up
		}
		peer = netip.AddrPortFrom(a.Unmap().WithZone(""), 0)
		if !within(st.TrustedProxies, peer.Addr()) {
			break
		}
	}
	return peer
}

func within(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}
