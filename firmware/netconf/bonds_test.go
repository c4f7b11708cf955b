// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

func lacp(members ...string) *BondSpec {
	b := &BondSpec{Mode: LACP, Hash: HashFlow, Fast: true, Monitor: 100 * time.Millisecond}
	for _, m := range members {
		b.Members = append(b.Members, Member{Port: strings.TrimPrefix(m, "lan"), Interface: m})
	}
	return b
}

func activeBackup(members ...string) *BondSpec {
	b := lacp(members...)
	b.Mode, b.Fast, b.Hash = ActiveBackup, false, ""
	return b
}

// bonded wants a bond of lan2 and lan3 with a VLAN on it, and VLANs on lan1.
func bonded(b *BondSpec) Desired {
	return ports(Desired{
		Links: []LinkSpec{
			{Name: "1", Interface: "lan1", MTU: 1496},
			{Name: "1.100", Over: "1", VLAN: 100, Addresses: nets("198.51.100.2/24", "2001:db8:64::2/64")},
			{Name: "1.200", Over: "1", VLAN: 200, MTU: 1400, Addresses: nets("203.0.113.2/24")},
			{Name: "bond0", Interface: "bond0", Bond: b, Addresses: nets("10.1.0.1/24")},
			{Name: "bond0.7", Over: "bond0", VLAN: 7, Addresses: nets("10.7.0.1/24")},
		},
		Routes: []RouteSpec{{Name: "branch", To: nets("10.20.0.0/16")[0], Via: addrs("10.7.0.2")[0], Metric: 100}},
		NAT:    []NATSpec{{Name: "out", From: nets("10.7.0.0/24"), Out: "1.100"}},
		Rules:  []RuleSpec{{Name: "in", In: "bond0.7", Table: 100, Priority: 5}},
	})
}

func bondedPicture(bond string) string {
	return `bond0 up=true mtu=1500 ` + bond + ` 10.1.0.1/24
bond0.7 up=true mtu=1500 vlan 7 on bond0 10.7.0.1/24
lan0 up=true mtu=1500
lan1 up=true mtu=1496
lan1.100 up=true mtu=1496 vlan 100 on lan1 198.51.100.2/24 2001:db8:64::2/64
lan1.200 up=true mtu=1400 vlan 200 on lan1 203.0.113.2/24
lan2 up=true mtu=1500 in bond0
lan3 up=true mtu=1500 in bond0
route 10.20.0.0/16 via 10.7.0.2 dev bond0.7 metric 100
rule family inet6 priority 5 iif bond0.7 table 100
rule priority 5 iif bond0.7 table 100
nat from 10.7.0.0/24 out lan1.100 masquerade
forward false false
`
}

const (
	lacpWords   = "mode 802.3ad miimon 100 xmit_hash_policy layer3+4 lacp_rate fast"
	backupWords = "mode active-backup miimon 100"
)

