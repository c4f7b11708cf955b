// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestSocketCarriesCallsWithTheTokenOfTheCookie(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	ws := r.mustDial("secret1", "User-Agent", strings.Repeat("ü", 150))
	if got := ws.Subprotocol(); got != "evener.v1" {
		t.Errorf("subprotocol %q", got)
	}
	got := ask(t, ws, `{"jsonrpc":"2.0","id":7,"method":"echo","params":{"a": [1,
		2]},"meta":{"key":"k1","lang":"zh-Hans","token":"stolen","origin":"cli","remote":"10.0.0.1:1","agent":"x","sudo":true}}`)
	var a struct {
		ID     int
		Result struct {
			Params json.RawMessage
			Meta   map[string]string
		}
	}
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Fatal(err)
	}
	m := a.Result.Meta
	if a.ID != 7 || string(a.Result.Params) != `{"a":[1,2]}` || m["key"] != "k1" || m["lang"] != "zh-Hans" ||
		m["token"] != "secret1" || m["origin"] != "console" || m["remote"] != ws.LocalAddr().String() ||
		m["agent"] != strings.Repeat("ü", 100) || len(m) != 6 {
		t.Errorf("the engine got %s", got)
	}
}

func TestSocketPassesLongAnswersOn(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	ws := r.mustDial("secret1")
	for _, n := range []int{1, piece - 40, piece, heldLine - 60, heldLine, 5 << 20} {
		got := ask(t, ws, fmt.Sprintf(`{"jsonrpc":"2.0","id":"a","method":"big","params":{"bytes":%d}}`, n))
		if want := `{"jsonrpc":"2.0","id":"a","result":{"text":"` + strings.Repeat("x", n) + `"}}`; got != want {
			t.Fatalf("%d bytes: got %d bytes, want %d: %.100s", n, len(got), len(want), got)
		}
	}
}

func TestSocketTurnsStreamsIntoBinaryMessages(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	ws := r.mustDial("secret1")
	frame := append([]byte{1, 0, 0, 0, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0, 0, 5}, 0, 255, '\n')
	if err := ws.WriteMessage(websocket.BinaryMessage, frame); err != nil {
		t.Fatal(err)
	}
	kind, got, err := ws.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage || string(got) != string(frame) {
		t.Errorf("got %d %v %v, want %v", kind, got, err, frame)
	}
	seen := r.engine.Seen("stream.data")
	if len(seen) != 1 || string(seen[0].Params) != `{"stream":9,"offset":1099511627781,"data":"AP8K"}` {
		t.Errorf("the engine got %+v", seen)
	}
}

