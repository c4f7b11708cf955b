// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A packet is the datagram that a worker has in hand, with the room that the
// kernel needs to tell whence it came and where it was sent to. The calls below
// never block: every descriptor is non-blocking.
type packet struct {
	msg     unix.Msghdr
	iov     unix.Iovec
	name    unix.RawSockaddrInet6 // large enough for IPv4's
	control [64]byte
	data    [64 << 10]byte // no datagram is longer
}

// An origin is where a datagram came from and which of our addresses it was sent
// to; what is sent back goes the same way.
type origin struct {
	name    unix.RawSockaddrInet6
	nameLen uint32
	local   [16]byte // unless the socket is bound to one address
	iface   uint32   // of a link-local address
}

// A wildcard says how a socket that is bound to no address tells which of ours a
// datagram was sent to.
type wildcard uint8

const (
	bound     wildcard = iota // it is bound to one
	wildcard4                 // IP_PKTINFO, see ip(7)
	wildcard6                 // IPV6_PKTINFO (RFC 3542 section 6), for IPv4 too
)

// wildcardOf finds out about a socket and makes it tell.
func wildcardOf(fd int, local netip.Addr) (wildcard, error) {
	switch {
	case !local.IsUnspecified():
		return bound, nil
	case local.Is4():
		return wildcard4, unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	}
	return wildcard6, unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
}

// receive takes a datagram from a socket of many peers and returns its length.
func (p *packet) receive(fd int) (n int, errno unix.Errno) {
	p.iov.Base = &p.data[0]
	p.iov.SetLen(len(p.data))
	p.msg = unix.Msghdr{
		Name: (*byte)(unsafe.Pointer(&p.name)), Namelen: uint32(unsafe.Sizeof(p.name)),
		Iov: &p.iov, Control: &p.control[0],
	}
	p.msg.SetIovlen(1)
	p.msg.SetControllen(len(p.control))
	return retry(unix.SYS_RECVMSG, fd, unsafe.Pointer(&p.msg), unix.MSG_DONTWAIT, 0)
}

// answer sends the first n bytes in hand to where o came from.
func (p *packet) answer(fd, n int, o *origin, w wildcard) unix.Errno {
	p.name = o.name
	p.iov.Base = &p.data[0]
	p.iov.SetLen(n)
	p.msg = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&p.name)), Namelen: o.nameLen, Iov: &p.iov}
	p.msg.SetIovlen(1)
	p.tell(o, w)
	_, errno := retry(unix.SYS_SENDMSG, fd, unsafe.Pointer(&p.msg),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0)
	return errno
}

// receiveFrom takes a datagram from a connected socket and returns its length.
func (p *packet) receiveFrom(fd int) (n int, errno unix.Errno) {
	return retry(unix.SYS_RECVFROM, fd, unsafe.Pointer(&p.data[0]), uintptr(len(p.data)),
		unix.MSG_DONTWAIT)
}

// send sends the first n bytes in hand to the peer of a connected socket.
func (p *packet) send(fd, n int) unix.Errno {
	_, errno := retry(unix.SYS_SENDTO, fd, unsafe.Pointer(&p.data[0]), uintptr(n),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return errno
}

// retry makes a system call until no signal disturbs it.
func retry(call uintptr, fd int, p unsafe.Pointer, a, b uintptr) (int, unix.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(call, uintptr(fd), uintptr(p), a, b, 0, 0)
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// peer returns the sender's address, without an IPv6 zone.
func (p *packet) peer() netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&p.name.Port)) // at the same place in IPv4's
	host := netip.AddrFrom16(p.name.Addr).Unmap()
	if p.name.Family == unix.AF_INET {
		host = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&p.name)).Addr)
	}
	return netip.AddrPortFrom(host, uint16(port[0])<<8|uint16(port[1]))
}

// origin fills in where the datagram in hand came from.
func (p *packet) origin(o *origin, w wildcard) {
	*o = origin{name: p.name, nameLen: p.msg.Namelen}
	if w == bound || int(p.msg.Controllen) < unix.CmsgLen(0) {
		return
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&p.control[0]))
	body := unsafe.Pointer(&p.control[unix.CmsgLen(0)])
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO:
		copy(o.local[:], (*unix.Inet4Pktinfo)(body).Spec_dst[:])
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO:
		info := (*unix.Inet6Pktinfo)(body)
		o.local = info.Addr
		if info.Addr[0] == 0xfe && info.Addr[1]&0xc0 == 0x80 {
			o.iface = info.Ifindex
		}
	}
}

// tell puts down from which of our addresses the datagram in hand is to go.
func (p *packet) tell(o *origin, w wildcard) {
	if w == bound || o.local == [16]byte{} {
		return
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&p.control[0]))
	body := unsafe.Pointer(&p.control[unix.CmsgLen(0)])
	size := unix.SizeofInet4Pktinfo
	if w == wildcard4 {
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		info := (*unix.Inet4Pktinfo)(body)
		*info = unix.Inet4Pktinfo{}
		copy(info.Spec_dst[:], o.local[:4])
	} else {
		size = unix.SizeofInet6Pktinfo
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
		*(*unix.Inet6Pktinfo)(body) = unix.Inet6Pktinfo{Addr: o.local, Ifindex: o.iface}
	}
	h.SetLen(unix.CmsgLen(size))
	p.msg.Control = &p.control[0]
	p.msg.SetControllen(unix.CmsgSpace(size))
}

// dialUDP returns a socket that is connected to a member.
func dialUDP(to netip.AddrPort) (int, unix.Errno) {
	ip := to.Addr().Unmap()
	family := unix.AF_INET
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: int(to.Port())}
	if ip.Is4() {
		sa.(*unix.SockaddrInet4).Addr = ip.As4()
	} else {
		family = unix.AF_INET6
		sa = &unix.SockaddrInet6{Port: int(to.Port()), Addr: ip.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		if err = unix.Connect(fd, sa); err == nil {
			return fd, 0
		}
		unix.Close(fd)
	}
	if errno, ok := err.(unix.Errno); ok {
		return -1, errno
	}
	return -1, unix.EINVAL
}
