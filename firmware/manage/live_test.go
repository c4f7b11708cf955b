// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"math"
	"testing"

	"evener/firmware/stats"
)

func TestDigitsKeepsThree(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 1234.5: 1230, 0.0012345: 0.00123, 99.96: 100, 7: 7, -0.5555: -0.556} {
		if got := digits(v); math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("digits(%v) = %v, want %v", v, got, want)
		}
	}
}

// What is not known neither counts as 0 nor makes the rest unknown.
func TestSummaryLeavesOutWhatIsUnknown(t *testing.T) {
	nan := float32(math.NaN())
	for _, tt := range []struct {
		name        string
		in          stats.Column
		mean, worst float64
		known       bool
	}{
		{"nothing", stats.Column{nan, nan}, 0, 0, false},
		{"a gap", stats.Column{2, nan, 4}, 3, 4, true},
		{"quiet", stats.Column{0, 0}, 0, 0, true},
	} {
		mean, worst, known := summary(tt.in)
		if mean != tt.mean || worst != tt.worst || known != tt.known {
			t.Errorf("%s: summary(%v) = %v, %v, %v, want %v, %v, %v", tt.name, tt.in, mean, worst, known, tt.mean, tt.worst, tt.known)
		}
	}
}

func TestParseSeries(t *testing.T) {
	for text, want := range map[string]stats.Series{
		"engine:connections":     {Kind: stats.EngineKind, Metric: "connections"},
		"cluster/shop:requests":  {Kind: stats.ClusterKind, Name: "shop", Metric: "requests"},
		"member/shop/web1:p95":   {Kind: stats.MemberKind, Name: "shop", Server: "web1", Metric: "p95"},
		"cluster/shop":           {},
		"cluster/shop:bytes":     {},
		"cluster:requests":       {},
		"router/shop:requests":   {},
		"cluster/a/b:requests":   {},
		"cluster/shop:requests:": {},
	} {
		got, err := parseSeries(text)
		if got != want || (err == nil) != (want != stats.Series{}) {
			t.Errorf("parseSeries(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
}
