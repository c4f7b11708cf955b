// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// The protocols that a connection can be for (RFC 7301).
const (
	alpnMirror = "evener-mirror"
	alpnPair   = "evener-pair"
)

// tlsConfig is what all connections have in common: TLS 1.3, both sides show a
// certificate, and verify alone decides about it.
func tlsConfig(id *Identity, verify func(protocol string, f Fingerprint) error, protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{id.cert},
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true, // names and issuers mean nothing here: VerifyConnection compares the certificate itself
		SessionTicketsDisabled: true,
		NextProtos:             protocols,
		VerifyConnection: func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 {
				return errors.New("the other side shows no certificate")
			}
			return verify(cs.NegotiatedProtocol, sha256.Sum256(cs.PeerCertificates[0].Raw))
		},
	}
}

// peerFingerprint returns the certificate that the other side of c has shown.
func peerFingerprint(c *tls.Conn) Fingerprint {
	return sha256.Sum256(c.ConnectionState().PeerCertificates[0].Raw)
}

// A paced connection ends when nothing moves for a while, or at a time.
type paced struct {
	net.Conn
	silence time.Duration
	bye     time.Duration // for the last word

	mu    sync.Mutex
	until time.Time // zero: no end
}

// endAt sets when the connection ends whatever happens; zero: never.
func (p *paced) endAt(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = t
}

func (p *paced) deadline() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := time.Now().Add(p.silence)
	if !p.until.IsZero() && p.until.Before(d) {
		return p.until
	}
	return d
}

// Read reads within the time.
func (p *paced) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(p.deadline()); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// Write writes within the time: crypto/tls calls it for each record of 16 KiB.
func (p *paced) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(p.deadline()); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

// A stream is one TLS connection with frames on it. Frames are written by several
// goroutines and read by one.
type stream struct {
	conn  *tls.Conn
	paced *paced
	in    frameReader

	mu sync.Mutex // one frame at a time
}

func newStream(c *tls.Conn, p *paced) *stream {
	return &stream{conn: c, paced: p, in: frameReader{r: c}}
}

// write sends a frame that begun and ended have made.
func (s *stream) write(frame []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.Write(frame)
	return err
}

// writeJSON sends a frame of control.
func (s *stream) writeJSON(kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.write(ended(append(begun(nil, kind), text...)))
}

// writeNumbers sends a frame of numbers.
func (s *stream) writeNumbers(kind byte, numbers ...uint64) error {
	b := begun(make([]byte, 0, 32), kind)
	for _, v := range numbers {
		b = binary.AppendUvarint(b, v)
	}
	return s.write(ended(b))
}

// bye says why the stream ends, if that can be said at once, and closes it.
func (s *stream) bye(reason, text string) {
	end := time.Now().Add(s.paced.bye)
	s.paced.endAt(end)
	s.paced.SetWriteDeadline(end)
	_ = s.writeJSON(frameGoodbye, goodbye{Reason: reason, Text: text})
	s.conn.NetConn().Close()
}

// hello reads the first frame.
func (s *stream) hello() (hello, error) {
	kind, payload, err := s.in.next()
	if err != nil {
		return hello{}, err
	}
	switch kind {
	case frameHello:
		return parseHello(payload)
	case frameGoodbye:
		return hello{}, parseGoodbye(payload)
	}
	return hello{}, fmt.Errorf("a stream begins with a greeting, not with a frame of kind %d", kind)
}

// beat sends heartbeats until ctx ends or the stream does.
func (s *stream) beat(ctx context.Context, every time.Duration) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if err := s.writeNumbers(frameHeartbeat, 0, uint64(time.Now().UnixNano())); err != nil {
			return err
		}
	}
}
