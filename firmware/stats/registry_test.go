// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"strings"
	"testing"
)

func TestCountersSurviveAndRemovedObjectsVanish(t *testing.T) {
	reg := fullRegistry()
	reg.Cluster("old").Slot(0).Requests.Add(1)
	reg.Keep(Live{
		Clusters: []string{"shop"},
		Rules:    []RuleKey{{"shop", "api"}},
		Members:  []MemberKey{{"shop", "web1"}},
	})
	if c := reg.Cluster("shop").Sum(); c.Requests != 14 {
		t.Errorf("the cluster that stayed has %d requests, want 14", c.Requests)
	}
	if r := reg.Rule("shop", "api").Sum(); r.Hits != 2 {
		t.Errorf("the rule that stayed has %d hits, want 2", r.Hits)
	}
	text := textOf(t, reg)
	for _, gone := range []string{`"old"`, `"never"`} {
		if strings.Contains(text, gone) {
			t.Errorf("%s is still shown", gone)
		}
	}
	reg.Keep(Live{})
	if text := textOf(t, reg); strings.Contains(text, "shop") {
		t.Error("shop is still shown after everything was removed")
	}
	if c := reg.Cluster("shop").Sum(); c.Requests != 0 {
		t.Errorf("a cluster made anew begins with %d requests, want 0", c.Requests)
	}
}

func TestRejectReasonsAreNamedByTheCaller(t *testing.T) {
	reg := NewRegistry(Config{Loops: 1, RejectReason: func(i int) string { return "r" + strings.Repeat("x", i) }})
	reg.Cluster("shop").Slot(0).Rejected[3].Add(1)
	if want := `evener_cluster_rejected_total{cluster="shop",reason="rxxx"} 1`; !strings.Contains(textOf(t, reg), want) {
		t.Errorf("no line %s", want)
	}
}
