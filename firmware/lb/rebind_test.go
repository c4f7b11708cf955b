// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/config"
	"evener/firmware/persist"
	"evener/firmware/stats"
)

// gated holds sockets of those groups alone that are active, and of what has none.
type gated struct {
	t *testing.T

	mu     sync.Mutex // guards what follows
	active []string
	busy   bool
	open   map[Spec]int
	asked  []Spec
}

func (g *gated) set(busy bool, active ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy, g.active = busy, active
}

func (g *gated) Acquire(specs []Spec) ([][]int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy {
		return nil, errors.New("the address is in use")
	}
	g.asked = slices.Clone(specs)
	out := make([][]int, len(specs))
	for i, s := range specs {
		if s.Group != "" && !slices.Contains(g.active, s.Group) {
			continue
		}
		if _, ok := g.open[s]; !ok {
			g.open[s] = bindShared(g.t, s)
		}
		out[i] = []int{g.open[s]}
	}
	return out, nil
}

func (g *gated) Keep(specs []Spec) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for s, fd := range g.open {
		if !slices.Contains(specs, s) || s.Group != "" && !slices.Contains(g.active, s.Group) {
			unix.Close(fd)
			delete(g.open, s)
		}
	}
	return nil
}

const groupsText = `node { name = "left" }

group "front" {
  homes = ["left"]

  router "lo" {
    port      = "lo"
    vrid      = 1
    addresses = ["127.0.0.2/8"]
  }
}

cluster "moving" {
  protocol  = "http"
  listen    = ["127.0.0.2:%d"]
  responder = "here"
}

cluster "fixed" {
  protocol  = "http"
  listen    = ["127.0.0.1:%[1]d"]
  responder = "here"
}

responder "here" { status = 200 }
`

// A box that is not active must not serve, must when it becomes active, and must
// not again; other clusters and open connections have nothing to do with it.
func TestRebindFollowsTheGroup(t *testing.T) {
	sockets := &gated{t: t, open: map[Spec]int{}}
	port := freePort(t)
	b := runGroups(t, sockets, port)
	moving, fixed := fmt.Sprintf("127.0.0.2:%d", port), fmt.Sprintf("127.0.0.1:%d", port)
	if got := sockets.asked; len(got) != 2 || got[0].Group != "front" || got[1].Group != "" {
		t.Errorf("asked for %v, want the first in group front", got)
	}
	serves(t, "standby", map[string]bool{moving: false, fixed: true})

	sockets.set(true, "front")
	if err := b.Rebind(); err == nil {
		t.Error("Rebind = nil while the address is taken")
	}
	serves(t, "taken", map[string]bool{moving: false, fixed: true})

	sockets.set(false, "front")
	if err := b.Rebind(); err != nil {
		t.Fatal(err)
	}
	serves(t, "active", map[string]bool{moving: true, fixed: true})
	open, err := net.Dial("tcp", moving)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	ask(t, open)

	sockets.set(false)
	if err := b.Rebind(); err != nil {
		t.Fatal(err)
	}
	serves(t, "standby again", map[string]bool{moving: false, fixed: true})
	ask(t, open)

	sockets.set(false, "front")
	if err := b.Rebind(); err != nil {
		t.Fatal(err)
	}
	serves(t, "active again", map[string]bool{moving: true, fixed: true})
}

// runGroups runs a balancer of groupsText until the test ends.
func runGroups(t *testing.T, sockets *gated, port int) *Balancer {
	t.Helper()
	b, err := New(Config{Loops: 2, Sockets: sockets, Registry: stats.NewRegistry(stats.Config{Loops: 2}),
		Keys: []persist.Key{persist.NewKey(1)}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		sockets.Keep(nil)
	})
	cfg, found := config.Parse("box.hcl", fmt.Appendf(nil, groupsText, port))
	if cfg == nil {
		t.Fatal(found)
	}
	if err := b.Apply(cfg, 1); err != nil {
		t.Fatal(err)
	}
	return b
}

// Clients of a group that another box has now are told to come again, also those of
// a commit after that, and no others.
func TestFollowSendsClientsOfOtherGroupsAway(t *testing.T) {
	port := freePort(t)
	sockets := &gated{t: t, open: map[Spec]int{}, active: []string{"front"}}
	b := runGroups(t, sockets, port)
	for _, step := range []struct {
		name   string
		do     func()
		moving bool // the client of the group may stay
	}{
		{"nobody has said", func() {}, true},
		{"active", func() { b.Follow(map[string]bool{"front": true}) }, true},
		{"on standby", func() { b.Follow(map[string]bool{"other": true}) }, false},
		{"after a commit", func() {
			if err := b.Apply(b.Config(), 2); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"active again", func() { b.Follow(map[string]bool{"front": true}) }, true},
	} {
		step.do()
		for addr, stays := range map[string]bool{"127.0.0.2": step.moving, "127.0.0.1": true} {
			answer, err := http.Get(fmt.Sprintf("http://%s:%d/", addr, port))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.Close == stays {
				t.Errorf("%s: the answer of %s ends the connection: %v", step.name, addr, answer.Close)
			}
		}
	}
}

// ask asks over an open connection.
func ask(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 12)
	if _, err := c.Read(head); err != nil || string(head) != "HTTP/1.1 200" {
		t.Fatalf("the open connection answers %q, %v", head, err)
	}
	rest := make([]byte, 4096)
	if _, err := c.Read(rest); err != nil {
		t.Fatal(err)
	}
}

// serves asks each address several times, so that every loop has its turn.
func serves(t *testing.T, when string, want map[string]bool) {
	t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for addr, yes := range want {
		for range 4 {
			answer, err := client.Get("http://" + addr + "/")
			if err == nil {
				answer.Body.Close()
			}
			if (err == nil) != yes || !yes && !errors.Is(err, unix.ECONNREFUSED) {
				t.Fatalf("%s: %s answers with %v, want %v", when, addr, err, yes)
			}
		}
	}
}
