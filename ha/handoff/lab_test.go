// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// long is more than anything takes here.
const long = 30 * time.Second

// The lab: a client and two boxes on a switch, each in a network namespace of
// its own.
type lab struct {
	t       *testing.T
	sw      netns.NsHandle
	client  netns.NsHandle
	boxes   map[string]*host
	v6      bool
	virtual bool // the address lies on a macvlan with a virtual MAC
	seen    *watch
}

// A host is one of the boxes.
type host struct {
	*Box
	l        *lab
	name     string
	ns       netns.NsHandle
	mac      net.HardwareAddr
	journal  string
	receiver *Receiver

	mu    sync.Mutex // guards conns
	conns []net.Conn // accepted
}

var vmac = net.HardwareAddr{0, 0, 0x5e, 0, 1, 10}

const clientMAC = "02:00:00:00:00:01"

func (l *lab) addr(last int) netip.Addr {
	if l.v6 {
		return netip.MustParseAddr(fmt.Sprintf("fd00::%d", last))
	}
	return netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", last))
}

// vip is the address that moves.
func (l *lab) vip() netip.Addr { return l.addr(10) }

// newLab builds a lab whose address is on box "left". Where checksums is true
// the hosts calculate them before they send, so that what a watch sees is
// right.
func newLab(t *testing.T, v6, virtual, checksums bool) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	l := &lab{t: t, v6: v6, virtual: virtual, boxes: map[string]*host{}}
	l.sw = l.namespace()
	l.in(l.sw, func() error {
		snoop := false
		br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}, MulticastSnooping: &snoop}
		return errors.Join(netlink.LinkAdd(br), netlink.LinkSetUp(br))
	})
	l.client = l.cable("client", 1, checksums)
	for i, name := range []string{"left", "right"} {
		h := &host{l: l, name: name, ns: l.cable(name, 2+i, checksums), journal: filepath.Join(t.TempDir(), "kept")}
		h.mac = net.HardwareAddr{2, 0, 0, 0, 0, byte(2 + i)}
		h.Box = New(slog.New(slog.NewTextHandler(t.Output(), nil)).With("box", name), h.journal)
		l.boxes[name] = h
		if virtual {
			l.in(h.ns, h.addVirtual)
		}
		l.in(h.ns, h.serve)
	}
	l.seen = l.watch()
	l.boxes["left"].take()
	for i, name := range []string{"left", "right"} { // they get to know each other
		if c := l.dialTo(l.addr(2 + i)); c.name != name {
			t.Fatalf("%v is %s, want %s", l.addr(2+i), c.name, name)
		}
	}
	return l
}

// namespace makes a network namespace.
func (l *lab) namespace() netns.NsHandle {
	l.t.Helper()
	var ns netns.NsHandle
	l.thread(func() (err error) {
		if ns, err = netns.New(); err != nil {
			return err
		}
		lo, err := netlink.LinkByName("lo")
		return errors.Join(err, netlink.LinkSetUp(lo),
			setSysctl("net.ipv6.conf.all.accept_dad", "0"), setSysctl("net.ipv6.conf.default.accept_dad", "0"))
	})
	l.t.Cleanup(func() { ns.Close() })
	return ns
}

// thread runs f on a thread that ends with it.
func (l *lab) thread(f func() error) {
	l.t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocks
		done <- f()
	}()
	if err := <-done; err != nil {
		l.t.Fatal(err)
	}
}

// in runs f in the namespace.
func (l *lab) in(ns netns.NsHandle, f func() error) {
	l.t.Helper()
	l.thread(func() error {
		if err := netns.Set(ns); err != nil {
			return err
		}
		return f()
	})
}

// cable makes a namespace with an interface eth0 that is plugged into the
// switch.
func (l *lab) cable(name string, last int, checksums bool) netns.NsHandle {
	l.t.Helper()
	ns := l.namespace()
	l.in(l.sw, func() error {
		br, err := netlink.LinkByName("br0")
		if err != nil {
			return err
		}
		err = netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: name, MasterIndex: br.Attrs().Index},
			PeerName:  "eth0", PeerNamespace: netlink.NsFd(ns),
			PeerHardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, byte(last)},
		})
		if err != nil {
			return err
		}
		port, err := netlink.LinkByName(name)
		return errors.Join(err, netlink.LinkSetUp(port))
	})
	l.in(ns, func() error {
		eth, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		if checksums {
			if err := calculateChecksums("eth0"); err != nil {
				return err
			}
		}
		return errors.Join(addAddress(eth, l.addr(last)), netlink.LinkSetUp(eth))
	})
	return ns
}

// calculateChecksums ends the pretence of a hardware that does it.
func calculateChecksums(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return ethtoolOff(fd, name, unix.ETHTOOL_STXCSUM)
}

