// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/netconf"
	"evener/firmware/phrase"
)

// Network is what makes the management port as it is desired.
type Network interface {
	Set(netconf.Desired) error
	Status() netconf.Status
	LinkChanged()
}

// A NetworkInfo is how the box itself is reached.
type NetworkInfo struct {
	Managed   bool          `json:"managed" doc:"the box configures its management port"`
	Why       string        `json:"why" doc:"it does not; empty: it does"`
	Port      string        `json:"port" doc:"of management; empty: none is known"`
	Interface string        `json:"interface" doc:"that has the addresses: the port's, or that of its VLAN; empty: it is not there"`
	VLAN      int           `json:"vlan" doc:"in which the addresses are, 1 to 4094; 0: frames have no tag"`
	Method    string        `json:"method" doc:"none, static or dhcp"`
	Addresses []string      `json:"addresses" doc:"of the port now, whoever has set them, with the lengths of their networks"`
	Gateway   string        `json:"gateway" doc:"the first of gateways"`
	Gateways  []string      `json:"gateways" doc:"of the box's own default routes"`
	DNS       []string      `json:"dns" doc:"name servers that the box has set"`
	HostName  string        `json:"host_name" doc:"now"`
	TimeZone  string        `json:"time_zone" doc:"now; empty: not known"`
	Lease     *NetworkLease `json:"lease" doc:"of a DHCP server; null: none"`
	Problem   string        `json:"problem" doc:"what is not as it should be; empty: nothing"`
	Problems  []string      `json:"problems" doc:"each of them"`

	Links      []NetworkLink     `json:"links" doc:"ports, bonds and VLANs that the box configures, what a VLAN is on before it"`
	Ways       []NetworkWay      `json:"ways" doc:"routes, rules of routes and NAT"`
	Forwarding NetworkForwarding `json:"forwarding" doc:"now"`

	Said phrase.Words `json:"said,omitempty" says:"why,problem,problems" doc:"what the texts say, by field: kind and args, for translation"`
}

// A NetworkLease is an address that a DHCP server has lent.
type NetworkLease struct {
	Address  string    `json:"address" doc:"with the length of its network"`
	Server   string    `json:"server"`
	Routers  []string  `json:"routers" doc:"that it offers"`
	DNS      []string  `json:"dns" doc:"that it offers"`
	Domain   string    `json:"domain,omitempty"`
	Obtained time.Time `json:"obtained"`
	Renews   time.Time `json:"renews" doc:"when more time is asked for"`
	Expires  time.Time `json:"expires,omitzero" doc:"absent: never"`
}

// network remembers what was wanted last.
type network struct {
	mu     sync.Mutex     // guards what follows
	wanted *config.Config // nil: nothing yet

	faces atomic.Pointer[string]       // interfaces of the links, as they were told last
	known atomic.Pointer[knownTrouble] // nil: to be looked at
}

// A knownTrouble is what was wrong with the network at a time.
type knownTrouble struct {
	at   time.Time
	list []string
}

// troubleKept is how old what the list of problems says of the network may be. Several
// ask for that list each second, and to look asks the kernel for all that it has.
const troubleKept = 5 * time.Second

// trouble tells what is wrong with the network, or was lately.
func (b *Box) trouble() []string {
	now := time.Now()
	if k := b.network.known.Load(); k != nil && now.Sub(k.at) < troubleKept {
		return k.list
	}
	k := &knownTrouble{now, b.cfg.Network.Status().Problems}
	b.network.known.Store(k)
	return k.list
}

var errNoNetwork = api.Errorf(api.CodeFailed, "network.unknown", "the network of this box is not known; the log of the engine says why")

func (b *Box) addNetwork(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "network.show", Purpose: "Shows how the box itself is reached.", Role: api.Viewer}, b.networkShow)
	b.topics.network = api.AddState(reg, api.Topic{Name: "state.network", Purpose: "How the box itself is reached, as one object named network.",
		Role: api.Viewer, Every: 2 * time.Second}, func(ctx context.Context, c api.Call, _ struct{}) (map[string]NetworkInfo, error) {
		n, err := b.networkShow(ctx, c, struct{}{})
		return map[string]NetworkInfo{"network": n}, err
	})
}

