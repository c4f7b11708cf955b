// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	window   = 1 << 20 // bytes of data frames that may wait for acknowledgements
	ackTime  = 30 * time.Second
	maxCalls = 64 // questions that wait for answers
)

// A session is the life of one stream to a peer.
type session struct {
	link *link
	st   *stream
	done <-chan struct{} // closed when the session ends
	buf  []byte          // of frames of changes; the pump's

	space chan struct{} // an acknowledgement came

	mu      sync.Mutex // guards what follows
	flight  []flying
	sent    uint64 // data frames
	acked   uint64
	bytes   int // in flight
	lastAck time.Time
	nextID  uint64
	calls   map[uint64]chan response
	ended   bool
}

// A flying frame was sent and is not acknowledged.
type flying struct {
	table   *outTable
	to      uint64 // sequence number that the peer has with it; 0: part of a snapshot
	bytes   int
	records int
	oldest  time.Duration // of the changes, as Log counts
}

// A response is what came back for a call.
type response struct {
	failed bool
	body   []byte
}

// An outTable is a table as it is sent to one peer. The pump owns it but for what
// is atomic.
type outTable struct {
	Table
	id     uint64
	reader *logReader

	taken  bool // the peer has such a table
	need   bool // a snapshot is due
	cursor uint64
	after  time.Time // not before then, because Snapshot went wrong

	want   atomic.Bool // the peer asks for a snapshot
	state  atomic.Int32
	acked  atomic.Uint64
	broken atomic.Pointer[string] // the last error of Snapshot
}

// The values of outTable.state.
const (
	stateAway = iota
	stateSnapshot
	stateInStep
)

var stateNames = [...]string{stateAway: "away", stateSnapshot: "snapshot", stateInStep: "in step"}

func newSession(l *link, st *stream, answer hello) *session {
	s := &session{
		link: l, st: st, space: make(chan struct{}, 1),
		lastAck: time.Now(), calls: map[uint64]chan response{},
	}
	has := map[string]tableHello{}
	for _, t := range answer.Tables {
		has[t.Name] = t
	}
	for _, t := range l.tables {
		h, ok := has[t.Name]
		t.taken, t.cursor, t.after = ok, h.Seq, time.Time{}
		t.want.Store(false)
		t.need = !t.Changes.resume(t.reader, h.Epoch, h.Seq)
		t.state.Store(stateSnapshot)
		if !t.need {
			t.state.Store(stateInStep)
		}
		if !ok {
			t.state.Store(stateAway)
		}
	}
	return s
}

// run uses the stream until it or ctx ends, and says why.
func (s *session) run(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	s.done = ctx.Done()
	var wg sync.WaitGroup
	wg.Go(func() { cancel(orEnded(s.listen())) })
	wg.Go(func() { cancel(orEnded(s.st.beat(ctx, s.link.node.cfg.Heartbeat))) })
	wg.Go(func() { cancel(orEnded(s.pump(ctx))) })
	<-ctx.Done()
	err := context.Cause(ctx)
	switch {
	case parent.Err() != nil:
		s.st.bye(goodbyeFor(parent), "")
	case worthAWord(err):
		s.st.bye(byeRefused, err.Error())
	}
	s.st.conn.NetConn().Close()
	wg.Wait()
	s.end()
	return err
}

// errEnded is why a session ends whose parts end without a reason.
var errEnded = errors.New("the stream has ended")

func orEnded(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

// end lets go of what waits.
func (s *session) end() {
	s.mu.Lock()
	s.ended = true
	for id, c := range s.calls {
		close(c)
		delete(s.calls, id)
	}
	s.mu.Unlock()
	for _, t := range s.link.tables {
		t.state.Store(stateAway)
	}
}

// listen reads what the peer sends back.
func (s *session) listen() error {
	for {
		kind, payload, err := s.st.in.next()
		if err != nil {
			return err
		}
		switch kind {
		case frameAck:
			err = s.ack(payload)
		case frameHeartbeat:
			err = s.heartbeat(payload)
		case frameResponse:
			err = s.response(payload)
		case frameWant:
			err = s.wanted(payload)
		case frameGoodbye:
			return parseGoodbye(payload)
		default:
			err = fmt.Errorf("a frame of kind %d came back on the stream", kind)
		}
		if err != nil {
			return err
		}
	}
}

// ack takes frames out of flight.
func (s *session) ack(payload []byte) error {
	n, _, err := cutUvarint(payload)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < s.acked || n > s.sent {
		return fmt.Errorf("the peer acknowledges frame %d; it had %d and acknowledged %d", n, s.sent, s.acked)
	}
	for ; s.acked < n; s.acked++ {
		f := s.flight[0]
		s.flight = s.flight[1:]
		s.bytes -= f.bytes
		if f.to > 0 {
			f.table.Changes.ack(f.table.reader, f.to)
			f.table.acked.Store(f.to)
		}
		var lag time.Duration
		if f.oldest > 0 {
			lag = f.table.Changes.age(f.oldest)
		}
		s.link.peer.acknowledged(f.records, lag)
	}
	s.lastAck = time.Now()
	select {
	case s.space <- struct{}{}:
	default:
	}
	return nil
}

// maxRound is how long an echo of a heartbeat may take to tell the time by it.
const maxRound = 200 * time.Millisecond

// heartbeat compares the clocks when the peer echoes one of ours.
func (s *session) heartbeat(payload []byte) error {
	echo, rest, err := cutUvarint(payload)
	if err != nil {
		return err
	}
	there, _, err := cutUvarint(rest)
	if err != nil || echo == 0 {
		return err
	}
	now := time.Now().UnixNano()
	round := time.Duration(now - int64(echo))
	if round >= 0 && round <= maxRound {
		s.link.peer.setSkew(time.Duration(int64(there) - int64(echo) - int64(round)/2))
	}
	return nil
}

// wanted notes that the peer asks for a snapshot.
func (s *session) wanted(payload []byte) error {
	id, _, err := cutUvarint(payload)
	if err != nil {
		return err
	}
	if id >= uint64(len(s.link.tables)) {
		return fmt.Errorf("the peer asks for table %d of %d", id, len(s.link.tables))
	}
	s.link.tables[id].want.Store(true)
	select {
	case s.link.wake <- struct{}{}:
	default:
	}
	return nil
}
