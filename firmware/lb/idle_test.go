// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"strings"
	"testing"

	"evener/firmware/config"
)

// TestCheckWarnsOfWhatHasNoEffect: each text is a whole configuration.
func TestCheckWarnsOfWhatHasNoEffect(t *testing.T) {
	pool := func(policy, one, two string) string {
		return fmt.Sprintf(`
server "a" { address = "192.0.2.1:80" }
server "b" { address = "192.0.2.2:80" }
pool "p" {
  policy = %q
  member "a" { %s }
  member "b" { %s }
}
cluster "c" {
  protocol = "http"
  listen   = ["127.0.0.1:8080"]
  pool     = "p"
}
`, policy, one, two)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "# nothing\n", "no cluster: nothing is served"},
		{"weights in turn", pool("round_robin", "weight = 50", ""), "ignores weights"},
		{"weights that count", pool("static_weight", "weight = 50", ""), ""},
		{"equal weights", pool("round_robin", "weight = 50", "weight = 50"), ""},
		{"no new clients", pool("round_robin", "weight = 0", ""), ""},
	} {
		_, found := config.ParseWith("box.hcl", []byte(tt.text), Check)
		if found.HasErrors() {
			t.Errorf("%s: %v", tt.name, found)
		}
		if (len(found) != 0) != (tt.want != "") || !strings.Contains(found.Error(), tt.want) {
			t.Errorf("%s: Check found %q, want %q", tt.name, found, tt.want)
		}
	}
}
