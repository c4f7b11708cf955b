// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// A streamOrigin speaks HTTP/2 in the clear, answers every request, and keeps
// those that came whole.
type streamOrigin struct {
	ln net.Listener
	wg sync.WaitGroup

	mu    sync.Mutex // guards what follows
	seen  []*message
	fault error
}

func newStreamOrigin() (*streamOrigin, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &streamOrigin{ln: ln}
	o.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			o.wg.Go(func() { o.serve(c) })
		}
	})
	return o, nil
}

// serve answers requests until the box closes the connection.
func (o *streamOrigin) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	a := &actor{p: &play{ctx: context.Background()}, wire: newWire(c)}
	s := newStreams(a, true)
	err := s.greeting(a)
	for err == nil {
		for len(s.fresh) == 0 && err == nil {
			err = s.pump(a)
		}
		if err != nil {
			break
		}
		id := s.fresh[0]
		s.fresh = s.fresh[1:]
		var m *message
		m, err = s.read(a, id, false)
		if cut := (*unexpected)(nil); errors.As(err, &cut) {
			err = nil
			continue
		}
		if err == nil {
			o.mu.Lock()
			o.seen = append(o.seen, asHTTP1(m))
			o.mu.Unlock()
			head := m.start[0] == "HEAD"
			if err = s.writeHead(id, []field{{":status", "200"}, {"content-length", "2"}}, head); err == nil && !head {
				err = s.writeData(a, id, []byte("ok"), true)
			}
		}
	}
	if bad := (*malformed)(nil); errors.As(err, &bad) {
		o.mu.Lock()
		o.fault = err
		o.mu.Unlock()
	}
}

// asHTTP1 returns m as claims about HTTP/1 see it.
func asHTTP1(m *message) *message {
	out := *m
	out.start[2] = "HTTP/1.1"
	out.fields = nil
	for _, f := range m.fields {
		switch {
		case f.name == ":authority":
			out.fields = append(out.fields, field{"host", f.value})
		case f.name == "cookie" && len(out.values("cookie")) > 0:
			i := slices.IndexFunc(out.fields, func(o field) bool { return o.name == "cookie" })
			out.fields[i].value += "; " + f.value
		case !strings.HasPrefix(f.name, ":"):
			out.fields = append(out.fields, f)
		}
	}
	return &out
}

// betweenStreams lets exchange speak with a box whose member speaks HTTP/2.
func (r *row) betweenStreams(exchange func() error) error {
	o, err := newStreamOrigin()
	if err != nil {
		return err
	}
	r.member = "h2c"
	if err = r.start(o.ln.Addr()); err == nil {
		err = exchange()
	}
	err = errors.Join(err, r.box.stop())
	o.ln.Close()
	o.wg.Wait()
	if err != nil {
		return err
	}
	if o.fault != nil {
		return fmt.Errorf("the origin got what is %w", o.fault)
	}
	return r.judgeSeen(o.seen)
}
