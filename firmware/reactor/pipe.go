// SPDX-License-Identifier: Apache-2.0

package reactor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize is what a pipe for splicing is asked to hold. The kernel may grant
// less (see pipe(7), pipe-user-pages-soft); Fill only moves fewer bytes then.
const pipeSize = 256 << 10

// A Pipe carries bytes from one socket to another inside the kernel (splice(2)).
type Pipe struct {
	r, w int
	held int // bytes inside
}

// Pipes keeps the idle pipes of one loop. The zero value is empty and ready.
type Pipes struct{ idle []*Pipe }

// maxIdlePipes bounds the descriptors that Pipes holds without use.
const maxIdlePipes = 32

// Get returns an empty pipe, or an error when there are no descriptors left.
func (p *Pipes) Get() (*Pipe, error) {
	if n := len(p.idle); n > 0 {
		pipe := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return pipe, nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize)
	return &Pipe{r: fds[0], w: fds[1]}, nil
}

// Put takes a pipe back. One that still holds bytes is closed.
func (p *Pipes) Put(pipe *Pipe) {
	if pipe.held > 0 || len(p.idle) >= maxIdlePipes {
		pipe.close()
		return
	}
	p.idle = append(p.idle, pipe)
}

// Close closes the idle pipes.
func (p *Pipes) Close() {
	for _, pipe := range p.idle {
		pipe.close()
	}
	p.idle = nil
}

func (p *Pipe) close() {
	closeFD(p.r)
	closeFD(p.w)
}

// Held returns how many bytes are in the pipe.
func (p *Pipe) Held() int { return p.held }

// Fill moves up to n bytes from a socket into the pipe. It returns 0, 0 at the
// end of the stream.
func (p *Pipe) Fill(fd int, n int64) (int, unix.Errno) {
	moved, errno := splice(fd, p.w, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	p.held += moved
	return moved, errno
}

// Drain moves what the pipe holds to a socket. more says that further bytes
// follow at once.
func (p *Pipe) Drain(fd int, more bool) (int, unix.Errno) {
	flags := uintptr(unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK)
	if more {
		flags |= unix.SPLICE_F_MORE
	}
	moved, errno := splice(p.r, fd, int64(p.held), flags)
	p.held -= moved
	return moved, errno
}

func splice(from, to int, n int64, flags uintptr) (int, unix.Errno) {
	for {
		m, _, errno := syscall.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0,
			uintptr(n), flags)
		if errno == 0 {
			return int(m), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
