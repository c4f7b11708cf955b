// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// shelf is a State in memory.
type shelf struct {
	mu sync.Mutex
	m  map[string]string
}

func (s *shelf) Get(key string, v any) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.m[key]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal([]byte(text), v)
}

func (s *shelf) Put(key string, v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := json.Marshal(v)
	if s.m == nil {
		s.m = map[string]string{}
	}
	s.m[key] = string(text)
	return err
}

// hearsay notes what a balancer tells.
type hearsay struct {
	mu   sync.Mutex
	list []Change
}

func (c *hearsay) add(x Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, x)
}

func (c *hearsay) of(kind ChangeKind) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.list {
		if x.Kind == kind {
			n++
		}
	}
	return n
}

// cutLab serves a tcp, a udp and an http cluster, each with something running.
func cutLab(t *testing.T, b *Balancer) (tcp, web net.Conn, text string) {
	t.Helper()
	port, webPort := freePort(t), freePort(t)
	origin, asked := silentHTTP(t)
	text = fmt.Sprintf(connectionsText, namedTCP(t, "127.0.0.1:0", "t1"), namedUDP(t, "u1"), origin, port, webPort)
	if err := serveText(t, b, 1, text); err != nil {
		t.Fatal(err)
	}
	stream := fmt.Sprintf("127.0.0.1:%d", port)
	_, tcp = greeting(t, "tcp", stream)
	greeting(t, "udp", stream)
	web, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", webPort))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { web.Close() })
	web.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(web, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345")
	<-asked
	return tcp, web, text
}

// ended expects that all that cutLab has begun was cut.
func ended(t *testing.T, b *Balancer, tcp, web net.Conn) {
	t.Helper()
	if _, err := tcp.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("tcp: read %v, want a reset", err)
	}
	head := make([]byte, len("HTTP/1.1 503 "))
	if _, err := io.ReadFull(web, head); err != nil || string(head) != "HTTP/1.1 503 " {
		t.Errorf("http: %q, %v, want an answer with %d", head, err, http.StatusServiceUnavailable)
	}
	for end := time.Now().Add(20 * time.Second); b.cur.exchanges() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d exchanges and flows are left", b.cur.exchanges())
		}
	}
}

func TestDisableAndCut(t *testing.T) {
	var told hearsay
	b := newRunning(t, Config{Loops: 2, Changed: told.add})
	tcp, web, _ := cutLab(t, b)
	for _, name := range []string{"t", "u", "h"} {
		if err := b.Disable(name, name, Order{Force: true}); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.cur.exchanges(); n != 3 || told.of(Cut) != 0 {
		t.Fatalf("without an order to cut: %d run, %d cut, want 3 and 0", n, told.of(Cut))
	}
	for _, name := range []string{"t", "u", "h"} { // it is disabled already
		if err := b.Disable(name, name, Order{Cut: true}); err != nil {
			t.Fatal(err)
		}
	}
	ended(t, b, tcp, web)
	if told.of(Cut) != 3 {
		t.Errorf("told of %d cuts, want 3", told.of(Cut))
	}
}

// A drain that is to cut does so at its deadline, by the engine that runs then. One
// that was called off does not.
func TestDrainCutsAtItsEndAfterARestart(t *testing.T) {
	var kept shelf
	first := newRunning(t, Config{Loops: 1, State: &kept})
	_, _, text := cutLab(t, first)
	for _, name := range []string{"t", "u", "h"} {
		if err := first.DrainMember(name, name, true, time.Now().Add(time.Hour), Order{Force: true, Cut: true}); err != nil {
			t.Fatal(err)
		}
	}
	if !first.Pools()[0].Members[0].Cut {
		t.Error("the status does not say that the drain ends with a cut")
	}
	b := newRunning(t, Config{Loops: 2, State: &kept})
	tcp, web, _ := cutLab(t, b)
	b.tick(time.Now().Add(time.Minute), time.Second)
	if n := b.cur.exchanges(); n != 3 {
		t.Fatalf("%d run before the deadline, want 3", n)
	}
	b.tick(time.Now().Add(2*time.Hour), time.Second)
	ended(t, b, tcp, web)
	var again adminState
	kept.Get(stateKey, &again)
	if st := again["t"]["t"]; st.Cut || st.Admin != "disabled" {
		t.Errorf("kept after the drain: %+v, want disabled and no cut", st)
	}
	for _, name := range []string{"t", "u", "h"} {
		first.Enable(name, name, Order{})
	}
	first.tick(time.Now().Add(2*time.Hour), time.Second)
	if n := first.cur.exchanges(); n != 3 || !strings.Contains(text, "cluster") {
		t.Errorf("%d run after drains that were called off, want 3", n)
	}
}
