// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"strings"
	"testing"

	"evener/firmware/persist"
)

// TestSecureCookie: a cookie that was set over TLS never goes over the wire in
// the clear, unless somebody wants that.
func TestSecureCookie(t *testing.T) {
	b := newRunning(t, Config{Loops: 1, Keys: []persist.Key{{ID: 1}}, Vault: &memVault{}})
	for i, tt := range []struct {
		protocol, more string
		want           bool
	}{
		{"http", "", false},
		{"http", "secure = true", true},
		{"https", "", true},
		{"https", "secure = false", false},
	} {
		text := fmt.Sprintf(`
server "web1" { address = "127.0.0.1:1" }
pool "p" {
  member "web1" {}
}
cluster "c" {
  protocol = %q
  listen   = ["127.0.0.1:%d"]
  pool     = "p"
  persist "cookie" { %s }
}
`, tt.protocol, freePort(t), tt.more)
		if err := serveText(t, b, uint64(i+1), text); err != nil {
			t.Fatal(err)
		}
		a, err := b.Explain(Question{URL: "/"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.HasSuffix(a.SetCookie, "; Secure"); got != tt.want || !strings.Contains(a.SetCookie, "; HttpOnly") {
			t.Errorf("%s, %q: the answer sets %q, want Secure %v", tt.protocol, tt.more, a.SetCookie, tt.want)
		}
	}
}
