// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strconv"
	"sync"
	"time"
)

// Of the streams of one connection.
const (
	maxStreams   = 4
	streamWindow = 256 << 10 // bytes that may be on the way without credit for more
	streamPiece  = 32 << 10  // bytes of one stream.data that we send

	// streamIdle is how long a client may neither send nor give credit.
	streamIdle = 2 * time.Minute
)

// A stream is one transfer of bytes on a connection, in either direction. Its
// sender may send as many bytes as it has credit for.
type stream struct {
	conn    *conn
	id      int
	session string
	cancel  context.CancelFunc
	bell    chan struct{} // full: look again
	upload  bool

	// Of the stream's own goroutine.
	sum    hash.Hash       // of the bytes so far
	result json.RawMessage // upload: what it came to

	mu      sync.Mutex // guards what follows
	credit  int        // bytes that the sender may still send
	offset  uint64     // of the next byte to come, or to be sent
	waiting []byte     // download: the piece to send; upload: what came and was not read
	spent   int        // upload: bytes that were read since the last credit
	owed    int        // upload: credit to tell the client of
	closed  bool       // upload: the client has sent everything
	want    string     // upload: the client's checksum, "" for none
	err     error      // why the transfer ends early
}

func (s *stream) wake() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// fail ends the transfer.
func (s *stream) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.wake()
	s.cancel()
}

// OpenDownload sends what r has to the caller of the method whose context is ctx.
// It returns the number of the stream, which belongs into the method's result;
// the bytes follow the answer. r is closed when the transfer ends: at its end, when
// the client gives up, or with the connection or session.
func OpenDownload(ctx context.Context, r io.ReadCloser) (int, error) {
	run := runningCall(ctx)
	s, ctx, err := newStream(run, false)
	if err != nil {
		return 0, errors.Join(err, r.Close())
	}
	run.afterwards(func(ok bool) {
		if !ok {
			r.Close()
			run.conn.dropStream(s)
			return
		}
		run.conn.carry(s, func() error {
			stop := context.AfterFunc(ctx, func() { r.Close() })
			err := s.send(ctx, r)
			if stop() {
				err = errors.Join(err, r.Close())
			}
			return err
		})
	})
	return s.id, nil
}

// OpenUpload has take read what the caller of the method whose context is ctx
// sends. It returns the number of the stream, which belongs into the method's
// result. The client is told how take has ended, and is given what it returns. What
// the reader returned is good only when it has returned io.EOF: then the checksum
// fits, if the client gave one. never, if not nil, is called in place of take where
// the answer did not reach the client.
func OpenUpload(ctx context.Context, take func(context.Context, io.Reader) (any, error), never func()) (int, error) {
	run := runningCall(ctx)
	s, ctx, err := newStream(run, true)
	if err != nil {
		return 0, err
	}
	run.afterwards(func(ok bool) {
		if !ok {
			run.conn.dropStream(s)
			if never != nil {
				never()
			}
			return
		}
		run.conn.carry(s, func() error {
			result, err := take(ctx, &uploadReader{s, ctx.Done()})
			if err == nil {
				s.result, err = json.Marshal(result)
			}
			return err
		})
	})
	return s.id, nil
}

// newStream gives a stream a place on run's connection, whose writer sees it from
// then on, and the context that it lives in.
func newStream(run *running, upload bool) (*stream, context.Context, error) {
	if run == nil {
		return nil, nil, errNoConnection
	}
	if run.key != "" {
		return nil, nil, badRequest("a call that opens a stream cannot be repeated: leave meta.key out")
	}
	c := run.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.streams) >= maxStreams {
		return nil, nil, Errorf(CodeTooMany, "too_many.streams", "this connection has %d streams already: wait for one", maxStreams)
	}
	c.lastStream++
	ctx, cancel := c.child()
	s := &stream{conn: c, id: c.lastStream, session: run.session, upload: upload, bell: make(chan struct{}, 1),
		credit: streamWindow, sum: sha256.New(), cancel: cancel}
	c.streams[s.id] = s
	return s, ctx, nil
}

// carry runs the transfer s and tells the client of its end. On a connection that
// is being left, where s is cancelled already, it does so at once.
func (c *conn) carry(s *stream, transfer func() error) {
	work := func() {
		err := c.protectStream(s, transfer)
		s.mu.Lock()
		if s.err != nil {
			err = s.err
		}
		s.mu.Unlock()
		c.dropStream(s)
		c.tellStreamEnd(s, err)
	}
	c.mu.Lock()
	if c.left {
		c.mu.Unlock()
		work()
		return
	}
	c.carried.Go(work)
	c.mu.Unlock()
}