// Nothing of this may reach the engine, and the connection goes on.
func TestSocketRefusesMessages(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	ws := r.mustDial("secret1")
	for _, c := range []struct{ name, msg, want string }{
		{"no JSON", `{`, "json.syntax"},
		{"two values", `{"jsonrpc":"2.0","id":1,"method":"echo"} {"jsonrpc":"2.0","id":2,"method":"echo"}`, "json.syntax"},
		{"batch", `[{"jsonrpc":"2.0","id":1,"method":"echo"}]`, "request.invalid"},
		{"meta twice", `{"jsonrpc":"2.0","id":1,"method":"echo","meta":{},"meta":{"token":"x"}}`, "request.invalid"},
		{"unknown member", `{"jsonrpc":"2.0","id":1,"method":"echo","Meta":{"token":"x"}}`, "request.invalid"},
		{"meta no object", `{"jsonrpc":"2.0","id":1,"method":"echo","meta":[]}`, "request.invalid"},
		{"key with a newline", `{"jsonrpc":"2.0","id":1,"method":"echo","meta":{"key":"a\nb"}}`, "request.invalid"},
		{"id too long", `{"jsonrpc":"2.0","id":"` + strings.Repeat("a", 64) + `","method":"echo"}`, "request.invalid"},
		{"id an object", `{"jsonrpc":"2.0","id":{},"method":"echo"}`, "request.invalid"},
		{"no version", `{"id":1,"method":"echo"}`, "request.invalid"},
		{"no method", `{"jsonrpc":"2.0","id":1}`, "request.invalid"},
		{"params by place", `{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}`, "request.invalid"},
		{"login", `{"jsonrpc":"2.0","id":1,"method":"auth.login","params":{"user":"ann","password":"right"}}`, "method.http_only"},
		{"login in escapes", `{"jsonrpc":"2.0","id":1,"method":"auth\u002elogin"}`, "method.http_only"},
		{"set-up", `{"jsonrpc":"2.0","id":1,"method":"auth.setup"}`, "method.http_only"},
		{"hand-over", `{"jsonrpc":"2.0","method":"auth.handover"}`, "method.http_only"},
		{"the console's key", `{"jsonrpc":"2.0","id":1,"method":"console.settings"}`, "method.internal"},
		{"too long with meta", `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"` + strings.Repeat("a", 1<<20-70) + `"}}`, "message.size"},
	} {
		got := ask(t, ws, c.msg)
		if !strings.Contains(got, `"error":{`) || !strings.Contains(got, `"kind":"`+c.want+`"`) {
			t.Errorf("%s: got %.200s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range [][]byte{{}, {1}, make([]byte, 16), {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, append([]byte{1}, make([]byte, chunkHead+maxChunk)...)} {
		if err := ws.WriteMessage(websocket.BinaryMessage, c); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.ReadMessage(); err != nil || !strings.Contains(string(got), `"stream.frame"`) {
			t.Errorf("binary message of %d bytes: %s, %v", len(c), got, err)
		}
	}
	for _, m := range []string{"echo", "auth.login", "auth.setup", "auth.handover", "stream.data"} {
		if n := len(r.engine.Seen(m)); n != 0 {
			t.Errorf("%d calls of %s reached the engine", n, m)
		}
	}
	if got := ask(t, ws, `{"jsonrpc":"2.0","id":1,"method":"echo"}`); !strings.Contains(got, "result") {
		t.Errorf("afterwards: %s", got)
	}
}

func TestSocketEndsWithACode(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *rig, ws *websocket.Conn)
		want int
	}{
		{"session revoked", func(r *rig, _ *websocket.Conn) { r.engine.End("secret1", "revoked") }, closeSession},
		{"engine gone", func(r *rig, _ *websocket.Conn) { r.engine.Die() }, closeRestart},
		{"console stops", func(r *rig, _ *websocket.Conn) { r.end() }, websocket.CloseGoingAway},
		{"address not allowed any more", func(r *rig, _ *websocket.Conn) {
			r.engine.Set(map[string]any{"allow": []string{"192.0.2.0/24"}})
		}, closeForbidden},
		{"oversize", func(_ *rig, ws *websocket.Conn) {
			_ = ws.WriteMessage(websocket.TextMessage, make([]byte, 1<<20+1))
		}, websocket.CloseMessageTooBig},
		{"bad UTF-8", func(_ *rig, ws *websocket.Conn) {
			_ = ws.WriteMessage(websocket.TextMessage, []byte("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}"))
		}, websocket.CloseInvalidFramePayloadData},
		{"flood of pings", func(_ *rig, ws *websocket.Conn) {
			for range 1000 {
				_ = ws.WriteMessage(websocket.PingMessage, nil)
			}
		}, websocket.ClosePolicyViolation},
		{"broken frame", func(_ *rig, ws *websocket.Conn) {
			_, _ = ws.NetConn().Write([]byte{0xff, 0xff, 0, 0, 0, 0})
		}, websocket.CloseProtocolError},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, "", nil)
			r.engine.Login("secret1", "s1")
			ws := r.mustDial("secret1")
			if got := ask(t, ws, `{"jsonrpc":"2.0","id":1,"method":"echo"}`); !strings.Contains(got, "result") {
				t.Fatal(got)
			}
			c.do(r, ws)
			if got := closeCode(t, ws); got != c.want {
				t.Errorf("closed with %d, want %d", got, c.want)
			}
		})
	}
}

func TestSocketOfAnEndedSessionIsToldSo(t *testing.T) {
	r := newRig(t, "", nil)
	ws := r.mustDial("secret-of-last-week")
	if got := closeCode(t, ws); got != closeSession {
		t.Errorf("closed with %d", got)
	}
}

func TestSocketWithoutSessionMaySayLittle(t *testing.T) {
	r := newRig(t, "", nil)
	ws := r.mustDial("")
	if got := ask(t, ws, `{"jsonrpc":"2.0","id":1,"method":"sys.hello"}`); !strings.Contains(got, "evener") {
		t.Errorf("sys.hello: %s", got)
	}
	if got := ask(t, ws, `{"jsonrpc":"2.0","id":1,"method":"echo"}`); !strings.Contains(got, "auth.required") {
		t.Errorf("echo: %s", got)
	}
	_ = ws.WriteMessage(websocket.TextMessage, make([]byte, bodyUnknown+1))
	if got := closeCode(t, ws); got != websocket.CloseMessageTooBig {
		t.Errorf("closed with %d", got)
	}
}

