// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A simPacket is what boxes send each other:
//
//	0   "EVL1"
//	4   TTL
//	5   length of the name of the interface
//	6   source, 16 bytes
//	22  destination, 16 bytes
//	38  the name, then the payload
type simPacket struct {
	iface    string
	src, dst netip.Addr
	ttl      byte
	data     []byte
}

const (
	simMagic  = "EVL1"
	simHeader = 38
)

func (p simPacket) append(b []byte) []byte {
	src, dst := p.src.As16(), p.dst.As16()
	b = append(append(b, simMagic...), p.ttl, byte(len(p.iface)))
	b = append(append(b, src[:]...), dst[:]...)
	return append(append(b, p.iface...), p.data...)
}

// parseSim takes a datagram apart. The data are a copy.
func parseSim(b []byte) (p simPacket, ok bool) {
	if len(b) < simHeader || string(b[:4]) != simMagic || len(b) < simHeader+int(b[5]) {
		return p, false
	}
	p.ttl = b[4]
	p.src, p.dst = netip.AddrFrom16([16]byte(b[6:22])).Unmap(), netip.AddrFrom16([16]byte(b[22:38])).Unmap()
	end := simHeader + int(b[5])
	p.iface, p.data = string(b[simHeader:end]), slices.Clone(b[end:])
	return p, p.src.Is4() == p.dst.Is4()
}

// send gives a packet to all other boxes and returns how many were full.
func (s *Sim) send(p simPacket) (full uint64, err error) {
	boxes, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return 0, fmt.Errorf("send on %s: %w", p.iface, err)
	}
	b := p.append(nil)
	for _, e := range boxes {
		if !e.IsDir() || e.Name() == s.cfg.Node {
			continue
		}
		n, err := sendInto(filepath.Join(s.cfg.Dir, e.Name()), b)
		if err != nil {
			return full, fmt.Errorf("send on %s to %s: %w", p.iface, e.Name(), err)
		}
		full += n
	}
	return full, nil
}

// sendInto gives a datagram to the box of a folder. The name of a socket is never used
// again, so that one which nobody has open can be removed.
func sendInto(folder string, b []byte) (full uint64, err error) {
	names := glob(folder, "sock-")
	if len(names) == 0 {
		return 0, nil
	}
	dir, err := os.Open(folder)
	if err != nil {
		return 0, nil // the box has just gone
	}
	defer dir.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	for _, name := range names {
		err := unix.Sendto(fd, b, 0, within(dir, name))
		switch {
		case err == nil, errors.Is(err, unix.ENOENT):
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOBUFS):
			full++
		case errors.Is(err, unix.ECONNREFUSED):
			_ = os.Remove(filepath.Join(folder, name))
		default:
			return full, err
		}
	}
	return full, nil
}

// fds lists what Wait waits for.
func (s *Sim) fds() ([]unix.PollFd, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	return []unix.PollFd{
		{Fd: int32(s.waker.fd), Events: unix.POLLIN},
		{Fd: int32(s.fd), Events: unix.POLLIN},
		{Fd: int32(s.notify), Events: unix.POLLIN},
	}, nil
}

// collect reads what waits.
func (s *Sim) collect(_ []unix.PollFd, b *Batch) (woken bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, ErrClosed
	}
	woken = s.waker.clear()
	b.Changed = s.changed()
	for len(b.Packets) < maxBatch {
		n, _, err := unix.Recvfrom(s.fd, s.buf, 0)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			return woken, nil
		}
		if err != nil {
			return woken, fmt.Errorf("receive: %w", err)
		}
		p, ok := parseSim(s.buf[:n])
		if ok && s.hears(p) {
			b.Packets = append(b.Packets, Packet{Interface: p.iface, Family: Of(p.dst), Src: p.src, Dst: p.dst, TTL: int(p.ttl), Data: p.data, At: time.Now()})
		}
	}
	b.More = true
	return woken, nil
}

// changed reads the news of the folder and reports whether they are about a cable, or
// whether some got lost.
func (s *Sim) changed() (changed bool) {
	for {
		n, err := unix.Read(s.notify, s.buf)
		if err != nil || n <= 0 {
			return changed
		}
		for b := s.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			mask, size := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
			end := min(len(b), unix.SizeofInotifyEvent+int(size))
			name := string(b[unix.SizeofInotifyEvent:end])
			changed = changed || strings.HasPrefix(name, "pulled-") || mask&unix.IN_Q_OVERFLOW != 0
			b = b[end:]
		}
	}
}

// hears reports whether a packet is for a station of this box, and counts it. The
// caller holds s.mu.
func (s *Sim) hears(p simPacket) bool {
	family := Of(p.dst)
	if !plugged(s.cfg.Dir, s.cfg.Node, p.iface) || p.dst != Group(family) && !s.has(p.iface, p.dst) {
		return false
	}
	heard := false
	for _, x := range s.stations {
		if x.cfg.Interface != p.iface || x.cfg.Family != family {
			continue
		}
		if s.has(p.iface, p.src) {
			x.status.Own++
			continue
		}
		x.status.Received++
		heard = true
	}
	return heard
}

// has reports whether an address is one of the interface's own. The caller holds
// s.mu.
func (s *Sim) has(iface string, a netip.Addr) bool {
	return slices.ContainsFunc(s.cfg.Interfaces, func(x SimInterface) bool {
		return x.Name == iface && slices.ContainsFunc(x.Addresses, func(p netip.Prefix) bool { return p.Addr() == a })
	})
}
