// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/packet"
)

func TestSenderSendsFramesAsTheyAre(t *testing.T) {
	const mark = "EVENER_NETNS"
	if os.Getenv(mark) == "" {
		if os.Getuid() != 0 {
			t.Skip("a network namespace needs root")
		}
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), mark+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Fatalf("in the namespace: %v\n%s", err, out)
		}
		return
	}
	for _, args := range [][]string{{"link", "add", "near", "type", "veth", "peer", "name", "far"}, {"link", "set", "far", "up"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %q: %v\n%s", args, err, out)
		}
	}
	s, err := Open("near")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	arp, err := ARP(mac4, netip.MustParseAddr("192.0.2.1"), Request)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(arp); err == nil {
		t.Error("a frame was sent on an interface that is down")
	}
	if err := s.Send(arp[:13]); err == nil {
		t.Error("a frame of 13 bytes was sent")
	}
	if _, err := Open("none"); err == nil {
		t.Error("opened an interface that is not there")
	}
	if out, err := exec.Command("ip", "link", "set", "near", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := heard(t, s, arp); !bytes.Equal(got, arp) {
		t.Errorf("heard %x, want %x", got, []byte(arp))
	}
}

// heard sends a frame and returns what of ARP comes out at the far end.
func heard(t *testing.T, s *Sender, f Frame) []byte {
	t.Helper()
	far, err := net.InterfaceByName("far")
	if err != nil {
		t.Fatal(err)
	}
	c, err := packet.Listen(far, packet.Raw, etherARP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(f); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	n, _, err := c.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}
