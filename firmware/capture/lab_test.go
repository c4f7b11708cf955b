// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// runFolder runs f; stop ends it and waits.
func runFolder(t *testing.T, f *Folder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	stopped := false
	stop = func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func mustCompile(t *testing.T) []bpf.Instruction {
	t.Helper()
	p, err := Compile(nil, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// inNamespace runs f on a thread with a network of its own: the two ends of a cable,
// a and b.
func inNamespace(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocks: the thread ends with its namespace
		ns, err := netns.New()
		if err != nil {
			t.Error(err)
			return
		}
		defer ns.Close()
		if err := cable(); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func cable() error {
	err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "a"}, PeerName: "b"})
	a, err1 := netlink.LinkByName("a")
	b, err2 := netlink.LinkByName("b")
	if err = errors.Join(err, err1, err2); err != nil {
		return err
	}
	return errors.Join(netlink.LinkSetUp(a), netlink.LinkSetUp(b))
}

// sendTagged sends a datagram with a VLAN tag on a.
func sendTagged(frame []byte) error {
	a, err := net.InterfaceByName("a")
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return errors.Join(unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: a.Index, Halen: 6}), unix.Close(fd))
}

// The kernel takes the tag off before it filters; in the file it is there again.
func TestVLANTagIsFilteredAndKept(t *testing.T) {
	f, _ := open(t, Config{Dir: t.TempDir()})
	ids := map[string]string{}
	inNamespace(t, func() {
		b, err := FindInterface("b")
		if err != nil {
			t.Error(err)
			return
		}
		for _, text := range []string{"vlan 100 and udp port 9", "vlan 101", "not vlan and udp"} {
			e, err := ParseFilter(text)
			if err != nil {
				t.Error(err)
				return
			}
			st, err := f.Start(Request{Interfaces: []Interface{b}, Filter: e, Text: text})
			if err != nil {
				t.Error(err)
				return
			}
			ids[text] = st.ID
		}
		frame := build(t, eth(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 100, Type: layers.EthernetTypeIPv4},
			ip4("192.0.2.1", "192.0.2.2", layers.IPProtocolUDP), &layers.UDP{SrcPort: 7, DstPort: 9}, gopacket.Payload("hello"))
		// A cable that was just plugged in loses what is sent at once.
		for end := time.Now().Add(20 * time.Second); status(f, ids["vlan 100 and udp port 9"]).Packets == 0; time.Sleep(5 * time.Millisecond) {
			if err := sendTagged(frame); err != nil || time.Now().After(end) {
				t.Errorf("nothing is seen: %v", err)
				return
			}
		}
	})
	if t.Failed() {
		return
	}
	for text, id := range ids {
		if _, err := f.Stop(id); err != nil {
			t.Fatal(err)
		}
		if got := done(t, f, id); (got.Packets > 0) != (text == "vlan 100 and udp port 9") {
			t.Errorf("%s: %d packets", text, got.Packets)
		}
	}
	file, _, err := f.Open(ids["vlan 100 and udp port 9"])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := pcapgo.NewNgReader(file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	data, _, err := r.ReadPacketData()
	if err != nil {
		t.Fatal(err)
	}
	p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
	tag, _ := p.Layer(layers.LayerTypeDot1Q).(*layers.Dot1Q)
	if tag == nil || tag.VLANIdentifier != 100 || p.Layer(layers.LayerTypeUDP) == nil {
		t.Errorf("%v", p)
	}
}
