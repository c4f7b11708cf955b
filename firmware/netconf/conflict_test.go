// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var otherMAC = net.HardwareAddr{2, 0, 0, 0, 0, 5}

func TestProbeIsAsRFC5227Says(t *testing.T) {
	const want = "ffffffffffff" + "020000000001" + "0806" + "0001" + "0800" + "06" + "04" + "0001" +
		"020000000001" + "00000000" + "000000000000" + "c000020a" + "000000000000000000000000000000000000"
	got := appendProbe(nil, net.HardwareAddr{2, 0, 0, 0, 0, 1}, netip.MustParseAddr("192.0.2.10"))
	if hex.EncodeToString(got) != want {
		t.Errorf("the probe is\n%x, want\n%s", got, want)
	}
	if _, _, ok := parseClaim(got); ok {
		t.Error("a probe counts as a claim")
	}
}

// claim is a frame in which a machine says that an address is its own.
func claim(op byte, mac net.HardwareAddr, address string) []byte {
	b := appendProbe(nil, mac, netip.MustParseAddr("192.0.2.99"))
	b[21] = op
	copy(b[28:], netip.MustParseAddr(address).AsSlice())
	return b
}

func TestClaims(t *testing.T) {
	good := claim(arpReply, otherMAC, "192.0.2.10")
	broken := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	for _, c := range []struct {
		name  string
		frame []byte
		want  bool
	}{
		{"an answer", good, true},
		{"a question of the holder", claim(arpRequest, otherMAC, "192.0.2.10"), true},
		{"an answer without padding", good[:42], true},
		{"short by a byte", good[:41], false},
		{"another protocol", broken(13, 0), false},
		{"another kind of network", broken(15, 6), false},
		{"reverse ARP", broken(21, 3), false},
		{"from a group", broken(22, 1), false},
		{"from nobody", claim(arpReply, make(net.HardwareAddr, 6), "192.0.2.10"), false},
		{"of no address", claim(arpReply, otherMAC, "0.0.0.0"), false},
		{"empty", nil, false},
	} {
		a, mac, ok := parseClaim(c.frame)
		if ok != c.want || ok && (a != netip.MustParseAddr("192.0.2.10") || mac.String() != otherMAC.String()) {
			t.Errorf("%s: parseClaim = %v, %v, %v, want %v", c.name, a, mac, ok, c.want)
		}
	}
}

func FuzzClaim(f *testing.F) {
	f.Add(claim(arpReply, otherMAC, "192.0.2.10"))
	f.Add(appendProbe(nil, otherMAC, netip.MustParseAddr("192.0.2.10")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, mac, ok := parseClaim(b)
		if ok && (!a.Is4() || a.IsUnspecified() || len(mac) != 6 || mac[0]&1 == 1) {
			t.Errorf("parseClaim(%x) = %v, %v", b, a, mac)
		}
	})
}

// Neighbours are the other machines on a cable, with their addresses.
type neighbours struct {
	mu    sync.Mutex // guards what follows
	holds map[netip.Addr]net.HardwareAddr
	err   error
	asked []string
}

func (n *neighbours) Probe(_ context.Context, iface string, list []netip.Addr) (map[netip.Addr]net.HardwareAddr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found := map[netip.Addr]net.HardwareAddr{}
	for _, a := range list {
		n.asked = append(n.asked, iface+" "+a.String())
		if mac := n.holds[a]; mac != nil {
			found[a] = mac
		}
	}
	return found, n.err
}

// take lets another machine have an address, or not.
func (n *neighbours) take(address string, has bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.holds = map[netip.Addr]net.HardwareAddr{}
	if has {
		n.holds[netip.MustParseAddr(address)] = otherMAC
	}
}

