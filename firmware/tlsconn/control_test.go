// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// takenOver returns a server's end of TLS 1.3 whose client is ours to craft.
func takenOver(t *testing.T, serve func(*end)) (l *lab, e *end, client, server *crafter) {
	t.Helper()
	var log keyLog
	l, e, _, peer := established(t, serve, func(server, client *tls.Config) {
		server.SessionTicketsDisabled = true
		client.KeyLogWriter = &log
		client.CurvePreferences = []tls.CurveID{tls.X25519}
	})
	l.do(func() {
		if s := e.c.State().Suite; s != tls.TLS_AES_128_GCM_SHA256 {
			t.Skipf("suite %s: this machine has no AES", tls.CipherSuiteName(s))
		}
	})
	return l, e, craft13(t, peer, &log, "CLIENT"), craft13(t, peer, &log, "SERVER")
}

// A key update is answered, and both go on under new keys (RFC 8446, 4.6.3).
func TestKeyUpdate(t *testing.T) {
	l, e, client, server := takenOver(t, echo)
	for range 3 {
		if err := client.write(typeHandshake, keyUpdateRequest); err != nil {
			t.Fatal(err)
		}
		client.update()
		_ = client.write(typeData, "hello")
		if typ, text := server.open(readRecord(t, client.conn)); typ != typeHandshake || text != "\x18\x00\x00\x01\x00" {
			t.Errorf("record of type %d, %q; want a key update", typ, text)
		}
		server.update()
		if typ, text := server.open(readRecord(t, client.conn)); typ != typeData || text != "hello" {
			t.Errorf("record of type %d, %q; want an echo", typ, text)
		}
	}
	client.conn.Close()
	l.wait(e.closed)
}

func readRecord(t *testing.T, c net.Conn) []byte {
	t.Helper()
	head := make([]byte, recordHeader)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(c, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// A peer that asks for answers and reads none does not make us keep them.
func TestKeyUpdatesWithoutReading(t *testing.T) {
	var got reading
	l, e, client, _ := takenOver(t, collect(&got))
	l.do(func() { // its window is full
		for errno := unix.Errno(0); errno == 0; {
			_, errno = e.c.Write(make([]byte, MaxPlaintext), false)
		}
	})
	for range 2000 {
		if client.write(typeHandshake, keyUpdateRequest) != nil {
			break
		}
		client.update()
		if client.write(typeData, "x") != nil {
			break
		}
	}
	l.until("the end", func() bool { return got.over })
	if got.errno != unix.ENOBUFS || got.Len() > len(record{}.buf)/26 {
		t.Errorf("%d key updates, %v; want ENOBUFS earlier", got.Len(), got.errno)
	}
	l.do(func() {
		if done, errno := e.c.Flush(); done || errno != unix.ENOBUFS || e.c.Pending() {
			t.Errorf("Flush = %v, %v", done, errno)
		}
		wantReason(t, e.c.Err(), Protocol)
	})
	l.end(e)
}

// The end that lies right behind bytes, in one segment, is told.
func TestEndBehindBytes(t *testing.T) {
	var got reading
	l := newLab(t, Config{})
	fd, peer := socketPair(t)
	e := l.server(fd, l.setup(l.serverTLS()), collect(&got))
	held := &holder{Conn: peer}
	cfg := l.clientTLS()
	cfg.MaxVersion = tls.VersionTLS12 // in which an alert can be seen before it is decrypted
	c := tls.Client(held, cfg)
	talkless(t, c)
	held.hold = true
	_, _ = c.Write([]byte("bye"))
	_ = c.CloseWrite()
	_, _ = peer.Write(held.bytes)
	l.until("the end", func() bool { return got.over })
	if got.String() != "bye" || got.errno != 0 || e.c.Truncated() {
		t.Errorf("read %q, %v, truncated %v", got.String(), got.errno, e.c.Truncated())
	}
	l.end(e)
}

func talkless(t *testing.T, c *tls.Conn) {
	t.Helper()
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
}

// A sniffer keeps the random of each side's hello: it is at the same place in both.
type sniffer struct {
	net.Conn
	ours, theirs []byte
}

func (s *sniffer) Write(p []byte) (int, error) {
	s.ours = append(s.ours, p...)
	return s.Conn.Write(p)
}

func (s *sniffer) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.theirs = append(s.theirs, p[:n]...)
	return n, err
}

func random(flight []byte) []byte {
	const at = recordHeader + 4 + 2
	return bytes.Clone(flight[at : at+32])
}

// In TLS 1.2 neither side is talked into a second handshake.
func TestRenegotiationIsRefused(t *testing.T) {
	tests := []struct {
		name     string
		isClient bool // the peer
		hello    string
	}{
		{"hello request to our client", false, "\x00\x00\x00\x00"},
		{"client hello to our server", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got reading
			var log keyLog
			l := newLab(t, Config{})
			server, client := l.serverTLS(), l.clientTLS()
			client.MaxVersion = tls.VersionTLS12
			client.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
			client.KeyLogWriter, server.KeyLogWriter = &log, &log
			fd, peer := socketPair(t)
			wire := &sniffer{Conn: peer}
			var e *end
			var craft *crafter
			if tt.isClient {
				e = l.server(fd, l.setup(server), collect(&got))
				talkless(t, tls.Client(wire, client))
				hello := wire.ours[recordHeader:]
				tt.hello = string(hello[:4+int(hello[2])<<8+int(hello[3])])
				craft = craft12(t, peer, &log, random(wire.ours), random(wire.theirs), true)
			} else {
				client.Renegotiation = tls.RenegotiateFreelyAsClient // which Prepare takes back
				e = l.client(fd, l.setup(client), collect(&got))
				talkless(t, tls.Server(wire, server))
				craft = craft12(t, peer, &log, random(wire.theirs), random(wire.ours), false)
			}
			if err := craft.write(typeData, "hello"); err != nil {
				t.Fatal(err)
			}
			l.until("plain bytes", func() bool { return got.String() == "hello" })
			_ = craft.write(typeHandshake, tt.hello)
			l.until("the end", func() bool { return got.over })
			if got.errno != unix.EPROTO {
				t.Errorf("errno %v, want EPROTO", got.errno)
			}
			if r := readRecord(t, peer); r[0] != typeAlert {
				t.Errorf("a record of type %d, want an alert", r[0])
			}
			l.end(e)
		})
	}
}
