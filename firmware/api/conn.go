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

// A conn serves one client. One goroutine reads, one writes, each call has its
// own. What waits for a client that does not read is bounded: see [outbox].
type conn struct {
	srv     *server
	nc      net.Conn
	who     Call
	serving context.Context // of the server

	in  *bufio.Reader
	out *outbox
	end context.CancelFunc // ends all calls and, after the last words, closes nc
	wg  sync.WaitGroup     // calls

	long chan struct{} // full while a long result is made and does not wait yet

	mu       sync.Mutex          // guards what follows
	calls    map[string]*running // by id, until the answer goes out
	subs     map[int]*subscription
	lastSub  int
	dead     []*view // of subscriptions that have ended
	sessions map[string]*session
	streams  map[int]*stream
	left     bool // no stream begins any more

	lastStream int

	// Of the goroutine that writes.
	tick  time.Time // until when the news of one tick are gathered; zero: there are none
	batch []byte    // lines that go out together
	lines []byte    // of the latest events; nextEvent writes them anew

	child   func() (context.Context, context.CancelFunc) // what a stream lives in
	carried sync.WaitGroup                               // transfers; added to while left is false
}

func newConn(s *server, nc net.Conn, who Call) *conn {
	return &conn{srv: s, nc: nc, who: who, in: bufio.NewReaderSize(nc, 4096), out: newOutbox(), long: make(chan struct{}, 1),
		calls: make(map[string]*running), subs: make(map[int]*subscription), sessions: make(map[string]*session),
		streams: make(map[int]*stream)}
}

// lastWords is how long the answers of calls that have returned may take to go out when
// the server ends: who has asked the box to start anew is to hear that it does.
const lastWords = time.Second

// run serves the client until it closes, breaks the protocol or ctx ends. A
// client that has closed only its sending side still gets its answers.
func (c *conn) run(ctx context.Context) {
	c.serving = ctx
	ctx, c.end = context.WithCancel(ctx)
	c.child = func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
	writing, silence := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, func() {
		if c.serving.Err() != nil {
			wait(writing, lastWords)
		}
		silence()
		c.nc.Close()
		c.out.close()
	})
	defer c.end()
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer silence()
		c.write(ctx, writing)
	}()
	c.read(ctx)
	c.leave()
	c.wg.Wait()
	c.carried.Wait()
	c.out.finish()
	<-written
	if stop() {
		c.nc.Close()
	}
	for _, run := range c.calls { // whose answers nobody took
		run.done(false)
	}
	c.bury()
}

// read starts what the client asks for until it asks no more.
func (c *conn) read(ctx context.Context) {
	for {
		line, err := c.readLine()
		if err != nil {
			switch e := (*Error)(nil); {
			case errors.As(err, &e): // still to be told
				c.refuse("", e)
				c.cancelAll()
			case !errors.Is(err, io.EOF):
				c.hangUp()
			}
			return
		}
		c.handle(ctx, line)
		if !c.out.settle() {
			return
		}
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
	case r.method == "stream.credit" || r.method == "stream.data" || r.method == "stream.end":
		c.streamNotice(r)
	case r.id == "":
		c.refuse("", badRequest("every call is answered: give %s an id", r.method))
	default:
		c.start(ctx, r)
	}
}

// start runs the call r beside the others. One with a key goes on when the
// connection is lost, so that its caller finds the result when it asks again.
func (c *conn) start(ctx context.Context, r request) {
	who, e := c.identify(r)
	if e != nil {
		c.refuse(r.id, e)
		return
	}
	if r.meta.Key != "" {
		ctx = c.serving
	}
	run := &running{conn: c, id: r.id, key: r.meta.Key, session: who.Session}
	ctx, run.cancel = context.WithCancel(context.WithValue(ctx, runningKey{}, run))
	if e := c.admit(run); e != nil {
		run.cancel()
		c.refuse(r.id, e)
		return
	}
	c.wg.Go(func() {
		defer run.cancel()
		if m := c.srv.reg.Method(r.method); m != nil && m.long {
			select {
			case c.long <- struct{}{}:
				defer func() { <-c.long }()
			case <-ctx.Done():
			}
		}
		res, e := c.srv.reg.Call(ctx, who, r.method, r.params)
		c.finish(run, res, e)
	})
}

// admit takes a place for the call run, and joins its session.
func (c *conn) admit(run *running) *Error {
	c.mu.Lock()
	if c.calls[run.id] != nil {
		c.mu.Unlock()
		return badRequest("id %s is still in use by another call", run.id)
	}
	if len(c.calls) >= c.srv.cfg.MaxCalls {
		c.mu.Unlock()
		return Errorf(CodeTooMany, "too_many.calls", "%d calls are in flight already: wait for one", c.srv.cfg.MaxCalls)
	}
	if s := c.sessions[run.session]; s != nil && s.kind != "" {
		c.mu.Unlock()
		return Errorf(CodeUnauthorized, "auth.required", "log in first")
	}
	c.calls[run.id] = run
	fresh := c.joinLocked(run.session)
	c.mu.Unlock()
	c.watch(fresh)
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
	if run := c.calls[string(p.ID)]; run != nil {
		run.cancel()
	}
}

// cancelAll cancels the calls that end with the connection.
func (c *conn) cancelAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, run := range c.calls {
		if run.key == "" {
			run.cancel()
		}
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
	c.out.put(outLine{text: appendAnswer(nil, id, nil, e)})
}

// finish answers the call run. It counts as in flight until its answer goes out:
// so many answers at the most wait for a slow client. A call that failed when the server
// ends gets none: its caller finds the connection lost, and asks who comes next.
func (c *conn) finish(run *running, result json.RawMessage, e *Error) {
	if e != nil && c.serving.Err() != nil {
		run.done(false)
		c.forget(run)
		c.out.wake()
		return
	}
	if n := len(result); n > c.srv.cfg.MaxResult {
		e = Errorf(CodeTooLarge, "result.size", "the result has %d bytes; %d may be sent: ask for less", n, c.srv.cfg.MaxResult)
	}
	run.done(e == nil)
	c.out.put(outLine{text: appendAnswer(nil, run.id, result, e), run: run})
}
