// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"testing"
	"time"
)

func TestBackoffDelays(t *testing.T) {
	const ms = time.Millisecond
	type crash struct{ lived, want time.Duration }
	for _, tt := range []struct {
		name    string
		crashes []crash
	}{
		{"five crashes at once cost nothing", []crash{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}}},
		{"then it doubles up to the most", []crash{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 100 * ms},
			{0, 200 * ms}, {0, 400 * ms}, {0, 800 * ms}, {0, 1600 * ms}, {0, 3200 * ms}, {0, 5000 * ms}, {0, 5000 * ms}}},
		{"crashes far apart never count", []crash{{7000 * ms, 0}, {7000 * ms, 0}, {7000 * ms, 0}, {7000 * ms, 0},
			{7000 * ms, 0}, {7000 * ms, 0}, {7000 * ms, 0}, {7000 * ms, 0}}},
		{"a long life forgives", []crash{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 100 * ms}, {30000 * ms, 0}, {0, 0}}},
		{"a short one does not", []crash{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 100 * ms}, {29000 * ms, 200 * ms}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p Policy
			p.setDefaults()
			b := backoff{policy: p}
			now := time.Unix(0, 0)
			for i, c := range tt.crashes {
				now = now.Add(c.lived)
				got := b.crashed(now, c.lived)
				if got != c.want {
					t.Fatalf("crash %d: delay = %v, want %v", i+1, got, c.want)
				}
				now = now.Add(got)
			}
		})
	}
}
