// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"time"
)

// Visits says what a visitor does until it is stopped. URL is required.
type Visits struct {
	URL     string
	Every   time.Duration // from one request to the next; 10ms
	Timeout time.Duration // of one request; 2s
	Fresh   bool          // a new connection for each request
	Cookies bool          // keep cookies as a browser does
}

// Seen is what a visitor saw.
type Seen struct {
	Answered int
	Failed   int
	Gap      time.Duration  // the longest time between two answers
	Servers  map[string]int // answers by the server that gave them
	Changes  int            // how often the server was another than before
	Last     error          // of the last request that failed
}

func (s Seen) String() string {
	return fmt.Sprintf("%d answered, %d failed, longest gap %v, servers %v, %d changes, last error %v",
		s.Answered, s.Failed, s.Gap.Round(time.Millisecond), s.Servers, s.Changes, s.Last)
}

// A Visitor asks again and again.
type Visitor struct {
	v      Visits
	client *http.Client
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex // guards what follows
	seen Seen
	last time.Time // of the last answer
	at   string    // the server that gave it
}

// Visit sends a visitor into the namespace.
func (s *Space) Visit(v Visits) *Visitor {
	if v.Every == 0 {
		v.Every = 10 * time.Millisecond
	}
	if v.Timeout == 0 {
		v.Timeout = 2 * time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Visitor{v: v, cancel: cancel, done: make(chan struct{}), seen: Seen{Servers: map[string]int{}}}
	w.client = &http.Client{Timeout: v.Timeout, Transport: &http.Transport{DialContext: s.dial, DisableKeepAlives: v.Fresh}}
	if v.Cookies {
		w.client.Jar, _ = cookiejar.New(nil) // no error without options
	}
	go w.run(ctx)
	return w
}

// dial connects from the namespace.
func (s *Space) dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	err = s.Do(func() error {
		d := net.Dialer{FallbackDelay: -1} // all on this thread
		c, err = d.DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

func (w *Visitor) run(ctx context.Context) {
	defer close(w.done)
	tick := time.NewTicker(w.v.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		server, err := w.ask(ctx)
		if ctx.Err() == nil {
			w.note(server, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// ask makes one request and returns which server answered.
func (w *Visitor) ask(ctx context.Context) (server string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.v.URL, nil)
	if err != nil {
		return "", err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("answer %s", resp.Status)
	}
	return resp.Header.Get("Server-Name"), nil
}

func (w *Visitor) note(server string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.seen
	if err != nil {
		s.Failed, s.Last = s.Failed+1, err
		return
	}
	now := time.Now()
	if s.Answered > 0 {
		s.Gap = max(s.Gap, now.Sub(w.last))
		if server != w.at {
			s.Changes++
		}
	}
	s.Answered++
	s.Servers[server]++
	w.last, w.at = now, server
}

// Seen returns what was seen so far. A gap that has not ended counts too.
func (w *Visitor) Seen() Seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.seen
	out.Servers = map[string]int{}
	maps.Copy(out.Servers, w.seen.Servers)
	if out.Answered > 0 {
		out.Gap = max(out.Gap, time.Since(w.last))
	}
	return out
}

// Forget begins a new count. The time since the last answer goes on.
func (w *Visitor) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.seen.Answered
	w.seen = Seen{Servers: map[string]int{}}
	if at > 0 {
		w.seen.Answered, w.seen.Servers[w.at] = 1, 1
	}
}

// Stop ends the visitor and returns what it saw.
func (w *Visitor) Stop() Seen {
	seen := w.Seen()
	w.cancel()
	<-w.done
	w.client.CloseIdleConnections()
	return seen
}
