// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// pairedConfig is the box node with a mirror at listen, and a peer.
func pairedConfig(node, listen, peer, address string) string {
	return fmt.Sprintf(`
node {
  name   = %q
  listen = %q
  peer %q { address = %q }
}
group "front" {
  homes    = ["left", "right"]
  interval = "100ms"
  router "a" {
    port      = "lan1"
    vrid      = 10
    addresses = ["192.0.2.10/24"]
  }
  track "custom" "upstream" { ttl = "1h" }
}
pool "shop" {}
`, node, listen, peer, address)
}

// A shared buffer takes what a command prints while a test reads it.
type sharedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sharedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sharedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// pairing starts ha pair on b, which answers what somebody types.
func (b *liveBox) pairing(typed string, args ...string) (*exec.Cmd, *sharedBuffer) {
	b.t.Helper()
	cmd := b.command(append([]string{"ha", "pair"}, args...)...)
	var out sharedBuffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(typed), &out, &out
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	return cmd, &out
}

func (b *liveBox) shown() (h manage.HAShow) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.must("ha", "show", "-o", "json")), &h); err != nil {
		b.t.Fatal(err)
	}
	return h
}

func TestTwoBoxesPairSwitchAndAgreeByTheCommandLine(t *testing.T) {
	lan, here, there := t.TempDir(), loopback(t), loopback(t)
	left := startLive(t, pairedConfig("left", here, "right", there), "--lan", lan)
	right := startLive(t, pairedConfig("right", there, "left", here), "--lan", lan)

	// A code that somebody says is another one pairs nobody.
	waits, told := left.pairing("no\n")
	left.await("left waits", func() bool { return strings.Contains(told.String(), "evener ha pair "+here) })
	joins, _ := right.pairing("yes\n", here)
	if err := waits.Wait(); err == nil || !strings.Contains(told.String(), "not paired: the codes differ") {
		t.Fatalf("codes that differ: %v\n%s", err, told)
	}
	if err := joins.Wait(); err == nil {
		t.Fatal("right believes that it is paired")
	}

	for _, b := range []*liveBox{left, right} { // who fails waits before the next try
		b.await("it may be tried again", func() bool {
			var p manage.HAPairing
			return b.ask(api.EngineSocket, "ha.pair.show", struct{}{}, &p) == nil && time.Now().After(p.NotBefore)
		})
	}
	waits, told = left.pairing("yes\n")
	left.await("left waits again", func() bool { return strings.Contains(told.String(), "evener ha pair "+here) })
	joins, answer := right.pairing("yes\n", here)
	if err := waits.Wait(); err != nil || !strings.Contains(told.String(), "paired with right\n") {
		t.Fatalf("ha pair: %v\n%s", err, told)
	}
	if err := joins.Wait(); err != nil {
		t.Fatalf("ha pair %s: %v\n%s", here, err, answer)
	}
	left.await("both are in sync", func() bool {
		return left.shown().Peers[0].Differences.State == manage.HAInSync && right.shown().Peers[0].Differences.State == manage.HAInSync
	})
	left.await("left is active", func() bool {
		return left.shown().Groups[0].State == manage.HAActive && right.shown().Groups[0].Active == "left"
	})
	left.await("right hears it", func() bool { return left.shown().Peers[0].Heartbeat.Seen && right.shown().Peers[0].Heartbeat.Seen })

	if out := left.must("ha", "switch", "front", "--to", "right"); !strings.Contains(out, "group front: handed over to right") {
		t.Errorf("ha switch prints %q", out)
	}
	right.await("right is active", func() bool { return right.shown().Groups[0].State == manage.HAActive })
	left.await("left shows who is active", func() bool {
		out := left.must("ha", "show")
		return (strings.Contains(out, "group front: STANDBY here") || strings.Contains(out, "group front: BACKUP here")) && strings.Contains(out, "active: on right")
	})
	if out := right.must("ha", "track", "upstream", "down", "--reason", "the line is cut"); !strings.Contains(out, "down") {
		t.Errorf("ha track prints %q", out)
	}
	right.await("the report is in the priority", func() bool {
		return strings.Contains(right.must("show", "ha"), "custom upstream: the line is cut (-60)")
	})
	if o := left.cli("ha", "track", "upstream", "broken"); o.code != 2 || !strings.Contains(o.stderr, "ok or down") {
		t.Errorf("a state that there is not: %+v", o)
	}
	left.await("the timeline has both boxes", func() bool {
		out := left.must("ha", "timeline")
		return strings.Contains(out, "front is active on right") && strings.Contains(out, "front is on standby on left")
	})
	if out := left.must("ha", "sync"); !strings.HasPrefix(out, "right: in sync") {
		t.Errorf("ha sync prints %q", out)
	}
	if o := left.cli("ha", "sync", "--take", "all"); o.code != 2 {
		t.Errorf("ha sync --take all: %+v", o)
	}
	left.must("ha", "rebalance")
	left.must("ha", "unpair", "right")
	if o := left.cli("ha", "sync"); o.code != 1 || !strings.Contains(o.stderr, "paired with no other") {
		t.Errorf("ha sync of a box alone: %+v", o)
	}
}
