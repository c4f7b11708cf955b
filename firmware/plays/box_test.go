// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/http1"
	"evener/firmware/http2"
	"evener/firmware/l7"
	"evener/firmware/lb"
	"evener/firmware/persist"
	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

// A box is a running balancer with one event loop, so that turns are taken in
// one order.
type box struct {
	balancer *lb.Balancer
	registry *stats.Registry
	sockets  *sockets
	number   uint64 // of the generation that serves
	stop     func() error
}

func startBox(v *vault) (*box, error) {
	b := &box{sockets: &sockets{fds: map[lb.Spec]int{}}}
	b.registry = stats.NewRegistry(stats.Config{Loops: 1, RejectReason: rejectReason,
		HandshakeReason: func(i int) string { return tlsconn.Reason(i).String() }})
	var err error
	b.balancer, err = lb.New(lb.Config{Loops: 1, Sockets: b.sockets, Registry: b.registry,
		Keys: []persist.Key{persist.NewKey(1)}, Vault: v, TicketSecret: make([]byte, certs.TicketSecretLen),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.balancer.Run(ctx) }()
	b.stop = sync.OnceValue(func() error {
		// Without members their idle connections are closed, which the end of a
		// process would do for Run.
		err := b.apply("end of the play", "", 0)
		cancel()
		err = errors.Join(err, <-ended)
		b.sockets.close()
		return err
	})
	return b, nil
}

// rejectReason names reasons as the engine does.
func rejectReason(i int) string {
	if i >= l7.RejectedHTTP2 {
		return "h2_" + http2.Reason(i-l7.RejectedHTTP2).String()
	}
	return http1.Reason(i).String()
}

// apply serves text from now on. Names are those of its diagnostics' positions.
// With probing set, probes come at that interval: the language allows no less
// than a second, for which a test has no time.
func (b *box) apply(name, text string, probing time.Duration) error {
	cfg, found := config.Parse(name, []byte(text))
	if found.HasErrors() {
		return found
	}
	for _, p := range cfg.Pools {
		for _, probe := range p.Probes {
			if probing > 0 {
				probe.Interval = config.Duration(probing)
			}
		}
	}
	b.number++
	return b.balancer.Apply(cfg, b.number)
}

// metric returns the value of a sample as the metrics address would serve it.
func (b *box) metric(sample string) (string, error) {
	var text bytes.Buffer
	if err := b.registry.WriteText(&text); err != nil {
		return "", err
	}
	for line := range strings.Lines(text.String()) {
		if value, ok := strings.CutPrefix(line, sample+" "); ok {
			return strings.TrimSpace(value), nil
		}
	}
	return "none", nil
}

// state returns the word for the state of a member, such as up.
func (b *box) state(pool, member string) string {
	for _, p := range b.balancer.Pools() {
		for _, m := range p.Members {
			if p.Name == pool && m.Name == member {
				return m.State
			}
		}
	}
	return "unknown"
}

// sockets holds the listeners of a play: one socket for each, bound before the
// configuration is known, so that it can name the port.
type sockets struct {
	mu  sync.Mutex
	fds map[lb.Spec]int
}

// reserve binds a port of 127.0.0.1 for tcp and udp, and returns it.
func (s *sockets) reserve() (netip.AddrPort, error) {
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	for range 50 {
		stream, err := bind(unix.SOCK_STREAM, netip.AddrPortFrom(local, 0))
		if err != nil {
			return netip.AddrPort{}, err
		}
		name, err := unix.Getsockname(stream)
		if err != nil {
			unix.Close(stream)
			return netip.AddrPort{}, err
		}
		addr := netip.AddrPortFrom(local, uint16(name.(*unix.SockaddrInet4).Port))
		packets, err := bind(unix.SOCK_DGRAM, addr)
		if err != nil {
			unix.Close(stream)
			continue
		}
		s.mu.Lock()
		s.fds[lb.Spec{Network: "tcp", Addr: addr}] = stream
		s.fds[lb.Spec{Network: "udp", Addr: addr}] = packets
		s.mu.Unlock()
		return addr, nil
	}
	return netip.AddrPort{}, fmt.Errorf("no port is free for both tcp and udp")
}

func bind(kind int, addr netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Acquire returns the sockets that were reserved.
func (s *sockets) Acquire(specs []lb.Spec) ([][]int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]int
	for _, spec := range specs {
		fd, ok := s.fds[spec]
		if !ok {
			return nil, fmt.Errorf("%s %s is no listener of the play: write @name", spec.Network, spec.Addr)
		}
		if spec.Network == "tcp" {
			if err := unix.Listen(fd, 128); err != nil {
				return nil, err
			}
		}
		out = append(out, []int{fd})
	}
	return out, nil
}

// Keep keeps every socket: a later configuration may name it again.
func (s *sockets) Keep([]lb.Spec) error { return nil }

func (s *sockets) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for spec, fd := range s.fds {
		unix.Close(fd)
		delete(s.fds, spec)
	}
}