func TestBondsAndVLANsThereAndBack(t *testing.T) {
	onRigs(t, modules, func(t *testing.T, r *rig) {
		r.want(t, bare)
		c := r.conf()
		r.set(t, c, bonded(lacp("lan2", "lan3")))
		r.want(t, bondedPicture(lacpWords))
		c = r.conf() // the engine starts anew
		r.set(t, c, bonded(lacp("lan2", "lan3")))
		r.want(t, bondedPicture(lacpWords))

		r.set(t, c, bonded(activeBackup("lan2", "lan3"))) // which makes it anew
		r.want(t, bondedPicture(backupWords))
		slower := bonded(activeBackup("lan2", "lan3"))
		slower.Links[3].Bond.Monitor = 200 * time.Millisecond // which does not
		n := len(*r.steps)
		r.set(t, c, slower)
		if got := strings.Join((*r.steps)[n:], "\n"); got != "link set dev bond0 type bond mode active-backup miimon 200" {
			t.Errorf("for another monitor it does\n%s", got)
		}

		one := bonded(lacp("lan3"))
		one.Links, one.NAT, one.Rules = one.Links[3:], nil, nil
		r.set(t, c, one)
		r.want(t, `bond0 up=true mtu=1500 `+lacpWords+` 10.1.0.1/24
bond0.7 up=true mtu=1500 vlan 7 on bond0 10.7.0.1/24
lan0 up=true mtu=1500
lan1 up=true mtu=1500
lan2 up=true mtu=1500
lan3 up=true mtu=1500 in bond0
route 10.20.0.0/16 via 10.7.0.2 dev bond0.7 metric 100
forward false false
`)
		long := one
		long.Links = []LinkSpec{one.Links[0], one.Links[1]}
		long.Links[0].MTU, long.Links[1].MTU = 9000, 8000
		r.set(t, c, long)
		if got := r.picture(t); !strings.Contains(got, "bond0 up=true mtu=9000") || !strings.Contains(got, "bond0.7 up=true mtu=8000") {
			t.Errorf("with long packets there is\n%s", got)
		}
		r.set(t, c, ports(Desired{}))
		if got := strings.ReplaceAll(r.picture(t), "mtu=9000", "mtu=1500"); got != bare { // the simulation's port keeps its own
			t.Errorf("left is\n%s", got)
		}
		if !c.record.empty() {
			t.Errorf("the record has still %+v", c.record)
		}
	})
}

func TestPowerCutAtAnyStepOfABond(t *testing.T) {
	onRigs(t, modules, func(t *testing.T, r *rig) {
		cutEverywhere(t, r, ports(Desired{}), bonded(lacp("lan2", "lan3")), bare, bondedPicture(lacpWords))
	})
}

func TestPowerCutAtAnyStepOfAnotherMode(t *testing.T) {
	onRigs(t, modules, func(t *testing.T, r *rig) {
		cutEverywhere(t, r, bonded(activeBackup("lan2", "lan3")), bonded(lacp("lan2", "lan3")), bondedPicture(backupWords), bondedPicture(lacpWords))
	})
}

// administered wants the management port lan0, or a bond that has it.
func administered(by, face string, vlan int) Desired {
	return ports(Desired{Port: by, Interface: face, VLAN: vlan, Method: Static, Addresses: nets("192.0.2.10/24"), Gateways: addrs("192.0.2.1")})
}

func TestManagementMovesIntoABondAndBack(t *testing.T) {
	const onPort = `lan0 up=true mtu=1500 192.0.2.10/24
lan1 up=true mtu=1500
lan2 up=true mtu=1500
lan3 up=true mtu=1500
route default via 192.0.2.1 dev lan0 metric 20
forward false false
`
	const onBond = `bond0 up=true mtu=1500 ` + backupWords + `
bond0.5 up=true mtu=1500 vlan 5 on bond0 192.0.2.10/24
lan0 up=true mtu=1500 in bond0
lan1 up=true mtu=1500 in bond0
lan2 up=true mtu=1500
lan3 up=true mtu=1500
route default via 192.0.2.1 dev bond0.5 metric 20
forward false false
`
	onRigs(t, modules, func(t *testing.T, r *rig) {
		to := administered("bond0", "bond0", 5)
		to.Links = []LinkSpec{{Name: "bond0", Interface: "bond0", Bond: activeBackup("lan0", "lan1")}}
		cutEverywhere(t, r, administered("0", "lan0", 0), to, onPort, onBond)
		r.set(t, r.conf(), ports(Desired{}))
		r.want(t, bare)
	})
}

