// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A pinger asks an address for an echo twenty times a second.
type pinger struct {
	conn net.PacketConn
	to   netip.Addr
	id   int
	done sync.WaitGroup
	end  chan struct{}

	mu   sync.Mutex // guards what follows
	seen map[int]bool
	last int   // the greatest number that came back
	err  error // of the last echo that could not be sent
}

// pingers counts, so that each knows its own echoes.
var pingers atomic.Int64

// ping begins to ask from the namespace.
func (s *Space) ping(t *testing.T, addr netip.Addr) *pinger {
	t.Helper()
	network, local := "ip4:icmp", "0.0.0.0"
	if addr.Is6() {
		network, local = "ip6:ipv6-icmp", "::"
	}
	p := &pinger{to: addr, id: (os.Getpid() + int(pingers.Add(1))) & 0xffff, end: make(chan struct{}), seen: map[int]bool{}}
	must(t, s.Do(func() (err error) {
		p.conn, err = net.ListenPacket(network, local)
		return err
	}))
	p.done.Go(p.ask)
	p.done.Go(p.listen)
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *pinger) ask() {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: p.id, Seq: n & 0xffff}}
		if p.to.Is6() {
			m.Type = ipv6.ICMPTypeEchoRequest // the kernel fills its checksum
		}
		b, err := m.Marshal(nil)
		if err == nil {
			_, err = p.conn.WriteTo(b, &net.IPAddr{IP: p.to.AsSlice()})
		}
		if err != nil {
			p.mu.Lock()
			p.err = err
			p.mu.Unlock()
		}
		select {
		case <-tick.C:
		case <-p.end:
			return
		}
	}
}

func (p *pinger) listen() {
	buf, reply, proto := make([]byte, 1500), icmp.Type(ipv4.ICMPTypeEchoReply), 1
	if p.to.Is6() {
		reply, proto = ipv6.ICMPTypeEchoReply, 58
	}
	for {
		n, _, err := p.conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		m, err := icmp.ParseMessage(proto, buf[:n])
		if err != nil || m.Type != reply {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); ok && e.ID == p.id {
			p.mu.Lock()
			p.seen[e.Seq], p.last = true, max(p.last, e.Seq)
			p.mu.Unlock()
		}
	}
}

// stop returns how many were answered, and how many before the last of these were not.
func (p *pinger) stop() (answered, lost int) {
	select {
	case <-p.end:
	default:
		close(p.end)
		p.conn.Close()
		p.done.Wait()
	}
	return len(p.seen), p.last - len(p.seen)
}

// answered waits for an answer.
func (p *pinger) answered() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 {
		return errors.Join(fmt.Errorf("%v does not answer", p.to), p.err)
	}
	return nil
}

// reached waits until an address answers a client on the front network.
func reached(t *testing.T, l *Lab, addr netip.Addr) {
	t.Helper()
	p := l.Neighbour.ping(t, addr)
	await(t, addr.String()+" answers", p.answered)
	p.stop()
}
