// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A socket takes packets from one interface (packet(7)).
//
// gopacket 1.1.19 has one of these, pcapgo.EthernetHandle; ours stands beside it
// since 2026-11-21 because that one is bound before it has a filter, so that its
// queue begins with packets nobody asked for, and because a read of it can be
// ended by nothing.
type socket struct {
	f    *os.File
	buf  []byte
	oob  []byte
	got  uint64 // packets that passed the filter, dropped ones included
	lost uint64 // of them, that found the queue full
}

// A packet is one as it came; data is good until the next read.
type packet struct {
	at     time.Time
	data   []byte
	length int // on the wire
}

// queueSize is what the kernel keeps of an interface until we have read it.
const queueSize = 8 << 20

// openSocket begins to take what the program lets through.
func openSocket(index int, program []bpf.Instruction, snaplen int) (*socket, error) {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, ErrRights
	}
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := prepare(fd, index, raw); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	s := &socket{f: os.NewFile(uintptr(fd), "packets"), buf: make([]byte, snaplen),
		oob: make([]byte, unix.CmsgSpace(int(unsafe.Sizeof(unix.TpacketAuxdata{})))+unix.CmsgSpace(int(unsafe.Sizeof(unix.Timespec{}))))}
	return s, nil
}

// prepare attaches the filter before the socket is bound: until then nothing
// arrives.
func prepare(fd, index int, raw []bpf.RawInstruction) error {
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return fmt.Errorf("attach the filter: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queueSize); err != nil {
		// Without CAP_NET_ADMIN the queue is as long as the system allows.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queueSize); err != nil {
			return os.NewSyscallError("setsockopt SO_RCVBUF", err)
		}
	}
	for _, o := range []struct{ level, name int }{{unix.SOL_PACKET, unix.PACKET_AUXDATA}, {unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	every := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: every, Ifindex: index}))
}

// read waits for a packet, at most until the deadline that was set with stop.
func (s *socket) read() (packet, error) {
	rc, err := s.f.SyscallConn()
	if err != nil {
		return packet{}, err
	}
	var n, oobn int
	var failed error
	err = rc.Read(func(fd uintptr) bool {
		n, oobn, _, _, failed = unix.Recvmsg(int(fd), s.buf, s.oob, unix.MSG_TRUNC)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return packet{}, err
	}
	p := packet{at: time.Now(), data: s.buf[:min(n, len(s.buf))], length: n}
	s.control(&p, s.oob[:oobn])
	return p, nil
}

// control reads what the kernel tells beside the packet. The VLAN tag that it has
// taken off is put back, as it was on the wire.
func (s *socket) control(p *packet, oob []byte) {
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for _, m := range list {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})):
			ts := (*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			p.at = time.Unix(ts.Unix())
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= int(unsafe.Sizeof(unix.TpacketAuxdata{})):
			aux := (*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0]))
			p.length = max(int(aux.Len), len(p.data))
			if aux.Status&unix.TP_STATUS_VLAN_VALID != 0 {
				p.tag(aux)
			}
		}
	}
}

func (p *packet) tag(aux *unix.TpacketAuxdata) {
	if len(p.data) < offType {
		return
	}
	kind := uint16(0x8100)
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		kind = aux.Vlan_tpid
	}
	out := append(make([]byte, 0, len(p.data)+4), p.data[:offType]...)
	out = binary.BigEndian.AppendUint16(out, kind)
	out = binary.BigEndian.AppendUint16(out, aux.Vlan_tci)
	p.data = append(out, p.data[offType:]...)
	p.length += 4
}

// stop makes the read under way, and all to come, return.
func (s *socket) stop() { _ = s.f.SetReadDeadline(time.Unix(1, 0)) }

// count asks how many packets have passed the filter so far, and how many of them
// were lost because we were too slow.
func (s *socket) count() (got, lost uint64) {
	rc, err := s.f.SyscallConn()
	if err != nil {
		return s.got, s.lost
	}
	_ = rc.Control(func(fd uintptr) { // of a closed socket we know the last count
		if st, err := unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			s.got, s.lost = s.got+uint64(st.Packets), s.lost+uint64(st.Drops) // each reading begins anew
		}
	})
	return s.got, s.lost
}

func (s *socket) close() error { return s.f.Close() }

// ErrRights says what a capture needs.
var ErrRights = errors.New("packet capture needs the right CAP_NET_RAW, which the engine does not have: " +
	"start the box as root, or give its program the right (setcap cap_net_raw+ep)")

// An Interface is one that packets can be taken from.
type Interface struct {
	Name  string
	Index int
	Note  string // for people: the port that it is, its addresses
	Loop  bool   // each packet passes twice
}

// FindInterface returns the interface called name. Only those with frames of
// Ethernet, the loopback interface among them, can be captured from.
func FindInterface(name string) (Interface, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return Interface{}, fmt.Errorf("there is no interface %q", name)
	}
	kind, err := os.ReadFile("/sys/class/net/" + i.Name + "/type")
	if err != nil {
		kind = []byte("1\n") // a namespace without /sys of its own: the socket will tell
	}
	switch string(kind) {
	case "1\n", "772\n": // ARPHRD_ETHER, ARPHRD_LOOPBACK
	default:
		return Interface{}, fmt.Errorf("%s carries no frames of Ethernet: capture on the interface below it", name)
	}
	if i.Flags&net.FlagUp == 0 {
		return Interface{}, fmt.Errorf("interface %s is down", name)
	}
	return Interface{Name: i.Name, Index: i.Index, Loop: i.Flags&net.FlagLoopback != 0, Note: noteOf(i)}, nil
}

func noteOf(i *net.Interface) string {
	note := ""
	list, err := i.Addrs()
	if err != nil {
		return ""
	}
	for _, a := range list[:min(len(list), 8)] {
		if note != "" {
			note += " "
		}
		note += a.String()
	}
	return note
}

// maxInterfaces bounds a capture.
const maxInterfaces = 64

// EveryInterface returns all that can be captured from.
func EveryInterface() ([]Interface, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []Interface
	for _, i := range list {
		if found, err := FindInterface(i.Name); err == nil && len(out) < maxInterfaces {
			out = append(out, found)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no interface is up that could be captured from")
	}
	return out, nil
}
