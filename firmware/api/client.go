// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Client calls the methods of a running box over one connection. It may be
// used by many goroutines.
type Client struct {
	// Origin is what the box writes beside the author of a change: cli, panel
	// or serial. Set it before the first call. The default is cli.
	Origin string

	nc net.Conn

	write sync.Mutex // serialises writers of nc

	mu   sync.Mutex // guards all below
	next int64
	wait map[int64]*waiter
	subs map[int]*Following
	err  error // why no more answers will come

	streams map[int]*transfer

	done chan struct{} // closed when the reader has ended
}

// An answer is one line from the box: an answer or a notification.
type answer struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`

	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// A waiter is a call whose answer has not come.
type waiter struct {
	ch    chan answer                        // closed: no answer will come
	begin func(result json.RawMessage) error // what begins with a good answer, under Client.mu; nil: nothing
}

// maxAnswer is the longest line that a Client reads.
const maxAnswer = 64 << 20

// Dial connects to the box whose API socket is path. If none runs there the
// error is ErrNotRunning and says how to start one.
func Dial(path string) (*Client, error) {
	nc, err := net.DialTimeout("unix", path, 5*time.Second)
	if err != nil {
		return nil, dialError(path, err)
	}
	return NewClient(nc), nil
}

// NewClient returns a Client that talks over nc and owns it.
func NewClient(nc net.Conn) *Client {
	c := &Client{Origin: "cli", nc: nc, wait: make(map[int64]*waiter),
		subs: make(map[int]*Following), streams: make(map[int]*transfer), done: make(chan struct{})}
	go c.read()
	return c
}

// Close ends the connection; calls under way return an error.
func (c *Client) Close() error {
	err := c.nc.Close()
	<-c.done
	return err
}

// Call runs a method with params, a struct or nil, and decodes what it returns
// into result, a pointer or nil. An error of the method is an *Error. When ctx
// ends first, Call tells the box to cancel and returns the context's error.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	return c.call(ctx, method, params, result, nil)
}

// call is Call that has begin called with the result before the next line is read.
func (c *Client) call(ctx context.Context, method string, params, result any, begin func(json.RawMessage) error) error {
	id, ch, err := c.register(begin)
	if err != nil {
		return err
	}
	defer c.forget(id)
	if err := c.send(ctx, requestLine{ID: id, Method: method, Params: params, Meta: &lineMeta{c.Origin}}); err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	select {
	case a, ok := <-ch:
		if !ok {
			return c.lost()
		}
		if a.Error != nil {
			return a.Error
		}
		if result == nil {
			return nil
		}
		if err := json.Unmarshal(a.Result, result); err != nil {
			return fmt.Errorf("read the result of %s: %w", method, err)
		}
		return nil
	case <-ctx.Done():
		// A box that does not take the message will notice the end of the
		// connection; the caller's own error is the one to return.
		_ = c.send(context.WithoutCancel(ctx), requestLine{Method: "$/cancel", Params: map[string]int64{"id": id}})
		return ctx.Err()
	}
}

// requestLine is a request on its way out.
type requestLine struct {
	Version string    `json:"jsonrpc"`
	ID      int64     `json:"id,omitempty"` // from 1; 0 is a notification
	Method  string    `json:"method"`
	Params  any       `json:"params,omitempty"`
	Meta    *lineMeta `json:"meta,omitempty"`
}

type lineMeta struct {
	Origin string `json:"origin"`
}

// register takes an id and the channel that its answer will come through. A
// closed channel means that no answer will come.
func (c *Client) register(begin func(json.RawMessage) error) (int64, chan answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, c.err
	}
	c.next++
	ch := make(chan answer, 1)
	c.wait[c.next] = &waiter{ch, begin}
	return c.next, ch, nil
}

func (c *Client) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.wait, id)
}

func (c *Client) lost() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// send writes one line, for at most 10 seconds or until ctx's deadline.
func (c *Client) send(ctx context.Context, r requestLine) error {
	r.Version = "2.0"
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(10 * time.Second)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	c.write.Lock()
	defer c.write.Unlock()
	c.nc.SetWriteDeadline(deadline)
	if _, err := c.nc.Write(append(b, '\n')); err != nil {
		// The box may have said why before it closed: let the reader finish.
		select {
		case <-c.done:
			return c.lost()
		case <-time.After(time.Second):
		}
		return err
	}
	return nil
}

// read hands answers to those who wait for them until the connection ends.
func (c *Client) read() {
	defer close(c.done)
	sc := bufio.NewScanner(c.nc)
	sc.Buffer(make([]byte, 0, 4096), maxAnswer)
	err := io.EOF
	for sc.Scan() {
		var a answer
		if err = json.Unmarshal(sc.Bytes(), &a); err != nil {
			err = fmt.Errorf("read the box's answer: %w", err)
			break
		}
		if a.Error != nil && bytes.Equal(a.ID, []byte("null")) {
			err = a.Error // about the connection or the line, not about a call
			break
		}
		if err = c.deliver(a); err != nil {
			break
		}
		err = io.EOF
	}
	if sc.Err() != nil && errors.Is(err, io.EOF) {
		err = sc.Err()
	}
	c.end(err)
}

// deliver gives a to the call, subscription or stream that waits for it. Nobody
// waits for the answer of a call that was given up.
func (c *Client) deliver(a answer) error {
	switch {
	case strings.HasPrefix(a.Method, "stream."):
		return c.streamNotice(a)
	case a.Method != "":
		return c.notice(a)
	}
	id, err := strconv.ParseInt(string(a.ID), 10, 64)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.wait[id]
	if w == nil {
		return nil
	}
	if w.begin != nil && a.Error == nil {
		if err := w.begin(a.Result); err != nil {
			return err
		}
	}
	delete(c.wait, id)
	w.ch <- a
	return nil
}

// end fails every call that waits and every one to come.
func (c *Client) end(err error) {
	c.nc.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := (*Error)(nil); errors.As(err, &e) {
		c.err = e
	} else {
		c.err = fmt.Errorf("the connection to the box was lost: %w", err)
	}
	for id, w := range c.wait {
		close(w.ch)
		delete(c.wait, id)
	}
	for id, f := range c.subs {
		f.fail(c.err)
		delete(c.subs, id)
	}
	for id, t := range c.streams {
		t.fail(c.err)
		delete(c.streams, id)
	}
}
