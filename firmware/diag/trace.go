// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Trace finds the routers on the way to a host: datagrams of UDP with a growing
// time to live, and what routers say of them, which the kernel keeps in the error
// queue of the socket (ip(7), IP_RECVERR). No right is needed.
type Trace struct {
	Host string        // address or name
	Hops int           // 30 at most; 1 to 64
	Wait time.Duration // 1s for each hop; 100ms to 5s
}

// A Hop is a router on the way, or the host.
type Hop struct {
	TTL   int
	Tries []Try
}

// A Try is what became of one datagram.
type Try struct {
	From  netip.Addr // zero: nobody answered
	RTT   time.Duration
	Error string // what was said, if not that the time to live was over or that the host was reached
}

// A Traced is what became of a Trace.
type Traced struct {
	Address netip.Addr
	Hops    []Hop
	Reached bool
}

const (
	triesPerHop = 3
	tracePort   = 33434 // nobody is likely to listen
)

func (t *Trace) check() error {
	if t.Hops == 0 {
		t.Hops = 30
	}
	if t.Wait == 0 {
		t.Wait = time.Second
	}
	switch {
	case t.Hops < 1 || t.Hops > 64:
		return ArgumentError(fmt.Sprintf("hops must be 1 to 64, not %d", t.Hops))
	case t.Wait < 100*time.Millisecond || t.Wait > 5*time.Second:
		return ArgumentError("wait must be 100ms to 5s, not " + t.Wait.String())
	}
	return nil
}

// Do asks hop by hop, and tells each as it is known.
func (t Trace) Do(ctx context.Context, tell func(Hop)) (Traced, error) {
	if err := t.check(); err != nil {
		return Traced{}, err
	}
	addr, err := hostAddr(ctx, t.Host)
	if err != nil {
		return Traced{}, err
	}
	out := Traced{Address: addr}
	s, err := openTracer(addr)
	if err != nil {
		return out, err
	}
	defer s.f.Close()
	for ttl := 1; ttl <= t.Hops; ttl++ {
		hop, last, err := s.ask(ctx, ttl, t.Wait)
		if err != nil {
			return out, err
		}
		out.Hops = append(out.Hops, hop)
		tell(hop)
		if last {
			for _, try := range hop.Tries {
				out.Reached = out.Reached || try.From == addr.WithZone("") && try.Error == ""
			}
			return out, nil
		}
	}
	return out, nil
}

// A tracer is a socket whose errors are read.
type tracer struct {
	f  *os.File
	to netip.Addr
}

func openTracer(to netip.Addr) (*tracer, error) {
	fd, err := newSocket(familyOf(to), unix.SOCK_DGRAM, 0, "")
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	level, option := unix.SOL_IP, unix.IP_RECVERR
	if !to.Is4() {
		level, option = unix.SOL_IPV6, unix.IPV6_RECVERR
	}
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		return nil, errors.Join(os.NewSyscallError("setsockopt IP_RECVERR", err), unix.Close(fd))
	}
	return &tracer{os.NewFile(uintptr(fd), "trace"), to}, nil
}

// ask sends the datagrams of one hop, and waits for what is said of them. last is
// true where the way ends.
func (s *tracer) ask(ctx context.Context, ttl int, wait time.Duration) (hop Hop, last bool, err error) {
	hop = Hop{TTL: ttl, Tries: make([]Try, triesPerHop)}
	base := tracePort + (ttl-1)*triesPerHop
	sent := time.Now()
	for i := range hop.Tries {
		if err := s.send(ttl, base+i); err != nil {
			hop.Tries[i].Error = plainError(err)
			last = true // there is no way at all
		}
	}
	if last {
		return hop, true, nil
	}
	for missing := triesPerHop; missing > 0 && time.Since(sent) < wait; {
		e, err := s.heard()
		if errors.Is(err, unix.EAGAIN) {
			if err := pause(ctx); err != nil { // an error queue cannot be waited for by deadline
				return hop, false, err
			}
			continue
		} else if err != nil {
			return hop, false, err
		}
		i := e.port - base
		if i < 0 || i >= triesPerHop || hop.Tries[i].From.IsValid() {
			continue // of an earlier hop, late
		}
		missing--
		hop.Tries[i] = Try{From: e.from, RTT: max(1, time.Since(sent)), Error: e.text}
		last = last || e.last
	}
	return hop, last, nil
}

