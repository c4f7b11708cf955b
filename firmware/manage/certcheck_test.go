// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"net/netip"
	"testing"
	"time"

	"evener/firmware/certs"
	"evener/firmware/config"
)

func TestUncoveredHosts(t *testing.T) {
	const text = `
responder "r" {}
certificate "a" { source = "self_signed" }
cluster "c" {
  protocol  = "https"
  listen    = ["127.0.0.1:1"]
  responder = "r"
  tls { certificates = ["a", "b"] }
  rule "one" {
    when      = host("shop.example.com", "api.example.com", "*.in.example.com")
    responder = "r"
  }
  rule "two" {
    when      = host("*.example.net") || host("x.in.example.com")
    responder = "r"
  }
  rule "off" {
    when      = host("off.example.com")
    responder = "r"
    disabled  = true
  }
}
certificate "b" { source = "self_signed" }
`
	cfg, diags := config.Parse("t.hcl", []byte(text))
	if cfg == nil {
		t.Fatal(diags)
	}
	pairs := map[string]*certs.Pair{}
	for name, hosts := range map[string][]string{"a": {"shop.example.com"}, "b": {"*.in.example.com"}} {
		p, err := certs.SelfSigned(hosts, []netip.Addr{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		pairs[name] = p
	}
	list := uncoveredOf(cfg.Clusters[0], func(name string) *certs.Pair { return pairs[name] })
	want := [][2]string{{"one", "api.example.com"}, {"two", "*.example.net"}}
	if len(list) != len(want) {
		t.Fatalf("uncovered: %v, want %v", list, want)
	}
	for i, w := range want {
		if list[i].Rule != w[0] || list[i].Host != w[1] || len(list[i].Certificates) != 2 {
			t.Errorf("uncovered %d: %v, want %v", i, list[i], w)
		}
	}
	delete(pairs, "b")
	if list := uncoveredOf(cfg.Clusters[0], func(name string) *certs.Pair { return pairs[name] }); list != nil {
		t.Errorf("with a certificate missing: %v, want nothing", list)
	}
}
