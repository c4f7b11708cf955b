// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// pairText has two groups, clusters in and out of them, and tracks.
const pairText = `node { name = "left" }

group "front" {
  homes = ["left", "right", "third"]

  router "four" {
    port      = "lan1"
    vrid      = 10
    addresses = ["192.0.2.1/24", "192.0.2.2/24"]
    priority  = 255
  }

  router "six" {
    port      = "lan1"
    vrid      = 10
    addresses = ["2001:db8::1/64"]
  }

  track "pool" "shop" { weight = 60 }
  track "port" "shop" {}
}

group "back" {
  homes = ["right"]

  router "four" {
    port      = "lan2"
    vrid      = 10
    addresses = ["198.51.100.1/24"]
  }
}

cluster "a" {
  protocol = "http"
  listen   = ["127.0.0.1:80", "[2001:db8::1]:80"]
  pool     = "shop"
}

cluster "b" {
  protocol = "http"
  listen   = ["192.0.2.2:80"]
  pool     = "shop"
  disabled = true
}

cluster "c" {
  protocol = "http"
  listen   = ["192.0.2.3:80"]
  pool     = "shop"
}

pool "shop" {
  member "web1" {}
}

server "web1" { address = "192.0.2.80:80" }
`

func TestClustersFollowTheGroupThatHasTheirAddress(t *testing.T) {
	cfg := mustParse(t, []byte(pairText))
	names := func(list []*Cluster) (out []string) {
		for _, c := range list {
			out = append(out, c.Name)
		}
		return out
	}
	if got := names(cfg.Followers(cfg.Group("front"))); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Followers(front) = %q, want a and b", got)
	}
	if got := names(cfg.Followers(cfg.Group("back"))); got != nil {
		t.Errorf("Followers(back) = %q, want none", got)
	}
	for cluster, want := range map[string]*Group{"a": cfg.Group("front"), "b": cfg.Group("front"), "c": nil} {
		if got := cfg.ClusterGroup(cfg.Cluster(cluster)); got != want {
			t.Errorf("ClusterGroup(%s) = %v, want %v", cluster, got, want)
		}
	}
	for addr, want := range map[string]string{"192.0.2.1": "front", "198.51.100.1": "back", "2001:db8::1": "front", "192.0.2.3": "", "fe80::200:5eff:fe00:20a": ""} {
		a, got := netip.MustParseAddr(addr), ""
		if g := cfg.GroupOf(a); g != nil {
			got = g.Name
		}
		if g := cfg.GroupAddresses()[a]; got != want || (g == nil) != (want == "") {
			t.Errorf("GroupOf(%s) = %q, want %q; the map has %v", addr, got, want, g)
		}
	}
}

func TestHomesGivePriorities(t *testing.T) {
	g := mustParse(t, []byte(pairText)).Group("front")
	for node, want := range map[string][3]int{"left": {200, 255, 200}, "right": {150, 150, 150}, "third": {100, 100, 100}, "other": {}} {
		if got := [3]int{g.Base(node), g.PriorityOf(node, g.Routers[0]), g.PriorityOf(node, g.Routers[1])}; got != want {
			t.Errorf("base and the routers' priorities of %s = %v, want %v", node, got, want)
		}
	}
}

func TestFirstAddressOfIPv6IsLinkLocal(t *testing.T) {
	g := mustParse(t, []byte(pairText)).Group("front")
	if got := g.Routers[1].Advertised(); len(got) != 2 || got[0].String() != "fe80::200:5eff:fe00:20a/64" || got[1] != g.Routers[1].Addresses[0] {
		t.Errorf("Advertised() = %v, want the address of vrid 10 first", got)
	}
	if got := g.Routers[0].Advertised(); !slices.Equal(got, g.Routers[0].Addresses) {
		t.Errorf("Advertised() = %v, want what is written", got)
	}
	named := &Router{VRID: 10, Addresses: []netip.Prefix{netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("2001:db8::1/64")}}
	if got := named.Advertised(); !slices.Equal(got, named.Addresses) {
		t.Errorf("Advertised() = %v, want what is written", got)
	}
}

