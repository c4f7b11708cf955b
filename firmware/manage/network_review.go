// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"

	"evener/firmware/api"
	"evener/firmware/config"
)

// A reach is what of a configuration decides whether a box can be reached.
type reach struct {
	Management config.Management   `json:"management"`
	Ports      []*config.Port      `json:"ports"`
	Bonds      []*config.Bond      `json:"bonds"`
	Routes     []*config.Route     `json:"routes"`
	Rules      []*config.RouteRule `json:"rules"`
}

func reachOf(c *config.Config) reach {
	m := c.Management
	m.DNS = nil // names of others
	return reach{m, c.Ports, c.Bonds, c.Routes, c.RouteRules}
}

// sameReach reports whether two parts of a configuration set the network up alike,
// whatever they say of it to people.
func sameReach(a, b any) bool { return bytes.Equal(plain(a), plain(b)) }

// plain writes x without descriptions.
func plain(x any) []byte {
	text, err := json.Marshal(x)
	if err != nil {
		return nil
	}
	var tree any
	if json.Unmarshal(text, &tree) != nil {
		return text
	}
	undescribe(tree)
	text, _ = json.Marshal(tree) // as it came from there
	return text
}

func undescribe(x any) {
	switch x := x.(type) {
	case map[string]any:
		delete(x, "description")
		for _, v := range x {
			undescribe(v)
		}
	case []any:
		for _, v := range x {
			undescribe(v)
		}
	}
}

// guardNetwork refuses a commit that may cut off who commits it, unless it waits for
// its confirm or is forced. Who stands in front of the box is not cut off.
func guardNetwork(c api.Call, before, after *config.Config, waits, force bool) error {
	if waits || force || before == nil || c.Origin == "serial" || c.Origin == "panel" || sameReach(reachOf(before), reachOf(after)) {
		return nil
	}
	e := api.Errorf(api.CodeGuard, "guard.network", "it changes the network of this box, which may cut you off: commit with a confirm of some minutes, and keep it once you are in again")
	e.Hint = "confirm"
	return e
}

// links compares ports, bonds, VLANs and routes.
func (w *ways) links(known []Port) {
	was, is := reachOf(w.before), reachOf(w.after)
	ports, bonds := sameReach(was.Ports, is.Ports), sameReach(was.Bonds, is.Bonds)
	if !ports || !bonds {
		w.why = append(w.why, "network_ports")
	}
	if !sameReach(was.Routes, is.Routes) || !sameReach(was.Rules, is.Rules) {
		w.why = append(w.why, "network_routes")
	}
	client, remote := remoteAddr(w.call.Remote)
	stays := addressesOf(w.after)
	for _, l := range w.before.Links() {
		for _, p := range l.Addresses {
			if _, there := stays[p.Addr()]; there {
				continue
			}
			w.warn("lockout.port_address", "port/"+l.Name, map[string]any{"port": l.Name, "address": p.Addr().String()},
				"the address %s of %s goes away: who has come by it must go to another one", p.Addr(), l.Name)
			if remote && p.Contains(client) {
				w.out[len(w.out)-1].Severity = severityError // by this one, most likely
			}
		}
	}
	m := w.after.Management
	for _, p := range known {
		bond := w.after.BondOf(p.Name)
		if p.Management && m.Port == "" && m.Method != config.MethodNone && bond != "" {
			w.warn("lockout.management_bond", "bond/"+bond, map[string]any{"port": p.Name, "bond": bond},
				"port %s is the management port, and stays out of the bond: write management { port = %q }", p.Name, bond)
			w.out[len(w.out)-1].Severity = severityError
		}
	}
}

// addressesOf lists all that a configuration gives to the box itself.
func addressesOf(c *config.Config) map[netip.Addr]bool {
	out := make(map[netip.Addr]bool)
	for _, p := range c.Management.Address {
		out[p.Addr()] = true
	}
	for _, l := range c.Links() {
		for _, p := range l.Addresses {
			out[p.Addr()] = true
		}
	}
	return out
}

// network warns of ports that the box does not have.
func (l *linter) network(cfg *config.Config, known []Port) {
	made := madeLinks(cfg)
	for _, p := range cfg.Ports {
		l.port(known, nil, "port/"+p.Name, p.Name)
	}
	for _, b := range cfg.Bonds {
		if hasPort(known, b.Name) {
			l.warn("lint.bond_name", "bond/"+b.Name, map[string]any{"port": b.Name},
				"the box has a port %q: give the bond another name", b.Name)
		}
		for _, p := range b.Ports {
			l.port(known, nil, "bond/"+b.Name, p)
		}
	}
	for _, r := range cfg.Routes {
		if r.Port != "" {
			l.port(known, made, "route/"+r.Name, r.Port)
		}
	}
	for _, r := range cfg.RouteRules {
		if r.Port != "" {
			l.port(known, made, "route_rule/"+r.Name, r.Port)
		}
	}
	for _, n := range cfg.NATs {
		l.port(known, made, "nat/"+n.Name, n.Out)
	}
}

// madeLinks lists what can be named as a port beside those of the board: bonds,
// VLANs, and the VLAN of the management port.
func madeLinks(cfg *config.Config) []string {
	var out []string
	for _, l := range cfg.Links() {
		if l.Bond != nil || l.VLAN > 0 {
			out = append(out, l.Name)
		}
	}
	if m := cfg.Management; m.VLAN > 0 {
		out = append(out, fmt.Sprintf("%s.%d", m.Port, m.VLAN))
	}
	return out
}
