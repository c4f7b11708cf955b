// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"strings"
	"testing"
	"time"
)

// bad is a track that fails.
func bad(n *node, why string) {
	n.set(func() { n.tracks = map[string]TrackState{"pool/shop": {Why: why}} })
}

func TestALostPriorityIsNamedByItsCause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, left, right := two(t, nil)
		settled(t, left, right)
		bad(left, "0 of 2 members are up")
		settled(t, right, left)
		want := "192.0.2.2 has the higher priority 150; this box 140, not 200: pool shop: 0 of 2 members are up (-60)"
		if got := left.group().Reason; got != want {
			t.Errorf("reason = %q, want %q", got, want)
		}
	})
}

func TestALostPriorityIsNamedAtTheStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		right := start(t, w, "right", settings("right", "left", "right"))
		settled(t, right)
		s := settings("left", "left", "right")
		s.Groups[0].StartDelay = Duration(5 * time.Second)
		left := start(t, w, "left", s)
		bad(left, "0 of 2 members are up")
		settled(t, right, left)
		if got, want := left.group().Reason, "priority 140, not 200: pool shop: 0 of 2 members are up (-60)"; !strings.HasSuffix(got, want) {
			t.Errorf("reason = %q, want it to end in %q", got, want)
		}
	})
}