// Networks do not share their link-local addresses: two groups may name the same.
func TestLinkLocalAddressesBelongToNoGroup(t *testing.T) {
	router := "router \"six\" {\n port = %q\n vrid = 1\n addresses = [\"fe80::1/64\", %q]\n}\n"
	cfg := mustParse(t, fmt.Appendf(nil, "group \"a\" {\n homes = [\"x\"]\n"+router+"}\ngroup \"b\" {\n homes = [\"x\"]\n"+router+"}\n",
		"lan1", "2001:db8::1/64", "lan2", "2001:db8::2/64"))
	a := netip.MustParseAddr("fe80::1")
	if g, has := cfg.GroupOf(a), cfg.GroupAddresses(); g != nil || has[a] != nil || len(has) != 2 {
		t.Errorf("fe80::1 is of group %v; the map has %v", g, has)
	}
}

func TestNodeNameHasAnOrder(t *testing.T) {
	for text, want := range map[string]string{
		``:                             "machine",
		`system { host_name = "lb1" }`: "lb1",
		`node { name = "left" }`:       "left",
		"node { name = \"left\" }\nsystem { host_name = \"lb1\" }": "left",
	} {
		if got := mustParse(t, []byte(text)).NodeName("machine"); got != want {
			t.Errorf("NodeName of %s = %q, want %q", text, got, want)
		}
	}
}

func TestPathsOfBlocksWithTwoLabels(t *testing.T) {
	for short, want := range map[string]string{
		"group/front/track/pool/shop":      `group "front" track "pool" "shop"`,
		"group/front/track/port/eth%2F1#2": `group "front" track "port" "eth/1" #2`,
	} {
		p, err := ParsePath(short)
		if err != nil || p.String() != want || p.Short() != short {
			t.Errorf("ParsePath(%s) = %s, %s, %v, want %s and back", short, p, p.Short(), err, want)
		}
	}
	if _, err := ParsePath("group/front/track/pool"); err == nil || !strings.Contains(err.Error(), "as in track/port/NAME") {
		t.Errorf("ParsePath without the name = %v, want what is missing", err)
	}
}

func TestBlocksWithTwoLabelsAreEdited(t *testing.T) {
	src := []byte(pairText)
	path, _ := ParsePath("group/front/track/pool/shop")
	out, bad := Edit(src, path, "at_least", "1")
	if bad != nil || !strings.Contains(string(out), "track \"pool\" \"shop\" {\n    weight = 60\n    at_least = 1\n  }") {
		t.Errorf("Edit = %v, %s", bad, out)
	}
	raw, err := mustParse(t, out).Values(path)
	if err != nil || !strings.Contains(string(raw), `"name":"shop","weight":60`) {
		t.Errorf("Values(%s) = %s, %v", path, raw, err)
	}
	root, _ := Objects(src)
	v, err := root.Find(path[:1]).JSON()
	if err != nil || string(v["track"]) != `[{"kind":"pool","name":"shop","weight":60},{"kind":"port","name":"shop"}]` {
		t.Errorf("JSON of the group has %s, %v", v["track"], err)
	}
	v["track"] = json.RawMessage(`[{"kind":"custom","name":"up","ttl":"5s"},{"kind":"pool","name":"shop"}]`)
	if out, bad = Put(src, path[:1], v); bad != nil {
		t.Fatal(bad)
	}
	if g := mustParse(t, out).Group("front"); len(g.Tracks) != 2 || g.Tracks[0].Name != "up" || g.Tracks[1].Kind != TrackPool {
		t.Errorf("Put gave %s", out)
	}
	for _, wrong := range []string{`[{"kind":"pool"}]`, `[{"name":"shop"}]`, `[{"kind":"pool","name":"a\u0000b"}]`} {
		v["track"] = json.RawMessage(wrong)
		if _, bad = Put(src, path[:1], v); bad == nil || !strings.Contains(bad.Error(), "the label of the block") {
			t.Errorf("Put of %s = %v, want a refusal", wrong, bad)
		}
	}
}

func TestRenameOfAPoolReachesItsTracks(t *testing.T) {
	out, bad := Rename([]byte(pairText), Path{{Block: "pool", Label: "shop"}}, "store")
	if bad != nil || !strings.Contains(string(out), `track "pool" "store" { weight = 60 }`) || !strings.Contains(string(out), `track "port" "shop" {}`) {
		t.Errorf("Rename = %v, %s", bad, out)
	}
	mustParse(t, out)
}

func TestTrackOfAKindIsComparedWithItsDefaults(t *testing.T) {
	before, _ := Objects([]byte(pairText))
	after, _ := Objects([]byte(strings.Replace(pairText, "{ weight = 60 }", "{ at_least = 2 }", 1)))
	got := Compare(before, after)
	if len(got) != 1 || got[0].Text != "group front: track pool shop at_least 1 -> 2" {
		t.Errorf("Compare = %+v, want one change; weight is the default", got)
	}
}
