// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// fresh is a machine with two interfaces on which others have set something.
func fresh() State {
	return State{Boot: "b1", HostName: "debian", Interfaces: map[string]Link{"eth0": {Index: 2, Up: true, Carrier: true}, "eth1": {Index: 3}},
		Addresses: []Address{{Index: 2, Prefix: netip.MustParsePrefix("203.0.113.7/24")}},
		Routes:    []Route{{To: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("203.0.113.1"), Index: 2}},
		Resolver:  File{There: true, Link: "../run/systemd/resolve/stub-resolv.conf"},
		Zone:      File{There: true, Link: "/usr/share/zoneinfo/Etc/UTC"}}
}

func static() Desired {
	return Desired{Port: "mgmt", Interface: "eth0", Method: Static, Addresses: prefixes("192.0.2.10/24", "2001:db8::10/64"),
		Gateways: addrs("192.0.2.1", "fe80::1"), DNS: addrs("192.0.2.53"), HostName: "lb1", TimeZone: "Europe/Berlin"}
}

// carryOut does the steps to s as a kernel would.
func carryOut(s State, steps []Step) State {
	sim := &Sim{state: s, changed: func(string, []netip.Prefix) {}}
	for _, x := range steps {
		_ = sim.Do(x)
	}
	return sim.state
}

func words(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(s.String() + "\n")
	}
	return b.String()
}

const setStatic = `address add 192.0.2.10/24 dev eth0
address add 2001:db8::10/64 dev eth0
route add default via 192.0.2.1 dev eth0
route add default via fe80::1 dev eth0
host name lb1
name servers 192.0.2.53
time zone as in /usr/share/zoneinfo/Europe/Berlin
`

const unsetStatic = `route del default via 192.0.2.1 dev eth0
route del default via fe80::1 dev eth0
address del 192.0.2.10/24 dev eth0
address del 2001:db8::10/64 dev eth0
host name debian
name servers as in ../run/systemd/resolve/stub-resolv.conf
time zone as in /usr/share/zoneinfo/Etc/UTC
`

func goalOf(d Desired) goal { return goal{Desired: d, zones: "/usr/share/zoneinfo"} }

func TestPlanLeadsThereAndBack(t *testing.T) {
	steps, r := goalOf(static()).plan(fresh(), record{})
	if got := words(steps); got != setStatic {
		t.Errorf("steps:\n%swant:\n%s", got, setStatic)
	}
	s := carryOut(fresh(), steps)
	if again, same := goalOf(static()).plan(s, r); len(again) > 0 || !same.same(r) {
		t.Errorf("the same once more does:\n%s", words(again))
	}
	back, r := goalOf(Desired{Method: None}).plan(s, r)
	if got := words(back); got != unsetStatic {
		t.Errorf("steps back:\n%swant:\n%s", got, unsetStatic)
	}
	s = carryOut(s, back)
	if again, r := goalOf(Desired{Method: None}).plan(s, r); len(again) > 0 || !r.empty() {
		t.Errorf("after that %+v is ours, and there is to do:\n%s", r, words(again))
	}
	was := fresh()
	if len(s.Addresses) != 1 || s.Addresses[0] != was.Addresses[0] || len(s.Routes) != 1 || s.HostName != was.HostName || !s.Resolver.equal(was.Resolver) || !s.Zone.equal(was.Zone) {
		t.Errorf("it is not as before: %+v", s)
	}
}

// reached returns the state after d was set on a fresh machine.
func reached(d Desired) (State, record) {
	steps, r := goalOf(d).plan(fresh(), record{})
	return carryOut(fresh(), steps), r
}

