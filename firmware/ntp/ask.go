// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/beevik/ntp"
	"golang.org/x/sys/unix"
)

// An Asker asks time servers. Both take some seconds at most.
type Asker interface {
	// Resolve returns the machines that a name, or an address, stands for.
	Resolve(ctx context.Context, name string) ([]netip.AddrPort, error)
	// Ask asks one of them. Its errors are a *KissError, ErrSilent, or say what is
	// wrong with the answer.
	Ask(ctx context.Context, server netip.AddrPort) (Answer, error)
}

// ErrSilent says that a server does not answer.
var ErrSilent = errors.New("no answer")

// A KissError is the answer of a server that does not want to be asked, or not so
// often (RFC 5905, section 7.4).
type KissError struct {
	Code string // four letters, such as RATE or DENY
}

func (e *KissError) Error() string {
	switch e.Code {
	case "RATE":
		return "it asks for fewer questions (RATE)"
	case "DENY", "RSTR":
		return fmt.Sprintf("it refuses to serve this box (%s)", e.Code)
	}
	return fmt.Sprintf("it asks to be left alone (%s)", e.Code)
}

func kissOf(err error) (string, bool) {
	if k, ok := errors.AsType[*KissError](err); ok {
		return k.Code, true
	}
	return "", false
}

func stateOf(err error) State {
	if _, ok := kissOf(err); ok {
		return Refused
	}
	if errors.Is(err, ErrSilent) {
		return Silent
	}
	return Unfit
}

// Network asks the servers of the network.
type Network struct {
	Timeout time.Duration // of one question; 5s
}

const ntpPort = 123

func (n Network) timeout() time.Duration {
	if n.Timeout == 0 {
		return 5 * time.Second
	}
	return n.Timeout
}

// Resolve looks a name up by the resolver of the machine.
func (n Network) Resolve(ctx context.Context, name string) (out []netip.AddrPort, err error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a, ntpPort)}, nil
	}
	if a, err := netip.ParseAddrPort(name); err == nil {
		return []netip.AddrPort{a}, nil
	}
	host, port := name, uint16(ntpPort)
	if h, p, err := net.SplitHostPort(name); err == nil {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("port %q is none", p)
		}
		host, port = h, uint16(v)
	}
	ctx, cancel := context.WithTimeout(ctx, n.timeout())
	defer cancel()
	list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look the name up: %w", err)
	}
	for _, a := range list {
		out = append(out, netip.AddrPortFrom(a.Unmap(), port))
	}
	return out, nil
}

// Ask sends one question and waits for the answer to it.
func (n Network) Ask(ctx context.Context, server netip.AddrPort) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, n.timeout())
	defer cancel()
	d := net.Dialer{}
	r, err := ntp.QueryWithOptions(server.String(), ntp.QueryOptions{Timeout: n.timeout(),
		Dialer: func(_, remote string) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "udp", remote)
			if err == nil {
				context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		}})
	if err != nil {
		if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
			return Answer{}, ErrSilent
		}
		if cause, ok := errors.AsType[unix.Errno](err); ok { // such as connection refused
			return Answer{}, fmt.Errorf("%w: %w", ErrSilent, cause)
		}
		if _, ok := errors.AsType[*net.OpError](err); ok {
			return Answer{}, fmt.Errorf("%w: %v", ErrSilent, err)
		}
		return Answer{}, fmt.Errorf("read its answer: %w", err)
	}
	return answerOf(r)
}

// answerOf takes from an answer what is needed, if it can be used at all.
func answerOf(r *ntp.Response) (Answer, error) {
	if r.IsKissOfDeath() {
		return Answer{}, &KissError{Code: printable(r.KissCode)}
	}
	if err := r.Validate(); err != nil {
		if errors.Is(err, ntp.ErrInvalidLeapSecond) {
			return Answer{}, errors.New("its own clock is not set")
		}
		return Answer{}, fmt.Errorf("it cannot be believed: %w", err)
	}
	a := Answer{Offset: r.ClockOffset, Distance: r.RootDistance, Delay: r.RTT, Stratum: int(r.Stratum)}
	switch r.Leap {
	case ntp.LeapAddSecond:
		a.Leap = LongMinute
	case ntp.LeapDelSecond:
		a.Leap = ShortMinute
	}
	if a.Distance < 0 || a.Delay < 0 {
		return Answer{}, errors.New("it cannot be believed: its answer came before it was asked")
	}
	return a, nil
}

// printable returns what of somebody's four letters may be shown.
func printable(s string) string {
	if s == "" {
		return "?"
	}
	for _, r := range s {
		if r < 'A' || r > 'Z' {
			return "?"
		}
	}
	return s
}
