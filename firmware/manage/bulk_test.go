// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"strings"
	"testing"

	"evener/firmware/api"
)

const drainText = `
server "web1" {
  labels  = { rack = "4" }
  address = "127.0.0.1:1"
}
server "web2" {
  labels  = { rack = "4" }
  address = "127.0.0.1:2"
}
server "web3" { address = "127.0.0.1:3" }

pool "shop" {
  policy = "static_weight"
  labels = { team = "shop" }
  member "web1" { weight = 150 }
  member "web2" { weight = 50 }
  member "web3" { hot_spare = true }
}
pool "api" {
  member "web1" {}
  member "web2" {}
}
cluster "shop" {
  protocol = "http"
  listen   = ["127.0.0.1:8081"]
  pool     = "shop"
  persist "cookie" {}
  rule "api" {
    when = path_prefix("/api")
    pool = "api"
  }
}
`

func TestRuntimeActionsTellWhatTheyMeanAndTouchNoCandidate(t *testing.T) {
	d := newDesk(t, drainText)
	ann := by("ann")
	draft := must[Draft](d, ann, "config.patch", args{"base": 1, "path": "pool/shop", "set": args{"queue": 3}})
	before := must[Text](d, ann, "config.candidate", args{}).Text
	running := d.cfg.Store.Running().Number

	p := must[Previewed](d, ann, "server.preview", args{"member": "shop/web1"})
	e := p.Effects[0]
	if p.Guarded || e.Share != .75 || e.Left != 1 || e.Total != 3 || len(e.Promoted) != 0 || !e.Cookies {
		t.Errorf("preview of one = %+v", p)
	}
	p = must[Previewed](d, ann, "server.preview", args{"members": []string{"shop/web1", "shop/web2"}})
	if p.Guarded || p.Effects[0].Left != 1 || strings.Join(p.Effects[0].Promoted, ",") != "web3" {
		t.Errorf("preview of both regular members = %+v", p)
	}
	p = must[Previewed](d, ann, "server.preview", args{"labels": args{"rack": "4"}})
	if !p.Guarded || len(p.Effects) != 4 || !p.Effects[2].Last {
		t.Errorf("preview by label = %+v", p)
	}
	g := refused(d, ann, "server.drain", args{"labels": args{"rack": "4"}}, "guard.last_server")
	if g.Code != api.CodeGuard || g.Hint != "force" {
		t.Errorf("the guard says %+v", g)
	}
	for _, m := range must[Pools](d, ann, "pool.list", args{}).Pools[0].Members {
		if m.Admin != "enabled" {
			t.Errorf("a refused drain has left %s %s", m.Name, m.Admin)
		}
	}
	a := must[Acted](d, ann, "server.drain", args{"server": "web1", "mode": "ignore-sticky", "deadline": "1h", "reason": "new disk"})
	if len(a.Results) != 2 || a.Admin != "quiesced" || a.Until.IsZero() || a.Results[1].Member != "api/web1" || a.Labels["rack"] != "4" {
		t.Errorf("drained = %+v", a)
	}
	must[Acted](d, ann, "server.cancel", args{"server": "web1"})
	refused(d, ann, "server.cancel", args{"member": "shop/web1"}, "member.state")
	if a = must[Acted](d, ann, "server.drain", args{"member": "shop/web1", "mode": "now"}); a.Admin != "disabled" {
		t.Errorf("disabled now = %+v", a)
	}
	must[Acted](d, ann, "server.enable", args{"members": []string{"shop/web1"}})
	refused(d, ann, "server.drain", args{}, "params.member")
	refused(d, ann, "server.drain", args{"server": "web9"}, "not_found")
	refused(d, ann, "server.drain", args{"member": "shop/web9"}, "not_found")
	refused(d, ann, "server.preview", args{"member": "shop/web9"}, "not_found")

	cand, _, err := d.cfg.Store.Candidate("ann")
	if err != nil || version(cand) != draft.Version || must[Text](d, ann, "config.candidate", args{}).Text != before ||
		d.cfg.Store.Running().Number != running {
		t.Errorf("runtime actions have touched the candidate (%v) or what runs", err)
	}
}

func TestExplainShowsThePartsOnBothSides(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	must[Draft](d, ann, "config.patch", args{"base": 1, "path": "cluster/shop/rule/api",
		"set": args{"when": `path_prefix("/v2") && !method("PUT")`}})
	for on, want := range map[string]string{"running": `path_prefix("/api")`, "candidate": `path_prefix("/v2") && !method("PUT")`} {
		x := must[Explained](d, ann, "explain.request", args{"url": "/v2/x", "method": "PUT", "on": on})
		r := x.Rules[0]
		if r.When != want || r.Tree == nil || r.Verdict != "false" {
			t.Fatalf("%s: the rule is %+v", on, r)
		}
		if on == "candidate" {
			bad := r.Tree.Parts[1]
			if got := r.When[bad.From:bad.To]; r.Tree.Op != "and" || got != `!method("PUT")` || bad.Verdict != "false" || bad.Parts[0].Value != "PUT" {
				t.Errorf("the part that failed is %q: %+v", got, bad)
			}
		}
	}
}

func TestRulesTellWhenTheyAreTried(t *testing.T) {
	d := newDesk(t, strings.Replace(deskText, "  # partners\n", `  rule "zoo" {
    when = path_prefix("/zoo")
    pool = "api"
  }

  # partners
`, 1))
	live := d.liveRules()
	if zoo, api := live["shop/zoo"], live["shop/api"]; zoo.Position != 1 || api.Position != 2 {
		t.Errorf("zoo, which stands first, is at %d, api at %d", zoo.Position, api.Position)
	}
}

// FuzzEdits: no list of edits does anything but what it says, or panics.
func FuzzEdits(f *testing.F) {
	f.Add("patch", "pool/shop/member/web2", "weight", "5", "rule/api")
	f.Add("insert", "cluster/shop", "rule", "x", "rule/api")
	f.Add("move", "server/web1", "", "", "server/api1")
	f.Add("rename", "pool/shop", "", "store", "")
	f.Add("remove", "pool/shop", "", "", "")
	f.Fuzz(func(t *testing.T, op, path, word, value, before string) {
		e := EditOp{Op: op, Path: path, HCL: map[string]string{word: value}, Type: word, Label: value, Before: before}
		out, err := e.apply([]byte(deskText))
		if err != nil {
			return
		}
		for _, line := range strings.Split(deskText, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "# the shop") && !strings.Contains(string(out), line) {
				t.Fatalf("the comment %q is lost:\n%s", line, out)
			}
		}
		if _, found := Check("fuzz", out); op == "move" && found.HasErrors() {
			t.Fatalf("a move breaks the text: %v\n%s", found, out)
		}
	})
}
