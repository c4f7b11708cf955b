// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrUnavailable is wrapped by errors that say which right is missing.
var ErrUnavailable = errors.New("unavailable")

// An ArgumentError is a parameter that makes no sense. Its text says what would.
type ArgumentError string

// Error returns the text.
func (e ArgumentError) Error() string { return string(e) }

// lookUpTime bounds the look-up of a host's address.
const lookUpTime = 10 * time.Second

// hostAddr finds the address of a host: of IPv4, if it has one.
func hostAddr(ctx context.Context, host string) (netip.Addr, error) {
	if host == "" || len(host) > 255 {
		return netip.Addr{}, ArgumentError("host must be an address or a name")
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range list {
		if a.Unmap().Is4() {
			return a.Unmap(), nil
		}
	}
	return list[0], nil
}

// newSocket opens a socket that sends by an interface, or by any for "".
func newSocket(family, kind, proto int, face string) (int, error) {
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, err
	}
	if face == "" {
		return fd, nil
	}
	switch err = unix.BindToDevice(fd, face); {
	case err == nil:
		return fd, nil
	case errors.Is(err, unix.ENODEV):
		err = ArgumentError(fmt.Sprintf("there is no interface %q", face))
	case errors.Is(err, unix.EPERM):
		err = fmt.Errorf("%w: to send by an interface of choice the engine needs the right CAP_NET_RAW", ErrUnavailable)
	default:
		err = os.NewSyscallError("setsockopt SO_BINDTODEVICE", err)
	}
	return -1, errors.Join(err, unix.Close(fd))
}

// familyOf returns the address family of a socket that reaches a.
func familyOf(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// zoneIndex returns the number of the interface that a zone names, 0 for none.
func zoneIndex(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	if i, err := net.InterfaceByName(a.Zone()); err == nil {
		return uint32(i.Index)
	}
	return 0
}
