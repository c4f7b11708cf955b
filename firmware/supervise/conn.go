// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A conn is one end of a control channel: a SOCK_SEQPACKET pair, one frame a
// packet. Its descriptor blocks and is never given to an os.File, whose Fd would
// change the mode of descriptions shared with other processes. One goroutine
// receives; sending is safe from several.
type conn struct {
	fd  int
	buf []byte // receives
	oob []byte // nil: descriptors are not wanted, the kernel drops them

	sending sync.Mutex // held by the sender
	life    sync.Mutex // guards the descriptor against shutdown after close
	closed  bool       // written with both held
}

// A badFrame is a packet that is no frame. The channel itself is sound.
type badFrame struct{ error }

// socketPair returns the parent's end and the child's descriptor.
func socketPair() (*conn, int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, fmt.Errorf("make the control channel: %w", err)
	}
	// The supervisor must not wait for ever for a role that does not read.
	patience := unix.Timeval{Sec: 2}
	if err := unix.SetsockoptTimeval(fds[0], unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience); err != nil {
		closeAll(fds[:])
		return nil, -1, fmt.Errorf("make the control channel: %w", err)
	}
	return &conn{fd: fds[0], buf: make([]byte, maxFrame+1)}, fds[1], nil
}

// childConn returns the child's end on fd, which receives descriptors too.
func childConn(fd int) *conn {
	return &conn{
		fd:  fd,
		buf: make([]byte, maxFrame+1),
		oob: make([]byte, unix.CmsgSpace(MaxSockets*4)),
	}
}

// send writes f and passes copies of fds. It blocks while the other end does
// not read; the parent's end gives up after two seconds.
func (c *conn) send(f frame, fds ...int) error {
	b, err := f.encode()
	if err != nil {
		return err
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.closed {
		return fmt.Errorf("send %s frame: %w", f.Type, unix.EPIPE)
	}
	for retries := 2000; ; {
		err := unix.Sendmsg(c.fd, b, oob, nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err == unix.ETOOMANYREFS && retries > 0 { // too many descriptors are on their way
			retries--
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			return fmt.Errorf("send %s frame: %w", f.Type, err)
		}
		return nil
	}
}

// pass is send for the one who cannot wait: it fails when the other end has no
// room.
func (c *conn) pass(f frame, fds ...int) error {
	b, err := f.encode()
	if err != nil {
		return err
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.closed {
		return fmt.Errorf("pass %s frame: %w", f.Type, unix.EPIPE)
	}
	for {
		err := unix.Sendmsg(c.fd, b, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("pass %s frame: %w", f.Type, err)
		}
		return nil
	}
}

// receive returns the next frame and the descriptors that came with it, or
// io.EOF when the other end is gone. After a badFrame the next one may be
// received; any other error ends the channel.
func (c *conn) receive() (frame, []int, error) {
	var n, oobn, flags int
	for {
		var err error
		n, oobn, flags, _, err = unix.Recvmsg(c.fd, c.buf, c.oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err == unix.ECONNRESET { // it left frames of ours unread
			return frame{}, nil, io.EOF
		}
		if err != nil {
			return frame{}, nil, fmt.Errorf("receive frame: %w", err)
		}
		break
	}
	fds, err := rights(c.oob[:oobn])
	if err == nil && c.oob != nil && flags&unix.MSG_CTRUNC != 0 {
		err = fmt.Errorf("receive frame: descriptors were lost")
	}
	if err != nil {
		closeAll(fds)
		return frame{}, nil, err
	}
	if n == 0 {
		closeAll(fds)
		return frame{}, nil, io.EOF
	}
	f, err := decodeFrame(c.buf[:n])
	if err != nil {
		closeAll(fds)
		return frame{}, nil, badFrame{err}
	}
	return f, fds, nil
}

// rights returns the descriptors in a control message.
func rights(oob []byte) ([]int, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("receive descriptors: %w", err)
	}
	var fds []int
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_RIGHTS {
			continue
		}
		got, err := unix.ParseUnixRights(&m)
		if err != nil {
			return fds, fmt.Errorf("receive descriptors: %w", err)
		}
		fds = append(fds, got...)
	}
	return fds, nil
}

// shutdown ends the channel for both ends and wakes a blocked send or receive.
func (c *conn) shutdown() {
	c.life.Lock()
	defer c.life.Unlock()
	if !c.closed {
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
	}
}

// close frees the descriptor. It is called once, by the receiver.
func (c *conn) close() {
	c.shutdown() // lets a blocked sender go
	c.sending.Lock()
	defer c.sending.Unlock()
	c.life.Lock()
	defer c.life.Unlock()
	c.closed = true
	_ = unix.Close(c.fd)
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