// protectStream runs transfer; a panic in it is an error of this stream alone.
func (c *conn) protectStream(s *stream, transfer func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			c.srv.log.Error("stream panicked", "stream", s.id, "err", v)
			err = Errorf(CodeInternal, "internal", "the transfer met a fault of the box; its log has the details")
		}
	}()
	return transfer()
}

func (c *conn) dropStream(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.streams, s.id)
	s.cancel()
}

// tellStreamEnd sends stream.end.
func (c *conn) tellStreamEnd(s *stream, err error) {
	end := streamEnd{Stream: s.id, OK: err == nil, Error: AsError(err)}
	if err == nil {
		end.Sum, end.Result = hex.EncodeToString(s.sum.Sum(nil)), s.result
	}
	c.out.tell(appendNotification("stream.end", end))
}

// send hands r to the writer, piece by piece, as far as there is credit.
func (s *stream) send(ctx context.Context, r io.Reader) error {
	buf := make([]byte, streamPiece)
	for {
		n, err := io.ReadAtLeast(r, buf, 1)
		for piece := buf[:n]; len(piece) > 0; {
			taken, err := s.offer(ctx, piece)
			if err != nil {
				return err
			}
			piece = piece[taken:]
		}
		switch {
		case ctx.Err() != nil:
			return s.why()
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// offer waits for credit, and until the writer has taken what fits of piece.
func (s *stream) offer(ctx context.Context, piece []byte) (int, error) {
	n := 0
	for {
		s.mu.Lock()
		switch {
		case n > 0 && s.waiting == nil:
			s.mu.Unlock()
			s.sum.Write(piece[:n])
			return n, nil
		case n == 0 && s.credit > 0:
			n = min(len(piece), s.credit)
			s.waiting = piece[:n]
			s.credit -= n
			s.conn.out.wake()
		}
		s.mu.Unlock()
		select {
		case <-s.bell:
			continue
		case <-ctx.Done():
		case <-time.After(streamIdle):
			s.fail(errIdle)
		}
		s.mu.Lock()
		s.waiting = nil // the writer must not see piece any more
		s.mu.Unlock()
		return 0, s.why()
	}
}

var errIdle = Errorf(CodeTimeout, "timeout", "nothing of the transfer was sent or taken for %v", streamIdle)

// why returns what ended the transfer.
func (s *stream) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return Errorf(CodeCancelled, "cancelled", "the transfer was cancelled")
}

// nextPiece returns the stream.data line of a download that has a piece to send.
func (c *conn) nextPiece() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		if line := s.take(); line != nil {
			return line
		}
	}
	return nil
}

// take returns the line of the piece that waits, nil if none does.
func (s *stream) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upload || s.waiting == nil {
		return nil
	}
	b := append([]byte(nil), `{"jsonrpc":"2.0","method":"stream.data","params":{"stream":`...)
	b = strconv.AppendInt(b, int64(s.id), 10)
	b = strconv.AppendUint(append(b, `,"offset":`...), s.offset, 10)
	b = base64.StdEncoding.AppendEncode(append(b, `,"data":"`...), s.waiting)
	s.offset += uint64(len(s.waiting))
	s.waiting = nil
	s.wake()
	return append(b, "\"}}\n"...)
}

// streamNote is the params of a notification about a stream that a client sends.
type streamNote struct {
	Stream int             `json:"stream"`
	Bytes  int             `json:"bytes"`  // stream.credit
	Offset uint64          `json:"offset"` // stream.data
	Data   []byte          `json:"data"`
	OK     bool            `json:"ok"` // stream.end
	Sum    string          `json:"sha256"`
	Error  json.RawMessage `json:"error"`
}

// streamNotice does what a notification about a stream asks for. One about a
// stream that has ended in the meantime is no mistake.
func (c *conn) streamNotice(r request) {
	var n streamNote
	if r.id != "" || json.Unmarshal(r.params, &n) != nil || n.Bytes < 0 {
		c.refuse(r.id, badRequest(`%s is a notification with {"stream": …}`, r.method))
		return
	}
	c.mu.Lock()
	s := c.streams[n.Stream]
	c.mu.Unlock()
	switch {
	case s == nil:
	case r.method == "stream.credit" && !s.upload:
		s.mu.Lock()
		s.credit = min(s.credit+min(n.Bytes, 64*streamWindow), 64*streamWindow)
		s.mu.Unlock()
		s.wake()
	case r.method == "stream.end" && (!s.upload || n.Error != nil):
		s.fail(Errorf(CodeCancelled, "cancelled", "the client has ended the transfer"))
	case r.method == "stream.end":
		s.mu.Lock()
		s.closed, s.want = true, n.Sum
		s.mu.Unlock()
		s.wake()
	case r.method == "stream.data" && s.upload:
		s.receive(n)
	}
}