func addAddress(eth netlink.Link, a netip.Addr) error {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	return netlink.AddrAdd(eth, &netlink.Addr{
		IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, a.BitLen())},
		Flags: unix.IFA_F_NODAD,
	})
}

// addVirtual makes the macvlan.
func (h *host) addVirtual() error {
	eth, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	v := &netlink.Macvlan{Mode: netlink.MACVLAN_MODE_PRIVATE, LinkAttrs: netlink.LinkAttrs{
		Name: "v0", ParentIndex: eth.Attrs().Index, HardwareAddr: vmac,
	}}
	const none = 1 // IN6_ADDR_GEN_MODE_NONE
	return errors.Join(netlink.LinkAdd(v), netlink.LinkSetIP6AddrGenMode(v, none))
}

// where returns the interface that the address lies on.
func (h *host) where() (netlink.Link, error) {
	if h.l.virtual {
		return netlink.LinkByName("v0")
	}
	return netlink.LinkByName("eth0")
}

// take takes the address and tells the network.
func (h *host) take() {
	h.l.t.Helper()
	mac := h.mac
	if h.l.virtual {
		mac = vmac
	}
	h.l.in(h.ns, func() error {
		v, err := h.where()
		if err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetUp(v), addAddress(v, h.l.vip()), send("eth0", learn(mac)))
	})
	h.l.in(h.l.client, func() error {
		eth, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: eth.Attrs().Index, State: netlink.NUD_PERMANENT, IP: h.l.vip().AsSlice(), HardwareAddr: mac,
		})
	})
}

// release takes the address from the network.
func (h *host) release() {
	h.l.t.Helper()
	h.l.in(h.ns, func() error {
		v, err := h.where()
		if err != nil {
			return err
		}
		bits := 24
		if h.l.v6 {
			bits = 64
		}
		a := h.l.vip()
		err = netlink.AddrDel(v, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, a.BitLen())}})
		if h.l.virtual {
			err = errors.Join(err, netlink.LinkSetDown(v))
		}
		return err
	})
}

// config is how h receives from the other box.
func (h *host) config(from *host, limit time.Duration) Config {
	return Config{
		Interface: "eth0", Addresses: []netip.Addr{h.l.vip()}, To: from.mac,
		Virtual: []net.HardwareAddr{vmac}, Limit: limit,
	}
}

// receive begins to send on to the other box.
func (h *host) receive(from *host, limit time.Duration) {
	h.l.t.Helper()
	h.l.in(h.ns, func() (err error) {
		h.receiver, err = h.Receive(h.config(from, limit))
		return err
	})
	h.l.t.Cleanup(h.receiver.Stop)
}

// move switches the address, as two boxes do it.
func (l *lab) move(from, to *host, limit time.Duration) {
	l.t.Helper()
	l.in(from.ns, func() error { return from.Keep([]netip.Addr{l.vip()}) })
	to.receive(from, limit)
	from.release()
	to.take()
	l.in(to.ns, func() error { return to.Drop([]netip.Addr{l.vip()}) })
	if from.receiver != nil {
		from.receiver.Stop()
	}
}

// serve accepts connections, says who it is, and sends back what it gets.
func (h *host) serve() error {
	ln, err := net.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	h.l.t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.conns = append(h.conns, c)
			h.mu.Unlock()
			go func() {
				defer c.Close()
				fmt.Fprintln(c, h.name)
				io.Copy(c, c)
			}()
		}
	}()
	return nil
}

// accepted returns the connections accepted so far.
func (h *host) accepted() []net.Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.conns)
}

// A conn is a connection of the client.
type conn struct {
	net.Conn
	r    *bufio.Reader
	name string // of the box that accepted it
}

// dial connects to the address that moves.
func (l *lab) dial() *conn {
	l.t.Helper()
	return l.dialTo(l.vip())
}

func (l *lab) dialTo(a netip.Addr) *conn {
	l.t.Helper()
	return l.dialFrom(0, a)
}

// echo sends s and reads it back.
func (c *conn) echo(s string) error {
	c.SetDeadline(time.Now().Add(long))
	if _, err := io.WriteString(c, s); err != nil {
		return err
	}
	b := make([]byte, len(s))
	if _, err := io.ReadFull(c.r, b); err != nil {
		return err
	}
	if string(b) != s {
		return fmt.Errorf("echo = %q, want %q", b, s)
	}
	return nil
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(long); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", long, what)
		}
	}
}

// forgetNeighbour makes this namespace ask for a again.
func forgetNeighbour(a netip.Addr) error {
	eth, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	return netlink.NeighDel(&netlink.Neigh{LinkIndex: eth.Attrs().Index, IP: a.AsSlice()})
}
