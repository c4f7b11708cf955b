// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const lifeText = `
server "web1" {
  labels  = { team = "shop", "rack" = "4" }
  address = "192.0.2.11:80"
}
pool "shop" {
  labels = {
    team = "shop"
  }
  member "web1" {}
}
cluster "shop" {
  labels   = { team = "shop" }
  protocol = "http"
  listen   = ["192.0.2.1:80"]
  pool     = "shop"

  rule "api" {
    when = path_prefix("/api")
    pool = "shop"
  }
  test "api" {
    request   = "GET https://host/api"
    headers   = { "User-Agent" = "curl", Cookie = "a=b" }
    client_ip = "192.0.2.7"
    expect {
      rule      = "api"
      pool      = "shop"
      responder = ""
    }
  }
}
`

func TestLabelsAndTestsAreRead(t *testing.T) {
	cfg, diags := Parse("life.hcl", []byte(lifeText))
	if cfg == nil {
		t.Fatal(diags)
	}
	want := map[string]string{"team": "shop"}
	if got := cfg.Server("web1").Labels; !reflect.DeepEqual(got, map[string]string{"team": "shop", "rack": "4"}) {
		t.Errorf("labels of the server = %v", got)
	}
	if got := cfg.Pool("shop").Labels; !reflect.DeepEqual(got, want) {
		t.Errorf("labels of the pool = %v", got)
	}
	if got := cfg.Cluster("shop").Labels; !reflect.DeepEqual(got, want) {
		t.Errorf("labels of the cluster = %v", got)
	}
	x := cfg.Cluster("shop").Tests[0]
	if x.Request != "GET https://host/api" || x.Headers["Cookie"] != "a=b" || x.ClientIP != "192.0.2.7" ||
		*x.Expect.Rule != "api" || *x.Expect.Responder != "" || x.Expect.Status != 0 {
		t.Errorf("the test = %+v, expects %+v", x, x.Expect)
	}
	for _, defaults := range []bool{false, true} {
		text := cfg.Text(defaults)
		if again, diags := Parse("life.hcl", text); again == nil || !equal(again, cfg) {
			t.Errorf("Text(%t) changes the values: %v\n%s", defaults, diags, text)
		}
	}
}

func TestMistakesInLabelsAndTests(t *testing.T) {
	many := "{"
	for i := range 17 {
		many += fmt.Sprintf("a%d = \"x\"\n", i)
	}
	in := func(old, new string) string { return strings.Replace(lifeText, old, new, 1) }
	for _, c := range []struct{ text, want string }{
		{in(`{ team = "shop" }`, `["shop"]`), "labels must be a map of strings in braces"},
		{in(`{ team = "shop" }`, `{ team = 5 }`), "labels must have texts in quotes as values"},
		{in(`{ team = "shop" }`, `{ team = "" }`), "must have values of one line"},
		{in(`{ team = "shop" }`, `{ "a b" = "x" }`), "must have names that are"},
		{in(`{ team = "shop" }`, `{ "a=b" = "x" }`), `without "="`},
		{in(`{ team = "shop" }`, `{ team = "a", team = "b" }`), `has "team" twice`},
		{in(`{ team = "shop" }`, many+"}"), "at most 16"},
		{in(`"GET https://host/api"`, `"GET"`), "request must be a method and a URL"},
		{in(`"192.0.2.7"`, `"192.0.2"`), "client_ip must be an address"},
		{in(`rule      = "api"`, `rule = "apy"`), `there is no rule "apy"`},
		{in(`pool      = "shop"`, `pool = "shap"`), `there is no pool "shap"`},
		{in(`responder = ""`, `status = 7`), "status must be 100 to 599"},
		{in(`"User-Agent"`, `"User Agent"`), "must have names of fields"},
		{strings.NewReplacer(`rule      = "api"`, "", `pool      = "shop"`, "", `responder = ""`, "").Replace(lifeText), "expect says nothing"},
	} {
		if _, diags := Parse("life.hcl", []byte(c.text)); !strings.Contains(diags.Error(), c.want) || !diags.HasErrors() {
			t.Errorf("diagnostics = %v, want %s", diags, c.want)
		}
	}
}
