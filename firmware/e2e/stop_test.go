// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStopLetsRunningExchangesFinish(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			s := newSite(t, newOrigins(t, "web1")...)
			b := start(t, setup{config: s.text()})
			b.usable("shop")
			slow := dial(t, s.listen)
			fmt.Fprint(slow, "GET /wait/6s HTTP/1.1\r\nHost: a\r\n\r\n")
			dial(t, s.listen) // an idle connection must not delay the end
			b.await("the exchange runs", func() bool { return s.origins[0].requests.Load() == 1 })
			engine := b.info().PID

			if err := b.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			slow.SetDeadline(time.Now().Add(20 * time.Second))
			r := bufio.NewReader(slow)
			a, err := readAnswer(r)
			if err != nil || a.status != 200 {
				t.Errorf("the exchange that ran at %v got %d, %v; want 200", sig, a.status, err)
			}
			if !a.close {
				t.Error("the last answer does not say Connection: close")
			}
			select {
			case err := <-b.ended:
				if err != nil {
					t.Errorf("the box ended with %v", err)
				}
				b.ended <- nil
				b.cmd = nil
			case <-time.After(10 * time.Second):
				t.Fatal("the box has not ended 10s after its last exchange")
			}
			if running(engine) {
				t.Errorf("engine %d outlived the box", engine)
			}
			if c, err := net.Dial("tcp", s.listen); err == nil {
				c.Close()
				t.Error("the port is still open")
			}
		})
	}
}

func TestEngineDoesNotOutliveItsSupervisor(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: s.text()})
	engine := b.info().PID
	b.cmd.Process.Kill()
	<-b.ended
	b.cmd = nil
	for deadline := time.Now().Add(10 * time.Second); running(engine); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("engine %d runs 10s after its supervisor was killed", engine)
		}
	}
	b.run() // the ports and the state are free again
	b.await("the box serves", func() bool { return b.call("sys.info", nil, nil) == nil })
	if got := b.info().Revision; got != 1 {
		t.Errorf("revision %d runs, want 1", got)
	}
}

func TestSecondBoxOnTheSameStateSaysSo(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: s.text()})
	o := b.cli("run", "--board", "host", "--config", b.file)
	if o.code != 1 || !strings.Contains(o.stderr, "in use") {
		t.Errorf("a second box on the same state: exit code %d, %q; want 1 and why", o.code, tail([]byte(o.stderr), 500))
	}
	if got := b.info().Roles[0].Crashes; got != 0 {
		t.Errorf("the first box's engine crashed %d times", got)
	}
}

// dial connects until the test ends.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
