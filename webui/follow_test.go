// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
)

// certificateName returns what the certificate of a new connection says.
func (r *rig) certificateName() string {
	r.t.Helper()
	c, err := tls.Dial("tcp", r.addr.String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestCertificateIsExchangedUnderOpenConnections(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	ws := r.mustDial("secret1")
	cert, key := mustCertificate(t, "new")
	r.engine.Set(map[string]any{"certificate": cert, "key": key})
	r.waitFor("the new settings", func() bool { return len(r.engine.Reports()) == 2 })
	if got := r.certificateName(); got != "new" {
		t.Errorf("a new client sees the certificate of %q", got)
	}
	if got := ask(t, ws, `{"jsonrpc":"2.0","id":1,"method":"echo"}`); !strings.Contains(got, "result") {
		t.Errorf("the old connection: %s", got)
	}
	// One that does not fit its key changes nothing, and is told of.
	r.engine.Set(map[string]any{"certificate": cert, "key": key[:60]})
	r.waitFor("a report", func() bool { return len(r.engine.Reports()) > 2 })
	if got := r.engine.Reports()[2]; !strings.Contains(got, `"problem":"console.settings: certificate`) || !strings.Contains(got, r.addr.String()) {
		t.Errorf("report %s", got)
	}
	if got := r.certificateName(); got != "new" {
		t.Errorf("then a new client sees the certificate of %q", got)
	}
}

func TestAddressesChangeWithoutDroppingConnections(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	ws := r.mustDial("secret1")
	first := r.addr
	second, err := r.sockets.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	r.engine.Set(map[string]any{"listen": []string{second.String()}})
	r.waitFor("the new settings", func() bool { return len(r.engine.Reports()) == 2 })
	if got, want := r.engine.Reports()[1], `{"listening":["`+second.String()+`"]}`; got != want {
		t.Errorf("report %s, want %s", got, want)
	}
	if c, err := net.Dial("tcp", first.String()); err == nil {
		c.Close()
		t.Error("the old address still answers")
	}
	r.addr = second
	if got := r.certificateName(); got != "box" {
		t.Errorf("the new address shows the certificate of %q", got)
	}
	if got := ask(t, ws, `{"jsonrpc":"2.0","id":1,"method":"echo"}`); !strings.Contains(got, "result") {
		t.Errorf("the old connection: %s", got)
	}
	r.engine.Set(map[string]any{"listen": []string{}})
	r.waitFor("no listener", func() bool { return len(r.engine.Reports()) == 3 })
	if c, err := net.Dial("tcp", second.String()); err == nil {
		c.Close()
		t.Error("it listens although the settings name no address")
	}
}

func TestBusyPortIsReportedAndTriedAgain(t *testing.T) {
	r := newRig(t, "", nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r.engine.Set(map[string]any{"listen": []string{l.Addr().String()}})
	r.waitFor("a report", func() bool { return len(r.engine.Reports()) > 1 })
	if got := r.engine.Reports()[1]; !strings.Contains(got, "address already in use") || !strings.Contains(got, r.addr.String()) {
		t.Errorf("report %s", got)
	}
	if got := r.certificateName(); got != "box" {
		t.Errorf("the old address shows %q", got)
	}
	l.Close()
	r.waitFor("the port", func() bool {
		list := r.engine.Reports()
		return list[len(list)-1] == `{"listening":["`+l.Addr().String()+`"]}`
	})
}

func TestEngineMayComeAndGo(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	hello := func() reply {
		return r.do("POST", "/api/v1/rpc", `{"jsonrpc":"2.0","id":1,"method":"echo"}`, "Authorization", "Bearer secret1")
	}
	if a := hello(); a.StatusCode != 200 {
		t.Fatalf("before: %d %s", a.StatusCode, a.body)
	}
	r.engine.Die()
	r.waitFor("its connections to end", func() bool { n, _ := r.engine.Conns(); return n == 0 })
	if a := r.do("GET", "/", ""); a.StatusCode != 503 && a.StatusCode != 200 {
		t.Errorf("the pages: %d", a.StatusCode)
	}
	r.engine.Rise()
	if a := hello(); a.StatusCode != 200 {
		t.Errorf("afterwards: %d %s", a.StatusCode, a.body)
	}
	r.waitFor("the settings to be followed", func() bool { return len(r.engine.Reports()) == 2 })
}

func TestCallThatLosesItsEngineIsNotSentAgain(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	got := make(chan reply)
	go func() {
		got <- r.do("POST", "/api/v1/rpc", `{"jsonrpc":"2.0","id":1,"method":"never"}`, "Authorization", "Bearer secret1")
	}()
	r.waitFor("the call", func() bool { return len(r.engine.Seen("never")) == 1 })
	r.engine.Die()
	if a := <-got; a.StatusCode != 503 || !strings.Contains(a.body, "engine.restarting") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	r.engine.Rise()
	if n := len(r.engine.Seen("never")); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

func TestCallEndsWhenItsClientLeaves(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	c, err := tls.Dial("tcp", r.addr.String(), &tls.Config{RootCAs: r.roots})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"jsonrpc":"2.0","id":1,"method":"never"}`
	_, _ = io.WriteString(c, "POST /api/v1/rpc HTTP/1.1\r\nHost: box\r\nAuthorization: Bearer secret1\r\n"+
		"Content-Type: application/json\r\nContent-Length: 41\r\n\r\n"+body)
	r.waitFor("the call", func() bool { return len(r.engine.Seen("never")) == 1 })
	before, _ := r.engine.Conns()
	c.Close()
	r.waitFor("the engine to be told", func() bool { n, _ := r.engine.Conns(); return n < before })
}

func TestAccessListTurnsAway(t *testing.T) {
	r := newRig(t, built(t), map[string]any{"allow": []string{"192.0.2.0/24"}})
	a := r.do("GET", "/", "")
	if a.StatusCode != 403 || !strings.Contains(a.body, "127.0.0.1") || !strings.Contains(a.body, "<code>allow</code>") ||
		a.Header.Get("Content-Security-Policy") != policy {
		t.Errorf("page: %d %s", a.StatusCode, a.body)
	}
	a = r.do("POST", "/api/v1/login", `{"user":"ann","password":"right"}`, "X-Forwarded-For", "192.0.2.7")
	if a.StatusCode != 403 || !strings.Contains(a.body, "address.denied") || len(r.engine.Seen("auth.login")) != 0 {
		t.Errorf("API: %d %s", a.StatusCode, a.body)
	}
	if log := r.log.String(); !strings.Contains(log, "console { allow }") {
		t.Errorf("the log names no setting:\n%s", log)
	}
}

func TestTrustedProxiesSayWhoTheClientIs(t *testing.T) {
	r := newRig(t, "", map[string]any{"allow": []string{"192.0.2.0/24"}, "trusted_proxies": []string{"127.0.0.0/8", "10.0.0.0/8"}})
	for _, c := range []struct{ forwarded, want string }{
		{"192.0.2.7", "192.0.2.7:0"},
		{"192.0.2.66, 192.0.2.7, 10.1.1.1", "192.0.2.7:0"}, // what the client wrote itself does not count
		{"::ffff:192.0.2.9", "192.0.2.9:0"},
		{"198.51.100.1", ""},
		{"192.0.2.7, unknown", ""},
		{"", ""},
	} {
		a := r.do("POST", "/api/v1/rpc", `{"jsonrpc":"2.0","id":1,"method":"sys.hello"}`, "X-Forwarded-For", c.forwarded)
		seen := r.engine.Seen("sys.hello")
		switch {
		case c.want == "" && a.StatusCode != 403:
			t.Errorf("%q: %d", c.forwarded, a.StatusCode)
		case c.want != "" && (a.StatusCode != 200 || seen[len(seen)-1].Meta["remote"] != c.want):
			t.Errorf("%q: %d, remote %v, want %s", c.forwarded, a.StatusCode, seen, c.want)
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	r := newRig(t, "", nil)
	c, err := tls.Dial("tcp", r.addr.String(), &tls.Config{RootCAs: r.roots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		c.Close()
		t.Error("TLS 1.1 was accepted")
	}
	if _, err := tls.Dial("tcp", r.addr.String(), &tls.Config{RootCAs: x509.NewCertPool()}); err == nil {
		t.Error("the test's client verifies nothing")
	}
}

func TestConnectionsOfOneAddressAreLimited(t *testing.T) {
	r := newRig(t, "", nil)
	r.client.CloseIdleConnections()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range maxConnsAddr + 20 {
		c, err := net.Dial("tcp", r.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	// The last ones are closed, the first ones wait for their handshake.
	if n, err := open[len(open)-1].Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
	for _, c := range open[:10] {
		c.Close()
	}
	open = open[10:]
	r.waitFor("places", func() bool {
		c, err := tls.Dial("tcp", r.addr.String(), &tls.Config{RootCAs: r.roots})
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	if log := r.log.String(); strings.Count(log, "connections shed") != 1 {
		t.Errorf("the log should say once that connections were shed:\n%s", log)
	}
}
