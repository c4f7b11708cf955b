// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/supervise"
)

// haConfig is a box named node with a failover group of two.
func haConfig(node string) string {
	return fmt.Sprintf(`
node { name = %q }
group "front" {
  homes    = ["left", "right"]
  interval = "100ms"
  router "a" {
    port      = "lan1"
    vrid      = 10
    addresses = ["192.0.2.10/24"]
  }
}
`, node)
}

// standby returns the state of the group of the box and why it is so.
func (b *liveBox) standby() (state, reason string) {
	var s manage.HAShow
	if b.ask(api.EngineSocket, "ha.show", struct{}{}, &s) != nil || len(s.Groups) == 0 {
		return "", ""
	}
	return s.Groups[0].State, s.Groups[0].Reason
}

// haProcess returns the process of the role ha, 0 while there is none.
func (b *liveBox) haProcess() int {
	b.t.Helper()
	var s supervise.Status
	if err := b.ask(api.SupervisorSocket, "role.list", struct{}{}, &s); err != nil {
		b.t.Fatal(err)
	}
	for _, r := range s.Roles {
		if r.Name == manage.HARole && r.State == supervise.Serving {
			return r.PID
		}
	}
	return 0
}

// killHA sends a signal to the process of the role ha.
func (b *liveBox) killHA(s syscall.Signal) {
	b.t.Helper()
	var pid int
	b.await("a process of the role ha runs", func() bool { pid = b.haProcess(); return pid > 0 })
	if err := syscall.Kill(pid, s); err != nil {
		b.t.Fatal(err)
	}
}

func TestAPairOfBoxesOnASimulatedLAN(t *testing.T) {
	lan := t.TempDir()
	left := startLive(t, haConfig("left"), "--lan", lan)
	right := startLive(t, haConfig("right"), "--lan", lan)
	pair := func(l, r string) func() bool {
		return func() bool {
			a, _ := left.standby()
			b, _ := right.standby()
			return a == l && b == r
		}
	}
	left.await("left is active", pair(manage.HAActive, manage.HABackup))

	pid := left.haProcess()
	if out := left.cli("restart", "ha"); out.code != 0 {
		t.Fatalf("restart ha = %+v", out)
	}
	left.await("another process is active", func() bool {
		state, why := left.standby()
		return left.haProcess() != pid && state == manage.HAActive && why != "waits for the engine to serve"
	})

	left.killHA(syscall.SIGSTOP)
	began := time.Now()
	right.await("right takes over from a process that is stopped", func() bool { s, _ := right.standby(); return s == manage.HAActive })
	left.await("the stopped process is replaced", pair(manage.HAActive, manage.HABackup))
	t.Logf("a process that was stopped was replaced within %v", time.Since(began))

	pid = left.haProcess()
	left.killHA(syscall.SIGKILL)
	left.await("another process runs", func() bool { now := left.haProcess(); return now != pid && now > 0 })
	left.await("left is active again after a crash", pair(manage.HAActive, manage.HABackup))
}
