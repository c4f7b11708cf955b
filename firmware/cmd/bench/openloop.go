// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// An openLoop sends requests at a fixed rate whether or not answers come, and
// times each from the moment when it was due. So a proxy that stalls is charged
// for everybody whom it keeps waiting. It runs on one thread: an epoll set with
// the connections and a timer.
type openLoop struct {
	epoll, timer int
	request      []byte
	conns        map[int]*openConn
	idle         []*openConn
	due          []time.Duration // since start, of requests that wait for a connection
	start        time.Time
	latencies    []time.Duration
}

type openConn struct {
	fd  int
	due time.Duration // of the request under way
	in  []byte
}

// openLoopRun keeps rate requests a second on addr for d, over n connections,
// and returns the latencies, sorted.
func openLoopRun(addr string, rate float64, n int, d time.Duration) ([]time.Duration, error) {
	o := &openLoop{
		epoll: -1, timer: -1,
		request:   fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", addr),
		conns:     map[int]*openConn{},
		latencies: make([]time.Duration, 0, int(rate*d.Seconds())+1),
	}
	defer o.close()
	if err := o.open(addr, n); err != nil {
		return nil, err
	}
	total := int(rate * d.Seconds())
	if err := o.run(time.Duration(float64(time.Second)/rate), total); err != nil {
		return nil, err
	}
	slices.Sort(o.latencies)
	return o.latencies, nil
}

func (o *openLoop) open(addr string, n int) (err error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	if o.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if o.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	if err := o.watch(o.timer); err != nil {
		return err
	}
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		c := &openConn{fd: fd, in: make([]byte, 0, 4096)}
		o.conns[fd] = c
		o.idle = append(o.idle, c)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
			return fmt.Errorf("connect to %s: %w", addr, err)
		}
		if err := errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1), o.watch(fd)); err != nil {
			return err
		}
	}
	return nil
}

func (o *openLoop) watch(fd int) error {
	return unix.EpollCtl(o.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// run sends total requests, one each interval, and awaits the answers.
func (o *openLoop) run(interval time.Duration, total int) error {
	every := unix.NsecToTimespec(int64(interval))
	if err := unix.TimerfdSettime(o.timer, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		return err
	}
	o.start = time.Now()
	sent := 0
	events := make([]unix.EpollEvent, 128)
	for len(o.latencies) < total {
		n, err := unix.EpollWait(o.epoll, events, int(ioTimeout.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("no answer for %v", ioTimeout)
		}
		for _, e := range events[:n] {
			if int(e.Fd) == o.timer {
				o.drainTimer()
				continue
			}
			if err := o.receive(o.conns[int(e.Fd)]); err != nil {
				return err
			}
		}
		for elapsed := time.Since(o.start); sent < total && time.Duration(sent+1)*interval <= elapsed; sent++ {
			o.due = append(o.due, time.Duration(sent+1)*interval)
		}
		if err := o.send(); err != nil {
			return err
		}
		if time.Since(o.start) > time.Duration(total)*interval+ioTimeout {
			return fmt.Errorf("%d of %d requests have no answer after %v more", total-len(o.latencies), total, ioTimeout)
		}
	}
	return nil
}

// drainTimer makes the timer wait for its next turn; the clock says how many
// requests are due.
func (o *openLoop) drainTimer() {
	var turns [8]byte
	_, _ = unix.Read(o.timer, turns[:])
}

// send gives the requests that are due to idle connections, oldest first.
func (o *openLoop) send() error {
	for len(o.due) > 0 && len(o.idle) > 0 {
		c := o.idle[len(o.idle)-1]
		o.idle = o.idle[:len(o.idle)-1]
		c.due, o.due = o.due[0], o.due[1:]
		if n, err := unix.Write(c.fd, o.request); err != nil || n != len(o.request) {
			return fmt.Errorf("send a request: %d bytes, %v", n, err)
		}
	}
	return nil
}

// receive takes what has come; the body's last bytes end an answer.
func (o *openLoop) receive(c *openConn) error {
	n, err := unix.Read(c.fd, c.in[len(c.in):cap(c.in)])
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	if err != nil || n == 0 {
		return fmt.Errorf("a kept connection ended after %q: %v", c.in, err)
	}
	c.in = c.in[:len(c.in)+n]
	if !bytes.HasSuffix(c.in, []byte(smallBody)) {
		return nil
	}
	if !bytes.HasPrefix(c.in, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answer %.60q, want 200", c.in)
	}
	c.in = c.in[:0]
	o.latencies = append(o.latencies, time.Since(o.start)-c.due)
	o.idle = append(o.idle, c)
	return nil
}

func (o *openLoop) close() {
	for fd := range o.conns {
		unix.Close(fd)
	}
	for _, fd := range []int{o.epoll, o.timer} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// percentile returns the value below which share of the sorted values lie.
func percentile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}
