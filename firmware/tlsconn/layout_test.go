// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"reflect"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLayoutIsKnown(t *testing.T) {
	if !fields.known {
		t.Fatal("crypto/tls.Conn has other fields than layout.go knows: idle connections keep 16 KiB")
	}
	if other := findFields(reflect.TypeFor[bytes.Buffer]()); other.known {
		t.Error("a strange type is taken for tls.Conn")
	}
}

// What a long record needed is given back when the connection goes idle, bytes
// that have come are kept, and small requests do not lose their buffer.
func TestShrink(t *testing.T) {
	var got reading
	l, e, c, _ := established(t, collect(&got),
		func(_, client *tls.Config) { client.DynamicRecordSizingDisabled = true })
	capacity := func() (n int) {
		l.do(func() { raw, _, _ := fields.buffers(e.c.tls); n = raw.Cap() })
		return n
	}
	upload := make([]byte, 16<<10)
	want := 0
	for round := range 3 {
		_, _ = c.Write(upload)
		want += len(upload)
		l.until("the upload", func() bool { return got.Len() == want })
		if n := capacity(); n < 16<<10 {
			t.Errorf("capacity %d after an upload: the test shows nothing", n)
		}
		l.do(e.c.Shrink)
		if n := capacity(); n != 0 {
			t.Errorf("round %d: capacity %d after Shrink, want 0", round, n)
		}
		l.do(e.c.Shrink)
	}
	for range 3 {
		_, _ = c.Write(make([]byte, 80))
		want += 80
		l.until("a small request", func() bool { return got.Len() == want })
		before := capacity()
		l.do(e.c.Shrink)
		if n := capacity(); n == 0 || n != before {
			t.Errorf("capacity %d after Shrink, want %d", n, before)
		}
	}
	l.end(e)
}

// Plaintext that was not read yet survives Shrink.
func TestShrinkKeepsPlaintext(t *testing.T) {
	l, e, c, _ := established(t, nil, nil)
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<10)
	_, _ = c.Write(want)
	var got []byte
	var buf [1000]byte
	l.until("all of it", func() bool {
		n, errno := e.c.Read(buf[:])
		if errno != 0 && errno != unix.EAGAIN {
			t.Error(errno)
		}
		got = append(got, buf[:n]...)
		e.c.Shrink()
		return len(got) == len(want)
	})
	if !bytes.Equal(got, want) {
		t.Error("Shrink changed what was not read yet")
	}
	l.end(e)
}

// Without the layout everything works, if dearer.
func TestUnknownLayoutIsSafe(t *testing.T) {
	known := fields
	fields.known = false
	defer func() { fields = known }()
	l, e, c, _ := established(t, echo, nil)
	for range 3 {
		talk(t, c)
		l.do(e.c.Shrink)
	}
	l.do(func() {
		if e.c.Buffered() {
			t.Error("Buffered after EAGAIN")
		}
	})
	_ = c.Close()
	l.wait(e.closed)
	if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read of a closed connection: %v", err)
	}
}

// Half a record that has come already survives Shrink.
func TestShrinkKeepsHalfRecord(t *testing.T) {
	var got reading
	l := newLab(t, Config{})
	fd, peer := socketPair(t)
	e := l.server(fd, l.setup(l.serverTLS()), collect(&got))
	held := &holder{Conn: peer}
	cfg := l.clientTLS()
	cfg.DynamicRecordSizingDisabled = true
	c := tls.Client(held, cfg)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	held.hold = true
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<9)
	_, _ = c.Write(want)
	sent := 0
	for _, upTo := range []int{3, 100, 500, 7000, len(held.bytes)} {
		_, _ = peer.Write(held.bytes[sent:upTo])
		sent = upTo
		l.until("a part", func() bool {
			raw, _, _ := fields.buffers(e.c.tls)
			return e.c.h == nil && (raw.Len() == upTo || got.Len() > 0)
		})
		l.do(func() {
			e.c.Shrink()
			if raw, _, _ := fields.buffers(e.c.tls); raw.Cap() > max(keepInput, 2*upTo) {
				t.Errorf("capacity %d for %d bytes", raw.Cap(), upTo)
			}
		})
	}
	l.until("all of it", func() bool { return got.Len() > 0 })
	if !bytes.Equal(got.Bytes()[:100], want[:100]) {
		t.Error("Shrink changed half a record")
	}
	l.end(e)
}

// A holder keeps what is written, once it holds.
type holder struct {
	net.Conn
	hold  bool
	bytes []byte
}

func (h *holder) Write(p []byte) (int, error) {
	if !h.hold {
		return h.Conn.Write(p)
	}
	h.bytes = append(h.bytes, p...)
	return len(p), nil
}

// SetWriteDeadline does nothing: crypto/tls sets one after its close_notify.
func (h *holder) SetWriteDeadline(time.Time) error { return nil }
