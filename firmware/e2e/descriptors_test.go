// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"os/exec"
	"testing"
	"time"
)

// TestDescriptorsExhausted starts the box with so few descriptors that it cannot
// accept every client, twice: with the limit that it works out for itself, and
// with one that is too high, so that accept and connect really fail.
func TestDescriptorsExhausted(t *testing.T) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Skip("prlimit is not installed")
	}
	for _, c := range []struct{ name, engine string }{
		{"own limit", ""},
		{"limit too high", "engine { max_connections = 10000 }\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, newOrigins(t, "web1", "web2")...)
			s.rest = c.engine
			b := start(t, setup{config: s.text(), wrap: []string{prlimit, "--nofile=300:300"}})
			b.usable("shop")
			engine := b.info().PID
			before := descriptors(t, engine)

			var crowd []net.Conn
			for range 600 {
				if conn, err := net.DialTimeout("tcp", s.listen, 5*time.Second); err == nil {
					crowd = append(crowd, conn)
				}
			}
			time.Sleep(2 * time.Second) // the box has had time to do harm
			if got := descriptors(t, engine); got > 300 {
				t.Errorf("the engine has %d descriptors open; its limit is 300", got)
			}
			asked := time.Now()
			if b.info().PID != engine {
				t.Error("the engine did not survive")
			}
			if took := time.Since(asked); took > 5*time.Second {
				t.Errorf("the API answered after %v", took)
			}
			if cpu := processorTime(t, engine, time.Second); cpu > 600*time.Millisecond {
				t.Errorf("the engine used %v of processor time in a second of waiting for descriptors", cpu)
			}
			for _, conn := range crowd {
				conn.Close()
			}
			b.await("descriptors are released", func() bool { return descriptors(t, engine) <= before+16 })
			l := startLoad(t, s.listen, "/", 4)
			l.reach(500)
			l.stop()
			l.clean()
			if r := b.info().Roles[0]; r.Crashes != 0 {
				t.Errorf("the engine crashed: %s", r.LastCrash)
			}
		})
	}
}