func TestSocketHandshakeIsRefused(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	for _, c := range []struct {
		name   string
		fields []string
		status int
		kind   string
	}{
		{"foreign origin", []string{"Origin", "https://evil.example"}, 403, "origin.mismatch"},
		{"another port of our host", []string{"Origin", "https://127.0.0.1:1"}, 403, "origin.mismatch"},
		{"origin without TLS", []string{"Origin", "http://" + r.addr.String()}, 403, "origin.mismatch"},
		{"origin null", []string{"Origin", "null"}, 403, "origin.mismatch"},
		{"origin of another port", []string{"Origin", "https://127.0.0.1:1"}, 403, "origin.mismatch"},
		{"host in the origin's beginning", []string{"Origin", "https://" + r.addr.String() + ".evil.example"}, 403, "origin.mismatch"},
		{"cookie without origin", []string{"Origin", ""}, 403, "origin.missing"},
		{"no subprotocol", []string{"Protocol", ""}, 400, "websocket.subprotocol"},
		{"another subprotocol", []string{"Protocol", "evener.v2"}, 400, "websocket.subprotocol"},
		{"basic authentication", []string{"Authorization", "Basic YTpi"}, 401, "auth.scheme"},
	} {
		ws, a, err := r.dial("secret1", c.fields...)
		if err == nil {
			ws.Close()
			t.Errorf("%s: accepted", c.name)
			continue
		}
		b, _ := io.ReadAll(a.Body)
		if a.StatusCode != c.status || !strings.Contains(string(b), `"kind":"`+c.kind+`"`) {
			t.Errorf("%s: %d %s, want %d %s", c.name, a.StatusCode, b, c.status, c.kind)
		}
	}
	_, a, _ := r.dial("", "Origin", "https://evil.example")
	b, _ := io.ReadAll(a.Body)
	var m map[string]any
	if json.Unmarshal(b, &m) != nil || m["origin"] != "https://evil.example" || m["host"] != r.addr.String() || m["kind"] != "origin.mismatch" {
		t.Errorf("the refusal says %s", b)
	}
	if log := r.log.String(); !strings.Contains(log, "console { allowed_origins }") {
		t.Errorf("the log names no setting:\n%s", log)
	}
	if n := len(r.engine.Seen("sys.hello")); n != 0 {
		t.Errorf("%d of them reached the engine", n)
	}
}

func TestSocketTakesAllowedOriginsAndPrograms(t *testing.T) {
	r := newRig(t, "", nil)
	r.engine.Login("secret1", "s1")
	r.mustDial("secret1", "Origin", "https://proxy.example")
	ws := r.mustDial("", "Origin", "", "Authorization", "Bearer secret1")
	if got := ask(t, ws, `{"jsonrpc":"2.0","id":1,"method":"echo"}`); !strings.Contains(got, `"token":"secret1"`) {
		t.Errorf("a program's call: %s", got)
	}
}

func TestSocketsAreCounted(t *testing.T) {
	r := newRig(t, "", nil)
	many := rate{1e6, 1e6}
	r.server.opens, r.server.requests = newLimiter(many), newLimiter(many)
	r.engine.Login("secret1", "s1")
	open := func(token string) int {
		n := 0
		for range maxSockets + 1 {
			ws, a, err := r.dial(token)
			if err != nil {
				if a == nil || a.StatusCode != http.StatusTooManyRequests {
					t.Fatalf("after %d: %v %v", n, a, err)
				}
				return n
			}
			t.Cleanup(func() { ws.Close() })
			n++
		}
		return n
	}
	if n := open("secret1"); n != maxSocketsSession {
		t.Errorf("one session has %d, want %d", n, maxSocketsSession)
	}
	if n := open(""); n != maxSocketsAddr {
		t.Errorf("one address has %d without a session, want %d", n, maxSocketsAddr)
	}
	r.engine.End("secret1", "logout")
	r.engine.Login("secret1", "s1")
	r.waitFor("places to come back", func() bool { // all of the session at once
		ws, _, err := r.dial("secret1")
		if err == nil {
			ws.Close()
		}
		return err == nil
	})
	for i := range maxSockets {
		r.engine.Login(fmt.Sprintf("secret-%d", i), "s")
		ws, a, err := r.dial(fmt.Sprintf("secret-%d", i))
		if err != nil {
			if a == nil || a.StatusCode != http.StatusTooManyRequests {
				t.Fatal(a, err)
			}
			if n := i + maxSocketsAddr; n < maxSockets-maxSocketsSession || n > maxSockets {
				t.Errorf("all together have %d, want %d", n, maxSockets)
			}
			return
		}
		defer ws.Close()
	}
	t.Error("there is no limit for all together")
}
