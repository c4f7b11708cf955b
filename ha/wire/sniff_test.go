// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

// A sniffer keeps what a box sends into its cable.
type sniffer struct {
	t      *testing.T
	fd     int
	ended  chan struct{}
	mu     sync.Mutex // guards what follows
	frames [][]byte
}

// sniff begins to listen at the far end of a cable.
func sniff(t *testing.T, far string) *sniffer {
	t.Helper()
	link, err := net.InterfaceByName(far)
	must(t, err)
	all := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
	must(t, err)
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Index}))
	must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000}))
	s := &sniffer{t: t, fd: fd, ended: make(chan struct{})}
	stop := make(chan struct{})
	go s.listen(stop)
	t.Cleanup(func() { close(stop); <-s.ended })
	return s
}

func (s *sniffer) listen(stop chan struct{}) {
	defer close(s.ended)
	defer unix.Close(s.fd)
	buf := make([]byte, 64<<10)
	for {
		n, from, err := unix.Recvfrom(s.fd, buf, 0)
		if link, ok := from.(*unix.SockaddrLinklayer); err == nil && ok && link.Pkttype != unix.PACKET_OUTGOING {
			s.mu.Lock()
			s.frames = append(s.frames, slices.Clone(buf[:n]))
			s.mu.Unlock()
		}
		select {
		case <-stop:
			return
		default:
		}
	}
}

// all returns the frames so far.
func (s *sniffer) all() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.frames)
}

// from returns the frames so far that come from a MAC address.
func (s *sniffer) from(mac net.HardwareAddr) (out [][]byte) {
	for _, f := range s.all() {
		if bytes.Equal(f[6:12], mac) {
			out = append(out, f)
		}
	}
	return out
}

// forget drops the frames so far.
func (s *sniffer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames = nil
}

// tshark lets tshark decode frames, with all checksums checked, and returns these
// fields, a line per frame.
func tshark(t *testing.T, frames [][]byte, fields ...string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "frames.pcap")
	f, err := os.Create(file)
	must(t, err)
	w := pcapgo.NewWriter(f)
	must(t, w.WriteFileHeader(65536, layers.LinkTypeEthernet))
	for _, x := range frames {
		must(t, w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Now(), CaptureLength: len(x), Length: len(x)}, x))
	}
	must(t, f.Close())
	args := []string{"tshark", "-n", "-r", file, "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=|", "-e", "_ws.expert.message"}
	for _, x := range fields {
		args = append(args, "-e", x)
	}
	var out []string
	for line := range strings.Lines(run(t, args...)) {
		if line = strings.TrimSuffix(line, "\n"); strings.Contains(line, "|") {
			out = append(out, line)
		}
	}
	if len(out) != len(frames) {
		t.Fatalf("tshark decoded %d of %d frames:\n%s", len(out), len(frames), strings.Join(out, "\n"))
	}
	return out
}

// asks returns an ARP request for an address.
func asks(mac net.HardwareAddr, own, target net.IP) []byte {
	b := gopacket.NewSerializeBuffer()
	eth := &layers.Ethernet{SrcMAC: mac, DstMAC: net.HardwareAddr{255, 255, 255, 255, 255, 255}, EthernetType: layers.EthernetTypeARP}
	arp := &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: layers.ARPRequest,
		SourceHwAddress: mac, SourceProtAddress: own.To4(), DstHwAddress: make([]byte, 6), DstProtAddress: target.To4()}
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{}, eth, arp); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// solicits returns a neighbour solicitation for an address, to all who may have it.
func solicits(mac net.HardwareAddr, own, target net.IP) []byte {
	group := net.IP{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, target[13], target[14], target[15]}
	return solicitation(net.HardwareAddr{0x33, 0x33, 0xff, target[13], target[14], target[15]}, mac, own, group, target)
}

// asksAlone returns one to the address itself, at a MAC.
func asksAlone(to, mac net.HardwareAddr, own, target net.IP) []byte {
	return solicitation(to, mac, own, target, target)
}

func solicitation(to, mac net.HardwareAddr, own, dst, target net.IP) []byte {
	b := gopacket.NewSerializeBuffer()
	eth := &layers.Ethernet{SrcMAC: mac, DstMAC: to, EthernetType: layers.EthernetTypeIPv6}
	ip := &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: layers.IPProtocolICMPv6, SrcIP: own, DstIP: dst}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(135, 0)}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		panic(err)
	}
	ns := &layers.ICMPv6NeighborSolicitation{TargetAddress: target, Options: layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: mac}}}
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, icmp, ns); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// inject puts a frame on br0, as a station that is plugged in there.
func inject(t *testing.T, frame []byte) {
	t.Helper()
	link, err := net.InterfaceByName("br0")
	must(t, err)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: link.Index}); err != nil {
		t.Fatal(fmt.Errorf("inject a frame: %w", err))
	}
}

// tablesOf lists the tables of nftables.
func tablesOf() ([]*nftables.Table, error) {
	c, err := nftables.New()
	if err != nil {
		return nil, err
	}
	return c.ListTables()
}
