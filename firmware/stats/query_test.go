// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestQueryRefuses(t *testing.T) {
	reg, h := newTestHistory(HistoryConfig{})
	reg.Cluster("shop")
	h.Tick(epoch)
	tests := []struct {
		name string
		s    Series
		from time.Time
		to   time.Time
		step time.Duration
		want string
	}{
		{"half a second", shopReq, epoch, epoch.Add(time.Hour), 500 * time.Millisecond, "whole number"},
		{"no step", shopReq, epoch, epoch.Add(time.Hour), 0, "whole number"},
		{"nothing", shopReq, epoch, epoch, time.Second, "before to"},
		{"before 1970", shopReq, time.Unix(-5, 0), epoch, time.Second, "before to"},
		{"too much", shopReq, time.Unix(0, 0), epoch, time.Second, "too many"},
		{"to the end of time", shopReq, epoch, time.Unix(1<<50, 0), time.Second, "too many"},
		{"metric", Series{Kind: ClusterKind, Name: "shop", Metric: "busy"}, epoch, epoch.Add(1), time.Second, `cluster has no metric "busy"; there are requests, errors,`},
		{"kind", Series{Kind: "house", Metric: "busy"}, epoch, epoch.Add(1), time.Second, "no metric"},
		{"object", Series{Kind: ClusterKind, Name: "sho", Metric: "p50"}, epoch, epoch.Add(1), time.Second, "no history of cluster/sho"},
		{"member", Series{Kind: MemberKind, Name: "shop", Server: "web9", Metric: "p50"}, epoch, epoch.Add(1), time.Second, "no history of member/shop/web9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.Query([]Series{tt.s}, tt.from, tt.to, tt.step)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Query: %v, want an error about %q", err, tt.want)
			}
		})
	}
}

func TestColumnAsJSON(t *testing.T) {
	c := Column{1, nan, 0.5, float32(math.Inf(1)), 1e9}
	got, err := c.MarshalJSON()
	if want := "[1,null,0.5,null,1e+09]"; err != nil || string(got) != want {
		t.Errorf("MarshalJSON() = %s, %v, want %s", got, err, want)
	}
}