func TestManagementPortIsNeverPutIntoABond(t *testing.T) {
	onRigs(t, modules, func(t *testing.T, r *rig) {
		d := administered("0", "lan0", 0)
		d.Links = []LinkSpec{{Name: "bond0", Interface: "bond0", Bond: activeBackup("lan0", "lan1")}, {Name: "0", Interface: "lan0", Off: true}}
		c := r.conf()
		s := r.set(t, c, d)
		if got := r.picture(t); !strings.Contains(got, "lan0 up=true mtu=1500 192.0.2.10/24\n") || !strings.Contains(got, "lan1 up=true mtu=1500 in bond0") {
			t.Errorf("there is\n%s", got)
		}
		if got := strings.Join(s.Problems, "\n"); !strings.Contains(got, `port 0 is the management port, and stays out of bond0: write management { port = "bond0" }`) {
			t.Errorf("problems are\n%s", got)
		}
		r.set(t, c, ports(Desired{}))
		r.want(t, bare)
	})
}

// TestNobodysBondIsTakenAndAnothersIsNot has the bond that the kernel's module makes
// by itself, and then one that somebody uses.
func TestNobodysBondIsTakenAndAnothersIsNot(t *testing.T) {
	onRigs(t, modules, func(t *testing.T, r *rig) {
		theirs := BondState{Mode: ActiveBackup, Monitor: 100 * time.Millisecond}
		must(t, r.sys.Do(Step{Kind: AddBond, Interface: "bond0", Bond: theirs}))
		c := r.conf()
		r.set(t, c, bonded(lacp("lan2", "lan3")))
		r.want(t, bondedPicture(lacpWords))
		r.set(t, c, ports(Desired{}))
		r.want(t, bare)

		must(t, r.sys.Do(Step{Kind: AddBond, Interface: "bond0", Bond: theirs}))
		s, err := r.sys.Read()
		must(t, err)
		must(t, r.sys.Do(Step{Kind: LinkUp, Interface: "bond0", Index: s.Interfaces["bond0"].Index}))
		d := ports(Desired{Links: []LinkSpec{{Name: "bond0", Interface: "bond0", Bond: lacp("lan2")}}})
		c = r.conf()
		must(t, c.Set(d))
		if got := strings.Join(c.Status().Problems, "\n"); !strings.Contains(got, "somebody else has made the bond bond0 with another mode") {
			t.Errorf("problems are\n%s", got)
		}
		must(t, c.Set(ports(Desired{})))
		if got := r.picture(t); !strings.Contains(got, "bond0 up=true mtu=1500 "+backupWords) {
			t.Errorf("somebody's bond is gone:\n%s", got)
		}
		must(t, r.sys.Do(Step{Kind: RemoveBond, Interface: "bond0", Index: s.Interfaces["bond0"].Index}))
	})
}

func TestBondsTellHowTheirPortsDo(t *testing.T) {
	onRigs(t, modules, func(t *testing.T, r *rig) {
		far := func() {}
		if r.kernel {
			far = farEnd(t, r)
		}
		c := r.conf()
		r.set(t, c, bonded(lacp("lan2", "lan3")))
		bond := func() LinkStatus { return c.Status().Links[3] }
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("the bond is %+v", bond())
			}
		})
		active := func() (n int) {
			for _, m := range bond().Members {
				if m.Active && m.Joined && m.Carrier {
					n++
				}
			}
			return n
		}
		eventually(t, "both ports carry packets, as the other end has agreed", func() bool { return active() == 2 && bond().Partner != "" && len(bond().Problems) == 0 })
		far()
		r.plug("lan2", false)
		eventually(t, "one port carries packets", func() bool { return active() == 1 && bond().Carrier })
		far()
		r.plug("lan3", false)
		eventually(t, "the bond has no link", func() bool { return active() == 0 && !bond().Carrier })
		r.plug("lan2", true)
		r.plug("lan3", true)
		eventually(t, "both are back", func() bool { return active() == 2 })
		r.set(t, c, bonded(activeBackup("lan2", "lan3")))
		eventually(t, "one port carries packets, and the other waits", func() bool { return active() == 1 && bond().Partner == "" })
		r.set(t, c, ports(Desired{}))
	})
}

