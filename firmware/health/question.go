// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A question is what all probers have: what to ask, and whom.
type question struct {
	ProbeConfig
	to    netip.AddrPort
	roots *x509.CertPool // those of a TLS that names none
}

// dial connects to q.to, by TLS where the probe is to. The connection's deadlines are set to DataTimeout, or
// to the end of ctx where that comes first; when ctx is cancelled, they pass.
func (q question) dial(ctx context.Context, t *transcript) (*wire, error) {
	d := net.Dialer{Timeout: q.ConnectTimeout, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", q.to.String())
	if err != nil {
		return nil, err
	}
	t.connected()
	w := &wire{Conn: conn, t: t}
	end := time.Now().Add(q.DataTimeout)
	if limit, ok := ctx.Deadline(); ok && limit.Before(end) {
		end = limit
	}
	if err := conn.SetDeadline(end); err != nil {
		conn.Close()
		return nil, err
	}
	w.stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	if q.Preamble != "" {
		if _, err := io.WriteString(conn, q.Preamble); err != nil {
			w.Close()
			return nil, err
		}
	}
	if q.Secure {
		client, r := q.shake(ctx, t, conn)
		if client == nil {
			w.Close()
			return nil, &shakeError{r}
		}
		w.Conn = client
	}
	return w, nil
}

// A wire is the connection of a probe. It keeps the transcript.
type wire struct {
	net.Conn
	t    *transcript
	stop func() bool
}

// Read reads from the connection.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.t.receive(b[:n])
	return n, err
}

// Write writes to the connection.
func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.t.send(b[:n])
	return n, err
}

// Close closes the connection; ctx of dial has no effect any more.
func (w *wire) Close() error {
	w.stop()
	return w.Conn.Close()
}

// unconnected is the Result of a connection that err prevented.
func (q question) unconnected(ctx context.Context, err error) Result {
	if e, ok := errors.AsType[*shakeError](err); ok {
		return e.result
	}
	late := fmt.Sprintf("no connection within %v", q.ConnectTimeout)
	return q.failed(ctx, fmt.Sprintf("connect %v", q.to), err, ConnectTimeout, late)
}

// unanswered is the Result of an exchange that err ended while doing something.
func (q question) unanswered(ctx context.Context, doing string, err error) Result {
	late := fmt.Sprintf("no whole answer within %v", q.DataTimeout)
	return q.failed(ctx, doing, err, DataTimeout, late)
}

func (q question) failed(ctx context.Context, doing string, err error, r Reason, late string) Result {
	if errors.Is(ctx.Err(), context.Canceled) {
		return Result{Outcome: Unavailable, Reason: Failed, Detail: doing + ": broken off"}
	}
	outcome, reason := classify(err)
	detail := cause(err)
	if reason == Timeout {
		reason, detail = r, late
		// A deadline that was taken from ctx may pass a moment before ctx ends.
		if limit, ok := ctx.Deadline(); ok && time.Until(limit) < time.Millisecond {
			reason, detail = Timeout, fmt.Sprintf("the probe was not done within %v", q.Timeout)
		}
	}
	return Result{Outcome: outcome, Reason: reason, Detail: doing + ": " + detail}
}

// bad is a Result for an answer that is not the wanted one.
func bad(r Reason, format string, args ...any) Result {
	return Result{Outcome: Bad, Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// good is a Result for the wanted answer.
func good(format string, args ...any) Result {
	return Result{Outcome: Good, Reason: OK, Detail: fmt.Sprintf(format, args...)}
}

var errTooLong = errors.New("answer is too long")

// causes names the errors of sockets. Those that concern this box, not the
// member, are Unavailable: when the box runs out of descriptors, that must not
// take every server down. EACCES is not among them because connect returns it
// for the answer "administratively prohibited" of a router (RFC 4443, 3.1).
var causes = []struct {
	errno   unix.Errno
	outcome Outcome
	reason  Reason
}{
	{unix.ECONNREFUSED, Bad, Refused},
	{unix.ECONNRESET, Bad, Reset},
	{unix.EPIPE, Bad, Reset},
	{unix.ECONNABORTED, Bad, Reset},
	{unix.EHOSTUNREACH, Bad, Unreachable},
	{unix.ENETUNREACH, Bad, Unreachable},
	{unix.EHOSTDOWN, Bad, Unreachable},
	{unix.ENETDOWN, Bad, Unreachable},
	{unix.EACCES, Bad, Unreachable},
	{unix.ETIMEDOUT, Bad, Timeout},
	{unix.EPERM, Unavailable, Permission}, // socket: no right; connect: a filter of this box
	{unix.EMFILE, Unavailable, Resources},
	{unix.ENFILE, Unavailable, Resources},
	{unix.ENOBUFS, Unavailable, Resources},
	{unix.ENOMEM, Unavailable, Resources},
	{unix.EADDRNOTAVAIL, Unavailable, Resources}, // no port left, or no address of the family
	{unix.EAFNOSUPPORT, Unavailable, Unsupported},
	{unix.EPROTONOSUPPORT, Unavailable, Unsupported},
}

// classify returns what err, of a socket, says of the member. Every kind of
// delay is Timeout.
func classify(err error) (Outcome, Reason) {
	var call *os.SyscallError
	if errors.As(err, &call) && call.Syscall == "socket" && errors.Is(err, unix.EACCES) {
		return Unavailable, Permission
	}
	for _, c := range causes {
		if errors.Is(err, c.errno) {
			return c.outcome, c.reason
		}
	}
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return Bad, Timeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Bad, Closed
	case errors.Is(err, errTooLong):
		return Bad, TooLong
	}
	return Bad, Failed
}

// cause returns the text of err without the addresses that package net adds.
func cause(err error) string {
	var errno unix.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}
