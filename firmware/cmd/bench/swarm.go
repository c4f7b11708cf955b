// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	labs "evener/firmware/lab"
)

// How visitors come.
const (
	freshEvery = 5 * time.Millisecond
	keptEvery  = 20 * time.Millisecond
	keptCount  = 4
	visitTime  = 3 * time.Second // is the longest that a request may take
)

// An answer is what became of a request.
type answer struct {
	stream       int // 0: a connection of its own; else the number of the connection that is kept
	began, ended time.Time
	err          error
}

// tell says what became of a request, for people, beside a time.
func (a answer) tell(start time.Time) string {
	who := "a fresh connection"
	if a.stream > 0 {
		who = fmt.Sprintf("kept connection %d", a.stream)
	}
	return fmt.Sprintf("%s, begun at %+.1f ms, ended at %+.1f ms: %v", who, milliseconds(a.began.Sub(start)), milliseconds(a.ended.Sub(start)), a.err)
}

// tellFailed lists what became of the requests that failed.
func tellFailed(answers []answer, start time.Time) (list []string) {
	for _, a := range answers {
		if a.err != nil {
			list = append(list, a.tell(start))
		}
	}
	return list
}

// A swarm are visitors who come all the time, whatever became of those before.
type swarm struct {
	space *labs.Space
	addr  string
	end   context.CancelFunc
	wg    sync.WaitGroup

	mu      sync.Mutex // guards answers
	answers []answer
}

// sendSwarm lets visitors come from a space: one with a new connection each
// freshEvery, and some that keep their connections.
func sendSwarm(space *labs.Space, addr string, kept int) *swarm {
	ctx, cancel := context.WithCancel(context.Background())
	s := &swarm{space: space, addr: addr, end: cancel}
	s.wg.Go(func() {
		tick := time.NewTicker(freshEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			s.wg.Go(func() { s.note(answer{began: time.Now(), err: visitOnce(space, addr)}) })
			await(ctx, tick.C)
		}
	})
	for i := range kept {
		s.wg.Go(func() { s.keep(ctx, i+1) })
	}
	return s
}

// keep asks on one connection, which a failure ends.
func (s *swarm) keep(ctx context.Context, stream int) {
	var v *guest
	defer func() { v.close() }()
	tick := time.NewTicker(keptEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		a := answer{stream: stream, began: time.Now()}
		if v == nil {
			v, a.err = newGuest(s.space, s.addr)
		}
		stays := false
		if a.err == nil {
			stays, a.err = v.get(false)
		}
		s.note(a)
		if !stays {
			v.close()
			v = nil
		}
		await(ctx, tick.C)
	}
}

func await(ctx context.Context, tick <-chan time.Time) {
	select {
	case <-tick:
	case <-ctx.Done():
	}
}

func (s *swarm) note(a answer) {
	a.ended = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, a)
}

// sofar returns the answers until now.
func (s *swarm) sofar() []answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers)
}

// stop lets nobody come any more and returns all answers.
func (s *swarm) stop() []answer {
	s.end()
	s.wg.Wait()
	return s.sofar()
}

// A guest is a client that speaks HTTP over one connection and repeats nothing.
type guest struct {
	c    net.Conn
	in   *bufio.Reader
	addr string
}

func newGuest(space *labs.Space, addr string) (*guest, error) {
	v := &guest{addr: addr}
	err := space.Do(func() (err error) {
		d := net.Dialer{Timeout: visitTime, FallbackDelay: -1} // all on this thread
		v.c, err = d.Dial("tcp", addr)
		return err
	})
	if err != nil {
		return nil, err
	}
	v.in = bufio.NewReader(v.c)
	return v, nil
}

// get makes a request and reports whether another may follow.
func (v *guest) get(last bool) (stays bool, err error) {
	if err := v.c.SetDeadline(time.Now().Add(visitTime)); err != nil {
		return false, err
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+v.addr+"/", nil)
	if err != nil {
		return false, err
	}
	req.Close = last
	if err := req.Write(v.c); err != nil {
		return false, fmt.Errorf("write the request: %w", err)
	}
	resp, err := http.ReadResponse(v.in, req)
	if err != nil {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return false, fmt.Errorf("read the answer's body: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("answer %s", resp.Status)
	}
	return !resp.Close && !last, nil
}

func (v *guest) close() {
	if v != nil {
		v.c.Close()
	}
}

// visitOnce makes a request on a connection of its own.
func visitOnce(space *labs.Space, addr string) error {
	v, err := newGuest(space, addr)
	if err != nil {
		return err
	}
	defer v.close()
	_, err = v.get(true)
	return err
}

// failures counts the requests without an answer.
func failures(answers []answer) (n int) {
	for _, a := range answers {
		if a.err != nil {
			n++
		}
	}
	return n
}

// servedSince reports whether a request that began after a time has its answer.
func servedSince(answers []answer, after time.Time) bool {
	return slices.ContainsFunc(answers, func(a answer) bool { return a.err == nil && a.began.After(after) })
}

// longestGap returns the longest time between two answers of a stream, the latter
// after a time. All connections of one request are one stream.
func longestGap(answers []answer, after time.Time) (gap time.Duration) {
	sorted := slices.SortedFunc(slices.Values(answers), func(a, b answer) int { return a.ended.Compare(b.ended) })
	last := map[int]time.Time{}
	for _, a := range sorted {
		if a.err != nil {
			continue
		}
		if before, ok := last[a.stream]; ok && a.ended.After(after) {
			gap = max(gap, a.ended.Sub(before))
		}
		last[a.stream] = a.ended
	}
	return gap
}
