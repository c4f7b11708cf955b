// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A load sends GET requests over keep-alive connections, one after the other on
// each, and counts what becomes of them.
type load struct {
	t    *testing.T
	addr string
	wg   sync.WaitGroup
	quit chan struct{}
	once sync.Once

	request  []byte
	good     atomic.Int64 // answered with 200, whole
	failed   atomic.Int64 // everything else, but for:
	stale    atomic.Int64 // closed before the first byte of an answer on a connection that had served; sent again (RFC 9112 section 9.3.1)
	refused  atomic.Int64 // connections that could not be made
	connects atomic.Int64

	mu   sync.Mutex // guards errs
	errs map[string]int
}

// startLoad sends requests over conns connections until stop.
func startLoad(t *testing.T, addr, path string, conns int) *load {
	t.Helper()
	l := &load{t: t, addr: addr, quit: make(chan struct{}), errs: map[string]int{},
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: www.example.com\r\n\r\n", path)}
	for range conns {
		l.wg.Go(l.client)
	}
	t.Cleanup(l.stop)
	return l
}

// stop ends the load once the running requests are answered.
func (l *load) stop() {
	l.once.Do(func() { close(l.quit) })
	l.wg.Wait()
}

// reach waits until n requests were answered.
func (l *load) reach(n int) {
	l.t.Helper()
	for last, since := int64(0), time.Now(); l.good.Load() < int64(n); time.Sleep(time.Millisecond) {
		if now := l.good.Load(); now != last {
			last, since = now, time.Now()
		} else if time.Since(since) > 30*time.Second {
			l.t.Fatalf("no request was answered for 30s: %s", l)
		}
	}
}

func (l *load) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d good, %d failed, %d stale, %d connections, %d refused %v",
		l.good.Load(), l.failed.Load(), l.stale.Load(), l.connects.Load(), l.refused.Load(), l.errs)
}

// clean reports a load that saw any failure.
func (l *load) clean() {
	l.t.Helper()
	if l.failed.Load() != 0 || l.refused.Load() != 0 {
		l.t.Errorf("%s; want none failed and none refused", l)
	}
}

// noneStale reports connections that were closed while the next request was on its
// way.
func (l *load) noneStale() {
	l.t.Helper()
	if l.stale.Load() > 0 {
		l.t.Errorf("%s; want none closed under a request", l)
	}
}

func (l *load) note(n *atomic.Int64, err error) {
	n.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errs) < 20 {
		l.errs[err.Error()]++
	}
}

func (l *load) client() {
	for {
		l.connects.Add(1)
		c, err := net.DialTimeout("tcp", l.addr, 30*time.Second)
		if err != nil {
			l.note(&l.refused, errors.New("connect: "+errors.Unwrap(err).Error()))
			select {
			case <-l.quit:
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		again := l.use(c)
		c.Close()
		if !again {
			return
		}
	}
}

// use sends requests over one connection; false when the load is to end.
func (l *load) use(c net.Conn) bool {
	r := bufio.NewReaderSize(c, 4096)
	for served := 0; ; served++ {
		select {
		case <-l.quit:
			return false
		default:
		}
		c.SetDeadline(time.Now().Add(30 * time.Second))
		_, err := c.Write(l.request)
		if err == nil {
			_, err = r.Peek(1)
		}
		if err != nil {
			if timeout := net.Error(nil); served > 0 && (!errors.As(err, &timeout) || !timeout.Timeout()) {
				l.note(&l.stale, errors.New("stale"))
			} else {
				l.note(&l.failed, fmt.Errorf("no answer: %s", cause(err)))
			}
			return true
		}
		a, err := readAnswer(r)
		switch {
		case err != nil:
			l.note(&l.failed, fmt.Errorf("answer: %s", cause(err)))
			return true
		case a.status != 200:
			l.note(&l.failed, fmt.Errorf("status %d", a.status))
		default:
			l.good.Add(1)
		}
		if a.close {
			return true
		}
	}
}

// cause drops the addresses from an error.
func cause(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}

// An answer is what the load looks at of a response.
type answer struct {
	status int
	close  bool
}

// readAnswer reads a response with Content-Length.
func readAnswer(r *bufio.Reader) (a answer, err error) {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		line = bytes.TrimSuffix(line, []byte("\r\n"))
		switch {
		case first && len(line) > 12:
			a.status, err = strconv.Atoi(string(line[9:12]))
		case len(line) == 0:
			if length < 0 {
				return a, errors.New("no Content-Length")
			}
			_, err = r.Discard(length)
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return a, err
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			length, err = strconv.Atoi(string(line[16:]))
		case bytes.EqualFold(line, []byte("Connection: close")):
			a.close = true
		}
		if err != nil {
			return a, err
		}
	}
}