// farEnd makes a bond with LACP of the far ends of lan2 and lan3, as a switch has it,
// and VLAN 7 on it with a machine in a namespace of its own. What it returns checks
// that this machine is reached through VLAN and bond.
func farEnd(t *testing.T, r *rig) (reach func()) {
	t.Helper()
	var listener net.Listener
	ready := make(chan error)
	spaces := make(chan netns.NsHandle)
	moved := make(chan bool)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		ns, err := netns.New()
		spaces <- ns
		<-moved
		if err == nil {
			listener, err = farBond()
		}
		ready <- err
	}()
	ns := <-spaces
	for _, name := range []string{"far2", "far3"} {
		l, err := netlink.LinkByName(name)
		must(t, err)
		must(t, netlink.LinkSetNsFd(l, int(ns)))
	}
	moved <- true
	must(t, <-ready)
	there, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	must(t, err)
	r.plug = func(port string, in bool) {
		l, err := there.LinkByName("far" + port[3:])
		must(t, err)
		if in {
			must(t, there.LinkSetUp(l))
			return
		}
		must(t, there.LinkSetDown(l))
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "here")
			conn.Close()
		}
	}()
	return func() {
		t.Helper()
		eventually(t, "the machine in VLAN 7 answers", func() bool {
			conn, err := net.DialTimeout("tcp", "10.7.0.2:7", 2*time.Second)
			if err != nil {
				return false
			}
			defer conn.Close()
			text, _ := io.ReadAll(conn)
			return string(text) == "here"
		})
	}
}

// farBond runs in the far namespace.
func farBond() (net.Listener, error) {
	sys := Linux{}
	take := func(steps ...Step) error {
		for _, s := range steps {
			st, err := sys.Read()
			if err != nil {
				return err
			}
			s.Index = st.Interfaces[s.Interface].Index
			s.Master = st.Interfaces["trunk"].Index
			if err := sys.Do(s); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		return nil
	}
	bond := BondState{Mode: LACP, Hash: HashFlow, Fast: true, Monitor: 100 * time.Millisecond}
	err := take(Step{Kind: AddBond, Interface: "trunk", Bond: bond},
		Step{Kind: LinkDown, Interface: "far2"}, Step{Kind: AddMember, Interface: "far2", Name: "trunk"},
		Step{Kind: LinkDown, Interface: "far3"}, Step{Kind: AddMember, Interface: "far3", Name: "trunk"},
		Step{Kind: LinkUp, Interface: "trunk"},
		Step{Kind: AddVLAN, Interface: "trunk", Name: "trunk.7", VLAN: 7},
		Step{Kind: LinkUp, Interface: "trunk.7"},
		Step{Kind: AddAddress, Interface: "trunk.7", Address: nets("10.7.0.2/24")[0]})
	if err != nil {
		return nil, err
	}
	return net.Listen("tcp", "10.7.0.2:7")
}

func TestWithoutBondsNobodyIsCutOff(t *testing.T) {
	s := &shaky{Sim: NewSim([]string{"lan0", "lan1"}, nil)}
	r := newRig(t, s, false, s.Plug)
	c := r.conf()
	must(t, c.Set(administered("0", "lan0", 0)))
	was := r.picture(t)
	s.fail = func(x Step) error {
		if x.Kind == AddBond {
			return fmt.Errorf("this kernel has no bonds")
		}
		return nil
	}
	to := administered("bond0", "bond0", 0)
	to.Links = []LinkSpec{{Name: "bond0", Interface: "bond0", Bond: activeBackup("lan0", "lan1")}}
	if err := c.Set(to); err == nil {
		t.Error("it is no error")
	}
	r.want(t, was)
	if got := strings.Join(c.Status().Problems, "\n"); !strings.Contains(got, "bond bond0 is not there yet") || !strings.Contains(got, "this kernel has no bonds") {
		t.Errorf("problems are\n%s", got)
	}
}
