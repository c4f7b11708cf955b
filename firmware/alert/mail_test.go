// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"evener/firmware/event"
)

// testCertificate makes an authority and a certificate of it for 127.0.0.1.
func testCertificate(t *testing.T) (ca []byte, cert tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A sink is a mail server that keeps what it is given.
type sink struct {
	l        net.Listener
	tls      *tls.Config // nil: no STARTTLS
	implicit bool
	refuse   string // answer to MAIL, "" to take it

	mails chan sunk
}

type sunk struct {
	text      string
	to        []string
	user      string
	encrypted bool
}

func newSink(t *testing.T, conf *tls.Config, implicit bool) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{l: l, tls: conf, implicit: implicit, mails: make(chan sunk, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if implicit {
				c = tls.Server(c, conf)
			}
			if err := s.serve(c, implicit); err != nil && err != io.EOF {
				t.Log("sink:", err)
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return s
}

func (s *sink) serve(c net.Conn, encrypted bool) error {
	r := bufio.NewReader(c)
	say := func(lines string) { io.WriteString(c, strings.ReplaceAll(lines, "\n", "\r\n")) }
	m := sunk{encrypted: encrypted}
	say("220 sink ESMTP\n")
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		word, rest, _ := strings.Cut(strings.TrimRight(l, "\r\n"), " ")
		switch strings.ToUpper(word) {
		case "EHLO":
			say("250-sink\n")
			if s.tls != nil && !m.encrypted {
				say("250-STARTTLS\n")
			}
			say("250 AUTH PLAIN\n")
		case "STARTTLS":
			say("220 go\n")
			tc := tls.Server(c, s.tls)
			if err := tc.Handshake(); err != nil {
				return err
			}
			c, r, m.encrypted = tc, bufio.NewReader(tc), true
		case "AUTH":
			b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			if err != nil {
				return err
			}
			m.user = strings.ReplaceAll(string(b), "\x00", "|")
			say("235 ok\n")
		case "MAIL":
			if s.refuse != "" {
				say(s.refuse + "\n")
				break
			}
			say("250 ok\n")
		case "RCPT":
			m.to = append(m.to, rest)
			say("250 ok\n")
		case "DATA":
			say("354 go\n")
			for {
				l, err := r.ReadString('\n')
				if err != nil {
					return err
				}
				if l == ".\r\n" {
					break
				}
				m.text += l
			}
			s.mails <- m
			say("250 kept\n")
		case "QUIT":
			say("221 bye\n")
			return nil
		default:
			say("250 ok\n")
		}
	}
}

// parts reads the subject and the text of an e-mail, and refuses one whose header
// has fields that the box does not write.
func parts(t *testing.T, text string) (subj, body string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	known := "Auto-Submitted Content-Transfer-Encoding Content-Type Date From Message-Id Mime-Version Subject To"
	for k, v := range m.Header {
		if !strings.Contains(known, k) || len(v) != 1 {
			t.Errorf("header has %s: %q", k, v)
		}
	}
	subj, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return subj, string(b)
}

func down(pool, member string) event.Event {
	e := event.New(event.MemberDown, event.Object("pool", pool, "member", member),
		map[string]any{"pool": pool, "member": member, "reason": "refused"})
	e.Time = at
	return e
}

func TestMailSecurities(t *testing.T) {
	ca, cert := testCertificate(t)
	conf := &tls.Config{Certificates: []tls.Certificate{cert}}
	for _, c := range []struct {
		security, user string
		conf           *tls.Config
		want           string
	}{
		{"starttls", "box", conf, ""},
		{"tls", "box", conf, ""},
		{"none", "", nil, ""},
		{"starttls", "", nil, "STARTTLS"},      // a server without it gets nothing
		{"none", "box", nil, "authentication"}, // no password in the clear
	} {
		t.Run(c.security+c.user, func(t *testing.T) {
			s := newSink(t, c.conf, c.security == "tls")
			d := New(Options{Host: "lb1"}, quiet)
			defer d.Close()
			d.Use(Config{Mail: []Mail{{Name: "ops", Server: s.l.Addr().String(), From: "Box <box@example.com>",
				To: []string{"a@example.com", "b@example.com"}, Security: c.security, CA: ca, User: c.user, Password: "pw"}}})
			err := d.Test(t.Context(), "ops", down("shop", "web2"))
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || len(s.mails) > 0 {
					t.Errorf("Test = %v, %d mails; want an error with %q", err, len(s.mails), c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m := <-s.mails
			if m.encrypted != (c.conf != nil) || c.user != "" && m.user != "|box|pw" || len(m.to) != 2 {
				t.Errorf("sink has %+v", m)
			}
			subj, text := parts(t, m.text)
			if subj != "[evener lb1] warning: shop/web2 is down: refused" {
				t.Errorf("subject %q", subj)
			}
			want := "2026-11-21 08:08:07 UTC  warning  shop/web2 is down: refused\r\n    member.down  pool/shop/member/web2\r\n"
			if !strings.HasPrefix(text, want) {
				t.Errorf("text %q, want %q", text, want)
			}
		})
	}
}

func TestNamesCannotInjectHeaders(t *testing.T) {
	s := newSink(t, nil, false)
	d := New(Options{Host: "lb1\r\nBcc: x@example.com"}, quiet)
	defer d.Close()
	d.Use(Config{Mail: []Mail{{Name: "ops", Server: s.l.Addr().String(), From: "box@example.com", To: []string{"a@example.com"}, Security: "none"}}})
	for _, evil := range []string{"web\r\nBcc: evil@example.com", "web\n\nbody", "größe\r\n.\r\nMAIL FROM:<x>", "a\u2028b\x00"} {
		if err := d.Test(t.Context(), "ops", down("shop", evil)); err != nil {
			t.Fatal(err)
		}
		m := <-s.mails
		subj, text := parts(t, m.text)
		if strings.ContainsAny(subj, "\r\n\x00\u2028") || len(m.to) != 1 || !strings.Contains(text, "Box: lb1  Bcc") {
			t.Errorf("%q: subject %q, to %q, text %q", evil, subj, m.to, text)
		}
	}
	if len(s.mails) > 0 {
		t.Error("there is a mail too many")
	}
}

func TestLongStormIsOneBoundedMail(t *testing.T) {
	var ms []Message
	for i := range 500 {
		ms = append(ms, eventMessage(down("shop", fmt.Sprint("web", i)), "1"))
	}
	text := body("lb1", ms)
	if !strings.Contains(text, "and 300 more.") || strings.Count(text, "\n") > 2*maxMailLines+5 {
		t.Errorf("%d lines", strings.Count(text, "\n"))
	}
	if got := subject("lb1", ms); !strings.HasPrefix(got, "[evener lb1] warning: 500 events, such as: shop/web0") {
		t.Errorf("subject %q", got)
	}
	ms[0].Text = strings.Repeat("é", 500)
	if got := []rune(subject("lb1", ms)); len(got) != maxSubject {
		t.Errorf("subject of %d characters", len(got))
	}
}
