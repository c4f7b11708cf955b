// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// inNamespace runs the test that calls it once more, as a process with a network of
// its own, and returns false. In that process it returns true.
func inNamespace(t *testing.T) bool {
	t.Helper()
	const mark = "EVENER_NETNS"
	if os.Getenv(mark) != "" {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in the namespace nothing was tested:\n%s", out)
	}
	return false
}

// run runs a program and returns what it says.
func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
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

// A box is a network namespace with a thread in it, and an interface lan1 that a cable
// connects with the bridge br0 of the test's own namespace. The other end of the cable
// has the name of the box.
type box struct {
	t    *testing.T
	name string
	ns   netns.NsHandle
	work chan func()
	file string // the journal
}

// bridge makes br0.
func bridge(t *testing.T) {
	t.Helper()
	run(t, "ip", "link", "set", "lo", "up")
	run(t, "ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
	run(t, "ip", "link", "set", "br0", "up")
}

// newBox makes a box with these addresses.
func newBox(t *testing.T, name string, addresses ...string) *box {
	t.Helper()
	b := &box{t: t, name: name, work: make(chan func()), file: filepath.Join(t.TempDir(), "ha.addresses")}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		var err error
		b.ns, err = netns.New()
		made <- err
		for f := range b.work {
			f()
		}
	}()
	must(t, <-made)
	t.Cleanup(func() { close(b.work); b.ns.Close() })
	b.cable("lan1", name)
	b.do(func() {
		must(t, os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0))
		must(t, os.WriteFile("/proc/sys/net/ipv6/conf/lan1/accept_dad", []byte("0"), 0))
		run(t, "ip", "link", "set", "lo", "up")
		for _, a := range addresses {
			run(t, "ip", "address", "add", a, "dev", "lan1")
		}
		run(t, "ip", "link", "set", "lan1", "up")
	})
	forwards(t, name)
	return b
}

// forwards waits until br0 forwards what comes by a cable, which is some time after
// the box has seen a carrier.
func forwards(t *testing.T, far string) {
	t.Helper()
	eventually(t, "forwarding", func() bool { return strings.Contains(run(t, "bridge", "link", "show", "dev", far), "state forwarding") })
}

// cable connects an interface of the box with br0.
func (b *box) cable(iface, far string) {
	b.t.Helper()
	run(b.t, "ip", "link", "add", "near", "type", "veth", "peer", "name", far)
	run(b.t, "ip", "link", "set", far, "master", "br0")
	run(b.t, "ip", "link", "set", far, "up")
	b.t.Cleanup(func() { _ = exec.Command("ip", "link", "delete", far).Run() }) // may be gone already
	near, err := net.InterfaceByName("near")
	must(b.t, err)
	must(b.t, netlink.LinkSetNsFd(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: near.Index}}, int(b.ns)))
	b.do(func() { run(b.t, "ip", "link", "set", "near", "name", iface) })
}

// do runs f on the thread of the box.
func (b *box) do(f func()) {
	b.t.Helper()
	done := make(chan bool)
	b.work <- func() {
		ok := false
		defer func() { done <- ok }() // also after a Fatal
		f()
		ok = true
	}
	if !<-done {
		b.t.FailNow()
	}
}

// run runs a program in the box.
func (b *box) run(args ...string) (out string) {
	b.t.Helper()
	b.do(func() { out = run(b.t, args...) })
	return out
}

// lan opens the networks of the box.
func (b *box) lan() LAN {
	b.t.Helper()
	var l *Linux
	var err error
	b.do(func() {
		l, err = OpenLinux(LinuxConfig{Journal: b.file}, slog.New(slog.NewTextHandler(testLog{b.t, b.name}, nil)))
	})
	must(b.t, err)
	b.t.Cleanup(func() { b.do(func() { must(b.t, l.Close()) }) })
	return inBox{b, l}
}

type testLog struct {
	t    *testing.T
	name string
}

func (l testLog) Write(p []byte) (int, error) {
	fmt.Fprintf(os.Stdout, "%s: %s", l.name, p) // a log of the test could come after its end
	return len(p), nil
}

// inBox is a LAN that is always called on the thread of its box.
type inBox struct {
	b *box
	l *Linux
}

func (x inBox) Attach(c Config) (s Station, err error) {
	x.b.do(func() { s, err = x.l.Attach(c) })
	if err != nil {
		return nil, err
	}
	return stationInBox{x.b, s}, nil
}

func (x inBox) Wait(until time.Time) (b Batch, err error) {
	x.b.do(func() { b, err = x.l.Wait(until) })
	return b, err
}

func (x inBox) Wake() { x.l.Wake() }

func (x inBox) Interface(name string) (i Interface, err error) {
	x.b.do(func() { i, err = x.l.Interface(name) })
	return i, err
}

func (x inBox) DefaultRoutes(f Family) (r []DefaultRoute, err error) {
	x.b.do(func() { r, err = x.l.DefaultRoutes(f) })
	return r, err
}

func (x inBox) Close() (err error) {
	x.b.do(func() { err = x.l.Close() })
	return err
}

type stationInBox struct {
	b *box
	s Station
}

func (x stationInBox) in(f func() error) (err error) {
	x.b.do(func() { err = f() })
	return err
}

func (x stationInBox) Send(dst netip.Addr, p []byte) error {
	return x.in(func() error { return x.s.Send(dst, p) })
}
func (x stationInBox) Prepare(l []netip.Prefix) error {
	return x.in(func() error { return x.s.Prepare(l) })
}
func (x stationInBox) Take(l ...netip.Prefix) error {
	return x.in(func() error { return x.s.Take(l...) })
}
func (x stationInBox) Release(l ...netip.Prefix) error {
	return x.in(func() error { return x.s.Release(l...) })
}
func (x stationInBox) Reconcile(l []netip.Prefix) error {
	return x.in(func() error { return x.s.Reconcile(l) })
}
func (x stationInBox) Announce() error { return x.in(x.s.Announce) }
func (x stationInBox) Close() error    { return x.in(x.s.Close) }
func (x stationInBox) Status() Status  { return x.s.Status() }
func (x stationInBox) Held() (l []netip.Prefix, err error) {
	x.b.do(func() { l, err = x.s.Held() })
	return l, err
}
