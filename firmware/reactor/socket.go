// SPDX-License-Identifier: Apache-2.0

package reactor

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below go to the kernel without telling Go's scheduler, which is safe
// because none of them can block: every descriptor is non-blocking. They return
// 0 and unix.EAGAIN when there is nothing to do now.

// Read reads from a socket into p. It returns 0, 0 at the end of the stream.
func Read(fd int, p []byte) (int, unix.Errno) {
	return rw(unix.SYS_RECVFROM, fd, p, unix.MSG_DONTWAIT)
}

// Quiet reports whether a socket is as an idle one should be: open, with nothing
// to read.
func Quiet(fd int) bool {
	var b [1]byte
	_, errno := rw(unix.SYS_RECVFROM, fd, b[:], unix.MSG_DONTWAIT|unix.MSG_PEEK)
	return errno == unix.EAGAIN
}

// Ended reports whether a socket has nothing to read any more: its peer has
// closed it, and every byte was read.
func Ended(fd int) bool {
	var b [1]byte
	n, errno := rw(unix.SYS_RECVFROM, fd, b[:], unix.MSG_DONTWAIT|unix.MSG_PEEK)
	return n == 0 && errno != unix.EAGAIN
}

// Write writes p to a socket. more says that further bytes follow at once, so
// that a short segment may wait for them.
func Write(fd int, p []byte, more bool) (int, unix.Errno) {
	flags := uintptr(unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL)
	if more {
		flags |= unix.MSG_MORE
	}
	return rw(unix.SYS_SENDTO, fd, p, flags)
}

func rw(call uintptr, fd int, p []byte, flags uintptr) (int, unix.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	for {
		n, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(&p[0])),
			uintptr(len(p)), flags, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// Writev writes a and then b to a socket in one call.
func Writev(fd int, a, b []byte) (int, unix.Errno) {
	if len(a) == 0 {
		return Write(fd, b, false)
	}
	if len(b) == 0 {
		return Write(fd, a, false)
	}
	iov := [2]unix.Iovec{{Base: &a[0]}, {Base: &b[0]}}
	iov[0].SetLen(len(a))
	iov[1].SetLen(len(b))
	msg := unix.Msghdr{Iov: &iov[0]}
	msg.SetIovlen(2)
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// Accept takes one connection from a listening socket and makes it ready for a
// loop: non-blocking and closed on exec.
func Accept(listener int) (fd int, peer netip.AddrPort, errno unix.Errno) {
	var sa unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener),
			uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)),
			unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		if errno == unix.EINTR || errno == unix.ECONNABORTED {
			continue
		}
		if errno != 0 {
			return -1, netip.AddrPort{}, errno
		}
		fd = int(n)
		return fd, addrPort(&sa), 0
	}
}

func setNoDelay(fd int) {
	one := int32(1)
	_, _, _ = syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP,
		unix.TCP_NODELAY, uintptr(unsafe.Pointer(&one)), 4, 0)
}

func addrPort(sa *unix.RawSockaddrAny) netip.AddrPort {
	switch sa.Addr.Family {
	case unix.AF_INET:
		p := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(p.Addr), swap(p.Port))
	case unix.AF_INET6:
		p := (*unix.RawSockaddrInet6)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom16(p.Addr).Unmap(), swap(p.Port))
	}
	return netip.AddrPort{}
}

// swap turns a port between network and host order.
func swap(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// Dial begins a TCP connection. Where established is false the descriptor
// becomes writable when the connection stands or has failed; ConnectError then
// tells which.
func Dial(to netip.AddrPort) (fd int, established bool, err error) {
	family, sa := sockaddr(to)
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, false, err
	}
	setNoDelay(fd)
	switch err := unix.Connect(fd, sa); err {
	case nil:
		return fd, true, nil
	case unix.EINPROGRESS:
		return fd, false, nil
	default:
		closeFD(fd)
		return -1, false, err
	}
}

func sockaddr(a netip.AddrPort) (family int, sa unix.Sockaddr) {
	ip := a.Addr().Unmap()
	if ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	s := &unix.SockaddrInet6{Port: int(a.Port()), Addr: ip.As16()}
	return unix.AF_INET6, s
}

// ConnectError returns how the connection attempt of fd ended; 0 means well.
func ConnectError(fd int) unix.Errno {
	v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return unix.EBADF
	}
	return unix.Errno(v)
}

// LocalAddr returns the address that a socket is bound to.
func LocalAddr(fd int) netip.AddrPort {
	var sa unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	_, _, errno := syscall.RawSyscall(unix.SYS_GETSOCKNAME, uintptr(fd),
		uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return netip.AddrPort{}
	}
	return addrPort(&sa)
}

// CloseWrite ends the sending side of a socket: the peer reads the end.
func CloseWrite(fd int) {
	_, _, _ = syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
}

// ResetOnClose makes the coming close of fd send a reset.
func ResetOnClose(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

// CloseFD closes a descriptor that no loop has registered.
func CloseFD(fd int) { closeFD(fd) }

func closeFD(fd int) {
	_, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
}
