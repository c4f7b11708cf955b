// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/hex"
	"io"
	"time"
)

// receive keeps the bytes of a stream.data for the reader. More than there was
// credit for, or bytes out of place, end the transfer.
func (s *stream) receive(n streamNote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err *Error
	switch {
	case s.closed:
		err = badRequest("stream %d has ended: it takes no more bytes", s.id)
	case n.Offset != s.offset:
		err = badRequest("stream %d goes on at byte %d, not %d", s.id, s.offset, n.Offset)
	case len(n.Data) > s.credit:
		err = Errorf(CodeTooLarge, "stream.credit", "stream %d had credit for %d bytes; %d came", s.id, s.credit, len(n.Data))
	}
	if err != nil {
		if s.err == nil {
			s.err = err
		}
		s.cancel()
		s.wake()
		return
	}
	s.waiting = append(s.waiting, n.Data...)
	s.offset += uint64(len(n.Data))
	s.credit -= len(n.Data)
	s.wake()
}

// An uploadReader reads what the client has sent, and gives credit for more.
type uploadReader struct {
	s    *stream
	done <-chan struct{} // closed when the transfer is to end
}

// Read waits for bytes. It returns io.EOF when the client has sent all and its
// checksum, if it gave one, is right.
func (r *uploadReader) Read(p []byte) (int, error) {
	s := r.s
	for {
		select {
		case <-r.done:
			return 0, s.why()
		default:
		}
		s.mu.Lock()
		if len(s.waiting) > 0 {
			n := copy(p, s.waiting)
			s.waiting = append(s.waiting[:0], s.waiting[n:]...)
			s.spent += n
			if s.spent >= streamWindow/4 && !s.closed {
				s.credit += s.spent
				s.owed += s.spent
				s.spent = 0
				s.conn.out.wake()
			}
			s.mu.Unlock()
			s.sum.Write(p[:n])
			return n, nil
		}
		closed, want := s.closed, s.want
		s.mu.Unlock()
		if closed {
			if got := hex.EncodeToString(s.sum.Sum(nil)); want != "" && want != got {
				return 0, Errorf(CodeFailed, "stream.sha256", "the bytes that came have SHA-256 %s, not %s: send them again", got, want)
			}
			return 0, io.EOF
		}
		select {
		case <-s.bell:
		case <-r.done:
		case <-time.After(streamIdle):
			s.fail(errIdle)
		}
	}
}

// nextCredit returns the stream.credit line of an upload that is owed some, nil
// where none is.
func (c *conn) nextCredit() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		s.mu.Lock()
		owed := s.owed
		s.owed = 0
		s.mu.Unlock()
		if owed > 0 {
			return appendNotification("stream.credit", streamCredit{s.id, owed})
		}
	}
	return nil
}
