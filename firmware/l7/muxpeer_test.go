// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"evener/firmware/http2"
)

// A muxPeer is a client with one stream of HTTP/2 that blocks: it does what those
// of the standard library refuse to.
type muxPeer struct {
	c  *tls.Conn
	mu sync.Mutex // guards what follows, and writing to c
	on *sync.Cond
	h  *http2.Conn
	s  *http2.Stream

	silent bool // answers no PING
	raw    bool // Read returns frames
	status int
	fields map[string]string
	got    bytes.Buffer
	end    error // of what comes
}

// ask2 opens a connection and sends a request without an end.
func ask2(t *testing.T, b *box, method, path, protocol string, fields ...string) *muxPeer {
	t.Helper()
	p := dial2(t, b)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compose(method, path, protocol, false, fields...)
	p.send()
	for p.status == 0 && p.end == nil {
		p.on.Wait()
	}
	return p
}

// dial2 opens a connection.
func dial2(t *testing.T, b *box) *muxPeer {
	t.Helper()
	raw, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	p, err := handshake2(raw)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// handshake2 begins HTTP/2 over TLS on a connection.
func handshake2(raw net.Conn) (*muxPeer, error) {
	_ = raw.SetDeadline(time.Now().Add(patience))
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err := c.Handshake(); err != nil {
		return nil, err
	}
	p := &muxPeer{c: c, h: http2.NewClient(http2.Prepare(http2.Config{}), http2.NewPool())}
	p.on = sync.NewCond(&p.mu)
	go p.receive()
	return p, nil
}

// compose begins a stream, in place of the one before. The caller holds mu.
func (p *muxPeer) compose(method, path, protocol string, end bool, fields ...string) {
	if p.s != nil {
		p.h.Release(p.s)
	}
	p.s, _ = p.h.Open()
	p.status, p.fields, p.end = 0, map[string]string{}, nil
	p.h.BeginHead(p.s)
	p.h.Request([]byte(method), "https", []byte("a"), []byte(path), protocol)
	for i := 0; i < len(fields); i += 2 {
		p.h.Field(fields[i], []byte(fields[i+1]))
	}
	p.h.EndHead(end)
}

// get sends a request without content and returns that of its answer.
func (p *muxPeer) get(path string) (string, error) {
	p.mu.Lock()
	if !p.h.CanOpen() {
		p.mu.Unlock()
		return "", errors.New("the box takes no new streams")
	}
	p.compose("GET", path, "", true)
	p.send()
	p.mu.Unlock()
	got, err := io.ReadAll(p)
	return string(got), err
}

func (p *muxPeer) send() {
	out := p.h.Out()
	if i := bytes.Index(out, []byte("\x00\x00\x08\x06\x01")); i >= 0 && p.silent {
		out = append(out[:i:i], out[i+9+8:]...)
	}
	_, _ = p.c.Write(out)
	p.h.Sent(len(p.h.Out()))
}

// told reports whether the box has said that it takes no new streams.
func (p *muxPeer) told() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.h.CanOpen()
}

func (p *muxPeer) receive() {
	var in []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := p.c.Read(buf)
		in = append(in, buf[:n]...)
		p.mu.Lock()
		if in, n = p.take(in), 0; err != nil && p.end == nil {
			p.end = err
		}
		p.send()
		p.on.Broadcast()
		p.mu.Unlock()
		if err != nil {
			p.c.Close()
			return
		}
	}
}

func (p *muxPeer) take(in []byte) []byte {
	if p.raw {
		p.got.Write(in)
		return nil
	}
	var ev http2.Event
	for {
		n, err := p.h.Next(0, in, &ev)
		if err != nil {
			p.end = err
			return nil
		}
		if n == 0 && ev.Kind == http2.None {
			return in
		}
		switch ev.Kind {
		case http2.Response:
			p.status = ev.Head.Status
			for _, f := range ev.Head.Fields {
				p.fields[string(ev.Head.Bytes(f.Name))] = string(ev.Head.Bytes(f.Value))
			}
		case http2.Data:
			p.got.Write(ev.Data)
			p.h.Consumed(p.s, len(ev.Data))
		case http2.Reset:
			p.end = errors.New("reset: " + ev.Code.String())
		}
		if ev.End && p.end == nil {
			p.end = io.EOF
		}
		in = in[n:]
	}
}

// Read returns what comes on the stream.
func (p *muxPeer) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.got.Len() == 0 && p.end == nil {
		p.on.Wait()
	}
	if p.got.Len() > 0 {
		return p.got.Read(b)
	}
	return 0, p.end
}

// Write sends all of b on the stream.
func (p *muxPeer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for sent := 0; ; p.on.Wait() {
		sent += p.h.Write(p.s, b[sent:], false)
		p.send()
		if sent == len(b) || p.end != nil {
			return sent, p.end
		}
	}
}

// Close ends what the stream sends.
func (p *muxPeer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.h.Write(p.s, nil, true)
	p.send()
	return nil
}
