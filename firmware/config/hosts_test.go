// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"testing"
)

func TestHostsOfARule(t *testing.T) {
	for when, want := range map[string][]string{
		`host("A.example.com", "b.example.com:8443") && path("/x")`:                {"a.example.com", "b.example.com"},
		`!host("a.example.com") || (host("*.example.com") && !(host("c.d")))`:      {"*.example.com"},
		`!(path("/x") && host("a.example.com")) && host("b.c") || host("b.c")`:     {"b.c"},
		`host_suffix("example.com") || header("x", "host") || path("host(\"a\")")`: nil,
	} {
		src := "responder \"r\" {}\ncluster \"c\" {\n protocol = \"http\"\n listen = [\"127.0.0.1:1\"]\n responder = \"r\"\n rule \"r\" {\n responder = \"r\"\n when = " + when + "\n }\n}\n"
		cfg, diags := Parse("t.hcl", []byte(src))
		if cfg == nil || len(cfg.Clusters) != 1 || len(cfg.Clusters[0].Rules) != 1 {
			t.Fatalf("%s: %v", when, diags)
		}
		if got := cfg.Clusters[0].Rules[0].Hosts(); !slices.Equal(got, want) {
			t.Errorf("Hosts of %s = %q, want %q", when, got, want)
		}
	}
}
