// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"evener/webui/webuitest"

	"github.com/gorilla/websocket"
)

// A memory is a console in virtual time: its connections have no buffers and no
// TLS, so that everything that is held is held by the code under test.
type memory struct {
	t      *testing.T
	engine *webuitest.Engine
	server *Server
	conns  chan net.Conn
	once   sync.Once
	http   *http.Server
}

// addressed is a pipe with the address of a client.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 51000} }

func (m *memory) Accept() (net.Conn, error) {
	nc, ok := <-m.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return addressed{nc}, nil
}

func (m *memory) Close() error   { m.once.Do(func() { close(m.conns) }); return nil }
func (m *memory) Addr() net.Addr { return &net.TCPAddr{} }

// inMemory runs f with such a console, in a bubble of virtual time.
func inMemory(t *testing.T, f func(m *memory)) {
	cert, key := mustCertificate(t, "box")
	synctest.Test(t, func(t *testing.T) {
		m := &memory{t: t, engine: webuitest.New(nil), conns: make(chan net.Conn)}
		m.server = New(Config{Dial: m.engine.DialPipe, Log: slog.New(slog.DiscardHandler)})
		st, err := newSite(mustJSON(map[string]any{"listen": []string{"192.0.2.1:443"}, "allow": []string{"0.0.0.0/0"}, "certificate": cert, "key": key}))
		if err != nil {
			t.Fatal(err)
		}
		m.server.site.Store(st)
		p, err := newPages(fstest.MapFS{}, true)
		if err != nil {
			t.Fatal(err)
		}
		m.http = &http.Server{Handler: m.server.handler(p)}
		done := make(chan error)
		go func() { done <- m.http.Serve(m) }()
		defer func() {
			m.server.socks.close()
			m.server.socks.wait()
			m.http.Close()
			<-done
			m.server.pool.close()
			m.engine.Close()
		}()
		f(m)
	})
}

// dial opens a WebSocket. wire is its own end, for what no library would send.
func (m *memory) dial(token string) (ws *websocket.Conn, wire net.Conn) {
	m.t.Helper()
	wire, far := net.Pipe()
	m.conns <- far
	d := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return wire, nil }, Subprotocols: []string{subprotocol}}
	ws, a, err := d.Dial("ws://box/api/v1/ws", http.Header{"Origin": {"https://box"}, "Cookie": {cookieName + "=" + token}})
	if err != nil {
		m.t.Fatalf("dial: %v %v", err, a)
	}
	return ws, wire
}

func (m *memory) open() int {
	synctest.Wait()
	return len(m.server.socks.list())
}

const flood = `{"jsonrpc":"2.0","id":1,"method":"sub.open","params":{"topic":"series.live"}}`

