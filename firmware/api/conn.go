// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// A conn serves one client. One goroutine reads; each call has its own; whoever
// has an answer writes it, in turn and under a deadline. A client that does
// not read its answers therefore stops its own calls and, through the refusals
// that the reader writes, its own reader: nothing queues.
type conn struct {
	srv *server
	nc  net.Conn
	who Call

	in  *bufio.Reader
	end context.CancelFunc // ends all calls and closes nc

	// turn is full while somebody writes to nc. It is no mutex because virtual
	// time stands still while a goroutine waits for one.
	turn chan struct{}

	mu    sync.Mutex                    // guards calls
	calls map[string]context.CancelFunc // by id, until the answer is written
	wg    sync.WaitGroup
}

func newConn(s *server, nc net.Conn, who Call) *conn {
	return &conn{srv: s, nc: nc, who: who, in: bufio.NewReaderSize(nc, 4096),
		turn: make(chan struct{}, 1), calls: make(map[string]context.CancelFunc)}
}

// run serves the client until it closes, breaks the protocol or ctx ends. A
// client that has closed only its sending side still gets its answers.
func (c *conn) run(ctx context.Context) {
	ctx, c.end = context.WithCancel(ctx)
	context.AfterFunc(ctx, func() { c.nc.Close() })
	defer c.end()
	defer c.wg.Wait()
	for {
		line, err := c.readLine()
		if err != nil {
			if e := (*Error)(nil); errors.As(err, &e) {
				c.refuse("", e)
			}
			if !errors.Is(err, io.EOF) {
				c.end()
			}
			return
		}
		c.handle(ctx, line)
	}
}

// readLine returns the next request without its newline. The client may take
// any time before a request, but not within one.
func (c *conn) readLine() ([]byte, error) {
	c.nc.SetReadDeadline(time.Time{})
	if _, err := c.in.Peek(1); err != nil {
		return nil, err
	}
	c.nc.SetReadDeadline(time.Now().Add(c.srv.cfg.ReadTimeout))
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > c.srv.cfg.MaxMessage+1 || len(line) > c.srv.cfg.MaxMessage && err != nil:
			return nil, Errorf(CodeTooLarge, "message.size", "a request may have %d bytes", c.srv.cfg.MaxMessage)
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, badRequest("the connection ended within a request")
		case isTimeout(err):
			return nil, Errorf(CodeTimeout, "timeout", "the request was not complete within %v", c.srv.cfg.ReadTimeout)
		default:
			return nil, err
		}
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// handle starts what line asks for.
func (c *conn) handle(ctx context.Context, line []byte) {
	r, e := decodeRequest(line)
	switch {
	case e != nil:
		c.refuse(r.id, e)
	case r.method == "$/cancel":
		c.cancelCall(r)
	case r.id == "":
		c.refuse("", badRequest("every call is answered: give %s an id", r.method))
	default:
		c.start(ctx, r)
	}
}

// start runs the call r beside the others.
func (c *conn) start(ctx context.Context, r request) {
	ctx, cancel := context.WithCancel(ctx)
	if e := c.admit(r.id, cancel); e != nil {
		cancel()
		c.refuse(r.id, e)
		return
	}
	who := c.who
	if who.Origin == "" {
		who.Origin = "api"
		if r.origin != "" {
			who.Origin = r.origin
		}
	}
	c.wg.Go(func() {
		defer cancel()
		res, e := c.srv.reg.Call(ctx, who, r.method, r.params)
		c.finish(r.id, res, e)
	})
}

// admit takes a place for the call id.
func (c *conn) admit(id string, cancel context.CancelFunc) *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls[id] != nil {
		return badRequest("id %s is still in use by another call", id)
	}
	if len(c.calls) >= c.srv.cfg.MaxCalls {
		return Errorf(CodeTooMany, "too_many.calls", "%d calls are in flight already: wait for one", c.srv.cfg.MaxCalls)
	}
	c.calls[id] = cancel
	return nil
}

// cancelCall ends the context of the call that r names. A call that has been
// answered in the meantime is no mistake.
func (c *conn) cancelCall(r request) {
	var p struct {
		ID json.RawMessage `json:"id"`
	}
	switch {
	case r.id != "":
		c.refuse(r.id, badRequest("$/cancel is a notification: it has no id of its own"))
		return
	case json.Unmarshal(r.params, &p) != nil || len(p.ID) == 0 || !usableID(p.ID):
		c.refuse("", badRequest(`$/cancel needs {"id": …} of the call`))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.calls[string(p.ID)]; cancel != nil {
		cancel()
	}
}

// refuse answers a line that starts no call. An id that a call in flight has is
// not used: the client would take the refusal for that call's answer.
func (c *conn) refuse(id string, e *Error) {
	c.mu.Lock()
	if c.calls[id] != nil {
		id = ""
	}
	c.mu.Unlock()
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.send(appendAnswer(nil, id, nil, e))
}

// finish answers the call id. It counts as in flight until its answer goes out:
// so many answers at the most wait for a slow client.
func (c *conn) finish(id string, result json.RawMessage, e *Error) {
	if n := len(result); n > c.srv.cfg.MaxResult {
		e = Errorf(CodeTooLarge, "result.size", "the result has %d bytes; %d may be sent: ask for less", n, c.srv.cfg.MaxResult)
	}
	line := appendAnswer(nil, id, result, e)
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.mu.Lock()
	delete(c.calls, id)
	c.mu.Unlock()
	c.send(line)
}

// send writes line; the caller has the turn. A client that does not take it in time is
// cut off, and its other calls with it.
func (c *conn) send(line []byte) {
	c.nc.SetWriteDeadline(time.Now().Add(c.srv.cfg.WriteTimeout))
	if _, err := c.nc.Write(line); err != nil {
		c.nc.Close() // at once: nobody may write behind half a line
		c.end()
	}
}