// NetworkChanged tells who watches that something of the network has changed.
func (b *Box) NetworkChanged() {
	b.ports.forget() // their addresses are others now
	b.network.known.Store(nil)
	changed(b.topics.ports)
	changed(b.topics.network)
	b.useLease()
	if b.cfg.Network == nil {
		return
	}
	var faces []string
	for _, l := range b.cfg.Network.Status().Links {
		faces = append(faces, l.Spec.Name+" "+l.Interface)
	}
	now := strings.Join(faces, ", ")
	if was := b.network.faces.Swap(&now); was == nil && now != "" || was != nil && *was != now {
		b.refreshStandby()
	}
}

func (b *Box) networkShow(context.Context, api.Call, struct{}) (NetworkInfo, error) {
	if b.cfg.Network == nil {
		return NetworkInfo{}, errNoNetwork
	}
	b.network.mu.Lock()
	cfg := b.network.wanted
	b.network.mu.Unlock()
	return networkInfo(b.cfg.Network.Status(), cfg), nil
}

// networkInfo tells of s; cfg is what is wanted, nil: not known.
func networkInfo(s netconf.Status, cfg *config.Config) NetworkInfo {
	n := NetworkInfo{Managed: s.Managed, Why: s.Why, Port: s.Desired.Port, Interface: s.Interface, VLAN: s.Desired.VLAN, Method: string(s.Desired.Method),
		Addresses: written(s.Addresses), Gateways: written(s.Gateways), DNS: written(s.DNS), HostName: s.HostName, TimeZone: s.TimeZone,
		Problem: strings.Join(s.Problems, "; "), Problems: append([]string{}, s.Problems...)}
	n.Links, n.Ways, n.Forwarding = []NetworkLink{}, waysInfo(s), NetworkForwarding(s.Forward)
	said := map[string]string{}
	if cfg != nil {
		for _, l := range cfg.Links() {
			said[l.Name] = l.Description
		}
	}
	for _, l := range s.Links {
		n.Links = append(n.Links, linkInfo(l, said[l.Spec.Name]))
	}
	if len(n.Gateways) > 0 {
		n.Gateway = n.Gateways[0]
	}
	if l := s.Lease; l != nil {
		n.Lease = &NetworkLease{Address: l.Address.String(), Server: l.Server.String(), DNS: written(l.DNS), Domain: l.Domain, Routers: []string{},
			Obtained: l.Obtained.UTC(), Renews: l.Renew.UTC(), Expires: l.Expires.UTC()}
		for _, r := range l.Routes {
			if r.To.Bits() == 0 {
				n.Lease.Routers = append(n.Lease.Routers, r.Gateway.String())
			}
		}
	}
	phrase.Fill(&n)
	return n
}

// written writes each of a list.
func written[T fmt.Stringer](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.String()
	}
	return out
}

// useNetwork makes the network of the box as cfg wants it. What fails is a problem, is
// tried again, and keeps nothing else from being served.
func (b *Box) useNetwork(cfg *config.Config) {
	n := &b.network
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wanted = cfg
	if b.cfg.Network != nil {
		b.setNetwork()
	}
	b.useClock(cfg)
}

// setNetwork sets what is wanted; the caller holds network.mu.
func (b *Box) setNetwork() {
	cfg := b.network.wanted
	m, s := cfg.Management, cfg.System
	d := netconf.Desired{Port: m.Port, VLAN: int(m.VLAN), Method: netconf.Method(m.Method), Addresses: m.Address, Gateways: m.Gateway, DNS: m.DNS,
		HostName: s.HostName, TimeZone: s.TimeZone}
	list, err := b.listPorts()
	if err != nil {
		b.log.Warn("ports not known", "err", err)
	}
	faces := map[string]string{}
	for _, p := range list {
		faces[p.Name] = p.Interface
		if d.Interface == "" && (p.Name == d.Port || d.Port == "" && p.Management) {
			d.Port, d.Interface = p.Name, p.Interface
		}
	}
	for _, bond := range cfg.Bonds {
		if bond.Name == d.Port && d.Interface == "" {
			d.Interface = bond.Name
		}
	}
	desiredLinks(&d, cfg, faces)
	if err := b.cfg.Network.Set(d); err != nil {
		b.log.Debug("network not as it should be", "err", err) // a problem tells, and each step has been logged
	}
	b.NetworkChanged()
}

