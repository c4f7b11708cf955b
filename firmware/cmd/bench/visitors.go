// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/net/http2/hpack"
)

// A visitor is one kept connection that makes requests, one after the other.
type visitor interface {
	get() error // takes the small body
	Close() error
}

// newVisitor returns a visitor on c in the protocol that was negotiated.
func newVisitor(c net.Conn, host string) (visitor, error) {
	if t, ok := c.(*tls.Conn); ok && t.ConnectionState().NegotiatedProtocol == "h2" {
		return newH2Visitor(c, host)
	}
	return &h1Visitor{c, host}, nil
}

// An h1Visitor speaks HTTP/1.1.
type h1Visitor struct {
	net.Conn
	host string
}

func (v *h1Visitor) get() error {
	return v.ask(fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", v.host))
}

// upload sends a body in one write.
func (v *h1Visitor) upload(size int) error {
	head := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", v.host, size)
	return v.ask(append(head, make([]byte, size)...))
}

func (v *h1Visitor) ask(request []byte) error {
	_ = v.SetDeadline(time.Now().Add(ioTimeout))
	if _, err := v.Write(request); err != nil {
		return err
	}
	var answer [4096]byte
	for got := 0; !bytes.HasSuffix(answer[:got], []byte(smallBody)); {
		n, err := v.Read(answer[got:])
		if err != nil {
			return fmt.Errorf("after %.60q: %w", answer[:got], err)
		}
		got += n
	}
	if !bytes.HasPrefix(answer[:], []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answer %.60q, want 200", answer[:])
	}
	return nil
}

// An h2Visitor speaks as much HTTP/2 (RFC 9113) as small requests need.
type h2Visitor struct {
	net.Conn
	block  []byte // the header block of every request
	stream uint32
}

// The types and flags of frames that h2Visitor knows.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEndStream, flagAck, flagEndHeaders = 1, 1, 4
)

func newH2Visitor(c net.Conn, host string) (*h2Visitor, error) {
	v := &h2Visitor{Conn: c, stream: 1}
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	enc.SetMaxDynamicTableSize(0) // so that every request may send the same block
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", host}, {":path", "/"}} {
		if err := enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			return nil, err
		}
	}
	v.block = block.Bytes()
	_, err := v.Write(appendFrame([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frameSettings, 0, 0, nil))
	return v, err
}

// appendFrame appends one frame (section 4.1).
func appendFrame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

func (v *h2Visitor) get() error {
	_ = v.SetDeadline(time.Now().Add(ioTimeout))
	stream := v.stream
	v.stream += 2
	request := appendFrame(nil, frameHeaders, flagEndStream|flagEndHeaders, stream, v.block)
	if _, err := v.Write(request); err != nil {
		return err
	}
	var body []byte
	for end := false; !end; {
		f, err := v.next(stream)
		if err != nil {
			return err
		}
		if f.kind == frameData {
			body = append(body, f.payload...)
		}
		end = f.flags&flagEndStream != 0
	}
	if string(body) != smallBody {
		return fmt.Errorf("body %.60q, want %q", body, smallBody)
	}
	return nil
}

// next returns the next DATA or HEADERS of a stream and does what other frames
// want on the way.
func (v *h2Visitor) next(stream uint32) (frame, error) {
	for {
		f, err := v.frame()
		if err != nil {
			return f, err
		}
		switch {
		case f.kind == frameReset || f.kind == frameGoAway:
			return f, fmt.Errorf("HTTP/2: frame of type %d: %q", f.kind, f.payload)
		case (f.kind == frameData || f.kind == frameHeaders) && f.stream == stream:
			return f, nil
		case f.kind == frameSettings && f.flags&flagAck == 0:
			_, err = v.Write(appendFrame(nil, frameSettings, flagAck, 0, nil))
		case f.kind == framePing && f.flags&flagAck == 0:
			_, err = v.Write(appendFrame(nil, framePing, flagAck, 0, f.payload))
		}
		if err != nil {
			return f, err
		}
	}
}

// A frame is one of HTTP/2.
type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

// frame reads one.
func (v *h2Visitor) frame() (f frame, err error) {
	var head [9]byte
	if _, err := io.ReadFull(v, head[:]); err != nil {
		return f, err
	}
	f = frame{kind: head[3], flags: head[4], stream: binary.BigEndian.Uint32(head[5:])}
	f.payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(v, f.payload)
	return f, err
}
