// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"evener/ha/wire"
)

// patience bounds what a busy machine may take.
const patience = 30 * time.Second

// Two boxes and a client on a bridge of the kernel, each with a network of its own: the
// client asks for an answer every 5 ms while the address moves.
func TestAddressesMoveBetweenKernels(t *testing.T) {
	const mark = "EVENER_HA_NETNS"
	if os.Getenv(mark) == "" {
		if os.Getuid() != 0 {
			t.Skip("network namespaces need root")
		}
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), mark+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("in the namespace: %v\n%s", err, out)
		}
		t.Logf("%s", out)
		return
	}
	sh(t, "ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
	sh(t, "ip", "link", "set", "br0", "up")
	left, right := newKernel(t, "left", "192.0.2.1/24"), newKernel(t, "right", "192.0.2.2/24")
	client := newKernel(t, "client", "192.0.2.100/24")
	ping := client.ping(netip.MustParseAddr("192.0.2.10"))
	left.start(nil)
	right.start(nil)
	within(t, "left active", func() bool { return left.state() == Active && right.state() == Backup })
	within(t, "right sees left", func() bool { return right.report().Groups[0].Active == "left" })
	ping.check(t, "start")
	only(t, left, right)

	left.order(Order{ID: 1, Kind: OrderSwitch, By: "ann"})
	within(t, "right active", func() bool { return right.state() == Active && left.state() == Backup })
	ping.check(t, "planned switch")
	only(t, right, left)

	right.crash()
	within(t, "left active", func() bool { return left.state() == Active })
	ping.check(t, "crash")
	only(t, left, right)

	right.start(nil)
	within(t, "right backup", func() bool { return right.state() == Backup })
	h := left.handOver()
	only(t, left, right) // while no process runs
	left.start(&h)
	within(t, "left active", func() bool { return left.state() == Active })
	if g := left.report().Groups[0]; !strings.Contains(g.Reason, "goes on") {
		t.Errorf("left is active because %q, want it to go on", g.Reason)
	}
	ping.check(t, "restart")
	only(t, left, right)

	sh(t, "ip", "link", "set", "left", "down")
	within(t, "right active", func() bool { return right.state() == Active && left.state() == Fault })
	ping.check(t, "link down")
	only(t, right, left)
	sh(t, "ip", "link", "set", "left", "up")
	within(t, "left active", func() bool { return left.state() == Active && right.state() == Backup })
	ping.check(t, "link up")
	only(t, left, right)
}

// A kernel is a network namespace with lan1, a cable to br0.
type kernel struct {
	t    *testing.T
	name string
	ns   netns.NsHandle
	dir  string

	r      *Runner
	end    context.CancelFunc
	done   chan error
	orders []Order
	mu     sync.Mutex
}

func newKernel(t *testing.T, name, address string) *kernel {
	t.Helper()
	k := &kernel{t: t, name: name, dir: t.TempDir()}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its namespace
		var err error
		k.ns, err = netns.New()
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	sh(t, "ip", "link", "add", "near", "type", "veth", "peer", "name", name)
	sh(t, "ip", "link", "set", name, "master", "br0")
	sh(t, "ip", "link", "set", name, "up")
	near, err := net.InterfaceByName("near")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetNsFd(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: near.Index}}, int(k.ns)); err != nil {
		t.Fatal(err)
	}
	k.do(func() {
		sh(t, "ip", "link", "set", "near", "name", "lan1")
		sh(t, "ip", "address", "add", address, "dev", "lan1")
		sh(t, "ip", "link", "set", "lo", "up")
		sh(t, "ip", "link", "set", "lan1", "up")
	})
	t.Cleanup(k.stop)
	return k
}

// do runs f on a thread in the namespace.
func (k *kernel) do(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := netns.Set(k.ns); err != nil {
			k.t.Error(err)
			return
		}
		f()
	}()
	<-done
}

// start runs a runner in the namespace, and an engine for it.
func (k *kernel) start(resume *Handover) {
	k.t.Helper()
	s := settings(k.name, "left", "right")
	other := map[string]string{"left": "192.0.2.2:7460", "right": "192.0.2.1:7460"}[k.name]
	s.Listen, s.Peers[0].Address = map[string]string{"left": "192.0.2.1:7460", "right": "192.0.2.2:7460"}[k.name], other
	s.Groups[0].Interval = Duration(400 * time.Millisecond) // three of them are enough for a successor to be there
	s.Groups[0].Routers = []RouterSettings{
		{Name: "v4", Interface: "lan1", Port: "lan1", VRID: 10, Version: 3, Addresses: []string{"192.0.2.10/24"}, MAC: "virtual", Checksum: "rfc9568"},
		{Name: "v6", Interface: "lan1", Port: "lan1", VRID: 10, Version: 3, Addresses: []string{"fe80::10/64", "2001:db8::10/64"}, MAC: "port"}}
	ready := make(chan *Runner)
	k.done = make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	k.end = cancel
	go k.do(func() {
		log := slog.New(slog.NewTextHandler(os.Stdout, nil)).With("box", k.name)
		if resume == nil {
			if err := wire.Clean(k.journal()); err != nil {
				k.t.Error(err)
			}
		}
		lan, err := wire.OpenLinux(wire.LinuxConfig{Journal: k.journal()}, log)
		if err != nil {
			k.t.Error(err)
			close(ready)
			return
		}
		r := New(lan, Config{Realtime: true, Settings: &s, Resume: resume}, log)
		ready <- r
		err = r.Run(ctx)
		if !r.leaving {
			err = lan.Close()
		}
		k.done <- err
	})
	if k.r = <-ready; k.r == nil {
		k.t.FailNow()
	}
	go k.engine(ctx, k.r)
}

