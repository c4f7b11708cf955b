// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	linger      = time.Millisecond // changes gather so long before a small frame goes
	idle        = time.Second      // what waits for a time is looked at so often
	afterError  = 5 * time.Second
	deltaRounds = 4 // frames of changes between two of a snapshot
)

// pump sends snapshots and changes until ctx ends.
func (s *session) pump(ctx context.Context) error {
	tick := time.NewTicker(idle)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, t := range s.link.tables {
			if err := s.snapshotIfDue(ctx, t); err != nil {
				return err
			}
		}
		full, err := s.deltas(ctx)
		if err != nil {
			return err
		}
		if full {
			continue
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
			if err := s.checkAcks(); err != nil {
				return err
			}
		case <-s.link.wake:
			sleep(ctx, linger, nil)
		}
	}
	return nil
}

// snapshotIfDue sends a table whole if the peer cannot go on without.
func (s *session) snapshotIfDue(ctx context.Context, t *outTable) error {
	if t.want.Swap(false) {
		t.need = true
	}
	if !t.taken || !t.need || time.Now().Before(t.after) {
		return nil
	}
	t.state.Store(stateSnapshot)
	if err := s.snapshot(ctx, t); err != nil {
		return err
	}
	if !t.need {
		t.state.Store(stateInStep)
	}
	return nil
}

// snapshot sends all records of t. Changes go on between its frames, so that its
// length does not hold them up.
func (s *session) snapshot(ctx context.Context, t *outTable) error {
	start := t.Changes.begin(t.reader)
	t.cursor, t.need = start, false
	if err := s.send(ctx, flying{table: t}, table(begun(nil, frameBegin), t)); err != nil {
		return err
	}
	buf := table(begun(make([]byte, 0, chunk+MaxKey+1024), frameSnapshot), t)
	empty, records := len(buf), 0
	var sendErr, recordErr error
	flush := func() {
		sendErr = s.send(ctx, flying{table: t, records: records}, buf)
		buf, records = buf[:empty], 0
	}
	err := t.Records.Snapshot(ctx, func(key, value []byte) bool {
		if len(key) == 0 || len(key) > MaxKey || len(value) > MaxValue {
			recordErr = errRecordSize
			return true
		}
		buf, records = appendChange(buf, key, value, false), records+1
		if len(buf) >= chunk {
			if flush(); sendErr == nil {
				_, sendErr = s.deltas(ctx)
			}
		}
		return sendErr == nil
	})
	if sendErr == nil && records > 0 {
		flush()
	}
	if sendErr != nil {
		return sendErr
	}
	if err != nil {
		t.need, t.after = true, time.Now().Add(afterError)
		t.fault(fmt.Sprintf("read the records: %v", err))
		return nil
	}
	if t.fault(""); recordErr != nil {
		t.fault(recordErr.Error())
	}
	s.link.peer.snapshotSent()
	return s.send(ctx, flying{table: t, to: start},
		binary.AppendUvarint(table(begun(nil, frameSnapshotEnd), t), start))
}

// fault keeps the last error of reading t's records.
func (t *outTable) fault(text string) { t.broken.Store(&text) }

// table appends the number of t to a frame.
func table(b []byte, t *outTable) []byte { return binary.AppendUvarint(b, t.id) }

// deltas sends changes of all tables that have had their snapshot or are having
// it. It returns true if there may be many more.
func (s *session) deltas(ctx context.Context) (full bool, err error) {
	for _, t := range s.link.tables {
		for i := 0; i < deltaRounds && t.taken && !t.need; i++ {
			more, err := s.delta(ctx, t)
			if err != nil {
				return false, err
			}
			full = full || more
			if !more {
				break
			}
		}
	}
	return full, nil
}

// delta sends one frame of t's changes. It returns true if it was full.
func (s *session) delta(ctx context.Context, t *outTable) (full bool, err error) {
	b := table(begun(s.buf[:0], frameDelta), t)
	at := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b, batch, ok := t.Changes.read(b, t.reader, t.cursor, chunk)
	s.buf = b
	if !ok {
		t.need = true // too many changes while the peer did not take them
		t.state.Store(stateSnapshot)
		return false, nil
	}
	if batch.count == 0 {
		t.cursor = batch.to
		return false, nil
	}
	binary.BigEndian.PutUint64(b[at:], batch.to)
	f := flying{table: t, to: batch.to, records: batch.count, oldest: batch.oldest}
	if err := s.send(ctx, f, b); err != nil {
		return false, err
	}
	t.cursor = batch.to
	return len(b) >= chunk, nil
}

// send sends a data frame when there is room in the window.
func (s *session) send(ctx context.Context, f flying, frame []byte) error {
	f.bytes = len(frame)
	if err := s.waitForSpace(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.flight = append(s.flight, f)
	s.bytes += f.bytes
	s.sent++
	if s.sent == s.acked+1 {
		s.lastAck = time.Now()
	}
	s.mu.Unlock()
	s.link.peer.sent.Add(uint64(f.records))
	return s.st.write(ended(frame))
}

// waitForSpace waits while the window is full. What changes meanwhile waits in
// the logs, which are bounded.
func (s *session) waitForSpace(ctx context.Context) error {
	for {
		s.mu.Lock()
		full := s.bytes >= window
		s.mu.Unlock()
		if !full {
			return ctx.Err()
		}
		if !sleep(ctx, idle, s.space) {
			return ctx.Err()
		}
		if err := s.checkAcks(); err != nil {
			return err
		}
	}
}

// checkAcks returns an error when the peer has acknowledged nothing for long.
func (s *session) checkAcks() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := time.Since(s.lastAck); s.sent > s.acked && age > s.link.node.ackTime {
		return fmt.Errorf("%s takes what is sent but has applied none of it for %v",
			s.link.peer.name, age.Round(time.Second))
	}
	return nil
}
