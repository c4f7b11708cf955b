// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

// A watch gathers the frames that the switch gets, each once.
type watch struct {
	mu     sync.Mutex
	frames [][]byte
}

// watch begins to gather.
func (l *lab) watch() *watch {
	l.t.Helper()
	w := &watch{}
	fd := -1
	l.in(l.sw, func() (err error) {
		all := int(binary.BigEndian.Uint16([]byte{0, unix.ETH_P_ALL})) // as a half word of the network
		all = all>>8 | all&0xff<<8
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
		if err != nil {
			return err
		}
		return errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
			unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}))
	})
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer unix.Close(fd)
		w.run(fd, stop)
	}()
	l.t.Cleanup(func() { close(stop); <-done })
	return w
}

func (w *watch) run(fd int, stop chan struct{}) {
	b := make([]byte, 1<<17)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, from, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			continue
		}
		if a, ok := from.(*unix.SockaddrLinklayer); ok && a.Pkttype != unix.PACKET_OUTGOING && n >= 14 {
			w.mu.Lock()
			w.frames = append(w.frames, bytes.Clone(b[:min(n, 2048)]))
			w.mu.Unlock()
		}
	}
}

// count counts the frames that f wants.
func (w *watch) count(f func(gopacket.Packet) bool) int { return len(w.find(f)) }

// find returns the frames that f wants.
func (w *watch) find(f func(gopacket.Packet) bool) []gopacket.Packet {
	w.mu.Lock()
	frames := slices.Clone(w.frames)
	w.mu.Unlock()
	var list []gopacket.Packet
	for _, b := range frames {
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.DecodeOptions{NoCopy: true, Lazy: true})
		if f(p) {
			list = append(list, p)
		}
	}
	return list
}

// forget drops what was seen so far.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frames = nil
}

// save writes the frames to a file that tshark reads.
func (w *watch) save(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pw := pcapgo.NewWriter(f)
	err = pw.WriteFileHeader(1<<17, layers.LinkTypeEthernet)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.frames {
		ci := gopacket.CaptureInfo{Timestamp: time.Now(), CaptureLength: len(b), Length: len(b)}
		err = errors.Join(err, pw.WritePacket(ci, b))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func source(p gopacket.Packet) net.HardwareAddr {
	return p.LinkLayer().(*layers.Ethernet).SrcMAC
}

func target(p gopacket.Packet) net.HardwareAddr {
	return p.LinkLayer().(*layers.Ethernet).DstMAC
}

// tcp returns the TCP header of p, or nil.
func tcp(p gopacket.Packet) *layers.TCP {
	t, _ := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	return t
}

// reset is a RST.
func reset(p gopacket.Packet) bool {
	t := tcp(p)
	return t != nil && t.RST
}

// forwarded wants TCP and ICMP packets that from has sent on to to.
func forwarded(from, to *host) func(gopacket.Packet) bool {
	return func(p gopacket.Packet) bool {
		return bytes.Equal(source(p), from.mac) && bytes.Equal(target(p), to.mac)
	}
}

// learn is a frame from which a switch learns where mac is, and no more.
func learn(mac net.HardwareAddr) []byte {
	b := bytes.Repeat([]byte{0xff}, 6)
	b = append(b, mac...)
	b = append(b, 0x88, 0xb5) // IEEE 802: local experimental
	return append(b, make([]byte, 46)...)
}

// send sends frames by an interface of this namespace.
func send(name string, frames ...[]byte) error {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for _, b := range frames {
		err = errors.Join(err, unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: i.Index, Halen: 6}))
	}
	return errors.Join(err, unix.Close(fd))
}

// ethtoolOff clears one of the flags of an interface that ethtool knows.
func ethtoolOff(fd int, name string, command uint32) error {
	value := struct{ command, data uint32 }{command, 0}
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(request.name[:], name)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); e != 0 {
		return e
	}
	return nil
}
