// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Limits of one e-mail.
const (
	maxMailEvents = 1000 // events that one tells of
	maxMailLines  = 200  // of these, the ones that are listed
	maxSubject    = 150  // characters
)

const commandTimeout = 10 * time.Second // for one answer of a mail server

// A mailSender makes a connection for each e-mail.
type mailSender struct {
	cfg  Mail
	host string
}

func newMailSender(cfg Mail, host string) *mailSender { return &mailSender{cfg, host} }

func (s *mailSender) close() {} // it keeps nothing

func (s *mailSender) send(ctx context.Context, ms []Message) (int, error) {
	msg, err := s.compose(ms, time.Now())
	if err == nil {
		var c *mail.Client
		if c, err = s.client(ctx); err == nil {
			err = c.DialAndSendWithContext(ctx, msg)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("mail server %s: %w", s.cfg.Server, err)
	}
	return len(ms), nil
}

func (s *mailSender) client(ctx context.Context) (*mail.Client, error) {
	host, port, err := net.SplitHostPort(s.cfg.Server)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	conf, err := tlsConfig(s.cfg.Server, s.cfg.CA)
	if err != nil {
		return nil, err
	}
	opts := []mail.Option{mail.WithPort(n), mail.WithTLSConfig(conf), mail.WithTimeout(commandTimeout)}
	if s.host != "-" {
		opts = append(opts, mail.WithHELO(token(s.host, 255)))
	}
	switch s.cfg.Security {
	case "tls":
		opts = append(opts, mail.WithSSL()) // the library takes only its own dialer for encrypted
	case "none":
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS), mail.WithDialContextFunc(dialUntil(ctx)))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithDialContextFunc(dialUntil(ctx)))
	}
	if s.cfg.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.cfg.User), mail.WithPassword(s.cfg.Password))
	}
	return mail.NewClient(host, opts...)
}

// dialUntil returns a dialer whose connections end with ctx, in whatever state the
// conversation is.
func dialUntil(ctx context.Context) mail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
}

// compose writes one e-mail about all of ms. No text of theirs reaches a header
// but the subject, as one line.
func (s *mailSender) compose(ms []Message, now time.Time) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := m.From(s.cfg.From); err != nil {
		return nil, err
	}
	if err := m.To(s.cfg.To...); err != nil {
		return nil, err
	}
	m.SetDateWithValue(now)
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers
	m.Subject(subject(s.host, ms))
	m.SetBodyString(mail.TypeTextPlain, body(s.host, ms))
	return m, nil
}

// subject says in one line what an e-mail is about.
func subject(host string, ms []Message) string {
	worst := ms[0]
	for _, m := range ms {
		if m.Severity < worst.Severity {
			worst = m
		}
	}
	text := fmt.Sprintf("[evener %s] %s: %s", host, severityWord(worst.Severity), worst.Text)
	if len(ms) > 1 {
		text = fmt.Sprintf("[evener %s] %s: %d events, such as: %s", host, severityWord(worst.Severity), len(ms), worst.Text)
	}
	r := []rune(clean(text))
	if len(r) > maxSubject {
		r = append(r[:maxSubject-1], '…')
	}
	return string(r)
}

// body lists the events.
func body(host string, ms []Message) string {
	var b strings.Builder
	for i, m := range ms {
		if i == maxMailLines {
			fmt.Fprintf(&b, "\nand %d more.\n", len(ms)-i)
			break
		}
		fmt.Fprintf(&b, "%s  %-7s  %s\n    %s  %s\n", m.Time.UTC().Format("2006-01-02 15:04:05 UTC"),
			severityWord(m.Severity), clean(m.Text), clean(m.ID), clean(m.param("object")))
	}
	fmt.Fprintf(&b, "\nBox: %s. All events: evener events\n", clean(host))
	return b.String()
}

func severityWord(s int) string {
	switch {
	case s <= sevError:
		return "error"
	case s == sevWarning:
		return "warning"
	}
	return "info"
}
