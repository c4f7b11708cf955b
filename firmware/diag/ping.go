// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// A Ping asks a host for echoes (RFC 792, RFC 4443). A zero field takes the default
// named beside it.
type Ping struct {
	Host      string        // address or name
	Count     int           // 4; up to 100
	Size      int           // 56 bytes of contents; 16 to 65000
	Interface string        // any
	Interval  time.Duration // 1s; 200ms to 10s
	Wait      time.Duration // 2s: for the last echo; up to 10s
}

// A Reply is what became of one request.
type Reply struct {
	Seq   int // from 1
	RTT   time.Duration
	Error string // why there was none; empty: there was
}

// A Pinged is what became of a Ping.
type Pinged struct {
	Address netip.Addr
	Replies []Reply
}

func (p *Ping) check() error {
	for _, n := range []struct {
		name           string
		value          *int
		std, low, high int
	}{{"count", &p.Count, 4, 1, 100}, {"size", &p.Size, 56, 16, 65000}} {
		if *n.value == 0 {
			*n.value = n.std
		}
		if *n.value < n.low || *n.value > n.high {
			return ArgumentError(fmt.Sprintf("%s must be %d to %d, not %d", n.name, n.low, n.high, *n.value))
		}
	}
	if p.Interval == 0 {
		p.Interval = time.Second
	}
	if p.Wait == 0 {
		p.Wait = 2 * time.Second
	}
	if p.Interval < 200*time.Millisecond || p.Interval > 10*time.Second {
		return ArgumentError("interval must be 200ms to 10s, not " + p.Interval.String())
	}
	if p.Wait < 0 || p.Wait > 10*time.Second {
		return ArgumentError("wait must be at most 10s, not " + p.Wait.String())
	}
	return nil
}

// An echo is a socket for requests and their answers.
type echo struct {
	net.PacketConn
	to    net.Addr
	raw   bool // everybody's answers come: id tells ours
	id    uint16
	proto int // of ICMP
	ask   icmp.Type
	reply icmp.Type
}

// Do sends the requests and tells each reply as it comes, in the order of the
// answers; a lost one is told at the end.
func (p Ping) Do(ctx context.Context, tell func(Reply)) (Pinged, error) {
	if err := p.check(); err != nil {
		return Pinged{}, err
	}
	addr, err := hostAddr(ctx, p.Host)
	if err != nil {
		return Pinged{}, err
	}
	e, err := openEcho(addr, p.Interface)
	if err != nil {
		return Pinged{Address: addr}, err
	}
	defer e.Close()
	// What waits in a read is woken by the deadline.
	stop := context.AfterFunc(ctx, func() { _ = e.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	out := Pinged{Address: addr, Replies: make([]Reply, p.Count)}
	sent := make([]time.Time, p.Count)
	next, missing := 0, p.Count
	for due := time.Now(); next < p.Count || missing > 0; {
		if ctx.Err() != nil {
			return out.until(next), ctx.Err()
		}
		if next < p.Count && !time.Now().Before(due) {
			sent[next] = time.Now()
			out.Replies[next] = Reply{Seq: next + 1, Error: "no answer"}
			if err := e.send(next+1, p.Size); err != nil {
				out.Replies[next].Error = plainError(err)
			}
			next++
			due = due.Add(p.Interval)
		}
		until := due
		if next == p.Count {
			until = sent[next-1].Add(p.Wait)
		}
		if next == p.Count && !time.Now().Before(until) {
			break
		}
		seq, err := e.receive(ctx, until)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			pause(ctx) // such as that the interface went down: it must not be asked without end
		}
		if err != nil || seq < 1 || seq > next || out.Replies[seq-1].RTT != 0 {
			continue // nobody in time, somebody else's, or twice
		}
		r := &out.Replies[seq-1]
		r.RTT, r.Error = max(1, time.Since(sent[seq-1])), ""
		missing--
		tell(*r)
	}
	for _, r := range out.Replies {
		if r.Error != "" {
			tell(r)
		}
	}
	return out, nil
}

// until leaves out what was not asked.
func (p Pinged) until(n int) Pinged {
	p.Replies = p.Replies[:n]
	return p
}

// openEcho opens a ping socket, or a raw one where those are not allowed.
func openEcho(to netip.Addr, face string) (*echo, error) {
	e := &echo{proto: 1, ask: ipv4.ICMPTypeEcho, reply: ipv4.ICMPTypeEchoReply, id: uint16(rand.Uint32())}
	proto := unix.IPPROTO_ICMP
	if !to.Is4() {
		e.proto, e.ask, e.reply, proto = 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, unix.IPPROTO_ICMPV6
	}
	fd, err := newSocket(familyOf(to), unix.SOCK_DGRAM, proto, face)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EPROTONOSUPPORT) {
		e.raw = true
		fd, err = newSocket(familyOf(to), unix.SOCK_RAW, proto, face)
	}
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("%w: the engine may open neither a ping socket (sysctl net.ipv4.ping_group_range) nor a raw one (CAP_NET_RAW)", ErrUnavailable)
	} else if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "icmp")
	defer f.Close()
	if e.PacketConn, err = net.FilePacketConn(f); err != nil {
		return nil, err
	}
	if e.to = (&net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}); e.raw {
		e.to = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	return e, nil
}

// send sends one request. A ping socket puts its own number in place of the id.
func (e *echo) send(seq, size int) error {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i)
	}
	b, err := (&icmp.Message{Type: e.ask, Body: &icmp.Echo{ID: int(e.id), Seq: seq, Data: data}}).Marshal(nil)
	if err != nil {
		return err
	}
	_, err = e.WriteTo(b, e.to)
	return err
}

// receive waits for an answer and returns which request it is to, 0 for something
// else.
func (e *echo) receive(ctx context.Context, until time.Time) (int, error) {
	if err := e.SetReadDeadline(until); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil { // it ended while the deadline was set
		return 0, err
	}
	buf := make([]byte, 65536)
	n, _, err := e.ReadFrom(buf)
	if err != nil {
		return 0, err
	}
	return e.answer(buf[:n]), nil
}

// answer returns which request a message answers, 0 for none of ours.
func (e *echo) answer(b []byte) int {
	if len(b) < 8 || b[1] != 0 || e.raw && binary.BigEndian.Uint16(b[4:]) != e.id {
		return 0
	}
	if m, err := icmp.ParseMessage(e.proto, b); err != nil || m.Type != e.reply {
		return 0
	}
	return int(binary.BigEndian.Uint16(b[6:]))
}

// plainError takes the addresses out of an error of a socket: they are known.
func plainError(err error) string {
	if errno := unix.Errno(0); errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}
