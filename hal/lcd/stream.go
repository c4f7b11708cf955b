// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"evener/hal/serial"
)

// A stream is the line to a display that confirms nothing: commands go out,
// keys and a few answers come in, and only the clock says when a byte has
// arrived. So it sends no faster than the line carries: what waited in the
// kernel's buffer would be shown after newer frames were known.
type stream struct {
	port     serial.Port
	byteTime time.Duration
	keys     *keyQueue
	closing  chan struct{} // closed by end
	gone     chan struct{} // closed when the listener has ended
	once     sync.Once
	why      error // why the listener has ended; set before gone is closed
	cause    error // why fail was called; set before closing is closed

	turn chan struct{} // full while somebody sends: commands must not interleave
}

// start makes the stream hand what comes in to receive, in order and from one
// goroutine, until the line is lost or closed.
func (s *stream) start(port serial.Port, speed int, receive func([]byte)) {
	s.port, s.byteTime = port, serial.ByteTime(speed)
	s.keys = newKeyQueue()
	s.closing, s.gone = make(chan struct{}), make(chan struct{})
	s.turn = make(chan struct{}, 1)
	go s.listen(receive)
}

// lock waits for the turn to send. It is a channel and not a mutex because
// whoever holds it sleeps most of the time.
func (s *stream) lock()   { s.turn <- struct{}{} }
func (s *stream) unlock() { <-s.turn }

func (s *stream) listen(receive func([]byte)) {
	defer close(s.gone)
	defer s.keys.close()
	defer fault(func(err error) { s.why = err })
	buf := make([]byte, 64)
	for {
		n, err := s.port.Read(buf)
		if n > 0 {
			receive(buf[:n])
		}
		if err != nil && !errors.Is(err, serial.ErrTimeout) {
			s.why = s.reason(err)
			return
		}
	}
}

// reason is why a read ended: what the port says, or what made us close it.
func (s *stream) reason(err error) error {
	select {
	case <-s.closing:
		if s.cause != nil {
			return s.cause
		}
	default:
	}
	return err
}

// lost returns why nothing comes in any more, or nil.
func (s *stream) lost() error {
	select {
	case <-s.gone:
		return fmt.Errorf("the display is gone: %w", s.why)
	default:
		return nil
	}
}

// streamChunk is how many bytes wait for the line at most.
const streamChunk = 32

// put sends p and waits until the line has carried it. The turn to send is
// the caller's.
func (s *stream) put(p ...byte) error {
	for len(p) > 0 {
		if err := s.lost(); err != nil {
			return err
		}
		n := min(len(p), streamChunk)
		if _, err := s.port.Write(p[:n]); err != nil {
			return fmt.Errorf("send to the display: %w", err)
		}
		if err := s.pause(time.Duration(n) * s.byteTime); err != nil {
			return err
		}
		p = p[n:]
	}
	return s.lost()
}

// pause waits, unless the stream ends meanwhile.
func (s *stream) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.gone:
		return s.lost()
	case <-s.closing:
		return s.reason(os.ErrClosed)
	}
}

// await waits for an answer on c for at most d.
func (s *stream) await(ctx context.Context, c <-chan byte, d time.Duration) (byte, error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case b := <-c:
		return b, nil
	case <-timer.C:
		return 0, serial.ErrTimeout
	case <-s.gone:
		return 0, s.lost()
	case <-s.closing:
		return 0, os.ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// fail ends the stream because of what was found out about the display.
func (s *stream) fail(cause error) {
	s.once.Do(func() {
		s.cause = cause
		close(s.closing)
		s.port.Close()
	})
}

// end closes the line and waits for the listener.
func (s *stream) end() error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		err = s.port.Close()
	})
	<-s.gone
	return err
}

// Keys returns what is pressed.
func (s *stream) Keys() <-chan KeyEvent { return s.keys.c }

// Close ends the device.
func (s *stream) Close() error { return s.end() }

// checkGlyph says whether there is a glyph n to define.
func checkGlyph(info Info, n int) error {
	if n < 0 || n >= info.Glyphs {
		return fmt.Errorf("glyph must be 0 to %d on %s, not %d", info.Glyphs-1, info.Model, n)
	}
	return nil
}
