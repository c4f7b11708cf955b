// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"testing"
	"time"

	"evener/firmware/health"
)

func TestVerdictOfProbes(t *testing.T) {
	asked := health.Result{At: time.Unix(1, 0), Outcome: health.Good}
	mute := health.Result{At: time.Unix(1, 0), Outcome: health.Unavailable, Detail: "no right"}
	for _, tt := range []struct {
		name   string
		probes []health.ProbeStatus
		want   verdict
		why    string
	}{
		{"none", nil, reached, ""},
		{"not asked yet", []health.ProbeStatus{{Name: "http", Deciding: true}}, pending, ""},
		{"one good answer of two", []health.ProbeStatus{{Name: "http", Deciding: true, Last: asked}}, pending, ""},
		{"an agent that need not answer", []health.ProbeStatus{{Name: "agent"}}, reached, ""},
		{"no right", []health.ProbeStatus{{Name: "icmp", Last: mute}}, impossible, "icmp: no right"},
		{"no right for one of two", []health.ProbeStatus{{Name: "icmp", Last: mute}, {Name: "http", Deciding: true}}, pending, ""},
	} {
		if got, why := verdictOf(tt.probes); got != tt.want || why != tt.why {
			t.Errorf("%s: verdictOf = %d, %q, want %d, %q", tt.name, got, why, tt.want, tt.why)
		}
	}
}
