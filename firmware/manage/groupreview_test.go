// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"evener/firmware/config"
)

const groupedText = `console { listen = [] }

node {
  name   = "left"
  listen = "10.255.0.1:7460"

  peer "right" { address = "10.255.0.2:7460" }
}

group "front" {
  homes = ["left", "right"]

  router "lan" {
    port      = "1"
    vrid      = 10
    addresses = ["192.0.2.10/24", "192.0.2.11/24"]
  }

  router "old" {
    port      = "2"
    vrid      = 11
    version   = 2
    addresses = ["198.51.100.10/24"]
  }

  router "six" {
    port      = "1"
    vrid      = 10
    addresses = ["2001:db8::10/64"]
  }
}

group "back" {
  homes = ["right", "left"]

  router "lan" {
    port      = "1"
    vrid      = 20
    addresses = ["192.0.2.20/24"]
  }
}

cluster "shop" {
  protocol  = "http"
  listen    = ["192.0.2.10:80"]
  responder = "here"
}

cluster "api" {
  protocol  = "http"
  listen    = ["192.0.2.10:81", "192.0.2.11:81"]
  responder = "here"
}

cluster "own" {
  protocol  = "http"
  listen    = ["127.0.0.1:81"]
  responder = "here"
}

responder "here" { status = 200 }
`

