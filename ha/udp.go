// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Datagrams carry heartbeats. Receive does not block: it is called until there is
// none, before any time is judged.
type Datagrams interface {
	Send(to netip.AddrPort, b []byte) error
	Receive(b []byte) (n int, from netip.AddrPort, ok bool)
	Close() error
}

// errNotReadable ends a wait for datagrams.
var errNotReadable = errors.New("the socket is not readable")

// A udp is a socket of heartbeats. Its only goroutine wakes the loop when something
// has come; the loop reads by itself, so that after a pause of the whole process it
// does not depend on which goroutine runs first.
type udp struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	read chan struct{} // the loop has emptied the socket
	wg   sync.WaitGroup
	end  chan struct{}
}

// ListenUDP opens the socket of heartbeats at an address. It calls wake when a
// datagram has come.
func ListenUDP(addr netip.AddrPort, wake func()) (Datagrams, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, fmt.Errorf("receive heartbeats at %v: %w", addr, err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	u := &udp{conn: conn, raw: raw, read: make(chan struct{}, 1), end: make(chan struct{})}
	u.wg.Go(func() { u.watch(wake) })
	return u, nil
}

// watch wakes the loop each time the socket has something, and waits until that was
// read.
func (u *udp) watch(wake func()) {
	var one [1]byte
	for {
		var peeked error
		err := u.raw.Read(func(fd uintptr) bool {
			_, _, peeked = unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			return !errors.Is(peeked, unix.EAGAIN)
		})
		if err != nil {
			return // closed
		}
		wake()
		select {
		case <-u.read:
		case <-u.end:
			return
		}
	}
}

// Send implements Datagrams.
func (u *udp) Send(to netip.AddrPort, b []byte) error {
	_, err := u.conn.WriteToUDPAddrPort(b, to)
	return err
}

// Receive implements Datagrams. It reads beside the goroutine that waits.
func (u *udp) Receive(b []byte) (n int, from netip.AddrPort, ok bool) {
	read := errNotReadable
	err := u.raw.Control(func(fd uintptr) {
		for range 16 { // an error of an earlier datagram, such as "refused", is told in place of one
			var sa unix.Sockaddr
			n, sa, read = unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT)
			from = addrPort(sa)
			if read == nil || errors.Is(read, unix.EAGAIN) {
				return
			}
		}
	})
	if err == nil && read == nil {
		return n, from, true
	}
	select {
	case u.read <- struct{}{}:
	default:
	}
	return 0, netip.AddrPort{}, false
}

// Close implements Datagrams.
func (u *udp) Close() error {
	close(u.end)
	err := u.conn.Close()
	u.wg.Wait()
	return err
}

// addrPort returns sa without the zone and not mapped into IPv6.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}
