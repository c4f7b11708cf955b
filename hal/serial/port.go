// SPDX-License-Identifier: Apache-2.0

package serial

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// slice is how long a read or write waits at most before it looks whether the
// port was closed. Close waits for both, so that no descriptor is closed, and
// perhaps given to another file, under somebody who uses it.
const slice = 100 * time.Millisecond

type port struct {
	lib          serial.Port
	lock         *os.File // holds the flock
	fd           int      // the line's, which lib owns
	speed        int
	writeTimeout time.Duration
	closed       atomic.Bool

	// reading is held by the one reader, writing by the one writer, both by
	// Close when it closes the descriptors.
	reading     sync.Mutex
	readTimeout time.Duration // guarded by setting
	setting     sync.Mutex
	writing     sync.Mutex
}

func (p *port) SetReadTimeout(d time.Duration) error {
	p.setting.Lock()
	defer p.setting.Unlock()
	p.readTimeout = d
	return nil
}

func (p *port) timeout() time.Duration {
	p.setting.Lock()
	defer p.setting.Unlock()
	return p.readTimeout
}

func (p *port) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	p.reading.Lock()
	defer p.reading.Unlock()
	limit := p.timeout()
	deadline := time.Now().Add(limit)
	for {
		wait := slice
		if limit >= 0 {
			wait = min(slice, max(0, time.Until(deadline)))
		}
		if p.closed.Load() {
			return 0, os.ErrClosed
		}
		if err := p.lib.SetReadTimeout(wait); err != nil {
			return 0, err
		}
		n, err := p.lib.Read(b)
		switch {
		case n > 0:
			return n, nil
		case err != nil && !transient(err):
			return 0, lineError(err)
		case limit >= 0 && !time.Now().Before(deadline):
			return 0, ErrTimeout
		}
	}
}

func (p *port) Write(b []byte) (int, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	limit := p.writeTimeout + time.Duration(len(b))*ByteTime(p.speed)
	deadline := time.Now().Add(limit)
	sent := 0
	for sent < len(b) {
		if p.closed.Load() {
			return sent, os.ErrClosed
		}
		n, err := p.lib.Write(b[sent:])
		sent += n
		if err != nil && !transient(err) {
			return sent, lineError(err)
		}
		if n > 0 {
			continue
		}
		left := time.Until(deadline)
		if left <= 0 {
			return sent, fmt.Errorf("%w: it took %d of %d bytes in %v", ErrTimeout, sent, len(b), limit)
		}
		if err := p.waitWritable(min(slice, left)); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// waitWritable waits until the line takes bytes, or for d.
func (p *port) waitWritable(d time.Duration) error {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLOUT}}
	_, err := unix.Poll(fds, int(d.Milliseconds())+1)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("wait for the line: %w", err)
	}
	if fds[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 {
		return ErrHangup
	}
	return nil
}

func (p *port) ResetInput() error {
	p.reading.Lock()
	defer p.reading.Unlock()
	if p.closed.Load() {
		return os.ErrClosed
	}
	if err := p.lib.ResetInputBuffer(); err != nil {
		return lineError(err)
	}
	return nil
}

// Close closes the line once its reader and writer have left it, which takes
// them a slice at most. What the line has not sent yet is thrown away: a tty
// whose far end stands still would otherwise hold up close(2) for half a
// minute.
func (p *port) Close() error {
	if p.closed.Swap(true) {
		return nil
	}
	p.reading.Lock()
	defer p.reading.Unlock()
	p.writing.Lock()
	defer p.writing.Unlock()
	_ = p.lib.ResetOutputBuffer() // a line that hung up has none
	err := p.lib.Close()
	if lockErr := p.lock.Close(); err == nil {
		err = lockErr
	}
	return err
}

// transient says that an error means no more than "try again".
func transient(err error) bool {
	return errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN)
}

// lineError words an error of the library: the ways to say that the line is
// gone are one.
func lineError(err error) error {
	var pe *serial.PortError
	if errors.As(err, &pe) && pe.Code() == serial.PortClosed {
		return ErrHangup
	}
	for _, gone := range []error{unix.EIO, unix.ENXIO, unix.ENODEV, unix.EBADF} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%w: %w", ErrHangup, err)
		}
	}
	return err
}
