// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A socket hears and sends packets of protocol 112 of one family on one interface.
type socket struct {
	family Family
	name   string
	index  int
	rx, tx int
}

// openSocket opens a socket on an interface. With from, it hears only what comes from
// that MAC address.
//
// A macvlan in private mode hands a frame from its own MAC to itself alone, which is
// what the other router of a virtual MAC sends; all other frames to a group the
// interface below gets as well. So a socket on that one and, per virtual MAC, one
// that hears only that MAC get everything, and nothing twice.
func openSocket(f Family, name string, index int, from net.HardwareAddr) (s *socket, err error) {
	s = &socket{family: f, name: name, index: index, rx: -1, tx: -1}
	defer func() {
		if err == nil {
			return
		}
		s.close()
		if errors.Is(err, os.ErrPermission) {
			err = fmt.Errorf("this process needs CAP_NET_RAW: %w", err)
		}
		err = fmt.Errorf("open a socket for %v on %s: %w", f, name, err)
	}()
	if f == IPv6 {
		return s, s.open6(from)
	}
	return s, s.open4(from)
}

func (s *socket) open4(from net.HardwareAddr) (err error) {
	if s.rx, err = s.raw(unix.AF_INET, Protocol); err != nil {
		return err
	}
	if err = attachFilter(s.rx, from); err != nil {
		return err
	}
	group := &unix.IPMreqn{Multiaddr: Group(IPv4).As4(), Ifindex: int32(s.index)}
	if err = unix.SetsockoptIPMreqn(s.rx, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, group); err != nil {
		return fmt.Errorf("join %v: %w", Group(IPv4), err)
	}
	// Of this protocol nothing comes in, and the header is ours: from an interface
	// without an address the kernel would send nothing otherwise.
	if s.tx, err = s.raw(unix.AF_INET, unix.IPPROTO_RAW); err != nil {
		return err
	}
	return setInts(s.tx, unix.IPPROTO_IP, [][2]int{{unix.IP_MULTICAST_LOOP, 0}, {unix.IP_MULTICAST_TTL, hops}})
}

func (s *socket) open6(from net.HardwareAddr) (err error) {
	if s.rx, err = s.raw(unix.AF_INET6, Protocol); err != nil {
		return err
	}
	if err = attachFilter(s.rx, from); err != nil {
		return err
	}
	if err = setInts(s.rx, unix.IPPROTO_IPV6, [][2]int{{unix.IPV6_RECVHOPLIMIT, 1}, {unix.IPV6_RECVPKTINFO, 1}}); err != nil {
		return err
	}
	group := &unix.IPv6Mreq{Multiaddr: Group(IPv6).As16(), Interface: uint32(s.index)}
	if err = unix.SetsockoptIPv6Mreq(s.rx, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, group); err != nil {
		return fmt.Errorf("join %v: %w", Group(IPv6), err)
	}
	// Apart from the other, because a socket that fills in checksums drops those that
	// are wrong before anybody can count them.
	if s.tx, err = s.raw(unix.AF_INET6, Protocol); err != nil {
		return err
	}
	if err = setFilter(s.tx, []bpf.Instruction{bpf.RetConstant{Val: 0}}); err != nil {
		return err
	}
	return setInts(s.tx, unix.IPPROTO_IPV6, [][2]int{
		{unix.IPV6_MULTICAST_LOOP, 0}, {unix.IPV6_MULTICAST_HOPS, hops}, {unix.IPV6_UNICAST_HOPS, hops},
		{unix.IPV6_TCLASS, class}, {unix.IPV6_CHECKSUM, sumPlace},
		{unix.IPV6_MULTICAST_IF, s.index},
		{unix.IPV6_FREEBIND, 1}, // the source is an address of the interface below
	})
}

func (s *socket) raw(family, protocol int) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return -1, err
	}
	if err := unix.BindToDevice(fd, s.name); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func setInts(fd, level int, options [][2]int) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, level, o[0], o[1]); err != nil {
			return fmt.Errorf("socket option %d of level %d: %w", o[0], level, err)
		}
	}
	return nil
}

// attachFilter lets only frames from a MAC address through; nil: all.
func attachFilter(fd int, from net.HardwareAddr) error {
	if from == nil {
		return nil
	}
	const frame = ^uint32(0x200000 - 1) // SKF_LL_OFF: offsets from there are in the frame
	return setFilter(fd, []bpf.Instruction{
		bpf.LoadAbsolute{Off: frame + 6, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(from), SkipTrue: 3},
		bpf.LoadAbsolute{Off: frame + 10, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(binary.BigEndian.Uint16(from[4:])), SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.RetConstant{Val: 0},
	})
}

func setFilter(fd int, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	if err != nil {
		return fmt.Errorf("attach a filter: %w", err)
	}
	return nil
}

// send sends a payload with the right header.
func (s *socket) send(src, dst netip.Addr, payload []byte) error {
	if s.family == IPv4 {
		return unix.Sendto(s.tx, packet4(src, dst, payload), 0, &unix.SockaddrInet4{Addr: dst.As4()})
	}
	info := unix.PktInfo6(&unix.Inet6Pktinfo{Addr: src.As16(), Ifindex: uint32(s.index)})
	to := &unix.SockaddrInet6{Addr: dst.As16()}
	if dst.IsMulticast() || dst.IsLinkLocalUnicast() {
		to.ZoneId = uint32(s.index)
	}
	return unix.Sendmsg(s.tx, payload, info, to, 0)
}

// receive reads one packet into buf; with none it returns false.
func (s *socket) receive(buf []byte) (p Packet, ok bool, err error) {
	for {
		var oob [128]byte
		n, oobn, _, from, err := unix.Recvmsg(s.rx, buf, oob[:], unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return p, false, nil
		case err != nil:
			return p, false, err
		}
		p = Packet{Family: s.family, At: time.Now()}
		if s.family == IPv4 {
			p.Src, p.Dst, p.TTL, p.Data, ok = parse4(buf[:n])
		} else {
			p.Data, ok = buf[:n], fill6(&p, from, oob[:oobn])
		}
		if ok {
			p.Data = append([]byte(nil), p.Data...)
			return p, true, nil
		}
	}
}

// fill6 completes an IPv6 packet by what the kernel says beside it.
func fill6(p *Packet, from unix.Sockaddr, oob []byte) bool {
	src, ok := from.(*unix.SockaddrInet6)
	if !ok {
		return false
	}
	p.Src, p.TTL = netip.AddrFrom16(src.Addr), -1
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return false
	}
	for _, m := range list {
		switch {
		case m.Header.Level != unix.IPPROTO_IPV6:
		case m.Header.Type == unix.IPV6_HOPLIMIT && len(m.Data) >= 4:
			p.TTL = int(int32(binary.NativeEndian.Uint32(m.Data)))
		case m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= 16:
			p.Dst = netip.AddrFrom16([16]byte(m.Data[:16]))
		}
	}
	return p.Dst.IsValid()
}

func (s *socket) close() {
	for _, fd := range []int{s.rx, s.tx} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	s.rx, s.tx = -1, -1
}
