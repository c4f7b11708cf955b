// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/webui/webuitest"

	"github.com/gorilla/websocket"
)

// A rig is a running console with an engine and a client of its own.
type rig struct {
	t       *testing.T
	engine  *webuitest.Engine
	sockets *webuitest.Sockets
	server  *Server
	addr    netip.AddrPort
	log     *logBuffer
	roots   *x509.CertPool
	client  *http.Client // HTTP/2

	end  context.CancelFunc
	done chan error
}

// A logBuffer is what the server has logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func mustCertificate(t testing.TB, name string) (cert, key string) {
	t.Helper()
	cert, key, err := webuitest.Certificate(name)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// newRig starts a console; more changes its settings, dir is where its pages lie.
func newRig(t *testing.T, dir string, more map[string]any) *rig {
	t.Helper()
	r := &rig{t: t, sockets: new(webuitest.Sockets), log: new(logBuffer), roots: x509.NewCertPool(), done: make(chan error, 1)}
	var err error
	if r.addr, err = r.sockets.FreeAddr(); err != nil {
		t.Fatal(err)
	}
	cert, key := mustCertificate(t, "box")
	r.roots.AppendCertsFromPEM([]byte(cert))
	settings := map[string]any{"listen": []string{r.addr.String()}, "allow": []string{"127.0.0.0/8"}, "allowed_origins": []string{"https://proxy.example"},
		"trusted_proxies": []string{}, "certificate": cert, "key": key, "self_signed": true, "idle": "30m"}
	for k, v := range more {
		settings[k] = v
	}
	r.engine = webuitest.New(settings)
	r.server = New(Config{Dial: r.engine.Dial, Listen: r.sockets.Listen, Keep: r.sockets.Keep, Dir: dir,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	r.client = r.newClient(true)
	ctx, cancel := context.WithCancel(context.Background())
	r.end = cancel
	go func() { r.done <- r.server.Run(ctx) }()
	t.Cleanup(r.close)
	r.waitFor("settings", func() bool { return len(r.engine.Reports()) > 0 })
	return r
}

func (r *rig) newClient(h2 bool) *http.Client {
	tr := &http.Transport{DisableCompression: true, TLSClientConfig: &tls.Config{RootCAs: r.roots}, ForceAttemptHTTP2: h2}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// close ends everything, and checks that nothing stays behind.
func (r *rig) close() {
	r.client.CloseIdleConnections()
	r.end()
	if err := <-r.done; err != nil {
		r.t.Errorf("Run: %v", err)
	}
	r.engine.Close()
	if err := r.sockets.Keep(nil); err != nil {
		r.t.Error(err)
	}
	for _, f := range r.engine.Faults() {
		r.t.Errorf("the engine says: %s", f)
	}
	if log := r.log.String(); strings.Contains(log, "secret") {
		r.t.Errorf("the log has a token:\n%s", log)
	}
	r.waitFor("the end of all goroutines", func() bool { return !strings.Contains(goroutines(), "evener/webui.(*") })
}

// goroutines returns the stacks of all of them but those of tests.
func goroutines() string {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
	var kept []string
	for g := range strings.SplitSeq(b.String(), "\n\n") {
		if !strings.Contains(g, "testing.tRunner") {
			kept = append(kept, g)
		}
	}
	return strings.Join(kept, "\n\n")
}

// waitFor returns when cond holds; the test's own limit is the only one.
func (r *rig) waitFor(what string, cond func() bool) {
	r.t.Helper()
	for start := time.Now(); !cond(); runtime.Gosched() {
		if time.Since(start) > 30*time.Second {
			r.t.Fatalf("waited in vain for %s; goroutines:\n%s", what, goroutines())
		}
	}
}

// A reply is an answer with its body.
type reply struct {
	*http.Response
	body string
}

// do sends a request. fields are names and values, Host among them.
func (r *rig) do(verb, path, body string, fields ...string) reply {
	r.t.Helper()
	return r.doWith(r.client, verb, path, body, fields...)
}

func (r *rig) doWith(c *http.Client, verb, path, body string, fields ...string) reply {
	r.t.Helper()
	q, err := http.NewRequest(verb, "https://"+r.addr.String()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == "Host" {
			q.Host = fields[i+1]
			continue
		}
		q.Header.Add(fields[i], fields[i+1])
	}
	if body != "" && q.Header.Get("Content-Type") == "" {
		q.Header.Set("Content-Type", "application/json")
	}
	a, err := c.Do(q)
	if err != nil {
		r.t.Fatalf("%s %s: %v", verb, path, err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		r.t.Fatalf("%s %s: %v", verb, path, err)
	}
	return reply{a, string(b)}
}

// dial opens a WebSocket, as a page of ours does.
func (r *rig) dial(token string, fields ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{"Origin": {"https://" + r.addr.String()}}
	if token != "" {
		h.Set("Cookie", cookieName+"="+token)
	}
	protocols := []string{"evener.v1"}
	for i := 0; i < len(fields); i += 2 {
		switch name, v := fields[i], fields[i+1]; {
		case name == "Protocol":
			protocols = strings.Fields(v)
		case v == "":
			h.Del(name)
		default:
			h.Set(name, v)
		}
	}
	d := websocket.Dialer{TLSClientConfig: &tls.Config{RootCAs: r.roots}, Subprotocols: protocols}
	return d.Dial("wss://"+r.addr.String()+"/api/v1/ws", h)
}

// mustDial opens one with a session, and closes it at the end.
func (r *rig) mustDial(token string, fields ...string) *websocket.Conn {
	r.t.Helper()
	ws, a, err := r.dial(token, fields...)
	if err != nil {
		r.t.Fatalf("dial: %v, %v", err, a)
	}
	r.t.Cleanup(func() { ws.Close() })
	return ws
}

// ask sends one message and returns the next one.
func ask(t *testing.T, ws *websocket.Conn, msg string) string {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(msg)); err != nil {
		t.Fatal(err)
	}
	_, got, err := ws.ReadMessage()
	if err != nil {
		t.Fatalf("after %.100q: %v", msg, err)
	}
	return string(got)
}

// closeCode reads until the connection ends, and returns how.
func closeCode(t *testing.T, ws *websocket.Conn) int {
	t.Helper()
	for {
		_, _, err := ws.ReadMessage()
		if ce, ok := err.(*websocket.CloseError); ok {
			return ce.Code
		}
		if err != nil {
			t.Fatalf("the connection ended without a close frame: %v", err)
		}
	}
}

// serveFrom exchanges the pages of the running server's handler.
func (r *rig) serveFrom(tree fs.FS, fixed bool) {
	r.t.Helper()
	p, err := newPages(tree, fixed)
	if err != nil {
		r.t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(r.server.handler(p))
	h.EnableHTTP2 = true
	h.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.server.site.Load().tls, nil }}
	h.StartTLS()
	r.t.Cleanup(h.Close)
	r.addr = h.Listener.Addr().(*net.TCPAddr).AddrPort()
}
