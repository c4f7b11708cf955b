// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startOrigin runs an origin until the test ends.
func startOrigin(t *testing.T) (addr netip.AddrPort, control string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	control = filepath.Join(t.TempDir(), "origin.sock")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- New("web1", addr, slog.New(slog.DiscardHandler)).Run(ctx, control) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Run: %v", err)
		}
	})
	for range 500 {
		if c, err := net.Dial("unix", control); err == nil {
			c.Close()
			return addr, control
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the origin does not take modes")
	return addr, control
}

// ask returns the status and body of an answer, or what kept it away.
func ask(addr netip.AddrPort) string {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	resp, err := c.Get(fmt.Sprintf("http://%s/tea", addr))
	if err != nil {
		return "none"
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	first, _, _ := strings.Cut(string(body), "\n")
	return fmt.Sprint(resp.StatusCode, " ", first)
}

func TestModes(t *testing.T) {
	addr, control := startOrigin(t)
	for _, tt := range []struct {
		mode Mode
		want string
	}{
		{Mode{State: "broken"}, "500 web1 is broken on purpose"},
		{Mode{State: "dead"}, "none"},
		{Mode{State: "dead"}, "none"},
		{Mode{State: "slow", Delay: time.Millisecond}, "200 this is web1"},
		{Mode{State: "ok"}, "200 this is web1"},
	} {
		if err := Set(t.Context(), control, tt.mode); err != nil {
			t.Fatalf("Set(%v): %v", tt.mode, err)
		}
		if got := ask(addr); got != tt.want {
			t.Errorf("%v: the answer is %q, want %q", tt.mode, got, tt.want)
		}
	}
}

// TestPortTaken: as long as another program has the port, an origin says so each
// time that it is asked to live.
func TestPortTaken(t *testing.T) {
	addr, control := startOrigin(t)
	if err := Set(t.Context(), control, Mode{State: "dead"}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Skipf("the port is taken by somebody else: %v", err)
	}
	for range 2 {
		if err := Set(t.Context(), control, Mode{State: "ok"}); err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("Set(ok) with the port taken = %v, want that the address is in use", err)
		}
	}
	l.Close()
	if err := Set(t.Context(), control, Mode{State: "ok"}); err != nil {
		t.Errorf("Set(ok) with the port free = %v", err)
	}
	if got := ask(addr); got != "200 this is web1" {
		t.Errorf("the answer is %q", got)
	}
}
