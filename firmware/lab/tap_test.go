// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// A namespace whose port is a tap asks on its cable who has an address, and hears the
// answer.
func TestTapIsACableOfANamespace(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	s, err := NewSpace("evt" + strconv.Itoa(os.Getpid()))
	must(t, err)
	defer func() { must(t, s.Close()) }()
	cable, err := s.Tap("lan", netip.MustParsePrefix("192.0.2.100/24"))
	must(t, err)
	defer cable.Close()
	got := make(chan error, 1)
	go func() {
		c, err := s.dial(t.Context(), "udp4", "192.0.2.1:7")
		if err == nil {
			_, err = c.Write([]byte("hello"))
			c.Close()
		}
		got <- err
	}()
	must(t, cable.SetDeadline(time.Now().Add(long)))
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	frame := make([]byte, 2000)
	for heard := ""; heard != "hello"; {
		n, err := cable.Read(frame)
		must(t, err)
		p := gopacket.NewPacket(frame[:n], layers.LayerTypeEthernet, gopacket.Default)
		if app := p.ApplicationLayer(); app != nil {
			heard = string(app.Payload())
		}
		ask, _ := p.Layer(layers.LayerTypeARP).(*layers.ARP)
		if ask == nil || ask.Operation != layers.ARPRequest || !net.IP(ask.DstProtAddress).Equal(net.IPv4(192, 0, 2, 1)) {
			continue
		}
		answer := *ask
		answer.Operation = layers.ARPReply
		answer.SourceHwAddress, answer.SourceProtAddress = mac, ask.DstProtAddress
		answer.DstHwAddress, answer.DstProtAddress = ask.SourceHwAddress, ask.SourceProtAddress
		b := gopacket.NewSerializeBuffer()
		must(t, gopacket.SerializeLayers(b, gopacket.SerializeOptions{}, &layers.Ethernet{SrcMAC: mac,
			DstMAC: net.HardwareAddr(ask.SourceHwAddress), EthernetType: layers.EthernetTypeARP}, &answer))
		_, err = cable.Write(b.Bytes())
		must(t, err)
	}
	must(t, <-got)
}
