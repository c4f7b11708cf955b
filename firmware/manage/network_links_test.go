// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"slices"
	"strings"
	"testing"

	"evener/firmware/config"
	"evener/firmware/netconf"
)

const cabled = managed + `
port "1" {
  description = "clients"
  addresses   = ["198.51.100.2/24"]

  vlan "100" { addresses = ["203.0.113.2/24"] }
}

bond "bond0" {
  ports     = ["2"]
  addresses = ["10.1.0.1/16"]
}

route "branch" {
  to  = ["10.20.0.0/16", "10.21.0.0/16"]
  via = "198.51.100.1"
}

route_rule "second" {
  from  = ["203.0.113.0/24"]
  table = 100
}

route "second" {
  to    = ["0.0.0.0/0"]
  via   = "203.0.113.1"
  table = 100
}

nat "out" {
  from = ["10.1.0.0/16"]
  out  = "1.100"
}

forwarding { ipv4 = true }
`

func (n NetworkInfo) link(name string) NetworkLink {
	for _, l := range n.Links {
		if l.Name == name {
			return l
		}
	}
	return NetworkLink{}
}

func TestPortsBondsAndRoutesComeWithACommitAndGoWithItsRevert(t *testing.T) {
	d, _, sim := networkDesk(t, managed)
	before, err := sim.Read()
	if err != nil {
		t.Fatal(err)
	}
	n := commitNetwork(d, cabled, 60)
	if len(n.Problems) > 0 {
		t.Errorf("problems are %q", n.Problems)
	}
	if l := n.link("1.100"); l.Kind != "vlan" || l.Over != "1" || l.Interface != "lan1.100" || !l.Up || !slices.Equal(l.Addresses, []string{"203.0.113.2/24"}) {
		t.Errorf("the VLAN is %+v", l)
	}
	if l := n.link("1"); l.Kind != "port" || l.Description != "clients" || !slices.Equal(l.Wanted, []string{"198.51.100.2/24"}) || l.MTU != 1500 {
		t.Errorf("the port is %+v", l)
	}
	if l := n.link("bond0"); l.Kind != "bond" || l.Mode != "lacp" || l.Partner == "" || len(l.Members) != 1 || l.Members[0] != (NetworkMember{"2", true, true, true}) {
		t.Errorf("the bond is %+v", l)
	}
	var ways []string
	for _, w := range n.Ways {
		if !w.Set {
			t.Errorf("%+v is not set", w)
		}
		ways = append(ways, w.Kind+" "+w.Name+": "+w.Text)
	}
	want := `route branch: 10.20.0.0/16 via 198.51.100.1 metric 100
route branch (10.21.0.0/16): 10.21.0.0/16 via 198.51.100.1 metric 100
route second: default via 203.0.113.1 table 100 metric 100
route_rule second: from 203.0.113.0/24 table 100 priority 1000
nat out: from 10.1.0.0/16 out 1.100 masquerade`
	if got := strings.Join(ways, "\n"); got != want {
		t.Errorf("ways are\n%s\nwant\n%s", got, want)
	}
	if n.Forwarding != (NetworkForwarding{IPv4: true}) {
		t.Errorf("forwarding is %+v", n.Forwarding)
	}
	must[Committed](d, by("ann"), "config.revert", args{})
	after, err := sim.Read()
	if err != nil {
		t.Fatal(err)
	}
	if len(after.Interfaces) != len(before.Interfaces) || len(after.Addresses) != len(before.Addresses) || len(after.Routes) != len(before.Routes) ||
		len(after.Rules)+len(after.NAT) > 0 || after.Forward != before.Forward {
		t.Errorf("after the revert there is %+v, before there was %+v", after, before)
	}
}

