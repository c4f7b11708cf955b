// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"testing"
)

func TestTheGateHasFewPlacesForStrangers(t *testing.T) {
	g := newGate(slog.New(slog.DiscardHandler))
	in := 0
	for i := range 2 * maxStrangers {
		if g.admit(fmt.Sprint(i), true) {
			in++
		}
	}
	if in != maxStrangers {
		t.Errorf("%d strangers were let in, want %d", in, maxStrangers)
	}
	if !g.admit("known", false) {
		t.Error("strangers have taken the place of one whom the settings name")
	}
	g.leave("0", true)
	if !g.admit("another", true) || g.admit("one more", true) {
		t.Error("a place that was left is not given to one stranger")
	}
}

// Who may not use the console is told so, and cannot keep out those who may.
func TestStrangersTakeNobodysPlace(t *testing.T) {
	r := newRig(t, "", map[string]any{"allow": []string{"127.0.0.2/32"}})
	if a := r.do("GET", "/", ""); a.StatusCode != 403 {
		t.Errorf("a stranger gets %d, want 403", a.StatusCode)
	}
	r.client.CloseIdleConnections()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range 2 * maxStrangers {
		c, err := net.Dial("tcp", r.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	r.waitFor("the strangers", func() bool {
		r.server.gate.mu.Lock()
		defer r.server.gate.mu.Unlock()
		return r.server.gate.odd == maxStrangers
	})
	known := tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}, Config: &tls.Config{RootCAs: r.roots}}
	c, err := known.DialContext(t.Context(), "tcp", r.addr.String())
	if err != nil {
		t.Fatalf("one whom the settings name: %v", err)
	}
	c.Close()
	for _, c := range open {
		c.Close()
	}
	r.waitFor("the places of strangers", func() bool {
		r.server.gate.mu.Lock()
		defer r.server.gate.mu.Unlock()
		return r.server.gate.odd == 0
	})
}
