// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"strings"
	"testing"

	"evener/firmware/config"
	"evener/firmware/match"
)

const testedText = `
server "web1" { address = "127.0.0.1:1" }
pool "shop" {
  member "web1" {}
}
responder "gone" { status = 410 }
cluster "c" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "shop"
  rule "api" {
    when = host("api.example.com") && (path_prefix("/v1") || path_prefix("/v2")) && !method("PUT")
    pool = "shop"
  }
  rule "gone" {
    when      = path_prefix("/old")
    responder = "gone"
  }
  test "api" {
    request = "GET http://api.example.com/v2/x"
    expect {
      rule      = "api"
      pool      = "shop"
      responder = ""
    }
  }
  test "put" {
    request = "PUT http://api.example.com/v2/x"
    expect { rule = "" }
  }
  test "gone" {
    request = "GET /old"
    expect {
      responder = "gone"
      pool      = ""
      status    = 410
    }
  }
  test "trace" {
    request = "TRACE /"
    expect { status = 405 }
  }
  test "office" {
    request   = "GET /"
    client_ip = "198.51.100.7"
    headers   = { Cookie = "a=b" }
    expect { rule = %q }
  }
}
`

func TestRuleTestsRunOnRunningAndCandidate(t *testing.T) {
	b := newExplainer(t)
	if _, err := b.RunTests(nil); err != nil {
		t.Fatal(err)
	}
	for want, rule := range map[string]string{"": "", `rule is none, expected "api"`: "api"} {
		cfg, diags := config.ParseWith("c", fmt.Appendf(nil, testedText, freePort(t), rule), Check)
		if cfg == nil {
			t.Fatal(diags)
		}
		results, err := b.RunTests(cfg)
		if err != nil || len(results) != 5 {
			t.Fatalf("RunTests = %v, %v", results, err)
		}
		var got []string
		for _, r := range results {
			if r.Err != nil {
				t.Errorf("%s: %v", r.Test, r.Err)
			}
			for _, m := range r.Misses {
				got = append(got, m.String())
			}
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("misses = %q, want %q", got, want)
		}
	}
	if cfg := b.Config(); cfg.Cluster("c").Pool != "kept" {
		t.Error("testing a candidate has changed what runs")
	}
}

// spell writes a tree as op:verdict(parts).
func spell(c Condition, src string) string {
	out := map[match.Verdict]string{match.True: "1", match.False: "0", match.NotEvaluated: "-"}[c.Verdict]
	if c.Op == "call" {
		return src[c.Range.Start.Byte:c.Range.End.Byte] + ":" + out
	}
	var parts []string
	for _, p := range c.Parts {
		parts = append(parts, spell(p, src))
	}
	return c.Op + ":" + out + "(" + strings.Join(parts, " ") + ")"
}

func TestExplainTellsEachPartOfACondition(t *testing.T) {
	b := newExplainer(t)
	text := fmt.Sprintf(testedText, freePort(t), "")
	cfg, diags := config.ParseWith("c", []byte(text), Check)
	if cfg == nil {
		t.Fatal(diags)
	}
	for url, want := range map[string]string{
		"http://api.example.com/v2/x": `and:1(host("api.example.com"):1 or:1(path_prefix("/v1"):0 path_prefix("/v2"):1) not:1(method("PUT"):0))`,
		"http://api.example.com/x":    `and:0(host("api.example.com"):1 or:0(path_prefix("/v1"):0 path_prefix("/v2"):0) not:-(method("PUT"):-))`,
		"http://www.example.com/v1":   `and:0(host("api.example.com"):0 or:-(path_prefix("/v1"):- path_prefix("/v2"):-) not:-(method("PUT"):-))`,
	} {
		a, err := b.Explain(Question{URL: url}, cfg)
		if err != nil || len(a.Trees) == 0 {
			t.Fatalf("Explain(%s) = %d trees, %v", url, len(a.Trees), err)
		}
		if got := spell(a.Trees[0], text); got != want {
			t.Errorf("%s: %s\nwant %s", url, got, want)
		}
	}
}
