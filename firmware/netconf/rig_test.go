// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A rig is a machine with the ports lan0 to lan3, whose cables lead to far ends.
type rig struct {
	sys    System
	kernel bool
	dir    string
	plug   func(port string, in bool)

	steps *[]string // taken so far
	stop  *int      // how many steps more there are before the power fails; negative: none
}

// A watched System notes what is done, and stops where the power fails.
type watched struct {
	System
	steps []string
	stop  int
}

func (w *watched) Do(s Step) error {
	if w.stop == 0 {
		return errPower
	}
	w.stop--
	w.steps = append(w.steps, s.String())
	return w.System.Do(s)
}

var errPower = fmt.Errorf("the power has failed")

func newRig(t *testing.T, sys System, kernel bool, plug func(port string, in bool)) *rig {
	w := &watched{System: sys, stop: -1}
	return &rig{sys: w, kernel: kernel, dir: t.TempDir(), plug: plug, steps: &w.steps, stop: &w.stop}
}

func simRig(t *testing.T) *rig {
	s := NewSim([]string{"lan0", "lan1", "lan2", "lan3"}, nil)
	return newRig(t, s, false, s.Plug)
}

// kernelRig makes the ports out of veths.
func kernelRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	for i := range 4 {
		name := fmt.Sprintf("lan%d", i)
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "far" + name[3:]}))
		for _, end := range []string{name, "far" + name[3:]} {
			l, err := netlink.LinkByName(end)
			must(t, err)
			must(t, netlink.LinkSetUp(l))
		}
	}
	plug := func(port string, in bool) {
		l, err := netlink.LinkByName("far" + port[3:])
		must(t, err)
		if in {
			must(t, netlink.LinkSetUp(l))
			return
		}
		must(t, netlink.LinkSetDown(l))
	}
	return newRig(t, Linux{Resolver: filepath.Join(dir, "resolv.conf"), Zone: filepath.Join(dir, "localtime")}, true, plug)
}

// onRigs runs body on the simulation and on the kernel: in a guest whose kernel has
// VLANs and bonds there, and otherwise, unless body needs these, in a namespace here.
func onRigs(t *testing.T, needs string, body func(t *testing.T, r *rig)) {
	if inGuest() {
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		must(t, unix.Unshare(unix.CLONE_NEWNET))
		body(t, kernelRig(t))
		return
	}
	if os.Getenv("EVENER_NETNS") == "" {
		t.Run("simulated", func(t *testing.T) { body(t, simRig(t)) })
	}
	if needs == "" && inNamespace(t) {
		body(t, kernelRig(t))
	}
}

// modules is what this machine's kernel may lack. The tests that need it run on a
// kernel in a guest: see package image/qemu.
const modules = "8021q and bonding"

// conf returns a Conf of the rig, as after a start of the engine.
func (r *rig) conf() *Conf {
	return New(r.sys, nil, Config{Record: filepath.Join(r.dir, "network.json")}, slog.New(slog.DiscardHandler))
}

// set makes d so, and checks that there is nothing to do the second time.
func (r *rig) set(t *testing.T, c *Conf, d Desired) Status {
	t.Helper()
	if err := c.Set(d); err != nil {
		t.Fatalf("Set: %v; the steps were\n%s", err, strings.Join(*r.steps, "\n"))
	}
	n := len(*r.steps)
	must(t, c.Set(d))
	if more := (*r.steps)[n:]; len(more) > 0 {
		t.Fatalf("the same once more does\n%s\nafter\n%s", strings.Join(more, "\n"), strings.Join((*r.steps)[:n], "\n"))
	}
	return c.Status()
}

// picture draws what there is of what the box may change, without the kernel's own
// addresses.
func (r *rig) picture(t *testing.T) string {
	t.Helper()
	s, err := r.sys.Read()
	must(t, err)
	var out []string
	for name, l := range s.Interfaces {
		if strings.HasPrefix(name, "far") || name == "lo" {
			continue
		}
		line := fmt.Sprintf("%s up=%t mtu=%d", name, l.Up, l.MTU)
		if l.VLAN > 0 {
			line += fmt.Sprintf(" vlan %d on %s", l.VLAN, s.name(l.Parent))
		}
		if l.Master > 0 {
			line += " in " + s.name(l.Master)
		}
		if l.Bond != nil {
			line += " " + l.Bond.String()
		}
		var has []string
		for _, a := range s.Addresses {
			if a.Index == l.Index && !a.Prefix.Addr().IsLinkLocalUnicast() {
				has = append(has, a.Prefix.String())
			}
		}
		slices.Sort(has)
		out = append(out, strings.TrimSpace(line+" "+strings.Join(has, " ")))
	}
	for _, x := range s.Routes {
		if x.Ours {
			out = append(out, fmt.Sprintf("route %s dev %s metric %d", x.via(), s.name(x.Index), x.Metric))
		}
	}
	for _, x := range s.Rules {
		out = append(out, "rule "+x.String())
	}
	slices.Sort(out)
	for _, x := range s.NAT {
		out = append(out, "nat "+x.String())
	}
	return strings.Join(append(out, fmt.Sprintf("forward %t %t", s.Forward.IPv4, s.Forward.IPv6)), "\n") + "\n"
}

// want compares the picture with what it is to be.
func (r *rig) want(t *testing.T, want string) {
	t.Helper()
	if got := r.picture(t); got != want {
		t.Errorf("there is\n%s\nwant\n%s\nafter the steps\n%s", got, want, strings.Join(*r.steps, "\n"))
	}
}

// ports are the faces of a board whose ports are called 0 to 3.
func ports(d Desired) Desired {
	d.Method = cmp.Or(d.Method, None)
	d.Faces = map[string]string{"0": "lan0", "1": "lan1", "2": "lan2", "3": "lan3"}
	return d
}

func nets(list ...string) (out []netip.Prefix) { return prefixes(list...) }
