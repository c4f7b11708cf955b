// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

// An origin answers every request that it takes its bytes for, and keeps the
// bytes.
type origin struct {
	ln   net.Listener
	read func(*bufio.Reader) (*message, error)
	wg   sync.WaitGroup

	mu      sync.Mutex // guards what follows
	streams []*bytes.Buffer
	faults  []error
}

func newOrigin(read func(*bufio.Reader) (*message, error)) (*origin, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{ln: ln, read: read}
	o.wg.Go(o.accept)
	return o, nil
}

func (o *origin) accept() {
	for {
		c, err := o.ln.Accept()
		if err != nil {
			return
		}
		seen := &bytes.Buffer{}
		o.mu.Lock()
		o.streams = append(o.streams, seen)
		o.mu.Unlock()
		o.wg.Go(func() { o.serve(c, seen) })
	}
}

// serve answers requests until the box closes the connection.
func (o *origin) serve(c net.Conn, seen *bytes.Buffer) {
	defer c.Close()
	r := bufio.NewReader(io.TeeReader(c, seen))
	for {
		m, err := o.read(r)
		var bad *malformed
		if errors.As(err, &bad) {
			o.mu.Lock()
			o.faults = append(o.faults, err)
			o.mu.Unlock()
		}
		if err != nil {
			_, _ = io.Copy(io.Discard, r)
			return
		}
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
		if m.start[0] == "HEAD" {
			answer = strings.TrimSuffix(answer, "ok")
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

// stop waits for the end of all connections, which the box must have closed.
func (o *origin) stop() {
	o.ln.Close()
	o.wg.Wait()
}

// requests returns what a reader takes the streams for: the requests that came
// whole, in the order of connections.
func (o *origin) requests(read func(*bufio.Reader) (*message, error)) ([]*message, error) {
	var out []*message
	for _, s := range o.streams {
		r := bufio.NewReader(bytes.NewReader(s.Bytes()))
		for {
			m, err := read(r)
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break // the rest is no whole request
			}
			if err != nil {
				return out, fmt.Errorf("%w, in %q", err, s)
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// same returns why two readers do not see the same requests in the streams, nil
// if they do.
func same(a, b []*message) error {
	if len(a) != len(b) {
		return fmt.Errorf("one reader sees %d requests, another %d:%v%v", len(a), len(b), a, b)
	}
	for i := range a {
		if a[i].start != b[i].start || !bytes.Equal(a[i].body, b[i].body) ||
			strings.Join(a[i].values("Host"), ",") != strings.Join(b[i].values("Host"), ",") {
			return fmt.Errorf("one reader sees%v, another%v", a[i], b[i])
		}
	}
	return nil
}
