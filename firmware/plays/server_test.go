// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A server plays one script for each connection, in the order in which they
// come. A connection without a script is a fault, and so is a byte behind the
// end of a script.
type server struct {
	p    *play
	n    *node
	name string
	addr netip.AddrPort
	opts options

	listener  net.Listener
	accepting sync.WaitGroup
	sockets   []int // of those who do not answer

	scripts []*node // one for each connection
	further *node   // for all that come then; nil: none may come

	mu      sync.Mutex // guards what follows
	settled []bool     // by script: it has ended, or only waits for the end
	came    int
}

// newServer starts the server that n describes.
func (p *play) newServer(n *node) (*server, error) {
	s := &server{p: p, n: n, name: n.word(1)}
	if !atName.MatchString("@"+s.name) || slices.ContainsFunc(p.servers, func(o *server) bool { return o.name == s.name }) {
		return nil, fmt.Errorf("want: server NAME, with a name of its own in small letters and digits")
	}
	var err error
	if s.opts, err = parseOptions(n.words[2:], append(tlsOptions, "down", "deaf", "udp", "ask", "alert=")...); err != nil {
		return nil, err
	}
	if err := s.parseScripts(); err != nil {
		return nil, err
	}
	s.settled = make([]bool, len(s.scripts))
	switch {
	case s.opts.has("down"), s.opts.has("deaf"):
		return s, s.refuse()
	case s.opts.has("udp"):
		return s, s.servePackets()
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	s.addr = netip.MustParseAddrPort(s.listener.Addr().String())
	s.accepting.Go(s.serve)
	return s, nil
}

func (s *server) parseScripts() error {
	if len(s.n.kids) > 0 && s.n.kids[0].word(0) != "connection" {
		s.scripts = []*node{s.n}
		return nil
	}
	for _, k := range s.n.kids {
		times := 1
		var err error
		switch {
		case k.word(0) != "connection" || s.further != nil:
			err = errors.New("a server has a script, or connections of which the last may be *")
		case k.word(1) == "*":
			s.further, times = k, 0
		case len(k.words) > 1:
			times, err = strconv.Atoi(k.word(1))
		}
		if err != nil {
			return k.errorf("%v", err)
		}
		for range times {
			s.scripts = append(s.scripts, k)
		}
	}
	return nil
}

func (s *server) serve() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		i := s.came
		s.came++
		s.mu.Unlock()
		script := s.further
		if i < len(s.scripts) {
			script = s.scripts[i]
		}
		if script == nil {
			w := newWire(c)
			s.p.fail(s.n.errorf("connection %d came, of %d; it begins with %s", i+1, len(s.scripts), w.read(s.p)))
			c.Close()
			return
		}
		s.p.wg.Go(func() {
			defer c.Close() // when what is wrong has been told: the end leads to more
			if err := s.play(c, script, i); err != nil {
				s.p.fail(err)
			}
		})
	}
}

// play plays the script of connection i.
func (s *server) play(c net.Conn, script *node, i int) error {
	defer context.AfterFunc(s.p.ctx, func() { c.Close() })()
	_ = c.SetDeadline(s.p.ends.Add(time.Second / 4)) // clients can tell better what did not come
	a := &actor{p: s.p, wire: newWire(c), settle: func(yes bool) { s.settle(i, yes) }}
	var err error
	if a.speech, err = s.opts.serve(a); err != nil {
		return script.errorf("%v", err)
	}
	if err := a.run(script.kids); err != nil {
		return err
	}
	s.settle(i, true)
	if a.done {
		return nil
	}
	switch err := a.more(a); {
	case err == nil:
		return script.errorf("behind the script came %s", a.left(a))
	case !ended(err):
		return script.errorf("after the script: %w", err)
	}
	return nil
}

func (s *server) settle(i int, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i < len(s.settled) {
		s.settled[i] = yes
	}
}

// awaitScripts waits until every connection has come and its script has ended, or
// has nothing left but to wait for the end.
func (s *server) awaitScripts() {
	left := func() (string, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.came < len(s.scripts) {
			return fmt.Sprintf("connection %d has not come", s.came+1), nil
		}
		if i := slices.Index(s.settled, false); i >= 0 {
			return fmt.Sprintf("the script of connection %d has not ended", i+1), nil
		}
		return "", nil
	}
	if err := s.p.eventually("", left); err != nil {
		s.p.fail(s.n.errorf("%v", err))
	}
}

// close takes no more connections.
func (s *server) close() {
	if s.listener != nil {
		s.listener.Close()
		s.accepting.Wait()
	}
	for _, fd := range s.sockets {
		unix.Close(fd)
	}
}

// refuse takes a port at which no connection succeeds: nobody listens, or with
// deaf, the kernel answers no more.
func (s *server) refuse() error {
	fd, err := bind(unix.SOCK_STREAM, netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		return err
	}
	s.sockets = append(s.sockets, fd)
	name, err := unix.Getsockname(fd)
	if err != nil {
		return err
	}
	port := uint16(name.(*unix.SockaddrInet4).Port)
	s.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	if s.opts.has("down") {
		return nil
	}
	if err := unix.Listen(fd, 0); err != nil {
		return err
	}
	return s.fillQueue()
}

// fillQueue connects until the queue of the listener is full: then the kernel
// drops what comes.
func (s *server) fillQueue() error {
	for range 10 {
		c, err := net.DialTimeout("tcp", s.addr.String(), 50*time.Millisecond)
		if err != nil {
			return nil
		}
		context.AfterFunc(s.p.ctx, func() { c.Close() })
	}
	return errors.New("the queue of a listener does not fill")
}

// servePackets answers datagrams by the script, which all flows share.
func (s *server) servePackets() error {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.addr = netip.MustParseAddrPort(c.LocalAddr().String())
	_ = c.SetDeadline(s.p.ends)
	context.AfterFunc(s.p.ctx, func() { c.Close() })
	s.came = 1
	s.p.wg.Go(func() {
		a := &actor{p: s.p, speech: &packets{c: c}}
		if err := a.run(s.n.kids); err != nil {
			s.p.fail(err)
		}
		s.settle(0, true)
	})
	return nil
}
