// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A wire is a connection with what was read ahead.
type wire struct {
	net.Conn
	r    *bufio.Reader
	raw  *net.TCPConn // what lies below; nil for udp
	done bool         // the actor has ended it, or read to its end
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c, r: bufio.NewReader(c)}
	w.raw, _ = c.(*net.TCPConn)
	return w
}

// over makes w speak TLS.
func (w *wire) over(c *tls.Conn) {
	w.Conn, w.r = c, bufio.NewReader(c)
}

// An actor follows a script: a client, a connection of a server, or the box.
type actor struct {
	p *play
	*wire
	speech
	settle func(settled bool) // of a server: whether it now only waits for the end; or nil
}

// A speech is what an actor speaks on its connection.
type speech interface {
	// step returns what the first word of a line means, nil if nothing.
	step(word string) step
	// more waits until something has come that a script could expect. io.EOF
	// means that the other end has closed.
	more(a *actor) error
	// left shows what more has found.
	left(a *actor) string
}

// A step does what a line says.
type step func(*actor, *node) error

// mute is the speech of those who have no connection.
type mute struct{ plain }

func (mute) step(string) step { return nil }

// run follows a script. The error names the line.
func (a *actor) run(script []*node) error {
	for _, n := range script {
		f := a.step(n.words[0])
		if f == nil {
			f = common(n.words[0])
		}
		if f == nil && a.wire != nil {
			f = connected(n.words[0])
		}
		if f == nil {
			return n.errorf("there is no such step here")
		}
		err := f(a, n)
		if at := (*positioned)(nil); err != nil && !errors.As(err, &at) {
			err = n.errorf("%w", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// connected returns the steps of everyone who has a connection.
func connected(word string) step {
	switch word {
	case "send":
		return sendData
	case "pour":
		return func(a *actor, n *node) error {
			if err := sendData(a, n); err != nil && !ended(err) {
				return err
			}
			return nil
		}
	case "last":
		return sendLast
	case "repeat":
		return repeat
	case "close":
		return func(a *actor, _ *node) error { a.done = true; return a.Close() }
	case "shut":
		return func(a *actor, _ *node) error { return a.Conn.(interface{ CloseWrite() error }).CloseWrite() }
	case "reset":
		return func(a *actor, _ *node) error {
			a.done = true
			_ = a.raw.SetLinger(0)
			return a.raw.Close()
		}
	case "truncate":
		return func(a *actor, _ *node) error { a.done = true; return a.raw.Close() }
	case "session":
		return checkSession
	case "discard":
		return discard
	case "hang":
		return hang
	}
	return nil
}

func sendData(a *actor, n *node) error {
	data, err := a.p.dataOf(n, 1)
	if err != nil {
		return err
	}
	_, err = io.WriteString(a, data)
	return err
}

// sendLast sends data and the end of the sending side in one segment, so that
// neither can be seen without the other.
func sendLast(a *actor, n *node) error {
	data, err := a.p.dataOf(n, 1)
	if err != nil {
		return err
	}
	raw, err := a.raw.SyscallConn()
	if err != nil {
		return err
	}
	var corked error
	err = raw.Control(func(fd uintptr) {
		corked = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, 1)
	})
	if err = errors.Join(err, corked); err != nil {
		return err
	}
	if _, err := io.WriteString(a.raw, data); err != nil {
		return err
	}
	return a.raw.CloseWrite()
}

// dataOf returns what a step sends or expects: the word at i, or else the lines
// of data below.
func (p *play) dataOf(n *node, i int) (string, error) {
	data := string(n.data)
	if len(n.words) > i {
		data = n.words[i]
	}
	if data == "" {
		return "", n.errorf("want data: a string in quotes, or lines with | below")
	}
	return p.fill(n, data)
}

// repeat plays the script below a number of times, or with * until the other end
// has closed.
func repeat(a *actor, n *node) error {
	if n.word(1) != "*" {
		times, err := strconv.Atoi(n.word(1))
		if err != nil || times < 1 {
			return n.errorf("want: repeat TIMES, or repeat *")
		}
		for range times {
			if err := a.run(n.kids); err != nil {
				return err
			}
		}
		return nil
	}
	for {
		a.settled(true)
		if err := a.speech.more(a); ended(err) {
			a.done = true
			return nil
		}
		a.settled(false)
		if err := a.run(n.kids); err != nil {
			return err
		}
	}
}

// discard reads all that comes until the other end closes or breaks off.
func discard(a *actor, _ *node) error {
	a.done = true
	if _, err := io.Copy(io.Discard, a.r); err != nil && !ended(err) {
		return err
	}
	return nil
}

// hang says nothing and does not care what comes until the other end closes; the
// play may end before.
func hang(a *actor, n *node) error {
	a.settled(true)
	return discard(a, n)
}

func (a *actor) settled(yes bool) {
	if a.settle != nil {
		a.settle(yes)
	}
}

// ended reports whether the other end has closed or reset a connection, or this
// end has.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, net.ErrClosed)
}

// quiet reports whether nothing has come for a moment that a script could expect.
// It cannot fail by being slow: then it only sees less.
func (a *actor) quiet() (bool, error) {
	return a.wire.quiet(a.p, func() error { return a.speech.more(a) })
}

func (w *wire) quiet(p *play, more func() error) (bool, error) {
	_ = w.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
	defer func() { _ = w.SetReadDeadline(p.ends) }()
	if err := more(); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return true, nil
		}
		return false, err
	}
	return false, nil
}

// read shows what is there, for a failure.
func (w *wire) read(p *play) string {
	_ = w.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	defer func() { _ = w.SetReadDeadline(p.ends) }()
	b, _ := io.ReadAll(io.LimitReader(w.r, 600))
	return shorten(b)
}
