// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"testing"

	"evener/firmware/health"
)

// Probes ask a server as the pool speaks to it; what listens elsewhere is another.
func TestProbesSpeakAsThePoolDoes(t *testing.T) {
	for _, tt := range []struct {
		protocol, tls, probe string
		http2, secure        bool
	}{
		{"http", "", `probe "http" {}`, false, false},
		{"h2c", "", `probe "http" {}`, true, false},
		{"h2", "tls { verify = false }", `probe "http" {}`, true, true},
		{"h2", "tls { verify = false }", `probe "http" { tls = false }`, false, false},
		{"h2c", "", `probe "http" { port = 9 }`, false, false},
		{"h2c", "", `probe "http" { port = 1234 }`, true, false},
		{"h2c", "", `probe "tcp" {}`, false, false},
		{"h2", "tls { verify = false }", `probe "grpc" { service = "s" }`, false, true},
	} {
		b := newRunning(t, Config{Loops: 1, Vault: &memVault{}})
		mustServe(t, b, 1, fmt.Sprintf(`
server "s" { address = "127.0.0.1:1234" }
pool "p" {
  protocol = %q
  member "s" {}
  %s
  %s
}
`, tt.protocol, tt.tls, tt.probe))
		b.mu.Lock()
		p := targets(b.cur)[0].Probes[0]
		b.mu.Unlock()
		if p.HTTP2 != tt.http2 || p.Secure != tt.secure || p.Type == health.GRPC != (p.Service == "s") {
			t.Errorf("protocol %s, %s: HTTP/2 %v, TLS %v, service %q", tt.protocol, tt.probe, p.HTTP2, p.Secure, p.Service)
		}
	}
}
