// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"sync"
	"time"
)

const (
	maxCalls     = 16 // calls of plain HTTP at once
	maxCallsAnon = 8  // of those, by clients without a token
	maxCallsKey  = 6  // of those, by one session or address
	maxIdle      = 4  // connections to the engine kept for the next call

	slotWait = 5 * time.Second  // for a place
	dialWait = 10 * time.Second // for an engine
	callWait = 60 * time.Second // for an answer
)

// A pool carries the calls of plain HTTP to the engine. One connection serves
// one call at a time: a call that nobody waits for any more is ended by closing
// its connection, and ids need no translation.
type pool struct {
	dial func(context.Context) (net.Conn, error)

	places, anon chan struct{}

	mu   sync.Mutex // guards the rest
	per  map[string]int
	idle []*caller
	shut bool
	wg   sync.WaitGroup // readers of callers
}

func newPool(dial func(context.Context) (net.Conn, error)) *pool {
	return &pool{dial: dial, places: make(chan struct{}, maxCalls), anon: make(chan struct{}, maxCallsAnon),
		per: make(map[string]int)}
}

// enter takes a place for a call in the name of m. The place covers the writing
// of the answer, too, so that slow readers hold no more answers in memory than
// there are places; it does not cover the reading of the request.
func (p *pool) enter(ctx context.Context, m meta) (leave func(), f *fault) {
	key := m.counted()
	p.mu.Lock()
	if p.per[key] >= maxCallsKey {
		p.mu.Unlock()
		return nil, faultf(codeTooMany, "too_many.calls", "%d calls of yours are under way: wait for one", maxCallsKey)
	}
	p.per[key]++
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, slotWait)
	defer cancel()
	var held []chan struct{}
	leave = func() {
		for _, c := range held {
			<-c
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.per[key]--; p.per[key] == 0 {
			delete(p.per, key)
		}
	}
	wanted := []chan struct{}{p.places}
	if *m.Token == "" {
		wanted = []chan struct{}{p.anon, p.places}
	}
	for _, c := range wanted {
		select {
		case c <- struct{}{}:
			held = append(held, c)
		case <-ctx.Done():
			leave()
			return nil, faultf(codeTooMany, "too_many.calls", "the console is busy: try again in a moment")
		}
	}
	return leave, nil
}

// ask is a call with its own place.
func (p *pool) ask(ctx context.Context, method string, m meta) (answer, *fault) {
	leave, f := p.enter(ctx, m)
	if f != nil {
		return answer{}, f
	}
	defer leave()
	return p.call(ctx, request{ID: json.RawMessage("1"), Method: method, Meta: m})
}

// An answer is what the engine says to a call.
type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *fault          `json:"error"`
	line   []byte          // all of it
}

// knowsSession says of the answer to sys.hello whether the token was that of a
// session. The engine greets who has an old one as it greets strangers, so that
// they can log in.
func (a answer) knowsSession() bool {
	var hello struct {
		Session *struct{} `json:"session"`
	}
	return json.Unmarshal(a.Result, &hello) == nil && hello.Session != nil
}

// call asks the engine. The fault is the engine's, or says why there is no
// answer; a call is never sent twice.
func (p *pool) call(ctx context.Context, q request) (answer, *fault) {
	line := q.line()
	if len(line) > maxSend {
		return answer{}, faultf(codeTooLarge, "message.size", "a request may have %d bytes", maxSend)
	}
	c, err := p.get(ctx)
	if err != nil {
		return answer{}, errEngineAway
	}
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	got, f := c.ask(ctx, line)
	if f != nil {
		c.close()
		return answer{}, f
	}
	p.put(c)
	a := answer{line: got}
	if json.Unmarshal(got, &a) != nil {
		return answer{}, faultf(codeInternal, "engine.answer", "the engine's answer is no JSON")
	}
	return a, a.Error
}

// get returns an idle connection or a new one.
func (p *pool) get(ctx context.Context) (*caller, error) {
	p.mu.Lock()
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !c.over() {
			p.mu.Unlock()
			return c, nil
		}
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	nc, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &caller{nc: nc, lines: make(chan []byte), gone: make(chan struct{}), stop: make(chan struct{})}
	p.wg.Go(c.read)
	return c, nil
}

// put keeps c for the next call.
func (p *pool) put(c *caller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut || len(p.idle) >= maxIdle {
		c.close()
		return
	}
	p.idle = append(p.idle, c)
}

// close ends idle connections, and busy ones when their calls are over. Nobody
// may call any more.
func (p *pool) close() {
	p.mu.Lock()
	p.shut = true
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
	p.mu.Unlock()
	p.wg.Wait()
}

// A caller is one connection to the engine. Its reader runs also while it is
// idle, to see at once that the engine has closed it.
type caller struct {
	nc    net.Conn
	lines chan []byte
	gone  chan struct{} // closed when the engine has
	stop  chan struct{} // closed when nobody asks any more
	once  sync.Once
}

func (c *caller) close() {
	c.once.Do(func() { close(c.stop) })
	c.nc.Close()
}

func (c *caller) over() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// read passes answers on. Notifications are for connections with subscriptions.
func (c *caller) read() {
	defer close(c.gone)
	defer c.nc.Close()
	in := newLineReader(c.nc, 64<<10)
	for {
		line, err := in.whole(maxAnswer)
		if err != nil {
			return
		}
		if bytes.HasPrefix(line, []byte(`{"jsonrpc":"2.0","method":`)) {
			continue
		}
		select {
		case c.lines <- line:
		case <-c.stop:
			return
		}
	}
}

// ask sends line and returns the engine's answer.
func (c *caller) ask(ctx context.Context, line []byte) ([]byte, *fault) {
	if err := sendLine(c.nc, line); err != nil {
		c.close()
		return nil, errEngineAway
	}
	select {
	case got := <-c.lines:
		return got, nil
	case <-c.gone:
		return nil, errEngineAway
	case <-ctx.Done():
		c.close()
		return nil, faultf(codeTimeout, "timeout", "the engine did not answer within %v", callWait)
	}
}