// networkPortChanged looks whether a port that is used has another interface now,
// and tells of the link of the management port.
func (b *Box) networkPortChanged(e PortEvent) {
	if b.cfg.Network == nil {
		return
	}
	b.network.mu.Lock()
	defer b.network.mu.Unlock()
	cfg := b.network.wanted
	if cfg == nil {
		return
	}
	m := cfg.Management
	manages := m.Port == e.Name || m.Port == "" && e.Management || m.Port != "" && cfg.BondOf(e.Name) == m.Port
	if manages || concerns(cfg, e.Name) {
		b.setNetwork()
		b.cfg.Network.LinkChanged()
	}
}

// networkProblems tells what is wrong with the way to the box.
func (b *Box) networkProblems() []Problem {
	if b.cfg.Network == nil {
		return nil
	}
	list := b.trouble()
	if len(list) == 0 {
		return nil
	}
	text := strings.Join(list, "; ")
	return []Problem{{Kind: "network.problem", Severity: severityWarning, Object: "network", Args: map[string]any{"error": text},
		Text: "network: " + text}}
}

// management compares the addresses by which the box is reached.
func (w *ways) management(known []Port) {
	was, is := w.before.Management, w.after.Management
	if is.Method != config.MethodNone && is.Port != "" && len(known) > 0 && !hasPort(known, is.Port) && !slices.Contains(madeLinks(w.after), is.Port) {
		w.why = append(w.why, "management_port")
		w.warn("lockout.management_port", "management", map[string]any{"port": is.Port, "ports": portNames(known)},
			"there is no port %q on this box: it would have no address; there are %s", is.Port, portNames(known))
	}
	if was.Method == config.MethodNone && is.Method == config.MethodNone {
		return
	}
	if was.Port != is.Port || was.Method != is.Method || fmt.Sprint(was.Gateway) != fmt.Sprint(is.Gateway) {
		w.why = append(w.why, "management_address")
	}
	if was.VLAN != is.VLAN {
		w.moved("management", "lockout.management_vlan", map[string]any{"was": was.VLAN, "vlan": is.VLAN},
			"the box goes from %s to %s: who is not in that network cannot reach it any more", inVLAN(was.VLAN), inVLAN(is.VLAN))
	}
	if was.Method == config.MethodDHCP && is.Method != config.MethodDHCP {
		w.moved("management", "lockout.management_lease", map[string]any{"method": string(is.Method)},
			"the address that a DHCP server has given goes away: who has come by it must find the box at another one")
	}
	client, remote := remoteAddr(w.call.Remote)
	elsewhere := addressesOf(w.after)
	for _, p := range was.Address {
		if contains(is.Address, p) && was.Port == is.Port || elsewhere[p.Addr()] && !contains(is.Address, p) {
			continue
		}
		args := map[string]any{"address": p.Addr().String(), "to": max("-", strings.Join(written(is.Address), ", "))}
		w.moved("management", "lockout.management_address", args, "the address %s goes away: who has come by it must go to %s",
			p.Addr(), whereTo(is))
		if remote && p.Contains(client) {
			w.out[len(w.out)-1].Severity = severityError // by this one, most likely
		}
	}
}

// moved notes a warning that makes a confirm advisable.
func (w *ways) moved(object, kind string, args map[string]any, format string, words ...any) {
	w.why = append(w.why, "management_address")
	w.warn(kind, object, args, format, words...)
}

func inVLAN(id int64) string {
	if id == 0 {
		return "the port's frames without a tag"
	}
	return fmt.Sprintf("VLAN %d", id)
}

func whereTo(m config.Management) string {
	switch {
	case m.Method == config.MethodDHCP:
		return "the one that a DHCP server gives"
	case len(m.Address) == 0:
		return "one that somebody else has set"
	}
	return strings.Join(written(m.Address), " or ")
}

func contains(list []netip.Prefix, p netip.Prefix) bool {
	for _, q := range list {
		if q.Addr() == p.Addr() {
			return true
		}
	}
	return false
}

func hasPort(list []Port, name string) bool {
	for _, p := range list {
		if p.Name == name {
			return true
		}
	}
	return false
}
