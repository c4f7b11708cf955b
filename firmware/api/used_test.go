// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"slices"
	"testing"
	"testing/synctest"
)

// What a page does by itself must not keep a session for ever that nobody sits at.
func TestWhatCountsAsUse(t *testing.T) {
	for _, c := range []struct {
		what, method, params, meta string
		used                       bool
	}{
		{"a call", "who.am_i", `{}`, `{"origin":"console","token":"t-ann"}`, true},
		{"a ping while somebody types", "$/ping", `{}`, `{"origin":"console","token":"t-ann"}`, true},
		{"a ping of a lonely page", "$/ping", `{}`, `{"origin":"console","token":"t-ann","auto":true}`, false},
		{"a poll of a lonely page", "who.am_i", `{}`, `{"origin":"console","token":"t-ann","auto":true}`, false},
		{"a subscription", "sub.open", `{"topic":"series.live","params":{"series":[]}}`, `{"origin":"console","token":"t-ann"}`, false},
		{"a topic read", "sub.read", `{"topic":"series.live","params":{"series":[]}}`, `{"origin":"console","token":"t-ann"}`, false},
		{"a stranger", "who.open", `{}`, `{"origin":"console"}`, false},
		{"an old session", "who.open", `{}`, `{"origin":"console","token":"t-eve"}`, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGatehouse()
				var used []string
				nc := serve(t, newGate(), ServerConfig{Identify: consoleLink, Authenticate: g.authenticate, Ended: g.ended,
					Used: func(session string) { used = append(used, session) }}).dial()
				defer nc.Close()
				say(nc, with(c.method, c.params, c.meta))
				line(t, bufio.NewReader(nc))
				synctest.Wait()
				if got := slices.Contains(used, "s1"); got != c.used || len(used) > 1 {
					t.Errorf("used sessions: %q; want s1 among them: %v", used, c.used)
				}
			})
		})
	}
}
