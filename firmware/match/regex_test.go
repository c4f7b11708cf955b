// SPDX-License-Identifier: Apache-2.0

//go:build !race

package match

import "testing"

// TestRegularExpressionsDoNotAllocate is not for the race detector, under which
// sync.Pool, where package regexp keeps its machines, drops some at random.
func TestRegularExpressionsDoNotAllocate(t *testing.T) {
	s := compile(t, ruleList(t,
		`host_regex("^ww+\\.x") || pathname_regex("/[0-9]+/$") || cookie_regex("c", "^x")`,
		`header_regex("User-Agent", "(a|b)*c$") || query_regex("(^|&)x=[0-9]+(&|$)")`,
	))
	var r Request
	head := req{
		url: "www.example.com/a/b?y=1&x=z", fields: []string{"User-Agent: abababab", "Cookie: c=d"},
	}.load(&r)
	if allocs := testing.AllocsPerRun(100, func() {
		r.Reset(head, r.client, Options{})
		if got := s.Match(&r); got != -1 {
			t.Fatalf("Match = %d, want -1", got)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations per match, want 0", allocs)
	}
}