func TestCommitThatMayCutOffNeedsAConfirm(t *testing.T) {
	d, _, _ := networkDesk(t, managed)
	ann := by("ann")
	for _, c := range []struct{ name, text string }{
		{"an address of the management port", strings.ReplaceAll(managed, "192.0.2.10/", "192.0.2.20/")},
		{"a port", managed + `port "1" { addresses = ["198.51.100.2/24"] }` + "\n"},
		{"a bond", managed + `bond "bond0" { ports = ["1"] }` + "\n"},
		{"a route", managed + "route \"x\" {\n  to  = [\"10.0.0.0/8\"]\n  via = \"192.0.2.2\"\n}\n"},
	} {
		must[Draft](d, ann, "config.set", args{"text": c.text})
		if r := must[Review](d, ann, "config.review", args{}); !r.Confirm.Needed || !r.Confirm.Advised {
			t.Errorf("%s: the advice is %+v", c.name, r.Confirm)
		}
		e := refused(d, ann, "config.commit", args{}, "guard.network")
		if e.Hint != "confirm" {
			t.Errorf("%s: %+v", c.name, e)
		}
		refused(d, ann, "config.put", args{"text": c.text}, "guard.network")
	}
	serial := ann
	serial.Origin = "serial"
	must[Committed](d, serial, "config.commit", args{})
	must[Draft](d, ann, "config.set", args{"text": managed})
	must[Committed](d, ann, "config.commit", args{"force": true})
	refused(d, ann, "config.rollback", args{"revision": 2}, "guard.network")
	must[Draft](d, ann, "config.set", args{"text": strings.Replace(managed, "method ", "# why\n  dns = [\"192.0.2.53\"]\n  method ", 1)})
	if r := must[Review](d, ann, "config.review", args{}); r.Confirm.Needed {
		t.Errorf("for another name server the advice is %+v", r.Confirm)
	}
	must[Committed](d, ann, "config.commit", args{})
}

func TestReviewKnowsThePortsOfTheBoard(t *testing.T) {
	d, _, _ := networkDesk(t, cabled)
	ann := by("ann")
	must[Draft](d, ann, "config.set", args{"text": deskText + `
management {
  method  = "static"
  address = ["192.0.2.10/24"]
}
port "mgmt1" {}
bond "bond0" { ports = ["mgmt", "1"] }
nat "out" {
  from = ["10.0.0.0/8"]
  out  = "bond0"
}
`})
	r := must[Review](d, ann, "config.review", args{})
	got := map[string]Warning{}
	for _, w := range r.Warnings {
		got[w.Kind+" "+w.Object] = w
	}
	if w := got["lint.no_port port/mgmt1"]; !strings.Contains(w.Text, `did you mean "mgmt"?`) {
		t.Errorf("the missing port: %+v", w)
	}
	if w := got["lockout.management_bond bond/bond0"]; w.Severity != severityError {
		t.Errorf("the management port in a bond: %+v", w)
	}
	if w := got["lockout.port_address port/1"]; !strings.Contains(w.Text, "198.51.100.2") {
		t.Errorf("the address that goes: %+v", got)
	}
	if _, wrong := got["lint.no_port nat/out"]; wrong {
		t.Error("a bond is taken for a port that is not there")
	}
	if !slices.Contains(r.Confirm.Why, "network_ports") || !slices.Contains(r.Confirm.Why, "network_routes") {
		t.Errorf("why is %q", r.Confirm.Why)
	}
}

func TestRoutersOfGroupsNameVLANsAndBonds(t *testing.T) {
	d, _, sim := networkDesk(t, cabled)
	cfg, bad := config.Parse("text", []byte(cabled))
	if cfg == nil {
		t.Fatal(bad)
	}
	face, own := d.interfaces(cfg)
	for port, want := range map[string]string{"1": "lan1", "1.100": "lan1.100", "bond0": "bond0", "eth7": "eth7"} {
		if got := face(port); got != want {
			t.Errorf("%s is %q, want %q", port, got, want)
		}
	}
	for a := range addressesOf(cfg) {
		if !own[a] && a.String() != "192.0.2.10" { // the rack of the test does not show it
			t.Errorf("%s is not known as an address of the box", a)
		}
	}
	// Where the VLAN is called differently, it is used as it is.
	must[Committed](d, by("ann"), "config.put", args{"text": managed, "force": true})
	if err := sim.Do(netconf.Step{Kind: netconf.AddVLAN, Interface: "lan1", Index: 2, Name: "theirs", VLAN: 100}); err != nil {
		t.Fatal(err)
	}
	must[Committed](d, by("ann"), "config.put", args{"text": cabled, "force": true})
	if face, _ = d.interfaces(cfg); face("1.100") != "theirs" {
		t.Errorf("the VLAN is %q", face("1.100"))
	}
}