func (k *kernel) journal() string { return filepath.Join(k.dir, "addresses") }

func (k *kernel) engine(ctx context.Context, r *Runner) {
	for ctx.Err() == nil {
		k.mu.Lock()
		p := Pulse{Engine: Serving{Serving: true}, Orders: append([]Order{}, k.orders...)}
		k.mu.Unlock()
		if r.Pulse(ctx, p) != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (k *kernel) order(o Order) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.orders = append(k.orders, o)
}

// crash ends the runner without a word; then the supervisor does its part.
func (k *kernel) crash() {
	k.handOver()
	k.do(func() {
		if err := wire.Clean(k.journal()); err != nil {
			k.t.Error(err)
		}
	})
}

func (k *kernel) handOver() Handover {
	k.t.Helper()
	h, err := k.r.HandOver(context.Background())
	if err == nil {
		err = <-k.done
	}
	if err != nil {
		k.t.Fatal(err)
	}
	k.end()
	k.r = nil
	return h
}

func (k *kernel) stop() {
	if k.r == nil {
		return
	}
	k.end()
	if err := <-k.done; err != nil {
		k.t.Errorf("%s: %v", k.name, err)
	}
}

func (k *kernel) report() Report {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := k.r.Report(ctx)
	if err != nil {
		k.t.Fatalf("report of %s: %v", k.name, err)
	}
	return p
}

func (k *kernel) state() string { return k.report().Groups[0].State }

// has says whether the kernel has the virtual addresses.
func (k *kernel) has(t *testing.T) (n int) {
	k.do(func() {
		out := sh(t, "ip", "-o", "address")
		for _, a := range []string{"192.0.2.10/24", "fe80::10/64", "2001:db8::10/64"} {
			n += strings.Count(out, " "+a+" ")
		}
	})
	return n
}

// only wants all addresses on one box.
func only(t *testing.T, on, off *kernel) {
	t.Helper()
	within(t, "all addresses on "+on.name+" and none on "+off.name, func() bool { return on.has(t) == 3 && off.has(t) == 0 })
}

// A pinger counts what is answered.
type pinger struct {
	mu       sync.Mutex // guards what follows
	sent     int
	answered int
	last     time.Time
	gap      time.Duration // longest time between two answers
}

// ping asks an address every 5 ms until the test ends.
func (k *kernel) ping(to netip.Addr) *pinger {
	p := &pinger{last: time.Now()}
	var conn net.PacketConn
	k.do(func() {
		var err error
		if conn, err = net.ListenPacket("ip4:icmp", "0.0.0.0"); err != nil {
			k.t.Error(err)
		}
	})
	if conn == nil {
		k.t.FailNow()
	}
	k.t.Cleanup(func() { conn.Close() })
	go p.send(conn, &net.IPAddr{IP: to.AsSlice()})
	go p.receive(conn)
	return p
}

func (p *pinger) send(conn net.PacketConn, to net.Addr) {
	for seq := uint16(0); ; seq++ {
		b := []byte{8, 0, 0, 0, 0x45, 0x56, 0, 0}
		binary.BigEndian.PutUint16(b[6:], seq)
		sum := uint32(8<<8) + 0x4556 + uint32(seq)
		binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
		if _, err := conn.WriteTo(b, to); err != nil && strings.Contains(err.Error(), "closed") {
			return
		}
		p.mu.Lock()
		p.sent++
		p.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *pinger) receive(conn net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			return
		}
		if n < 8 || b[0] != 0 { // net strips the IP header
			continue
		}
		p.mu.Lock()
		p.answered++
		p.gap = max(p.gap, time.Since(p.last))
		p.last = time.Now()
		p.mu.Unlock()
	}
}

// check wants answers from now on, and tells how long there were none.
func (p *pinger) check(t *testing.T, what string) {
	t.Helper()
	p.mu.Lock()
	before := p.answered
	p.mu.Unlock()
	within(t, "answers after "+what, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.answered >= before+20
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	t.Logf("%s: %d asked, %d answered, longest time without an answer %v", what, p.sent, p.answered, p.gap)
	p.sent, p.answered, p.gap = 0, 0, 0
}

// sh runs a program in the network of the calling thread.
func sh(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Errorf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// within waits until ok, on the real clock.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
