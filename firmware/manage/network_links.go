// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"evener/firmware/netconf"
	"evener/firmware/phrase"
)

// A NetworkLink is a port, bond or VLAN that the box configures.
type NetworkLink struct {
	Name        string          `json:"name" doc:"such as lan1, bond0 or lan1.100"`
	Kind        string          `json:"kind" doc:"port, bond or vlan"`
	Description string          `json:"description,omitempty"`
	Interface   string          `json:"interface" doc:"as the kernel calls it; empty: it is not there"`
	Over        string          `json:"over,omitempty" doc:"of a VLAN: what it is on"`
	VLAN        int             `json:"vlan,omitempty" doc:"of a VLAN: its number"`
	Mode        string          `json:"mode,omitempty" doc:"of a bond: lacp or active_backup"`
	Partner     string          `json:"partner,omitempty" doc:"of a bond with LACP: MAC address of the other end; empty: nobody answers"`
	Members     []NetworkMember `json:"members,omitempty" doc:"of a bond"`
	Enabled     bool            `json:"enabled" doc:"as configured"`
	Up          bool            `json:"up" doc:"it is switched on"`
	Carrier     bool            `json:"carrier" doc:"something answers at the other end"`
	MTU         int             `json:"mtu" doc:"bytes, now; 0: it is not there"`
	Wanted      []string        `json:"wanted" doc:"addresses that are configured, with the lengths of their networks"`
	Addresses   []string        `json:"addresses" doc:"now, whoever has set them"`
	Problems    []string        `json:"problems"`

	Said phrase.Words `json:"said,omitempty" says:"problems" doc:"what the texts say, by field: kind and args, for translation"`
}

// A NetworkMember is a port in a bond.
type NetworkMember struct {
	Port    string `json:"port"`
	Joined  bool   `json:"joined" doc:"it is in the bond"`
	Carrier bool   `json:"carrier"`
	Active  bool   `json:"active" doc:"it carries packets"`
}

// A NetworkWay is a route, a rule of routes, or NAT.
type NetworkWay struct {
	Name    string `json:"name"`
	Kind    string `json:"kind" doc:"route, route_rule or nat"`
	Text    string `json:"text" doc:"what it does, in words of ip and nft"`
	Set     bool   `json:"set"`
	Problem string `json:"problem" doc:"why it is not set; empty: it is"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// NetworkForwarding says whether packets of others are passed on, whoever wants it.
type NetworkForwarding struct {
	IPv4 bool `json:"ipv4"`
	IPv6 bool `json:"ipv6"`
}

func linkInfo(s netconf.LinkStatus, description string) NetworkLink {
	l := NetworkLink{Name: s.Spec.Name, Kind: "port", Description: description, Interface: s.Interface, Over: s.Spec.Over, VLAN: s.Spec.VLAN, Partner: s.Partner,
		Enabled: !s.Spec.Off, Up: s.Up, Carrier: s.Carrier, MTU: s.MTU, Wanted: written(s.Spec.Addresses), Addresses: written(s.Addresses),
		Problems: append([]string{}, s.Problems...)}
	if s.Spec.VLAN > 0 {
		l.Kind = "vlan"
	}
	if s.Spec.Bond != nil {
		l.Kind, l.Mode = "bond", string(s.Spec.Bond.Mode)
		for _, m := range s.Members {
			l.Members = append(l.Members, NetworkMember{Port: m.Port, Joined: m.Joined, Carrier: m.Carrier, Active: m.Active})
		}
	}
	return l
}

// ways lists routes, rules and NAT.
func waysInfo(s netconf.Status) []NetworkWay {
	out := []NetworkWay{}
	for _, w := range s.Routes {
		out = append(out, NetworkWay{Name: w.Spec.Name, Kind: "route", Text: w.Spec.String(), Set: w.Set, Problem: w.Problem})
	}
	for _, w := range s.Rules {
		out = append(out, NetworkWay{Name: w.Spec.Name, Kind: "route_rule", Text: w.Spec.String(), Set: w.Set, Problem: w.Problem})
	}
	for _, w := range s.NAT {
		out = append(out, NetworkWay{Name: w.Spec.Name, Kind: "nat", Text: w.Spec.String(), Set: w.Set, Problem: w.Problem})
	}
	return out
}
