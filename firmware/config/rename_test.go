// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRenameTakesReferencesAlong(t *testing.T) {
	src := read(t, "testdata/every.hcl")
	for _, c := range []struct{ path, to string }{
		{"server/web1", "w1"}, {"pool/shop", "store"}, {"cluster/shop", "store"}, {"cluster/shop/rule/api", "rest"},
	} {
		out, bad := Rename(src, at(t, c.path), c.to)
		if bad != nil {
			t.Errorf("Rename(%s): %v", c.path, bad)
			continue
		}
		cfg, diags := Parse("renamed.hcl", out)
		if cfg == nil {
			t.Errorf("Rename(%s) breaks the text: %v", c.path, diags)
			continue
		}
		back, bad := Rename(out, at(t, c.path[:strings.LastIndex(c.path, "/")+1]+c.to), c.path[strings.LastIndex(c.path, "/")+1:])
		if bad != nil || string(back) != string(src) {
			t.Errorf("Rename(%s) there and back: %v\n%s", c.path, bad, changed(string(src), string(back)))
		}
	}
	for _, c := range []struct{ path, to, want string }{
		{"server/web1", "web2", "already"}, {"server/gone", "x", "no such block"}, {"server/web1", "a b", "must be"},
		{"pool/shop/member/web1", "web2", "no name of its own"}, {"engine", "x", "no name"},
	} {
		out, bad := Rename(src, at(t, c.path), c.to)
		if !strings.Contains(bad.Error(), c.want) || string(out) != string(src) {
			t.Errorf("Rename(%s, %s): %v, want %s", c.path, c.to, bad, c.want)
		}
	}
}

func TestValuesOfOneBlock(t *testing.T) {
	cfg := mustParse(t, read(t, "testdata/every.hcl"))
	for path, want := range map[string]string{
		"server/web1":            `"rack":"4"`,
		"pool/shop/member/web1":  `"server":"web1"`,
		"cluster/shop/test/api":  `"client_ip":"192.0.2.7"`,
		"cluster/shop/timeouts":  `"connect":`,
		"cluster/shop/rule/gone": "",
	} {
		got, err := cfg.Values(at(t, path))
		if err != nil || !strings.Contains(string(got), want) || want == "" && got != nil {
			t.Errorf("Values(%s) = %s, %v, want %s", path, got, err, want)
		}
	}
}

func TestValueTextSpellsJSON(t *testing.T) {
	for _, c := range []struct{ attr, json, want string }{
		{"weight", `5`, `5`}, {"weight", `1e2`, `100`}, {"description", `"a \"b\" ${c}"`, `"a \"b\" $${c}"`}, {"when", `"any()"`, `any()`},
		{"listen", `["a","b"]`, `["a", "b"]`}, {"labels", `{"team":"x","a b":"y"}`, `{ "a b" = "y", team = "x" }`}, {"pool", `null`, ``},
		{"via", `false`, `false`},
	} {
		got, err := ValueText("cluster", "rule", c.attr, json.RawMessage(c.json))
		if err != nil || got != c.want {
			t.Errorf("ValueText(%s, %s) = %s, %v, want %s", c.attr, c.json, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "{", `[[[["a"]]]]`} {
		if got, err := ValueText("", "server", "labels", json.RawMessage(bad)); err == nil {
			t.Errorf("ValueText(%s) = %s, want an error", bad, got)
		}
	}
}

func TestCompareSaysWhatChanges(t *testing.T) {
	before, _ := Objects([]byte(mergeText))
	after, bad := Objects([]byte(edited(mergeText, []string{"weight = 5", "weight = 50", `"192.0.2.13:80"`, `"192.0.2.99:80"`,
		"  member \"web1\" {}\n", "  member \"web1\" { weight = 100 }\n", `policy = "adaptive" # for now`, "queue = 5",
		"  # one\n  rule \"one\" { when = path_prefix(\"/1\") }\n", "", `  rule "three" { when = path_prefix("/3") }`,
		`  rule "three" { when = path_prefix("/3") }` + "\n  rule \"one\" { when = path_prefix(\"/1\") }\nrule \"new\" {}", "# the end", "metrics { token = \"verysecret\" }"})))
	if bad != nil {
		t.Fatal(bad)
	}
	var got []string
	for _, c := range Compare(before, after) {
		got = append(got, c.Text)
	}
	want := `server web3: address 192.0.2.13:80 -> 192.0.2.99:80
pool shop: policy adaptive -> round_robin
pool shop: queue 1024 -> 5
pool shop: member web2 weight 5 -> 50
cluster shop: rule new added
cluster shop: rule one moved from place 1 to 3
metrics: added`
	if strings.Join(got, "\n") != want {
		t.Errorf("changes:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
	}
	one, _ := Objects([]byte(`metrics { token = "verysecret1" }`))
	two, _ := Objects([]byte(`metrics { token = "verysecret2" }`))
	if c := Compare(one, two); len(c) != 1 || strings.Contains(c[0].Text+c[0].Before+c[0].After, "verysecret") {
		t.Errorf("a changed token gives %+v", c)
	}
}

// Who is told, and of what, goes along.
func TestRenameTakesAlertsAlong(t *testing.T) {
	const src = `
server "web1" { address = "127.0.0.1:1" }
pool "shop" {
  member "web1" {}
}
syslog "central" { address = "127.0.0.1:514" }
mail "ops" {
  server = "127.0.0.1:25"
  from   = "box@example.com"
  to     = ["ops@example.com"] # not a name: ops
}
alert "all" {
  objects = ["pool/shop/*", "pool/shop/member/web1", "pool/shoe", "cluster/shop", "role/shop"]
  to      = ["central", "ops"]
}
`
	for _, c := range []struct{ path, to, want string }{
		{"syslog/central", "hq", `to      = ["hq", "ops"]`},
		{"mail/ops", "night", `to      = ["central", "night"]`},
		{"pool/shop", "store", `["pool/store/*", "pool/store/member/web1", "pool/shoe", "cluster/shop", "role/shop"]`},
		{"server/web1", "w", `["pool/shop/*", "pool/shop/member/w", "pool/shoe", "cluster/shop", "role/shop"]`},
	} {
		out, bad := Rename([]byte(src), at(t, c.path), c.to)
		if bad != nil || !strings.Contains(string(out), c.want) || !strings.Contains(string(out), "ops@example.com\"] # not a name: ops") {
			t.Errorf("Rename(%s, %s): %v\n%s, want %s", c.path, c.to, bad, out, c.want)
		}
		if cfg, found := Parse("renamed.hcl", out); cfg == nil {
			t.Errorf("Rename(%s, %s) breaks the text: %v", c.path, c.to, found)
		}
	}
}
