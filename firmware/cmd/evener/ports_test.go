// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/firmware/netconf"
	"evener/ha/wire"
)

func TestSimulatedPortsAreWired(t *testing.T) {
	e := &engine{cfg: engineConfig{board: "sim", state: t.TempDir()}, log: slog.New(slog.DiscardHandler)}
	w := e.openPorts()
	w.box = manage.New(manage.Config{}, slog.New(slog.DiscardHandler))
	list, err := w.ports.List()
	if err != nil || len(list) < 2 || list[0].Name != "mgmt" || !list[0].Management || list[0].State != "up" {
		t.Fatalf("ports are %+v, %v", list, err)
	}
	want := netip.MustParsePrefix("192.0.2.10/24")
	if err := w.conf.Set(netconf.Desired{Port: "mgmt", Interface: list[0].Interface, Method: netconf.Static, Addresses: []netip.Prefix{want}}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- w.conf.Run(ctx) }()
	end := time.Now().Add(30 * time.Second)
	for list, _ = w.ports.List(); !slices.Equal(list[0].Addresses, []string{want.String()}); list, _ = w.ports.List() {
		if time.Now().After(end) {
			t.Fatalf("port mgmt has the addresses %v, want %v", list[0].Addresses, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if i := slices.IndexFunc(list, func(p manage.Port) bool { return p.Bypass != nil }); i < 0 {
		t.Error("no port is of a bypass pair")
	}

	l, err := net.Listen("tcp", "127.0.0.1:0") // some traffic
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	after, _ := w.ports.List()
	if after[1].Counters.RXPackets <= list[1].Counters.RXPackets || after[2].Counters.RXPackets != 0 {
		t.Errorf("port 1 counts %+v and then %+v, port 2 %+v", list[1].Counters, after[1].Counters, after[2].Counters)
	}
}

func TestCableOfASimulatedPort(t *testing.T) {
	e := &engine{cfg: engineConfig{board: "sim", state: t.TempDir()}, log: slog.New(slog.DiscardHandler)}
	w := e.openPorts()
	w.box = manage.New(manage.Config{Ports: w.shown, Network: w.conf}, slog.New(slog.DiscardHandler))
	reg := w.box.Methods()
	plug := func(port string, in bool) (list manage.PortList, e *api.Error) {
		params, _ := json.Marshal(map[string]any{"port": port, "in": in})
		out, e := reg.Call(t.Context(), api.Call{Author: "ann", Role: api.Admin}, "port.plug", params)
		if e == nil {
			if err := json.Unmarshal(out, &list); err != nil {
				t.Fatal(err)
			}
		}
		return list, e
	}
	list, err := plug("mgmt", false)
	if err != nil || list.Ports[0].State != "no-carrier" || list.Ports[0].Speed != 0 || list.Ports[1].State != "up" {
		t.Errorf("after the cable was pulled the ports are %+v, %v", list.Ports, err)
	}
	if list, err = plug("mgmt", true); err != nil || list.Ports[0].State != "up" {
		t.Errorf("after it was put in the ports are %+v, %v", list.Ports, err)
	}
	if _, err = plug("9", true); err == nil || err.Kind != "not_found" {
		t.Errorf("of a port that is not there: %v", err)
	}
}

func TestCableOfARealPort(t *testing.T) {
	e := &engine{cfg: engineConfig{board: "host", state: t.TempDir()}, log: slog.New(slog.DiscardHandler)}
	w := e.openPorts()
	defer w.ports.Close()
	if _, ok := w.shown.(manage.Cables); ok {
		t.Error("cables of real ports can be pulled")
	}
}

func TestPortsOfAnyMachineAreWired(t *testing.T) {
	e := &engine{cfg: engineConfig{board: "host", state: t.TempDir()}, log: slog.New(slog.DiscardHandler)}
	w := e.openPorts()
	defer w.ports.Close()
	if _, err := w.ports.List(); err != nil {
		t.Errorf("the ports of this machine are not listed: %v", err)
	}
	if s := w.conf.Status(); s.Managed || s.Why == "" || len(s.Problems) > 0 {
		t.Errorf("with no configuration the network is %+v", s)
	}
}

// inNamespace runs the test that calls it once more, as a process with a network, a
// host name and a /sys of its own, and returns false; there it returns true.
func inNamespace(t *testing.T) bool {
	t.Helper()
	const mark = "EVENER_NETNS"
	if os.Getenv(mark) != "" {
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS, Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
	return false
}

func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// network asks the box how it is reached.
func (b *liveBox) network() (n manage.NetworkInfo) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.must("show", "network", "-o", "json")), &n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// TestBoxChangesItsAddressAndTakesItBack runs a whole box on a machine with one
// port: an address that nobody confirms goes back by itself, and so it is after a
// crash of the engine and a cable that is pulled.
func TestBoxChangesItsAddressAndTakesItBack(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	ip(t, "link", "set", "lo", "up")
	ip(t, "link", "add", "lan0", "type", "veth", "peer", "name", "far0")
	ip(t, "link", "set", "far0", "up")
	ip(t, "address", "add", "203.0.113.7/24", "dev", "lan0") // somebody else's
	text := func(address string) string {
		return "system { host_name = \"lb1\" }\nmanagement {\n  port = \"lan0\"\n  method = \"static\"\n  address = [\"" + address + "/24\"]\n  gateway = [\"192.0.2.1\"]\n}\n"
	}
	b := startLive(t, text("192.0.2.10"))
	on := func(address string) bool {
		return strings.Contains(ip(t, "-o", "address", "show", "dev", "lan0"), " "+address+"/24 ")
	}
	b.await("the first address is set", func() bool { return on("192.0.2.10") && on("203.0.113.7") })
	if route := ip(t, "route", "show", "default"); !strings.Contains(route, "default via 192.0.2.1 dev lan0 proto 201 metric 20") {
		t.Errorf("the default route is %q", route)
	}
	if name, _ := os.Hostname(); name != "lb1" {
		t.Errorf("the host name is %q", name)
	}
	if out := b.must("show", "ports"); !strings.Contains(out, "lan0") || !strings.Contains(out, "192.0.2.10/24") {
		t.Errorf("evener show ports says:\n%s", out)
	}

	b.set(t, text("192.0.2.20")+"console { listen = [] }\n")
	b.must("config", "commit", "--confirm", "5s")
	b.await("nobody has the new address, and it is set", func() bool { return on("192.0.2.20") && !on("192.0.2.10") })
	b.await("the address that nobody confirms goes back", func() bool { return on("192.0.2.10") && !on("192.0.2.20") })
	if !on("203.0.113.7") {
		t.Error("an address that is not the box's is gone")
	}

	ip(t, "link", "set", "far0", "down")
	b.await("it is told that the link is down", func() bool {
		return strings.Contains(b.must("events"), "port lan0 has no link any more: nothing answers at the other end")
	})
	ip(t, "link", "set", "far0", "up")
	b.await("it is told that the link is up", func() bool { return strings.Contains(b.must("events"), "port lan0 has a link") })

	ip(t, "address", "del", "192.0.2.10/24", "dev", "lan0")
	b.await("the address is put back", func() bool { return on("192.0.2.10") && len(b.network().Gateways) == 1 })
	b.must("restart", "engine")
	b.await("the new engine knows of the old one's address", func() bool { return b.network().Managed && on("192.0.2.10") })

	ip(t, "link", "del", "lan0")
	b.await("the port that is gone is a problem", func() bool {
		return strings.Contains(b.cli("status").stdout, "port lan0 is not there")
	})
	ip(t, "link", "add", "lan0", "type", "veth", "peer", "name", "far0")
	b.await("the port that has come back has its address", func() bool { return on("192.0.2.10") })

	b.set(t, "console { listen = [] }\n")
	if out := b.cli("config", "commit"); out.code != 5 || !strings.Contains(out.stderr, "changes the network of this box") {
		t.Errorf("a commit of the network without a confirm: exit code %d, %s", out.code, out.stderr)
	}
	b.must("config", "commit", "--force")
	b.await("without the block the address goes", func() bool { return !on("192.0.2.10") && !b.network().Managed })
}

// The ports of the simulated board begin with their cables in, so those of the simulated
// network do: also where an engine before pulled one.
func TestSimulatedCablesAreInWhenTheEngineBegins(t *testing.T) {
	lan := t.TempDir()
	if err := wire.Plug(lan, "left", "sim0", false); err != nil {
		t.Fatal(err)
	}
	b := startLive(t, "node { name = \"left\" }\n", "--board", "sim", "--lan", lan, "--no-demo-servers")
	b.await("the cable is in", func() bool {
		pulled, err := filepath.Glob(filepath.Join(lan, "left", "pulled-*"))
		return err == nil && len(pulled) == 0
	})
}

// set makes text the candidate.
func (b *liveBox) set(t *testing.T, text string) {
	t.Helper()
	file := t.TempDir() + "/next.hcl"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.must("config", "set", file)
}

func TestSpeedWords(t *testing.T) {
	for _, c := range []struct {
		speed  int
		duplex string
		want   string
	}{{0, "", ""}, {10, "half", "10M half duplex"}, {100, "full", "100M"}, {1000, "full", "1G"}, {2500, "full", "2.5G"}, {40000, "", "40G"}} {
		if got := speedWord(manage.Port{Speed: c.speed, Duplex: c.duplex}); got != c.want {
			t.Errorf("speedWord(%d, %s) = %q, want %q", c.speed, c.duplex, got, c.want)
		}
	}
}

func TestPortsEndWithTheirContext(t *testing.T) {
	e := &engine{cfg: engineConfig{board: "host", state: t.TempDir()}, log: slog.New(slog.DiscardHandler), errs: make(chan error, 8)}
	w := e.openPorts()
	w.box = manage.New(manage.Config{}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	e.runPorts(ctx, w)
	cancel()
	e.wg.Wait()
	select {
	case err := <-e.errs:
		t.Error(err)
	default:
	}
}
