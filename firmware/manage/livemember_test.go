// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"testing"
	"testing/synctest"
	"time"
)

// Counting is dear: many who look at the same time have it done once.
func TestStickyClientsAreCountedEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := uint64(0)
		s := &stickyCount{count: func() map[string]uint64 { n++; return map[string]uint64{"shop/web1": n} }}
		for _, tt := range []struct {
			after time.Duration
			want  uint64
		}{{0, 1}, {0, 1}, {4 * time.Second, 1}, {time.Second, 2}, {0, 2}} {
			time.Sleep(tt.after)
			if got := s.now()["shop/web1"]; got != tt.want {
				t.Errorf("%v later: counted %d times, want %d", tt.after, got, tt.want)
			}
		}
	})
}