// inTown runs a Conf with other machines on its cable, in virtual time.
func inTown(t *testing.T, d Desired, test func(t *testing.T, c *Conf, sim *shaky, n *neighbours, s *server)) {
	synctest.Test(t, func(t *testing.T) {
		n, s, sim := &neighbours{}, newServer(time.Hour), &shaky{Sim: NewSim([]string{"lan0"}, nil)}
		n.take("192.0.2.100", true)
		c := New(sim, s, Config{Probe: n}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		must(t, c.Set(d))
		synctest.Wait()
		test(t, c, sim, n, s)
		cancel()
		must(t, <-done)
	})
}

func at(address, gateway string) Desired {
	return Desired{Port: "mgmt", Interface: "lan0", Method: Static, Addresses: prefixes(address), Gateways: addrs(gateway)}
}

func TestAddressOfAnotherMachineIsNotTaken(t *testing.T) {
	inTown(t, at("192.0.2.9/24", "192.0.2.1"), func(t *testing.T, c *Conf, sim *shaky, n *neighbours, _ *server) {
		check(t, c, "192.0.2.9/24")
		must(t, c.Set(at("192.0.2.100/24", "192.0.2.2")))
		pass(0)
		st := check(t, c, "192.0.2.9/24") // who has come by it is not cut off
		problem(t, c, "192.0.2.100 is used by 02:00:00:00:00:05: port mgmt does not get it")
		if !slices.Equal(st.Gateways, addrs("192.0.2.1")) {
			t.Errorf("gateways are %v", st.Gateways)
		}
		must(t, c.Set(at("192.0.2.9/24", "192.0.2.1"))) // the commit is taken back
		pass(0)
		check(t, c, "192.0.2.9/24")
		problem(t, c, "")

		must(t, c.Set(at("192.0.2.100/24", "192.0.2.2")))
		pass(time.Minute)
		check(t, c, "192.0.2.9/24")
		n.take("", false)
		pass(time.Minute)
		st = check(t, c, "192.0.2.100/24")
		problem(t, c, "")
		if !slices.Equal(st.Gateways, addrs("192.0.2.2")) {
			t.Errorf("gateways are %v", st.Gateways)
		}
	})
}

func TestAddressThatIsSetStaysWithAnAlarm(t *testing.T) {
	inTown(t, at("192.0.2.9/24", "192.0.2.1"), func(t *testing.T, c *Conf, sim *shaky, n *neighbours, _ *server) {
		n.take("192.0.2.9", true)
		pass(time.Minute) // asked once more after it was set
		check(t, c, "192.0.2.9/24")
		problem(t, c, "192.0.2.9 is used by 02:00:00:00:00:05 too")
		n.take("", false)
		pass(time.Minute)
		problem(t, c, "")

		n.take("192.0.2.9", true)
		pass(time.Hour) // nobody asks for what is set
		problem(t, c, "")
		sim.Plug("lan0", false)
		c.LinkChanged()
		pass(time.Minute)
		sim.Plug("lan0", true)
		c.LinkChanged()
		pass(0) // the cable may go elsewhere now
		check(t, c, "192.0.2.9/24")
		problem(t, c, "192.0.2.9 is used by 02:00:00:00:00:05 too")
	})
}

func TestEachAddressIsAskedForBeforeItIsSet(t *testing.T) {
	d := at("192.0.2.9/24", "192.0.2.1")
	d.Addresses = prefixes("192.0.2.9/24", "2001:db8::10/64", "192.0.2.100/24")
	inTown(t, d, func(t *testing.T, c *Conf, sim *shaky, n *neighbours, _ *server) {
		if want := []string{"lan0 192.0.2.9", "lan0 192.0.2.100"}; !slices.Equal(n.asked, want) {
			t.Errorf("asked is %q, want %q", n.asked, want)
		}
		if st := check(t, c, "192.0.2.9/24", "2001:db8::10/64"); !slices.Equal(st.Gateways, addrs("192.0.2.1")) {
			t.Errorf("gateways are %v: the other address reaches it", st.Gateways)
		}
		n.mu.Lock()
		n.err, n.holds = errors.New("broken"), nil
		n.mu.Unlock()
		pass(time.Minute) // who cannot be asked keeps nobody from his address
		check(t, c, "192.0.2.9/24", "192.0.2.100/24", "2001:db8::10/64")
	})
}

func TestLinkThatComesUpIsAsked(t *testing.T) {
	s := &shaky{Sim: NewSim([]string{"lan0"}, nil)}
	s.state.Interfaces["lan0"] = Link{Index: 1}
	synctest.Test(t, func(t *testing.T) {
		n := &neighbours{}
		n.take("192.0.2.9", true)
		c := New(s, s, Config{Probe: n}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		must(t, c.Set(at("192.0.2.9/24", "192.0.2.1"))) // switches the link on
		pass(2 * time.Second)
		check(t, c)
		s.Plug("lan0", true)
		c.LinkChanged()
		pass(0)
		check(t, c)
		problem(t, c, "192.0.2.9 is used by")
		s.Plug("lan0", false)
		c.LinkChanged()
		must(t, c.Set(at("192.0.2.10/24", "192.0.2.1"))) // without a cable nobody can be asked
		pass(time.Minute)
		check(t, c, "192.0.2.10/24")
		cancel()
		must(t, <-done)
	})
}

func TestLeaseOfATakenAddressIsDeclined(t *testing.T) {
	inTown(t, Desired{Port: "mgmt", Interface: "lan0", Method: DHCP}, func(t *testing.T, c *Conf, _ *shaky, n *neighbours, s *server) {
		heard(t, s, "obtain 0s", "decline 192.0.2.100 0s")
		check(t, c)
		problem(t, c, "no address for port mgmt: 192.0.2.100, which the DHCP server lends, is used by 02:00:00:00:00:05")
		s.be(func(s *server) { s.address = "192.0.2.101/24" })
		pass(9 * time.Second)
		heard(t, s)
		pass(time.Second)
		heard(t, s, "obtain 10s")
		check(t, c, "192.0.2.101/24")
		problem(t, c, "")
		n.mu.Lock()
		defer n.mu.Unlock()
		if want := []string{"lan0 192.0.2.100", "lan0 192.0.2.101"}; !slices.Equal(n.asked, want) {
			t.Errorf("asked is %q, want %q", n.asked, want)
		}
	})
}

// hold gives the far end of the cable an address too, or takes it away.
func (d *dhcpd) hold(what, address string) {
	d.far(func() { ip(d.t, "address", what, address+"/32", "dev", "far0") })
}

func TestRealConflictOfAStaticAddress(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	d := serve(t, time.Hour)
	d.hold("add", "192.0.2.10")
	dir := t.TempDir()
	c := New(Linux{Resolver: filepath.Join(dir, "resolv.conf"), Zone: filepath.Join(dir, "localtime")}, Network{},
		Config{Check: 200 * time.Millisecond, Probe: Network{}}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	defer func() { cancel(); must(t, <-done) }()
	must(t, c.Set(at("192.0.2.9/24", "192.0.2.1")))
	eventually(t, "a free address is set", func() bool { return has(c, "192.0.2.9/24") })
	must(t, c.Set(at("192.0.2.10/24", "192.0.2.1")))
	eventually(t, "the other machine is named", func() bool { return says(c, "192.0.2.10 is used by ") })
	if has(c, "192.0.2.10/24") || !has(c, "192.0.2.9/24") {
		t.Errorf("addresses are %v", c.Status().Addresses)
	}
	d.hold("del", "192.0.2.10")
	eventually(t, "the address is set once it is free", func() bool { return has(c, "192.0.2.10/24") && !has(c, "192.0.2.9/24") })
	if p := c.Status().Problems; len(p) > 0 {
		t.Errorf("problems are %q", p)
	}
	d.hold("add", "192.0.2.10")
	c.LinkChanged()
	eventually(t, "the alarm is there", func() bool { return says(c, "192.0.2.10 is used by ") && has(c, "192.0.2.10/24") })
	// A second port of the own machine in the same network answers too.
	ip(t, "link", "add", "lan9", "type", "veth", "peer", "name", "far9")
	far, err := net.InterfaceByName("far9")
	must(t, err)
	moveTo(t, far.Index, d.ns)
	d.far(func() {
		ip(t, "link", "add", "br0", "type", "bridge")
		for _, port := range []string{"far0", "far9"} {
			ip(t, "link", "set", port, "master", "br0", "up")
		}
		ip(t, "link", "set", "br0", "up")
	})
	ip(t, "link", "set", "lan9", "up")
	ip(t, "address", "add", "192.0.2.77/24", "dev", "lan9")
	must(t, c.Set(at("192.0.2.77/24", "192.0.2.1")))
	eventually(t, "an address of the own machine is no conflict", func() bool { return has(c, "192.0.2.77/24") })
}

func TestRealConflictOfALease(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	d := serve(t, time.Hour)
	d.hold("add", "192.0.2.100")
	dir := t.TempDir()
	c := New(Linux{Resolver: filepath.Join(dir, "resolv.conf"), Zone: filepath.Join(dir, "localtime")}, Network{Timeout: 300 * time.Millisecond},
		Config{Check: 200 * time.Millisecond, Probe: Network{}}, slog.New(slog.DiscardHandler))
	must(t, c.Set(Desired{Port: "mgmt", Interface: "lan0", Method: DHCP}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	defer func() { cancel(); must(t, <-done) }()
	eventually(t, "the server is told", func() bool { return strings.Contains(d.asked(), "decline:192.0.2.100") })
	if got := d.asked(); got != "discover select decline:192.0.2.100" {
		t.Errorf("the server was asked %q", got)
	}
	d.be(func() { d.lends = "192.0.2.101" })
	eventually(t, "the next address is set", func() bool { return has(c, "192.0.2.101/24") && !has(c, "192.0.2.100/24") })
}
