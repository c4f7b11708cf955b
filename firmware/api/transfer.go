// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
)

// A transfer is the client's end of a stream.
type transfer struct {
	c    *Client
	id   int
	bell chan struct{} // full: look again
	sum  hash.Hash     // of the bytes so far; of the caller's goroutine

	mu      sync.Mutex // guards what follows
	down    bool       // the box sends
	offset  uint64     // download: of the next byte to come
	waiting []byte     // download: what came and was not read, streamWindow bytes at the most
	credit  int        // upload: bytes that may be sent
	end     *streamEnd // the box's last word
	err     error      // why there is none
}

// A streamEnd is the params of stream.end.
type streamEnd struct {
	Stream int             `json:"stream"`
	OK     bool            `json:"ok,omitempty"`
	Error  *Error          `json:"error,omitempty"`
	Sum    string          `json:"sha256,omitempty"`
	Result json.RawMessage `json:"result,omitempty"` // of an upload
}

// openTransfer calls a method that opens a stream, and returns its end here.
func (c *Client) openTransfer(ctx context.Context, method string, params, result any, down bool) (*transfer, error) {
	t := &transfer{c: c, bell: make(chan struct{}, 1), sum: sha256.New(), down: down, credit: streamWindow}
	begin := func(raw json.RawMessage) error {
		var o struct {
			Stream int `json:"stream"`
		}
		if err := json.Unmarshal(raw, &o); err != nil || o.Stream == 0 {
			return errors.Join(fmt.Errorf("%s has opened no stream", method), err)
		}
		t.id = o.Stream
		c.streams[t.id] = t
		return nil
	}
	if err := c.call(ctx, method, params, result, begin); err != nil {
		return nil, err
	}
	return t, nil
}

// Download calls a method that sends bytes, such as backup.download, and returns
// them. Its answer is decoded into result, a pointer or nil. The reader ends with
// io.EOF only when all came as they were sent, and with ctx; close it.
func (c *Client) Download(ctx context.Context, method string, params, result any) (io.ReadCloser, error) {
	t, err := c.openTransfer(ctx, method, params, result, true)
	if err != nil {
		return nil, err
	}
	return &download{t: t, ctx: ctx}, nil
}

// A download reads what the box sends, and gives credit for more.
type download struct {
	t     *transfer
	ctx   context.Context
	spent int // bytes that were read since the last credit
}

// Read waits for bytes.
func (d *download) Read(p []byte) (int, error) {
	t := d.t
	for {
		t.mu.Lock()
		n := copy(p, t.waiting)
		t.waiting = append(t.waiting[:0], t.waiting[n:]...)
		end, err := t.end, t.err
		t.mu.Unlock()
		switch {
		case n > 0:
			t.sum.Write(p[:n])
			return n, d.giveCredit(n, end != nil)
		case err != nil:
			return 0, err
		case end != nil && end.Error != nil:
			return 0, end.Error
		case end != nil:
			if got := hex.EncodeToString(t.sum.Sum(nil)); got != end.Sum {
				return 0, fmt.Errorf("the bytes that came have SHA-256 %s, not %s: get them again", got, end.Sum)
			}
			return 0, io.EOF
		}
		select {
		case <-t.bell:
		case <-d.ctx.Done():
			return 0, d.ctx.Err()
		}
	}
}

// giveCredit lets the box send as much more as was read.
func (d *download) giveCredit(n int, ended bool) error {
	if d.spent += n; d.spent < streamWindow/4 || ended {
		return nil
	}
	n, d.spent = d.spent, 0
	return d.t.c.send(d.ctx, requestLine{Method: "stream.credit", Params: streamCredit{d.t.id, n}})
}

// Close gives up what has not come.
func (d *download) Close() error { return d.t.giveUp(errors.New("the download was closed")) }

// giveUp ends the transfer, and tells the box unless it has ended it.
func (t *transfer) giveUp(why error) error {
	t.c.mu.Lock()
	open := t.c.streams[t.id] == t
	delete(t.c.streams, t.id)
	t.c.mu.Unlock()
	t.fail(why)
	if !open {
		return nil
	}
	return t.c.send(context.Background(), requestLine{Method: "stream.end",
		Params: streamEnd{Stream: t.id, Error: Errorf(CodeCancelled, "cancelled", "%v", why)}})
}

