// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"strings"
	"testing"

	"github.com/google/nftables"
)

// cabling wants all that needs neither VLANs nor bonds.
func cabling() Desired {
	return ports(Desired{
		Links: []LinkSpec{
			{Name: "1", Interface: "lan1", MTU: 1400, Addresses: nets("198.51.100.2/24", "2001:db8:64::2/64")},
			{Name: "2", Interface: "lan2", Addresses: nets("10.1.0.1/16", "10.2.0.1/16")},
			{Name: "3", Interface: "lan3", Off: true, Addresses: nets("10.3.0.1/16")},
		},
		Routes: []RouteSpec{
			{Name: "branch", To: nets("10.20.0.0/16")[0], Via: addrs("198.51.100.1")[0], Metric: 100, Table: 254},
			{Name: "second", To: nets("0.0.0.0/0")[0], Via: addrs("10.1.0.2")[0], Metric: 100, Table: 100, Source: addrs("10.2.0.1")[0]},
			{Name: "second6", To: nets("2001:db8:9::/48")[0], Via: addrs("2001:db8:64::1")[0], Metric: 70, Table: 300},
			{Name: "cable", To: nets("10.30.0.0/16")[0], Dev: "2", Metric: 100},
			{Name: "on_link", To: nets("10.40.0.0/16")[0], Via: addrs("10.99.0.1")[0], Dev: "1", Metric: 100, OnLink: true},
		},
		Rules: []RuleSpec{
			{Name: "second", From: nets("10.1.0.0/16", "2001:db8:64::/64"), Table: 300, Priority: 1000},
			{Name: "in", To: nets("10.20.0.0/16"), In: "2", Table: 100, Priority: 900},
			{Name: "all", In: "1", Table: 100, Priority: 901},
		},
		NAT: []NATSpec{
			{Name: "out", From: nets("10.1.0.0/16", "10.2.0.0/16", "2001:db8:1::/48"), Out: "1"},
			{Name: "fixed", From: nets("0.0.0.0/0"), Out: "2", To: addrs("10.2.0.1")[0]},
			{Name: "fixed6", From: nets("2001:db8:2::/64"), Out: "2", To: addrs("2001:db8:64::2")[0]},
		},
		Forward: Forwarding{IPv4: true, IPv6: true},
	})
}

const cabled = `lan0 up=true mtu=1500
lan1 up=true mtu=1400 198.51.100.2/24 2001:db8:64::2/64
lan2 up=true mtu=1500 10.1.0.1/16 10.2.0.1/16
lan3 up=false mtu=1500
route 10.20.0.0/16 via 198.51.100.1 dev lan1 metric 100
route 10.30.0.0/16 dev lan2 metric 100
route 10.40.0.0/16 via 10.99.0.1 dev lan1 metric 100
route 2001:db8:9::/48 via 2001:db8:64::1 table 300 dev lan1 metric 70
route default via 10.1.0.2 src 10.2.0.1 table 100 dev lan2 metric 100
rule family inet6 priority 901 iif lan1 table 100
rule priority 1000 from 10.1.0.0/16 table 300
rule priority 1000 from 2001:db8:64::/64 table 300
rule priority 900 to 10.20.0.0/16 iif lan2 table 100
rule priority 901 iif lan1 table 100
nat from 10.1.0.0/16 out lan1 masquerade
nat from 10.2.0.0/16 out lan1 masquerade
nat from 0.0.0.0/0 out lan2 snat to 10.2.0.1
nat from 2001:db8:1::/48 out lan1 masquerade
nat from 2001:db8:2::/64 out lan2 snat to 2001:db8:64::2
forward true true
`

const bare = `lan0 up=true mtu=1500
lan1 up=true mtu=1500
lan2 up=true mtu=1500
lan3 up=true mtu=1500
forward false false
`

func TestPortsAndWaysThereAndBack(t *testing.T) {
	onRigs(t, "", func(t *testing.T, r *rig) {
		r.want(t, bare)
		c := r.conf()
		s := r.set(t, c, cabling())
		r.want(t, cabled)
		if len(s.Problems) > 0 || len(s.Links) != 3 || len(s.Routes) != 5 || len(s.Rules) != 3 || len(s.NAT) != 3 {
			t.Errorf("status is %+v", s)
		}
		for _, w := range s.Routes {
			if !w.Set || w.Problem != "" {
				t.Errorf("route %+v", w)
			}
		}
		c = r.conf() // the engine starts anew
		r.set(t, c, cabling())
		r.want(t, cabled)
		less := cabling()
		less.Links, less.Routes, less.Rules, less.NAT = less.Links[1:], less.Routes[3:4], less.Rules[:1], less.NAT[1:2]
		less.Links[0].Addresses = nets("10.2.0.1/16") // the first of two in other networks goes
		r.set(t, c, less)
		r.want(t, `lan0 up=true mtu=1500
lan1 up=true mtu=1500
lan2 up=true mtu=1500 10.2.0.1/16
lan3 up=false mtu=1500
route 10.30.0.0/16 dev lan2 metric 100
rule priority 1000 from 10.1.0.0/16 table 300
rule priority 1000 from 2001:db8:64::/64 table 300
nat from 0.0.0.0/0 out lan2 snat to 10.2.0.1
forward true true
`)
		r.set(t, c, cabling()) // as a commit that is taken back
		r.want(t, cabled)
		r.set(t, c, ports(Desired{}))
		r.want(t, bare)
		if !c.record.empty() {
			t.Errorf("the record has still %+v", c.record)
		}
	})
}