// pause waits a moment, unless ctx ends.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Millisecond):
		return nil
	}
}

// control calls fn with the descriptor.
func (s *tracer) control(fn func(fd int) error) (err error) {
	rc, outer := s.f.SyscallConn()
	if outer != nil {
		return outer
	}
	outer = rc.Control(func(fd uintptr) { err = fn(int(fd)) })
	return errors.Join(outer, err)
}

// send sends a datagram. What is said of an earlier one may come as an error of
// sending: it is in the queue as well.
func (s *tracer) send(ttl, port int) error {
	return s.control(func(fd int) (err error) {
		level, option := unix.SOL_IP, unix.IP_TTL
		if !s.to.Is4() {
			level, option = unix.SOL_IPV6, unix.IPV6_UNICAST_HOPS
		}
		if err := unix.SetsockoptInt(fd, level, option, ttl); err != nil {
			return err
		}
		var sa unix.Sockaddr = &unix.SockaddrInet6{Port: port, Addr: s.to.As16(), ZoneId: zoneIndex(s.to)}
		if s.to.Is4() {
			sa = &unix.SockaddrInet4{Port: port, Addr: s.to.As4()}
		}
		for range triesPerHop + 1 {
			if err = unix.Sendto(fd, []byte("evener trace"), 0, sa); err == nil {
				return nil
			}
			if _, e := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); e != nil {
				return e
			}
		}
		return err
	})
}

// A verdict is an entry of the error queue.
type verdict struct {
	port int // that the datagram was sent to
	from netip.Addr
	last bool
	text string
}

// heard reads the error queue; it is unix.EAGAIN where that is empty.
func (s *tracer) heard() (v verdict, err error) {
	err = s.control(func(fd int) error {
		buf, oob := make([]byte, 512), make([]byte, 512)
		_, n, _, to, err := unix.Recvmsg(fd, buf, oob, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
			return err
		}
		switch to := to.(type) {
		case *unix.SockaddrInet4:
			v.port = to.Port
		case *unix.SockaddrInet6:
			v.port = to.Port
		}
		list, err := unix.ParseSocketControlMessage(oob[:n])
		if err != nil {
			return err
		}
		for _, m := range list {
			v.read(m.Data)
		}
		return nil
	})
	return v, err
}

// sizeOfError is that of struct sock_extended_err; who said it follows as an address.
const sizeOfError = int(unsafe.Sizeof(unix.SockExtendedErr{}))

// read takes an error of a control message.
func (v *verdict) read(b []byte) {
	if len(b) < sizeOfError+8 {
		return
	}
	// The kernel's structure, copied: a control message has no alignment to rely on.
	var e unix.SockExtendedErr
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&e)), sizeOfError), b)
	who := b[sizeOfError:]
	switch {
	case e.Origin == unix.SO_EE_ORIGIN_ICMP:
		v.from = netip.AddrFrom4([4]byte(who[4:8]))
	case e.Origin == unix.SO_EE_ORIGIN_ICMP6 && len(who) >= 24:
		v.from = netip.AddrFrom16([16]byte(who[8:24]))
	default: // our own system: such as that the datagram is too long
		v.text, v.last = unix.Errno(e.Errno).Error(), true
		return
	}
	four := e.Origin == unix.SO_EE_ORIGIN_ICMP
	switch {
	case four && e.Type == 11, !four && e.Type == 3: // time to live exceeded
	case four && e.Type == 3 && e.Code == 3, !four && e.Type == 1 && e.Code == 4: // port unreachable: the host
		v.last = true
	default:
		v.text, v.last = unix.Errno(e.Errno).Error(), true
	}
}