func TestPlanCases(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *State, r *record, g *goal)
		want   string
	}{
		{"nothing wanted on a fresh machine", func(s *State, r *record, g *goal) {
			*s, *r, *g = fresh(), record{}, goalOf(Desired{Method: None, Interface: "eth0"})
		}, ""},
		{"another address in the same network", func(s *State, r *record, g *goal) { g.Addresses = prefixes("192.0.2.11/24", "2001:db8::10/64") },
			"address add 192.0.2.11/24 dev eth0\naddress del 192.0.2.10/24 dev eth0\n"},
		{"another gateway", func(s *State, r *record, g *goal) { g.Gateways = addrs("192.0.2.2", "fe80::1") },
			"route del default via 192.0.2.1 dev eth0\nroute add default via 192.0.2.2 dev eth0\n"},
		{"another port", func(s *State, r *record, g *goal) { g.Interface = "eth1" },
			"link set up dev eth1\naddress add 192.0.2.10/24 dev eth1\naddress add 2001:db8::10/64 dev eth1\n" +
				"route del default via 192.0.2.1 dev eth0\nroute del default via fe80::1 dev eth0\n" +
				"route add default via 192.0.2.1 dev eth1\nroute add default via fe80::1 dev eth1\n" +
				"address del 192.0.2.10/24 dev eth0\naddress del 2001:db8::10/64 dev eth0\n"},
		{"an address that somebody else had set is not ours to remove", func(s *State, r *record, g *goal) {
			*s, *r = fresh(), record{}
			d := static()
			d.Addresses = prefixes("203.0.113.7/24")
			d.Gateways, d.HostName, d.DNS, d.TimeZone = nil, "", nil, ""
			steps, next := goalOf(d).plan(*s, *r)
			if len(steps) > 0 {
				panic(words(steps))
			}
			*r, *g = next, goalOf(Desired{Method: None})
		}, ""},
		{"somebody has taken an address away", func(s *State, r *record, g *goal) { s.Addresses = s.Addresses[:2] },
			"address add 2001:db8::10/64 dev eth0\n"},
		{"the port is gone", func(s *State, r *record, g *goal) {
			delete(s.Interfaces, "eth0")
			s.Addresses, s.Routes = nil, nil
		}, ""},
		{"the port is renamed", func(s *State, r *record, g *goal) {
			s.Interfaces["lan0"] = s.Interfaces["eth0"]
			delete(s.Interfaces, "eth0")
			g.Interface = "lan0"
		}, ""},
		{"the machine has started anew", func(s *State, r *record, g *goal) {
			s.Boot, s.Addresses, s.HostName = "b2", nil, "debian"
			s.Routes = nil
		}, "address add 192.0.2.10/24 dev eth0\naddress add 2001:db8::10/64 dev eth0\nroute add default via 192.0.2.1 dev eth0\nroute add default via fe80::1 dev eth0\nhost name lb1\n"},
		{"after a new start addresses of before are not ours", func(s *State, r *record, g *goal) {
			s.Boot = "b2" // somebody else has set the same
			*g = goalOf(Desired{Method: None})
			g.HostName, g.TimeZone = "lb1", "Europe/Berlin"
			r.Resolver, s.Routes = nil, nil
		}, ""},
		{"somebody has changed the name and the resolver since: these are left", func(s *State, r *record, g *goal) {
			s.HostName, s.Resolver = "theirs", File{There: true, Text: []byte("theirs\n")}
			g.HostName, g.DNS = "", nil
		}, ""},
		{"a lease", func(s *State, r *record, g *goal) {
			*s, *r = fresh(), record{}
			*g = goalOf(Desired{Interface: "eth0", Method: DHCP})
			g.lease = &Lease{Address: netip.MustParsePrefix("192.0.2.100/24"), DNS: addrs("192.0.2.53", "192.0.2.54"), Domain: "example.com",
				Routes: []Route{defaultRoute(addrs("192.0.2.1")[0]), {To: netip.MustParsePrefix("10.0.0.0/8")}}}
		}, "address add 192.0.2.100/24 dev eth0\nroute add default via 192.0.2.1 dev eth0\nroute add 10.0.0.0/8 dev eth0\n" +
			"name servers search example.com, 192.0.2.53, 192.0.2.54\n"},
		{"no lease yet", func(s *State, r *record, g *goal) {
			*s, *r, *g = fresh(), record{}, goalOf(Desired{Interface: "eth0", Method: DHCP})
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := reached(static())
			g := goalOf(static())
			c.change(&s, &r, &g)
			steps, r := g.plan(s, r)
			if got := words(steps); got != c.want {
				t.Errorf("steps:\n%swant:\n%s", got, c.want)
			}
			s = carryOut(s, steps)
			if again, _ := g.plan(s, r); len(again) > 0 {
				t.Errorf("then there is still to do:\n%s", words(again))
			}
		})
	}
}

func TestPlanMarksGatewaysOutsideOfTheNetworks(t *testing.T) {
	g := goalOf(Desired{Interface: "eth0", Method: DHCP})
	g.lease = &Lease{Address: netip.MustParsePrefix("10.1.2.3/32"), Routes: []Route{defaultRoute(addrs("10.0.0.1")[0])}}
	steps, _ := g.plan(fresh(), record{})
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Kind == AddRoute })
	if i < 0 || !steps[i].Route.OnLink {
		t.Errorf("steps are\n%s: want a route that is on the link", words(steps))
	}
}
