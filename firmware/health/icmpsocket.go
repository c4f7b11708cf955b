// SPDX-License-Identifier: Apache-2.0

package health

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// An openEchoFunc opens a socket that can ping addr.
type openEchoFunc func(addr netip.Addr) (echoSocket, error)

// openEcho opens a ping socket, which needs no privilege but a group within
// net.ipv4.ping_group_range, or else a raw one, which needs CAP_NET_RAW.
func openEcho(addr netip.Addr) (echoSocket, error) {
	s, err := openEchoAs(addr, unix.SOCK_DGRAM)
	if err == nil || !forbidden(err) {
		return s, err
	}
	s, rawErr := openEchoAs(addr, unix.SOCK_RAW)
	if rawErr != nil && forbidden(rawErr) {
		return s, fmt.Errorf("neither a ping socket (see net.ipv4.ping_group_range)"+
			" nor a raw one (CAP_NET_RAW) can be opened: %w", rawErr)
	}
	return s, rawErr
}

// forbidden reports whether err means that there is no such socket for this
// process.
func forbidden(err error) bool {
	_, reason := classify(err)
	return reason == Permission || reason == Unsupported
}

func openEchoAs(addr netip.Addr, sockType int) (echoSocket, error) {
	family, proto := unix.AF_INET, unix.IPPROTO_ICMP
	if addr.Is6() {
		family, proto = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := unix.Socket(family, sockType|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return echoSocket{}, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "ping")
	defer f.Close() // the connection has a descriptor of its own
	raw := sockType == unix.SOCK_RAW
	if err := prepare(fd, addr, raw); err != nil {
		return echoSocket{}, err
	}
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return echoSocket{}, err
	}
	switch conn := conn.(type) {
	case *net.UDPConn: // the kernel chose an identifier and shows it as the port
		local := conn.LocalAddr().(*net.UDPAddr)
		return echoSocket{conn: conn, id: uint16(local.Port), kind: "ping socket"}, nil
	case *net.IPConn:
		return echoSocket{conn: conn, id: uint16(rand.Uint32()), kind: "raw socket"}, nil
	}
	conn.Close()
	return echoSocket{}, fmt.Errorf("ping socket turned out to be a %T", conn)
}

// prepare connects fd to addr, lets it hear of unreachable hosts, and keeps from
// a raw socket all but echo replies.
func prepare(fd int, addr netip.Addr, raw bool) error {
	var err error
	switch {
	case addr.Is6():
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
		if raw {
			var filter unix.ICMPv6Filter // a set bit blocks a type
			for i := range filter.Data {
				filter.Data[i] = ^uint32(0)
			}
			filter.Data[echoReply6/32] &^= 1 << (echoReply6 % 32)
			err = errors.Join(err,
				unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &filter))
		}
	default:
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
		if raw {
			const icmpFilter = 1 // ICMP_FILTER of linux/icmp.h; a set bit blocks a type
			err = errors.Join(err,
				unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, ^(1<<echoReply4)))
		}
	}
	if err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	return os.NewSyscallError("connect", unix.Connect(fd, socketAddress(addr)))
}

func socketAddress(addr netip.Addr) unix.Sockaddr {
	if addr.Is4() {
		return &unix.SockaddrInet4{Addr: addr.As4()}
	}
	return &unix.SockaddrInet6{Addr: addr.As16(), ZoneId: zone(addr.Zone())}
}

// zone returns the index of the interface that a zone names; 0 if there is none.
func zone(name string) uint32 {
	if name == "" {
		return 0
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(name); err == nil {
		return uint32(i.Index)
	}
	return 0
}
