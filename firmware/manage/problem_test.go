// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"testing"
	"time"
)

// A problem keeps the time at which it was noticed for as long as it lasts, and
// gets a new one when it comes back.
func TestProblemsRememberSinceWhen(t *testing.T) {
	var n noticed
	at := func(s int) time.Time { return time.Unix(int64(s), 0).UTC() }
	list := func(kinds ...string) (out []Problem) {
		for _, k := range kinds {
			out = append(out, Problem{Kind: k, Object: "pool/shop"})
		}
		return out
	}
	for i, step := range []struct {
		now   int
		kinds []string
		want  []int
	}{
		{1, []string{"a"}, []int{1}},
		{2, []string{"b", "a"}, []int{2, 1}},
		{3, []string{"b"}, []int{2}},
		{4, []string{"a", "b"}, []int{4, 2}},
	} {
		ps := list(step.kinds...)
		n.date(ps, at(step.now))
		for j, p := range ps {
			if !p.Since.Equal(at(step.want[j])) {
				t.Errorf("step %d: %s is since %v, want %v", i, p.Kind, p.Since, at(step.want[j]))
			}
		}
	}
	ps := []Problem{{Kind: "member.down", Since: at(7)}}
	n.date(ps, at(9))
	if !ps[0].Since.Equal(at(7)) {
		t.Errorf("a known time became %v", ps[0].Since)
	}
}
