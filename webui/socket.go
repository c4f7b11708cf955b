// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Close codes of ours; src/ knows them, too.
const (
	closeSession   = 4401 // the session has ended: log in again
	closeForbidden = 4403 // the page's origin or the client's address is not allowed any more
	closeSlow      = 4408 // nothing could be written for 10s, or nothing came for 45s
	closeRestart   = 4409 // the engine restarts: wait, then connect again and resume
)

const (
	pingEvery   = 20 * time.Second
	pongWait    = 45 * time.Second // for a sign of life
	messageWait = 30 * time.Second // from a message's first byte to its last
	pieceWait   = 10 * time.Second // for the client to take a piece
	closeWait   = 2 * time.Second  // for the close handshake

	heldLine = 256 << 10 // of a line of the engine; longer ones pass through in pieces
	piece    = 16 << 10  // what is written at once
)

// A socket is one WebSocket with its own connection to the engine, over which
// the browser's calls, subscriptions and streams run.
//
// Two goroutines carry messages, one each way, and nothing queues between them:
// a browser that does not read stops the reading of its engine connection, where
// the engine merges and drops by class; an engine that does not read stops the
// reading of the browser. A third sends pings, a fourth says farewell.
type socket struct {
	s      *Server
	ws     *websocket.Conn
	wire   *corked // below ws
	place  *place
	log    *slog.Logger
	client netip.Addr
	origin string // "" is a program
	host   string

	engine net.Conn // set by run before anybody uses it

	// turn is full while a message to the browser is written. It is no mutex
	// because virtual time stands still while a goroutine waits for one.
	turn chan struct{}

	// pen is full while something is written: a piece of that message, or a ping
	// between two. Deadlines begin when one has it.
	pen chan struct{}

	ctx    context.Context // of this connection; ended by end
	cancel context.CancelFunc

	mu     sync.Mutex // guards the rest
	me     meta
	code   int // to close with; 0: not yet
	reason string
	late   bool // the deadline for reading is the last one
}

func newSocket(s *Server, ws *websocket.Conn, me meta, client netip.Addr, r *http.Request) *socket {
	c := &socket{s: s, ws: ws, me: me, client: client, origin: r.Header.Get("Origin"), host: r.Host,
		log: s.cfg.Log.With("remote", me.Remote), turn: make(chan struct{}, 1), pen: make(chan struct{}, 1)}
	c.ctx, c.cancel = context.WithCancel(r.Context())
	return c
}

// who returns in whose name the browser's messages go to the engine.
func (c *socket) who() meta {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.me
}

// speakAs puts another token of the same session in the place of the one so far.
func (c *socket) speakAs(token *string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.me.Token = token
}

// end closes the connection with a code. The first one counts.
func (c *socket) end(code int, reason string) {
	c.mu.Lock()
	if c.code == 0 {
		c.code, c.reason = code, reason
	}
	c.mu.Unlock()
	c.cancel()
}

// run serves the connection until it is closed.
func (c *socket) run() {
	defer c.ws.Close()
	defer c.cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	bye := make(chan struct{})
	wg.Go(func() {
		defer close(bye)
		c.farewell()
	})
	ctx, cancel := context.WithTimeout(c.ctx, dialWait)
	engine, err := c.s.cfg.Dial(ctx)
	cancel()
	known := false
	if err != nil {
		c.end(closeRestart, "the engine does not answer")
	} else {
		defer engine.Close()
		context.AfterFunc(c.ctx, func() { engine.Close() })
		c.engine = engine
		in := newLineReader(engine, heldLine)
		if known, err = c.hello(in); err == nil {
			wg.Go(func() { c.pump(in) })
			wg.Go(c.ping)
		}
	}
	closed := c.intake(known)
	c.end(websocket.CloseNormalClosure, "")
	<-bye
	if !closed {
		// Closing with unread bytes would reset the connection, and the farewell
		// with it.
		_, _ = io.CopyN(io.Discard, c.ws.NetConn(), 4<<20)
	}
	c.ws.Close()
}

// hello asks the engine whether it knows the token, before the browser may send
// anything large.
func (c *socket) hello(in *lineReader) (known bool, err error) {
	fail := func(code int, reason string) (bool, error) {
		c.end(code, reason)
		return false, errors.New(reason)
	}
	me := c.who()
	me.Auto = true // a page comes back by itself
	q := request{ID: json.RawMessage(`"console"`), Method: "sys.hello", Meta: me}
	if err := sendLine(c.engine, q.line()); err != nil {
		return fail(closeRestart, "the engine does not answer")
	}
	c.engine.SetReadDeadline(time.Now().Add(dialWait))
	defer c.engine.SetReadDeadline(time.Time{})
	line, err := in.whole(heldLine)
	var a answer
	if err != nil || json.Unmarshal(line, &a) != nil {
		return fail(closeRestart, "the engine does not answer")
	}
	switch {
	case a.Error == nil && *me.Token != "" && !a.knowsSession():
		return fail(closeSession, "auth.required")
	case a.Error == nil:
		return *me.Token != "", nil
	case a.Error.Code == codeUnauthorized:
		return fail(closeSession, a.Error.kind())
	}
	return fail(websocket.CloseTryAgainLater, a.Error.kind())
}

// farewell waits for the end, gives the engine's side up and tells the browser
// why.
func (c *socket) farewell() {
	<-c.ctx.Done()
	c.mu.Lock()
	if c.code == 0 { // the server's own end
		c.code, c.reason = websocket.CloseGoingAway, "the console stops"
	}
	code, reason := c.code, c.reason
	c.mu.Unlock()
	c.log.Debug("websocket closed", "code", code, "reason", reason)
	until := time.Now().Add(closeWait)
	c.wire.pull(until)
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason[:min(len(reason), 120)]), until)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = true
	c.ws.SetReadDeadline(until)
}

// await sets the time until which something must come, unless it is the end.
func (c *socket) await(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.late {
		c.ws.SetReadDeadline(time.Now().Add(d))
	}
}

// ping asks the browser for a sign of life, and keeps proxies from closing what
// looks idle.
func (c *socket) ping() {
	t := time.NewTicker(pingEvery)
	defer t.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-t.C:
		}
		_ = c.control(websocket.PingMessage, nil) // what it means is for intake to judge
	}
}

// control writes a control frame, which may stand between the pieces of a
// message.
func (c *socket) control(kind int, data []byte) error {
	select {
	case c.pen <- struct{}{}:
	case <-c.ctx.Done():
		return nil
	}
	defer func() { <-c.pen }()
	return c.ws.WriteControl(kind, data, time.Now().Add(pieceWait))
}