// Upload calls a method that takes bytes, such as backup.upload, and sends it what
// r has. It returns when the box has taken all of it, and decodes what came of it
// into result, a pointer or nil.
func (c *Client) Upload(ctx context.Context, method string, params any, r io.Reader, result any) error {
	t, err := c.openTransfer(ctx, method, params, nil, false)
	if err != nil {
		return err
	}
	end, err := t.upload(ctx, r)
	switch {
	case err != nil:
		return errors.Join(err, t.giveUp(err))
	case end.Error != nil:
		return end.Error
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(end.Result, result); err != nil {
		return fmt.Errorf("read the result of %s: %w", method, err)
	}
	return nil
}

// upload sends what r has and waits for the box's word, which may come before the
// end.
func (t *transfer) upload(ctx context.Context, r io.Reader) (*streamEnd, error) {
	buf := make([]byte, streamPiece)
	for offset := uint64(0); ; {
		n, err := io.ReadAtLeast(r, buf, 1)
		for piece := buf[:n]; len(piece) > 0; {
			k, end, err := t.await(ctx, len(piece))
			if end != nil || err != nil {
				return end, err
			}
			data := streamData{t.id, offset, piece[:k]}
			if err := t.c.send(ctx, requestLine{Method: "stream.data", Params: data}); err != nil {
				return nil, err
			}
			t.sum.Write(piece[:k])
			piece, offset = piece[k:], offset+uint64(k)
		}
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	last := streamEnd{Stream: t.id, OK: true, Sum: hex.EncodeToString(t.sum.Sum(nil))}
	if err := t.c.send(ctx, requestLine{Method: "stream.end", Params: last}); err != nil {
		return nil, err
	}
	_, end, err := t.await(ctx, 0)
	return end, err
}

// await waits until some of n bytes may be sent, and takes credit for them, or
// until the end. With n 0 it waits for the end.
func (t *transfer) await(ctx context.Context, n int) (int, *streamEnd, error) {
	for {
		t.mu.Lock()
		k := min(n, t.credit)
		end, err := t.end, t.err
		if end == nil && err == nil {
			t.credit -= k
		}
		t.mu.Unlock()
		if end != nil || err != nil || k > 0 {
			return k, end, err
		}
		select {
		case <-t.bell:
		case <-ctx.Done():
			return 0, nil, ctx.Err()
		}
	}
}

// streamData is the params of stream.data.
type streamData struct {
	Stream int    `json:"stream"`
	Offset uint64 `json:"offset"` // in bytes, of the first one of Data
	Data   []byte `json:"data"`
}

// streamCredit is the params of stream.credit.
type streamCredit struct {
	Stream int `json:"stream"`
	Bytes  int `json:"bytes"`
}

// fail ends t without the box's word.
func (t *transfer) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil && t.end == nil {
		t.err = err
	}
	t.ring()
}

func (t *transfer) ring() {
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

// streamNotice takes a notification about a stream. One about a stream that was
// given up is no mistake.
func (c *Client) streamNotice(a answer) error {
	var n streamNote
	if err := json.Unmarshal(a.Params, &n); err != nil {
		return fmt.Errorf("read the box's %s: %w", a.Method, err)
	}
	c.mu.Lock()
	t := c.streams[n.Stream]
	if a.Method == "stream.end" {
		delete(c.streams, n.Stream)
	}
	c.mu.Unlock()
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.ring()
	switch {
	case a.Method == "stream.data" && t.down:
		switch {
		case n.Offset != t.offset:
			t.err = errors.Join(t.err, fmt.Errorf("the download goes on at byte %d, not %d", n.Offset, t.offset))
		case len(t.waiting)+len(n.Data) > streamWindow:
			t.err = errors.Join(t.err, fmt.Errorf("the box has sent more than it had credit for"))
		default:
			t.waiting, t.offset = append(t.waiting, n.Data...), t.offset+uint64(len(n.Data))
		}
	case a.Method == "stream.credit" && !t.down:
		t.credit += min(max(n.Bytes, 0), streamWindow)
	case a.Method == "stream.end":
		return t.take(a.Params)
	}
	return nil
}

// take keeps the box's last word.
func (t *transfer) take(raw json.RawMessage) error {
	t.end = &streamEnd{}
	if err := json.Unmarshal(raw, t.end); err != nil {
		return fmt.Errorf("read the box's stream.end: %w", err)
	}
	return nil
}