func TestReviewTellsWhatBecomesOfGroups(t *testing.T) {
	front := groupedText[strings.Index(groupedText, "group \"front\""):strings.Index(groupedText, "group \"back\"")]
	for _, c := range []struct {
		name     string
		from, to []string // replaced in turn
		want     []string // object: text, without the lint
		why      []string
	}{
		{"nothing", nil, nil, nil, nil},
		{"an address", []string{`"192.0.2.10/24", `}, []string{""}, []string{
			"group/front: this commit takes 192.0.2.10 away from it (clusters shop, api)",
			"cluster/shop: it follows group front no longer, nor another: none of its addresses moves to the other box"}, []string{"group_addresses"}},
		{"one more address", []string{`"192.0.2.10/24", `}, []string{`"192.0.2.10/24", "192.0.2.12/24", `}, nil, nil},
		{"an address to another group", []string{`"192.0.2.10/24", `, `["192.0.2.20/24"]`, `, "192.0.2.11:81"`}, []string{"", `["192.0.2.20/24", "192.0.2.10/24"]`, ""}, []string{
			"group/front: this commit takes 192.0.2.10 away from it (clusters shop, api)",
			"cluster/shop: it follows group back from then on, not front",
			"cluster/api: it follows group back from then on, not front"}, []string{"group_addresses"}},
		{"the group", []string{front}, []string{""}, []string{
			"group/front: it goes, and no box has its addresses from then on: 192.0.2.10, 192.0.2.11, 198.51.100.10, fe80::200:5eff:fe00:20a, 2001:db8::10 (clusters shop, api)",
			"cluster/shop: it follows group front no longer, nor another: none of its addresses moves to the other box",
			"cluster/api: it follows group front no longer, nor another: none of its addresses moves to the other box"}, []string{"group_addresses"}},
		{"a vrid and a port", []string{"port      = \"2\"\n    vrid      = 11"}, []string{"port      = \"1\"\n    vrid      = 12"}, []string{
			"group/front: changing port, vrid restarts router old: a short outage of its addresses, and a peer that does not know it yet takes them too"}, []string{"group_restart"}},
		{"the vrid of IPv6", []string{"vrid      = 10\n    addresses = [\"2001"}, []string{"vrid      = 9\n    addresses = [\"2001"}, []string{
			"group/front: changing vrid restarts router six: a short outage of its addresses, and a peer that does not know it yet takes them too"}, []string{"group_restart"}},
		{"the interval", []string{"homes = [\"left\", \"right\"]"}, []string{"homes = [\"left\", \"right\"]\n  interval = \"2s\""}, []string{
			"group/front: interval 1s becomes 2s: router old speaks version 2, and a peer with the old one discards what it hears until it is changed too; both may be active until then"},
			[]string{"group_interval"}},
		{"the interval of version 3", []string{"homes = [\"right\", \"left\"]"}, []string{"homes = [\"right\", \"left\"]\n  interval = \"2s\""}, nil, nil},
		{"not a home", []string{"homes = [\"left\", \"right\"]"}, []string{"homes = [\"right\"]"}, []string{
			"group/front: this box, left, is not among homes any more: it gives the group's addresses up; left are right"}, []string{"group_home"}},
		{"another name", []string{`name   = "left"`}, []string{`name   = "links"`}, []string{
			"group/front: this box, links, is not among homes any more: it gives the group's addresses up; left are left, right",
			"group/back: this box, links, is not among homes any more: it gives the group's addresses up; left are right, left",
			"node: this box is links from then on: its peers, and the homes of groups, know it as left"}, []string{"group_home", "node"}},
		{"another address for peers", []string{"10.255.0.1:7460"}, []string{"10.255.0.3:7460"}, []string{
			"node: its address for the peers changes: mirror and heartbeats are silent until theirs is changed too"}, []string{"node"}},
		{"no peer", []string{`peer "right" { address = "10.255.0.2:7460" }`}, []string{""}, []string{
			"node/peer/right: nothing is mirrored to it or from it any more"}, []string{"node"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, groupedText)
			text := groupedText
			for i, from := range c.from {
				if !strings.Contains(text, from) {
					t.Fatalf("the text has no %q", from)
				}
				text = strings.Replace(text, from, c.to[i], 1)
			}
			must[Draft](d, by("ann"), "config.set", args{"text": text})
			r := must[Review](d, by("ann"), "config.review", args{})
			var got []string
			for _, w := range r.Warnings {
				if strings.HasPrefix(w.Kind, "lockout.") {
					got = append(got, w.Object+strings.TrimPrefix(w.Text, strings.ReplaceAll(w.Object, "/", " ")))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("warnings are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if !slices.Equal(r.Confirm.Why, append([]string{}, c.why...)) || r.Confirm.Advised != (len(c.why) > 0) {
				t.Errorf("confirm is %+v, want %q", r.Confirm, c.why)
			}
		})
	}
}

func TestLintOfGroups(t *testing.T) {
	text := strings.NewReplacer("vrid      = 20", "vrid      = 20\n    priority  = 255", "homes = [\"right\", \"left\"]", "homes = [\"left\", \"right\"]",
		"homes = [\"left\", \"right\"]", "homes = [\"left\", \"right\"]\n  accept = false\n  track \"port\" \"3\" {}", "version   = 2\n", "", "port      = \"2\"", "port      = \"x\"").Replace(groupedText)
	text = strings.Replace(text, "accept = false", "accept = false\n  interval = \"10ms\"", 1)
	cfg, found := config.Parse("box.hcl", []byte(text))
	if cfg == nil {
		t.Fatal(found)
	}
	known := []Port{{Name: "1"}, {Name: "2"}}
	var l linter
	l.groups(cfg, known, map[netip.Addr]bool{netip.MustParseAddr("192.0.2.10"): true}, "left")
	got := ""
	for _, w := range l.out {
		got += fmt.Sprintf("%s %s\n", w.Kind, w.Text)
	}
	const want = `lint.no_port group front router old: there is no port "x" on this box; there are 1, 2
lint.no_port group front track port 3: there is no port "3" on this box; there are 1, 2
lint.not_accepted group front: with accept = false the active box does not answer on its addresses, and clusters listen there
lint.short_interval group front: with an interval of 10ms, a pause of 30ms on the active box or in the network makes the other take over
lint.not_owner group back router lan: priority 255 says that 192.0.2.20 is this box's own, and no port has it
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, w := range lint(cfg, map[netip.Addr]bool{}) {
		if w.Kind == "lint.no_address" {
			t.Errorf("an address that moves is missed: %s", w.Text)
		}
	}
}
