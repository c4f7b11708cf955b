// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestWatchSurvivesAnOverrun lets the kernel have more to say than the socket
// holds, while the one who listens does not read.
func TestWatchSurvivesAnOverrun(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	ip(t, "link", "add", "lan1", "type", "veth", "peer", "name", "lan1-far")
	ip(t, "link", "set", "lan1-far", "up")
	events := make(chan Event) // each event is held up until the test takes it
	p, err := Open([]Match{{Label: "1", Interface: "lan1"}}, Config{Buffer: 4096, Changed: func(e Event) { events <- e }}, slog.New(slog.DiscardHandler))
	must(t, err)
	defer p.Close()
	var subscriptions atomic.Int32
	p.subscribe = func(stop <-chan struct{}) (<-chan struct{}, error) {
		updates := make(chan netlink.LinkUpdate) // no room: the socket fills up
		closed := make(chan struct{})
		overrun := make(chan error, 10)
		err := netlink.LinkSubscribeWithOptions(updates, closed, netlink.LinkSubscribeOptions{ReceiveBufferSize: 4096,
			ErrorCallback: func(err error) { overrun <- err }})
		must(t, err)
		out := make(chan struct{}, 1)
		if subscriptions.Add(1) == 1 {
			flood(t)
			for range updates { // late, and until it ends
			}
			if err := <-overrun; !strings.Contains(err.Error(), unix.ENOBUFS.Error()) {
				t.Errorf("the subscription ended with %v, want %v", err, unix.ENOBUFS)
			}
			close(closed)
			close(out)
			return out, nil
		}
		go func() {
			defer close(out)
			pass(updates, out, stop)
			close(closed)
			for range updates {
			}
		}()
		return out, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	eventually(t, "it subscribes anew", func() bool { return subscriptions.Load() > 1 })
	ip(t, "link", "set", "lan1", "up")
	for e := range events {
		if e.Port.State == Up {
			break
		}
	}
	cancel()
	for {
		select {
		case <-events:
		case err := <-done:
			must(t, err)
			return
		}
	}
}

// flood changes a link more often than 4 KiB can tell.
func flood(t *testing.T) {
	t.Helper()
	var script strings.Builder
	for i := range 300 {
		fmt.Fprintf(&script, "link set lan1-far mtu %d\n", 1300+i%2)
	}
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(script.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip: %v\n%s", err, out)
	}
}

func TestWatchListsWhatItHasMissed(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	ip(t, "link", "add", "lan1", "type", "veth", "peer", "name", "lan1-far")
	ip(t, "link", "set", "lan1-far", "up")
	events := make(chan Event, 10)
	p, err := Open([]Match{{Label: "1", Interface: "lan1"}}, Config{Changed: func(e Event) { events <- e }}, slog.New(slog.DiscardHandler))
	must(t, err)
	defer p.Close()
	calls := 0
	p.subscribe = func(stop <-chan struct{}) (<-chan struct{}, error) {
		if calls++; calls == 2 {
			ip(t, "link", "set", "lan1", "up") // nobody has subscribed
		}
		if calls < 4 {
			return nil, errors.New("no buffer space")
		}
		return p.listen(stop)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	select {
	case e := <-events:
		if e.Port.Label != "1" || e.Was != Down {
			t.Errorf("event is %+v", e)
		}
	case <-time.After(long):
		t.Error("no event of what happened between two subscriptions")
	}
	cancel()
	must(t, <-done)
}
