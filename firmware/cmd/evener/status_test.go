// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestStatusTellsOfMembersThatAreStillChecked(t *testing.T) {
	origin, asked := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(`
server "s" { address = %q }
pool "p" {
  member "s" {}
  probe "http" { timeout = "60s" }
}
pool "unprobed" {
  member "s" {}
}
cluster "c" {
  protocol = "http"
  listen   = [%q]
  pool     = "p"
  rule "other" {
    when = path_prefix("/other/")
    pool = "unprobed"
  }
}
`, origin, loopback(t)))
	<-asked // by the probe, which waits for the answer now
	out := b.must("status")
	if !strings.HasPrefix(out, "still being checked: p/s\n") || strings.Contains(out, "nothing needs attention") {
		t.Errorf("status before the first probe has ended:\n%s", out)
	}
}
