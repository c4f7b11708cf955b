// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// bindGroup returns count sockets bound to s.Addr. They do not listen yet, so
// that closing them costs nobody a connection. With probe it first makes sure
// that nobody else listens there: SO_REUSEPORT alone would let two programs of
// one user share a port in silence.
func bindGroup(s ListenSpec, count int, probe bool) ([]int, error) {
	if probe {
		if err := probePort(s); err != nil {
			return nil, err
		}
	}
	fds := make([]int, 0, count)
	for range count {
		fd, err := bindSocket(s, true)
		if err != nil {
			closeAll(fds)
			return nil, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// probePort binds s.Addr alone for a moment. For TCP only listening finds a
// conflict with SO_REUSEADDR set; no client can be lost, for there was nobody
// to take it.
func probePort(s ListenSpec) error {
	fd, err := bindSocket(s, false)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if s.Network == "udp" {
		return nil
	}
	if err := unix.Listen(fd, 0); err != nil {
		return listenError(s, "listen", err)
	}
	return nil
}

func bindSocket(s ListenSpec, shared bool) (int, error) {
	family, kind := unix.AF_INET, unix.SOCK_STREAM
	if s.Addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	if s.Network == "udp" {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, listenError(s, "socket", err)
	}
	addr, err := sockaddr(s.Addr)
	if err == nil {
		err = setOptions(fd, s, shared)
	}
	if err == nil {
		err = unix.Bind(fd, addr)
	}
	if err != nil {
		unix.Close(fd)
		return -1, listenError(s, "bind", err)
	}
	return fd, nil
}

func setOptions(fd int, s ListenSpec, shared bool) error {
	type option struct {
		on          bool
		level, name int
		value       int
	}
	v6only := 0
	if s.V6Only {
		v6only = 1
	}
	for _, o := range []option{
		// For UDP this would mean that the last one to bind gets everything.
		{s.Network == "tcp", unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{shared, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{s.FreeBind, unix.SOL_IP, unix.IP_FREEBIND, 1},
		{s.Addr.Addr().Is6(), unix.SOL_IPV6, unix.IPV6_V6ONLY, v6only},
	} {
		if !o.on {
			continue
		}
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}

// sockaddr returns a in the kernel's form. A zone must be an interface's index
// or name.
func sockaddr(a netip.AddrPort) (unix.Sockaddr, error) {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, nil
	}
	sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if zone := a.Addr().Zone(); zone != "" {
		index, err := zoneIndex(zone)
		if err != nil {
			return nil, err
		}
		sa.ZoneId = index
	}
	return sa, nil
}

// listenError words the usual errors for the person who wrote the address.
func listenError(s ListenSpec, call string, err error) error {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return &busyError{s, holder(s), err}
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %s: the box has no address %s; add it or change listen (%w)",
			s, s.Addr.Addr(), err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("listen on %s: ports below 1024 need root or CAP_NET_BIND_SERVICE; "+
			"use a higher port or start with that right (%w)", s, err)
	}
	return fmt.Errorf("listen on %s: %s: %w", s, call, err)
}

// zoneIndex returns the index of the interface that an IPv6 zone names.
func zoneIndex(zone string) (uint32, error) {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	ifi, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, fmt.Errorf("no interface %q", zone)
	}
	return uint32(ifi.Index), nil
}
