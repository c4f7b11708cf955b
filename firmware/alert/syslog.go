// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	syslogApp = "evener"
	// The project has no enterprise number of its own; this one is nobody's (RFC 5612).
	syslogID    = "evener@32473"
	syslogTime  = "2006-01-02T15:04:05.000000Z07:00" // RFC 5424, section 6.2.3: no finer than microseconds
	maxDatagram = 2048                               // what receivers should take (RFC 5426, section 3.2)
	maxFrame    = 8192                               // likewise over TLS (RFC 5425, section 4.3.1)
	bom         = "\ufeff"
)

// appendSyslog appends m in the form of RFC 5424, at most max bytes of it: a text
// that is too long loses its end.
func appendSyslog(dst []byte, m Message, facility int, host string, max int) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, "<%d>1 %s %s %s - %s [%s", facility*8+m.Severity, m.Time.UTC().Format(syslogTime),
		token(host, 255), syslogApp, token(m.ID, 32), syslogID)
	for _, p := range m.Params {
		if p.Value == "" || len(dst)-start+len(p.Name)+2*len(p.Value)+5 > max/2 {
			continue
		}
		dst = append(append(append(dst, ' '), p.Name...), `="`...)
		for _, c := range []byte(clean(p.Value)) {
			if c == '"' || c == '\\' || c == ']' { // RFC 5424, section 6.3.3
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
		dst = append(dst, '"')
	}
	dst = append(dst, "] "...)
	text := clean(m.Text)
	if !ascii(text) {
		dst = append(dst, bom...)
	}
	dst = append(dst, text...)
	if len(dst)-start > max {
		dst = append(dst[:start], strings.ToValidUTF8(string(dst[start:start+max]), "")...)
	}
	return dst
}

// token makes a header field of RFC 5424: printable ASCII without spaces.
func token(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), max)]
}

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}

// A syslogSender keeps a connection to a server.
type syslogSender struct {
	cfg  Syslog
	host string
	conn net.Conn
	gone chan struct{} // closed when the server has closed conn
	buf  []byte
}

func newSyslogSender(cfg Syslog, host string) *syslogSender {
	return &syslogSender{cfg: cfg, host: host}
}

func (s *syslogSender) close() {
	if s.conn != nil {
		s.conn.Close()
		if s.gone != nil {
			<-s.gone
		}
		s.conn, s.gone = nil, nil
	}
}

func (s *syslogSender) send(ctx context.Context, ms []Message) (int, error) {
	if err := s.connect(ctx); err != nil {
		return 0, fmt.Errorf("syslog %s: %w", s.cfg.Address, err)
	}
	conn := s.conn
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var n int
	var err error
	if s.cfg.Transport == "udp" {
		n, err = s.datagrams(ms)
	} else {
		n, err = s.frames(ms)
	}
	if err != nil {
		s.close()
		return n, fmt.Errorf("syslog %s: %w", s.cfg.Address, err)
	}
	return n, nil
}

// connect makes a connection where there is none that the server keeps open.
func (s *syslogSender) connect(ctx context.Context) error {
	if s.conn != nil && s.gone != nil {
		select {
		case <-s.gone:
			s.close()
		default: // it is still open
		}
	}
	if s.conn != nil {
		return nil
	}
	conn, err := dial(ctx, s.cfg)
	if err != nil {
		return err
	}
	s.conn = conn
	if s.cfg.Transport == "udp" {
		return nil
	}
	gone := make(chan struct{})
	s.gone = gone
	go func() { // a server of syslog says nothing: what can be read is the end
		defer close(gone)
		var b [256]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
		}
	}()
	return nil
}

func dial(ctx context.Context, cfg Syslog) (net.Conn, error) {
	var d net.Dialer
	if cfg.Transport != "tls" {
		return d.DialContext(ctx, cfg.Transport, cfg.Address)
	}
	conf, err := tlsConfig(cfg.Address, cfg.CA)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: &d, Config: conf}).DialContext(ctx, "tcp", cfg.Address)
}

// tlsConfig verifies a server by its host, and by own authorities where there are.
func tlsConfig(address string, ca []byte) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if ca != nil {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("its trust has no certificates of CAs")
		}
	}
	return conf, nil
}

// datagrams sends each message by itself.
func (s *syslogSender) datagrams(ms []Message) (int, error) {
	for i, m := range ms {
		s.buf = appendSyslog(s.buf[:0], m, s.cfg.Facility, s.host, maxDatagram)
		if _, err := s.conn.Write(s.buf); err != nil {
			return i, err
		}
	}
	return len(ms), nil
}

// frames sends messages with their lengths (RFC 6587, section 3.4.1; RFC 5425,
// section 4.3) in one write.
func (s *syslogSender) frames(ms []Message) (int, error) {
	var one []byte
	ends := make([]int, len(ms))
	s.buf = s.buf[:0]
	for i, m := range ms {
		one = appendSyslog(one[:0], m, s.cfg.Facility, s.host, maxFrame)
		s.buf = append(strconv.AppendInt(s.buf, int64(len(one)), 10), ' ')
		s.buf = append(s.buf, one...)
		ends[i] = len(s.buf)
	}
	written, err := s.conn.Write(s.buf)
	n := 0
	for n < len(ends) && ends[n] <= written {
		n++
	}
	return n, err
}
