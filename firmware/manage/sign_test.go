// SPDX-License-Identifier: Apache-2.0

package manage

import "testing"

func TestFailingAttemptsAreASignBeforeProbesFall(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rate    Rate
		percent int
		bad     bool
	}{
		{"quiet", Rate{}, 0, false},
		{"sound", Rate{Requests: 100}, 0, false},
		{"now and then", Rate{Requests: 100, Errors: 2}, 2, false},
		{"a third", Rate{Requests: 30, Errors: 10}, 33, true},
		{"all, and none is counted as a request", Rate{Errors: 8}, 100, true},
		{"one in a minute", Rate{Requests: 0.017, Errors: 0.017}, 3, false},
	} {
		p, bad := failingSign("shop", "web2", tt.rate)
		if bad != tt.bad || p.Args["percent"] != tt.percent {
			t.Errorf("%s: %v %%, bad %v, want %d, %v", tt.name, p.Args["percent"], bad, tt.percent, tt.bad)
		}
	}
}
