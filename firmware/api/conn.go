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
// has an answer writes it, under the lock and a deadline. A client that does
// not read its answers therefore stops its own calls and, through the refusals
// that the reader writes, its own reader: nothing queues.
type conn struct {
	srv *server
	nc  net.Conn
	who Call

	in *bufio.Reader

	write sync.Mutex // serialises writers of nc

	mu    sync.Mutex // guards calls
	calls map[string]context.CancelFunc
	wg    sync.WaitGroup
}

func newConn(s *server, nc net.Conn, who Call) *conn {
	return &conn{srv: s, nc: nc, who: who, in: bufio.NewReaderSize(nc, 4096),
		calls: make(map[string]context.CancelFunc)}
}

// run serves the client until it closes, breaks the protocol or ctx ends. A
// client that has closed only its sending side still gets its answers.
func (c *conn) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { c.nc.Close() })
	for {
		line, err := c.readLine()
		if err != nil {
			if e := (*Error)(nil); errors.As(err, &e) {
				c.answer("", nil, e)
			}
			if !errors.Is(err, io.EOF) {
				cancel()
			}
			break
		}
		if !c.handle(ctx, line) {
			cancel()
			break
		}
	}
	c.wg.Wait()
	stop()
	cancel()
	c.nc.Close()
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

// handle starts what line asks for. It returns false when the client can no
// longer be written to.
func (c *conn) handle(ctx context.Context, line []byte) bool {
	if len(line) == 0 {
		return c.answer("", nil, Errorf(CodeParse, "json.syntax", "the line is empty"))
	}
	r, e := decodeRequest(line)
	switch {
	case e != nil:
		return c.answer(r.id, nil, e)
	case r.method == "$/cancel":
		return c.cancelCall(r)
	case r.id == "":
		return c.answer("", nil, badRequest("every call is answered: give %s an id", r.method))
	}
	ctx, cancel := context.WithCancel(ctx)
	if id, e := c.admit(r.id, cancel); e != nil {
		cancel()
		return c.answer(id, nil, e)
	}
	who := c.who
	if who.Origin == "" {
		who.Origin = "api"
		if r.origin != "" {
			who.Origin = r.origin
		}
	}
	c.wg.Go(func() {
		res, e := c.srv.reg.Call(ctx, who, r.method, r.params)
		c.leave(r.id)
		cancel()
		c.answer(r.id, res, e)
	})
	return true
}

// admit takes a place for the call id. The error comes with the id to answer
// under: a repeated one would be taken for the first call's answer.
func (c *conn) admit(id string, cancel context.CancelFunc) (string, *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls[id] != nil {
		return "", badRequest("id %s is still in use by another call", id)
	}
	if len(c.calls) >= c.srv.cfg.MaxCalls {
		return id, Errorf(CodeTooMany, "too_many.calls", "%d calls are in flight already: wait for one", c.srv.cfg.MaxCalls)
	}
	c.calls[id] = cancel
	return "", nil
}

func (c *conn) leave(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
}

// cancelCall ends the context of the call that r names. A call that has been
// answered in the meantime is no mistake.
func (c *conn) cancelCall(r request) bool {
	var p struct {
		ID json.RawMessage `json:"id"`
	}
	switch {
	case r.id != "":
		return c.answer(r.id, nil, badRequest("$/cancel is a notification: it has no id of its own"))
	case json.Unmarshal(r.params, &p) != nil || len(p.ID) == 0 || !usableID(p.ID):
		return c.answer("", nil, badRequest(`$/cancel needs {"id": …} of the call`))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.calls[string(p.ID)]; cancel != nil {
		cancel()
	}
	return true
}

// answer writes one line. A client that does not take it in time is cut off,
// and its other calls with it.
func (c *conn) answer(id string, result json.RawMessage, e *Error) bool {
	if len(result) > c.srv.cfg.MaxResult {
		e = Errorf(CodeTooLarge, "result.size", "the result has %d bytes; %d may be sent: ask for less", len(result), c.srv.cfg.MaxResult)
	}
	line := appendAnswer(nil, id, result, e)
	c.write.Lock()
	defer c.write.Unlock()
	c.nc.SetWriteDeadline(time.Now().Add(c.srv.cfg.WriteTimeout))
	if _, err := c.nc.Write(line); err != nil {
		c.nc.Close()
		return false
	}
	return true
}
