// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// maxBatch is how many packets one Wait reads, so that a flood of them cannot keep
// its caller from the rest of its work.
const maxBatch = 512

// maxPacket is more than any packet of protocol 112 needs: 255 addresses of IPv6
// are 4088 bytes.
const maxPacket = 16 << 10

// A waker is a file descriptor that becomes readable by a call.
type waker struct{ fd int }

func newWaker() (waker, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return waker{}, fmt.Errorf("make a descriptor to wake with: %w", err)
	}
	return waker{fd}, nil
}

func (w waker) wake() {
	_, _ = unix.Write(w.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // full: it is readable
}

// clear reports whether somebody has called wake since the last clear.
func (w waker) clear() bool {
	var b [8]byte
	n, err := unix.Read(w.fd, b[:])
	return err == nil && n == 8
}

func (w waker) close() { _ = unix.Close(w.fd) }

// readable waits until one of fds can be read, or until; then it returns which can
// be. Until a time that has passed, it only looks.
func readable(fds []unix.PollFd, until time.Time) error {
	for {
		var limit *unix.Timespec
		if !until.IsZero() {
			t := unix.NsecToTimespec(max(0, time.Until(until).Nanoseconds()))
			limit = &t
		}
		_, err := unix.Ppoll(fds, limit, nil)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for packets: %w", err)
		}
	}
}

// A source is what a LAN reads from: collect reads what waits, of those fds that are
// ready, into b and reports whether the caller of Wait has been woken.
type source interface {
	fds() ([]unix.PollFd, error)
	collect(fds []unix.PollFd, b *Batch) (woken bool, err error)
}

// wait is Wait of both LANs. The moment that it returns is taken before the sockets
// are read, so that nothing which came before it is missed.
func wait(s source, until time.Time) (Batch, error) {
	for {
		fds, err := s.fds()
		if err != nil {
			return Batch{}, err
		}
		if err := readable(fds, until); err != nil {
			return Batch{}, err
		}
		b := Batch{At: time.Now()}
		if err := readable(fds, b.At); err != nil {
			return Batch{}, err
		}
		woken, err := s.collect(fds, &b)
		late := !until.IsZero() && !b.At.Before(until)
		if err != nil || woken || late || b.Changed || len(b.Packets) > 0 {
			return b, err
		}
	}
}
