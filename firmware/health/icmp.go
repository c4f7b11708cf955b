// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"
)

// The types of ICMP (RFC 792) and ICMPv6 (RFC 4443) messages that matter here.
const (
	echoRequest4 = 8
	echoReply4   = 0
	echoRequest6 = 128
	echoReply6   = 129
)

// An icmpProber sends an echo request and waits for its reply.
type icmpProber struct {
	question
	open openEchoFunc
	seq  atomic.Uint32
}

func (p *icmpProber) probe(ctx context.Context, t *transcript) Result {
	s, err := p.open(p.to.Addr())
	if err != nil {
		return p.unopened(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { s.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer s.conn.Close()
	end := time.Now().Add(p.DataTimeout)
	if limit, ok := ctx.Deadline(); ok && limit.Before(end) {
		end = limit
	}
	if err := s.conn.SetDeadline(end); err != nil || ctx.Err() != nil {
		return p.unanswered(ctx, "echo", errors.Join(err, ctx.Err()))
	}
	e := echo{id: s.id, seq: uint16(p.seq.Add(1)), data: make([]byte, 16)}
	rand.Read(e.data)
	t.notef("%s, identifier %d, sequence %d", s.kind, e.id, e.seq)
	request := e.request(p.to.Addr().Is6())
	if _, err := s.conn.Write(request); err != nil {
		return p.unanswered(ctx, "send echo request", err)
	}
	t.send(request)
	return p.wait(ctx, s, e, t)
}

// wait reads until the reply to e comes. A raw socket hears those to others too.
func (p *icmpProber) wait(ctx context.Context, s echoSocket, e echo, t *transcript) Result {
	asked := time.Now()
	buf := make([]byte, 1500)
	for {
		n, _, err := s.conn.ReadFrom(buf)
		if err != nil {
			return p.unanswered(ctx, "wait for echo reply", err)
		}
		reply, ok := parseEchoReply(buf[:n], p.to.Addr().Is6())
		if !ok || !reply.answers(e) {
			continue
		}
		t.receive(buf[:n])
		return good("echo reply after %v", time.Since(asked).Round(time.Microsecond))
	}
}

// unopened is the Result when no socket could be had.
func (p *icmpProber) unopened(ctx context.Context, err error) Result {
	r := p.unanswered(ctx, fmt.Sprintf("open a socket to ping %v", p.to.Addr()), err)
	if r.Outcome == Unavailable {
		r.Detail = err.Error() // it says which right is missing
	}
	return r
}

// An echo is an ICMP echo request or reply.
//
//	 0        8       16                31
//	+--------+--------+-----------------+
//	|  type  | code 0 |    checksum     |
//	+--------+--------+-----------------+
//	|   identifier    | sequence number |
//	+-----------------+-----------------+
//	|  data ...
type echo struct {
	id, seq uint16
	data    []byte
}

// request returns e as an echo request. The kernel fills in the checksum of
// ICMPv6, which covers addresses that only it knows.
func (e echo) request(v6 bool) []byte {
	b := make([]byte, 8, 8+len(e.data))
	b[0] = echoRequest4
	if v6 {
		b[0] = echoRequest6
	}
	binary.BigEndian.PutUint16(b[4:], e.id)
	binary.BigEndian.PutUint16(b[6:], e.seq)
	b = append(b, e.data...)
	if !v6 {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	return b
}

// parseEchoReply returns the echo reply that b holds, without an IP header. The
// kernel has checked the checksum of ICMPv6. The data is part of b.
func parseEchoReply(b []byte, v6 bool) (echo, bool) {
	want := byte(echoReply4)
	if v6 {
		want = echoReply6
	}
	if len(b) < 8 || b[0] != want || b[1] != 0 || !v6 && checksum(b) != 0 {
		return echo{}, false
	}
	return echo{
		id:   binary.BigEndian.Uint16(b[4:]),
		seq:  binary.BigEndian.Uint16(b[6:]),
		data: b[8:],
	}, true
}

// answers reports whether e is the reply to request.
func (e echo) answers(request echo) bool {
	return e.id == request.id && e.seq == request.seq && slices.Equal(e.data, request.data)
}

// checksum is that of RFC 1071; over a message with a right one it is 0.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// An echoSocket sends echo requests to one address, to which it is connected.
type echoSocket struct {
	conn packetConn
	id   uint16 // the identifier of its requests
	kind string // for the transcript
}

type packetConn interface {
	net.PacketConn
	Write([]byte) (int, error)
}
