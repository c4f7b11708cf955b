// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"evener/firmware/reactor"
)

// newRelay is the floor that `make bench` measures the engine against: it moves
// bytes between two sockets on the same event loop and looks at none of them.
func newRelay() *cobra.Command {
	var listen, to string
	cmd := &cobra.Command{
		Use: "relay", Short: "relay bytes on one bare event loop, for make bench", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := netip.ParseAddrPort(listen)
			if err != nil {
				return usageError{fmt.Errorf("--listen: %w", err)}
			}
			target, err := netip.ParseAddrPort(to)
			if err != nil {
				return usageError{fmt.Errorf("--to: %w", err)}
			}
			return runRelay(cmd.Context(), from, target)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address to listen on")
	cmd.Flags().StringVar(&to, "to", "", "address to relay to")
	return cmd
}

func runRelay(ctx context.Context, listen, to netip.AddrPort) error {
	fd, err := listenOn(listen)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	loop, err := reactor.NewLoop(0)
	if err != nil {
		return err
	}
	r := &relay{loop: loop, fd: fd, to: to, buf: make([]byte, reactor.BufferSize)}
	if _, err := loop.AddListener(fd, r); err != nil {
		return err
	}
	return loop.Run(ctx)
}

func listenOn(a netip.AddrPort) (int, error) {
	if !a.Addr().Is4() {
		return -1, fmt.Errorf("listen on %s: the relay takes IPv4 only", a)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("listen on %s: %w", a, err)
	}
	if err := unix.Listen(fd, 4096); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("listen on %s: %w", a, err)
	}
	return fd, nil
}

// A relay accepts connections and gives each one of its own to the target.
type relay struct {
	loop *reactor.Loop
	fd   int
	to   netip.AddrPort
	buf  []byte
}

// Ready accepts what waits.
func (r *relay) Ready(reactor.Events) {
	for {
		fd, _, errno := reactor.Accept(r.fd)
		if errno != 0 {
			return
		}
		far, _, err := reactor.Dial(r.to)
		if err != nil {
			reactor.CloseFD(fd)
			continue
		}
		a, b := &end{r: r, fd: fd}, &end{r: r, fd: far}
		a.other, b.other = b, a
		a.ref, _ = r.loop.Add(fd, a)
		b.ref, _ = r.loop.Add(far, b)
	}
}

// An end is one side of a relayed connection.
type end struct {
	r     *relay
	fd    int
	ref   reactor.Ref
	other *end
	held  []byte // read from here, not yet taken by the other side
	open  bool   // writable: the connection stands
	gone  bool
}

// Ready moves what can be moved in both directions.
func (e *end) Ready(ev reactor.Events) {
	if ev&reactor.Writable != 0 {
		e.open = true
		e.other.flush()
	}
	if !e.gone && ev&(reactor.Readable|reactor.PeerClosed|reactor.Failed) != 0 {
		e.read()
	}
}

func (e *end) read() {
	for len(e.held) == 0 && !e.gone {
		n, errno := reactor.Read(e.fd, e.r.buf)
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 || n == 0 {
			e.close()
			return
		}
		e.held = e.r.buf[:n]
		e.flush()
		if n < len(e.r.buf) {
			return // drained: the next edge will tell of more
		}
	}
}

// flush gives the other side what was read here. What it does not take is
// copied, because the buffer is shared.
func (e *end) flush() {
	if len(e.held) == 0 || e.gone {
		return
	}
	n := 0
	if e.other.open {
		var errno unix.Errno
		if n, errno = reactor.Write(e.other.fd, e.held, false); errno != 0 && errno != unix.EAGAIN {
			e.close()
			return
		}
	}
	if e.held = e.held[n:]; len(e.held) > 0 {
		e.held = append([]byte(nil), e.held...)
		e.other.open = false
		return
	}
	e.held = nil
}

func (e *end) close() {
	for _, x := range []*end{e, e.other} {
		if !x.gone {
			x.gone = true
			x.r.loop.Close(x.ref, x.fd)
		}
	}
}