func TestSlowBrowserStopsItsEngineConnectionAndIsCutWhenNothingMoves(t *testing.T) {
	inMemory(t, func(m *memory) {
		m.engine.Login("secret1", "s1")
		ws, wire := m.dial("secret1")
		defer wire.Close()
		if err := ws.WriteMessage(websocket.TextMessage, []byte(flood)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until nothing moves any more
		if n := m.engine.Events(); n > 4 {
			t.Errorf("%d events were taken for a browser that reads nothing", n)
		}
		time.Sleep(pieceWait - time.Second)
		if m.open() != 1 {
			t.Error("cut too early")
		}
		time.Sleep(time.Second + closeWait + 6*time.Second)
		if m.open() != 0 {
			t.Error("still open")
		}
		if n, _ := m.engine.Conns(); n != 0 {
			t.Errorf("%d connections to the engine are left", n)
		}
	})
}

func TestSlowBrowserThatReadsOnIsKept(t *testing.T) {
	inMemory(t, func(m *memory) {
		m.engine.Login("secret1", "s1")
		ws, wire := m.dial("secret1")
		defer wire.Close()
		if err := ws.WriteMessage(websocket.TextMessage, []byte(flood)); err != nil {
			t.Fatal(err)
		}
		for range 120 { // ten minutes
			time.Sleep(5 * time.Second)
			if _, _, err := ws.ReadMessage(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestBrowserThatShowsNoLifeIsCut(t *testing.T) {
	cutAfter(t, pongWait, func(ws *websocket.Conn, _ net.Conn) {
		ws.SetPingHandler(func(string) error { return nil })
	})
}

// cutAfter checks that a browser that does what it does is cut after a time.
func cutAfter(t *testing.T, want time.Duration, do func(ws *websocket.Conn, wire net.Conn)) {
	t.Helper()
	inMemory(t, func(m *memory) {
		m.engine.Login("secret1", "s1")
		ws, wire := m.dial("secret1")
		defer wire.Close()
		do(ws, wire)
		began := time.Now()
		if got := closeCode(t, ws); got != closeSlow {
			t.Errorf("closed with %d", got)
		}
		if took := time.Since(began); took != want {
			t.Errorf("after %v, want %v", took, want)
		}
	})
}

func TestIdleBrowserIsKept(t *testing.T) {
	inMemory(t, func(m *memory) {
		m.engine.Login("secret1", "s1")
		ws, wire := m.dial("secret1")
		defer wire.Close()
		pings := 0
		answer := ws.PingHandler()
		ws.SetPingHandler(func(s string) error { pings++; return answer(s) })
		go func() { _, _, _ = ws.ReadMessage() }()
		time.Sleep(time.Hour)
		if m.open() != 1 || pings < 179 {
			t.Errorf("%d open after %d pings", m.open(), pings)
		}
	})
}

func TestMessageMustArriveInTime(t *testing.T) {
	cutAfter(t, messageWait, func(_ *websocket.Conn, wire net.Conn) {
		// A text message of 100 bytes in many frames, of which one byte comes every
		// nine seconds, with pongs between them.
		go func() {
			first := byte(1)
			for range 100 {
				if _, err := wire.Write([]byte{first, 0x81, 0, 0, 0, 0, ' ', 0x8a, 0x80, 0, 0, 0, 0}); err != nil {
					return
				}
				first = 0
				time.Sleep(9 * time.Second)
			}
		}()
	})
}

func TestMessagesAreSlowedDown(t *testing.T) {
	inMemory(t, func(m *memory) {
		m.engine.Login("secret1", "s1")
		ws, wire := m.dial("secret1")
		defer wire.Close()
		go func() {
			for {
				if _, _, err := ws.ReadMessage(); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		for range 1200 {
			if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":1,"method":"echo"}`)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 19*time.Second || took > 21*time.Second {
			t.Errorf("1200 messages took %v, want 20s: 200 at once and 50 a second", took)
		}
	})
}

// stalled returns by how much the heap has grown with 64 clients that do what
// they do, and then nothing.
func stalled(t *testing.T, do func(m *memory, ws *websocket.Conn)) (grown int64) {
	inMemory(t, func(m *memory) {
		many := rate{1e6, 1e6}
		m.server.opens, m.server.requests = newLimiter(many), newLimiter(many)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var wires []net.Conn
		for i := range maxSockets {
			token := fmt.Sprintf("secret%d", i)
			m.engine.Login(token, token)
			ws, wire := m.dial(token)
			wires = append(wires, wire)
			do(m, ws)
		}
		if n := m.open(); n != maxSockets {
			t.Errorf("%d are open", n)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		grown = int64(after.HeapAlloc) - int64(before.HeapAlloc)
		for _, w := range wires {
			w.Close()
		}
	})
	return grown
}

func TestStalledReadersHoldLittle(t *testing.T) {
	grown := stalled(t, func(m *memory, ws *websocket.Conn) {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":1,"method":"big","params":{"bytes":4194304}}`)); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("64 clients that do not read an answer of 4 MiB: %d KiB", grown>>10)
	if grown > maxSockets*(2*heldLine+100<<10) {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
	grown = stalled(t, func(m *memory, ws *websocket.Conn) {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(flood)); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("64 clients that do not read events: %d KiB", grown>>10)
	if grown > maxSockets*(300<<10) {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}

func TestStalledWritersHoldLittle(t *testing.T) {
	part := append([]byte{0x01, 0xff, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0, 0, 0, 0}, strings.Repeat(" ", 1<<20-100)...)
	grown := stalled(t, func(_ *memory, ws *websocket.Conn) {
		go func() {
			_, _ = ws.NetConn().Write(part) // until its connection is closed
		}()
	})
	t.Logf("64 clients that stop in a message of 1 MiB: %d KiB", grown>>10)
	if grown > 48<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}