// TestPortsOfOthers checks that nothing of others is touched.
func TestPortsOfOthers(t *testing.T) {
	onRigs(t, "", func(t *testing.T, r *rig) {
		s, err := r.sys.Read()
		must(t, err)
		theirs := nets("203.0.113.7/24")[0]
		must(t, r.sys.Do(Step{Kind: AddAddress, Interface: "lan1", Index: s.Interfaces["lan1"].Index, Address: theirs}))
		must(t, r.sys.Do(Step{Kind: SetMTU, Interface: "lan2", Index: s.Interfaces["lan2"].Index, MTU: 1480}))
		must(t, r.sys.Do(Step{Kind: SetForward, On: true}))
		was := r.picture(t)
		c := r.conf()
		r.set(t, c, cabling())
		r.set(t, c, ports(Desired{}))
		r.want(t, was)
		must(t, r.sys.Do(Step{Kind: SetForward}))
	})
}

func TestPortsThatAreNotThere(t *testing.T) {
	c := simRig(t).conf()
	d := cabling()
	d.Links[0].Interface, d.Faces["2"] = "", ""
	d.Links = append(d.Links, LinkSpec{Name: "9.7", Over: "9", VLAN: 7})
	must(t, c.Set(d))
	got := strings.Join(c.Status().Problems, "\n")
	for _, want := range []string{"port 1 is not there: it has no interface", "9 has no VLAN 7 yet", "route branch: 198.51.100.1 is in no network of a port that is there",
		"route on_link: 1 is not there, or switched off", "rule of routes all: 1 is not there", "NAT out: 1 is not there"} {
		if !strings.Contains(got, want) {
			t.Errorf("problems are\n%s\nwant %q among them", got, want)
		}
	}
}

// TestTablesOfNATThatSomebodyChanges looks at the kernel's own tables.
func TestTablesOfNATThatSomebodyChanges(t *testing.T) {
	onRigs(t, "", func(t *testing.T, r *rig) {
		c := r.conf()
		r.set(t, c, cabling())
		if !r.kernel {
			return
		}
		conn, err := nftables.New()
		must(t, err)
		for _, spoil := range []func(table *nftables.Table, chain *nftables.Chain, rules []*nftables.Rule){
			func(table *nftables.Table, _ *nftables.Chain, _ []*nftables.Rule) { conn.DelTable(table) },
			func(_ *nftables.Table, chain *nftables.Chain, _ []*nftables.Rule) { conn.FlushChain(chain) },
			func(_ *nftables.Table, _ *nftables.Chain, rules []*nftables.Rule) { must(t, conn.DelRule(rules[0])) },
			func(table *nftables.Table, chain *nftables.Chain, rules []*nftables.Rule) {
				conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rules[0].Exprs})
			},
		} {
			table := &nftables.Table{Name: natTable, Family: nftables.TableFamilyIPv4}
			chain := &nftables.Chain{Name: natChain, Table: table}
			rules, err := conn.GetRules(table, chain)
			must(t, err)
			spoil(table, chain, rules)
			must(t, conn.Flush())
			if r.picture(t) == cabled {
				t.Fatal("what somebody has changed is not seen")
			}
			r.set(t, c, cabling())
			r.want(t, cabled)
		}
	})
}

func TestPowerCutAtAnyStep(t *testing.T) {
	onRigs(t, "", func(t *testing.T, r *rig) { cutEverywhere(t, r, ports(Desired{}), cabling(), bare, cabled) })
}

// cutEverywhere goes from one state to another with the power cut after each number
// of steps, then back from there, and then to the other for good: what a commit does
// that nobody confirms, with a crash in between.
func cutEverywhere(t *testing.T, r *rig, from, to Desired, before, after string) {
	t.Helper()
	each := 1
	if inGuest() { // which is slow
		each = 6
	}
	for n := 0; ; n += each {
		c := r.conf()
		*r.stop = -1
		must(t, c.Set(from))
		r.want(t, before)
		*r.stop, *r.steps = n, nil
		c = r.conf()
		err := c.Set(to)
		*r.stop = -1
		if err == nil {
			r.want(t, after)
			must(t, r.conf().Set(from))
			r.want(t, before)
			if n < 10 {
				t.Errorf("only %d steps", n)
			}
			return
		}
		if !strings.Contains(err.Error(), errPower.Error()) {
			t.Fatalf("after %d steps: %v", n, err)
		}
		must(t, r.conf().Set(from))
		r.want(t, before)
		if t.Failed() {
			t.Fatalf("the power was cut after %d steps", n)
		}
	}
}
