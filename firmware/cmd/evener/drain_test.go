// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"evener/firmware/manage"
	"evener/firmware/supervise"
)

const hangingText = `
engine { drain_timeout = %q }
server "s" { address = %q }
pool "p" {
  member "s" {}
}
cluster "c" {
  protocol = "http"
  listen   = [%q]
  pool     = "p"
  timeouts { server_head = "1h" }
}
`

// TestRestartWaitsNoLongerThanDrainTimeout: the supervisor would wait for ten
// minutes, the exchange for an hour.
func TestRestartWaitsNoLongerThanDrainTimeout(t *testing.T) {
	addr := loopback(t)
	origin, asked := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(hangingText, "300ms", origin, addr))
	c := hang(t, addr, asked)
	b.must("restart", "engine")
	if n, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the hanging exchange outlived drain_timeout: %d bytes, %v", n, err)
	}
}

// While one engine follows another, the old one tells of the new one's process
// before that answers anybody.
func TestPidOfTheEngineIsOfTheOneThatAnswers(t *testing.T) {
	i := manage.Info{PID: 7, Roles: []supervise.RoleStatus{
		{Name: "engine", ProcessStatus: supervise.ProcessStatus{PID: 8}},
		{Name: "console", ProcessStatus: supervise.ProcessStatus{PID: 9}},
	}}
	for role, want := range map[string]int{"engine": 7, "console": 9, "demo": 0} {
		if got := pidOf(i, role); got != want {
			t.Errorf("pidOf(%s) = %d, want %d", role, got, want)
		}
	}
}
