// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/certs"
	"evener/firmware/config"
)

// An Advice says whether a commit should wait for its confirm, and for how long.
type Advice struct {
	Advised bool         `json:"advised"`
	Why     []string     `json:"why" doc:"codes: console_off, console_listen, console_access, console_certificate, metrics_listen, management_address, management_port, network_ports, network_routes, group_addresses, group_restart, group_interval, group_home, node"`
	Confirm api.Duration `json:"confirm,omitempty" doc:"the time that is advised"`
	Needed  bool         `json:"needed" doc:"without a confirm the commit is refused, unless it is forced"`
}

// advisedConfirm is long enough to find the console at a new address and log in.
const advisedConfirm = 2 * time.Minute

// lockout tells how a commit changes the ways by which the box is administered:
// warnings for the caller, and whether the commit should wait for its confirm.
func (b *Box) lockout(c api.Call, before, after *config.Config) ([]Warning, Advice) {
	x := &ways{call: c, before: before, after: after}
	x.console()
	x.access()
	x.certificate(b)
	x.metrics()
	known, _ := b.listPorts() // those that are not known are not compared
	x.management(known)
	x.links(known)
	x.groups(b.cfg.Hostname)
	slices.Sort(x.why)
	advice := Advice{Why: append([]string{}, slices.Compact(x.why)...)}
	if len(advice.Why) > 0 {
		advice.Advised, advice.Confirm = true, api.Duration(advisedConfirm)
	}
	advice.Needed = guardNetwork(c, before, after, false, false) != nil
	return x.out, advice
}

// ways are those by which the box is administered, before and after a commit.
type ways struct {
	linter
	call          api.Call
	before, after *config.Config
	why           []string
}

// risk notes a warning that makes a confirm advisable.
func (w *ways) risk(why, kind string, args map[string]any, format string, words ...any) {
	w.why = append(w.why, why)
	w.warn(kind, "console", args, format, words...)
	if atBrowser(w.call) && (why == "console_off" || kind == "lockout.allow") {
		w.out[len(w.out)-1].Severity = severityError
	}
}

// console compares where the console is.
func (w *ways) console() {
	was, is := w.before.Console.Listen, w.after.Console.Listen
	if len(was) > 0 && len(is) == 0 {
		w.risk("console_off", "lockout.console_off", nil, "it is switched off: the box can be administered on its terminal only")
		return
	}
	var gone []string
	for _, a := range was {
		if !slices.ContainsFunc(is, func(n netip.AddrPort) bool { return reaches(n, a) }) {
			gone = append(gone, a.String())
		}
	}
	urls := consoleURLs(&w.after.Console)
	args := map[string]any{"gone": gone, "urls": urls}
	switch {
	case len(gone) == 0 && !slices.Equal(was, is):
		w.why = append(w.why, "console_listen")
	case len(gone) == 0:
	case len(gone) == len(was):
		w.risk("console_listen", "lockout.console_moved", args, "it moves: from then on it is at %s", strings.Join(urls, " and "))
	default:
		w.risk("console_listen", "lockout.address_gone", args, "it is no longer at %s: who has come there must go to %s",
			strings.Join(gone, " and "), strings.Join(urls, " or "))
	}
}

// reaches reports whether a listener at n takes who connects to a.
func reaches(n, a netip.AddrPort) bool {
	if n.Port() != a.Port() {
		return false
	}
	return n.Addr() == a.Addr() || n.Addr().IsUnspecified() && (n.Addr().Is6() || a.Addr().Is4())
}

// access looks for the caller among those who may come.
func (w *ways) access() {
	was, is := w.before.Console, w.after.Console
	if !slices.Equal(was.Allow, is.Allow) || !slices.Equal(was.AllowedOrigins, is.AllowedOrigins) || !slices.Equal(was.TrustedProxies, is.TrustedProxies) {
		w.why = append(w.why, "console_access")
	}
	client, ok := remoteAddr(w.call.Remote)
	if ok && atBrowser(w.call) && len(is.Listen) > 0 && !within(is.Allow, client) {
		w.risk("console_access", "lockout.allow", map[string]any{"client": client.String(), "allow": spelled(is.Allow)},
			"you come from %s, which may not reach the console any more", client)
	}
	for _, o := range was.AllowedOrigins {
		if !slices.Contains(is.AllowedOrigins, o) {
			w.risk("console_access", "lockout.origin", map[string]any{"origin": o}, "browsers that have opened it as %s are refused", o)
		}
	}
}

// remoteAddr reads the address of a caller, with or without a port.
func remoteAddr(remote string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(remote); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(remote)
	return a.Unmap().WithZone(""), err == nil
}

func within(nets []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(a) })
}

// certificate tells that browsers will see another certificate.
func (w *ways) certificate(b *Box) {
	was, is := w.before.Console, w.after.Console
	if len(was.Listen) == 0 || len(is.Listen) == 0 {
		return
	}
	b.console.mu.Lock()
	now := b.console.pair
	b.console.mu.Unlock()
	old := ""
	if now != nil {
		old = certs.Fingerprint(now.Leaf())
	}
	names, addrs := consoleNames(&is)
	switch {
	case was.Certificate == is.Certificate && is.Certificate == "":
		if now == nil || isForAll(now.Leaf(), names, addrs) {
			return
		}
		w.risk("console_certificate", "lockout.certificate", map[string]any{"fingerprint": old},
			"the box makes a new certificate for it, for the new addresses: browsers will warn")
	case was.Certificate != is.Certificate:
		next := ""
		if p := b.pair(is.Certificate); p != nil {
			next = certs.Fingerprint(p.Leaf())
		}
		w.risk("console_certificate", "lockout.certificate", map[string]any{"fingerprint": old, "next": next, "name": is.Certificate},
			"it shows another certificate: browsers may warn; its fingerprint is %s", orUnknown(next))
	}
}

// pair returns a certificate of the running configuration, or nil.
func (b *Box) pair(name string) *certs.Pair {
	if name == "" || b.cfg.Balancer == nil {
		return nil
	}
	return b.cfg.Balancer.Pair(name)
}

func orUnknown(s string) string {
	if s == "" {
		return "not known before the commit"
	}
	return s
}

// metrics compares where the statistics are.
func (w *ways) metrics() {
	was, is := w.before.Metrics, w.after.Metrics
	switch {
	case was == nil && is == nil, was != nil && is != nil && was.Listen == is.Listen:
	case is == nil:
		w.why = append(w.why, "metrics_listen")
		w.warn("lockout.metrics_off", "metrics", nil, "the statistics are not served any more")
	case was != nil:
		w.why = append(w.why, "metrics_listen")
		w.warn("lockout.metrics_moved", "metrics", map[string]any{"from": was.Listen.String(), "to": is.Listen.String()},
			"the statistics move from %s to %s", was.Listen, is.Listen)
	}
}

// consoleURLs lists where browsers find the console; of a listener on all
// addresses, each of the box.
func consoleURLs(c *config.Console) []string {
	urls := []string{}
	for _, l := range c.Listen {
		addrs := []netip.Addr{l.Addr()}
		if l.Addr().IsUnspecified() {
			addrs = slices.SortedFunc(maps.Keys(ownAddresses()), netip.Addr.Compare)
		}
		for _, a := range addrs {
			if l.Addr() == netip.IPv4Unspecified() && !a.Is4() || a.IsLinkLocalUnicast() {
				continue
			}
			urls = append(urls, "https://"+strings.TrimSuffix(netip.AddrPortFrom(a, l.Port()).String(), ":443"))
		}
	}
	return urls
}
