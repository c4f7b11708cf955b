// SPDX-License-Identifier: Apache-2.0

// Package serial opens serial lines for devices such as front panels. It is a
// narrow door to go.bug.st/serial, which sets the speed and moves the bytes,
// and takes care of what a daemon must not run into with it:
//
//   - That library waits with select(2), which knows 1024 descriptors; a
//     descriptor beyond them panics at the first read. [Open] refuses such a
//     line with [ErrDescriptor] before it touches it.
//   - Its descriptors would be inherited by every child process. Open marks
//     them close-on-exec before any child can start.
//   - Its Read says (0, nil) when nothing came in time, which makes io.ReadFull
//     spin. Here that is [ErrTimeout].
//   - Its Write has no time limit, gives up after EINTR and may write half.
//     Here Write moves all, or says within its limit how far it got.
//   - Two processes that both are root can open one line. Open takes a lock
//     (flock(2) on the device itself, so that all names of it count as one).
//   - After a USB adapter was pulled, a read says "port closed" and a write
//     EIO. Both are [ErrHangup] here: close the port and open it again.
//   - Its list of ports opens every /dev/ttyS* and sets it to 9600 baud, the
//     system's console too. This package lists nothing: a board names its line.
//
// The package knows nothing of what is said on the line.
package serial

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// What can go wrong with a line. Errors of this package wrap these.
var (
	// ErrTimeout says that nothing came, or not all could be sent, in time. It
	// is an os.ErrDeadlineExceeded too.
	ErrTimeout = fmt.Errorf("serial line is silent: %w", os.ErrDeadlineExceeded)
	// ErrHangup says that the line is gone, as after a USB plug was pulled.
	ErrHangup = errors.New("serial line hung up")
	// ErrBusy says that somebody else has the line.
	ErrBusy = errors.New("serial line is in use")
	// ErrSick says that the device behind the line takes far too long.
	ErrSick = errors.New("serial line is sick")
	// ErrDescriptor says that this process has too many open files.
	ErrDescriptor = errors.New("descriptor is beyond 1023")
	// ErrNotSerial says that the file is no serial line.
	ErrNotSerial = errors.New("not a serial line")
)

// A Port is an open serial line. One goroutine may read while another writes;
// Close may be called at any time and by anyone, and ends both.
type Port interface {
	// Read returns as soon as there is at least one byte, ErrTimeout when none
	// came within the read timeout, ErrHangup when the line is gone and
	// os.ErrClosed after Close. It never returns (0, nil) for a p that is not
	// empty.
	//
	// Write sends all of p. It returns ErrTimeout when the line has not taken
	// it within the write timeout plus what p takes at the line's speed.
	io.ReadWriteCloser

	// SetReadTimeout says how long the next Read waits; 0 is "what is there
	// already", below 0 is for ever.
	SetReadTimeout(d time.Duration) error

	// ResetInput throws away what has come in and was not read.
	ResetInput() error
}

// Config says how to open a line. The line is always 8 data bits, no parity,
// one stop bit, without flow control: all panels and consoles that we know
// speak that.
type Config struct {
	Speed        int           // bits per second, such as 115200; required
	ReadTimeout  time.Duration // 250ms; below 0 is for ever
	WriteTimeout time.Duration // 2s, beyond what the bytes take at Speed
}

// speeds are the rates a line can be opened with: those that devices on boards
// use. A rate in between is nearly always a slip of the pen.
var speeds = []int{
	1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600,
}

// ByteTime is how long one byte of 8N1 takes: a start bit, eight data bits and
// a stop bit.
func ByteTime(speed int) time.Duration {
	return 10 * time.Second / time.Duration(max(speed, 1))
}
