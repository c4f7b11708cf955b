// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// inVLAN is a static configuration of VLAN 100 on lan0.
func inVLAN() Desired {
	d := wantedStatic()
	d.VLAN = 100
	return d
}

// of lists the addresses of an interface that are not the kernel's own.
func of(t *testing.T, sys System, iface string) (out []string) {
	t.Helper()
	s, err := sys.Read()
	must(t, err)
	l, there := s.Interfaces[iface]
	for _, a := range s.Addresses {
		if there && a.Index == l.Index && !a.Prefix.Addr().IsLinkLocalUnicast() {
			out = append(out, a.Prefix.String())
		}
	}
	slices.Sort(out)
	return out
}

// TestVLANAndBack runs on the kernel too. One without VLANs must say so, and what
// was there must stay; that the kernel's own VLANs work is then not tested here.
func TestVLANAndBack(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.conf(t)
		must(t, c.Set(wantedStatic()))
		err := c.Set(inVLAN())
		if err != nil {
			if !strings.Contains(err.Error(), "this kernel has no VLANs") {
				t.Fatal(err)
			}
			t.Logf("without a VLAN of the kernel: %v", err)
			if got := of(t, b.sys, "lan0"); len(got) != 2 {
				t.Errorf("lan0 has %q: its addresses must stay", got)
			}
			return
		}
		for range 2 {
			if got := of(t, b.sys, "lan0.100"); !slices.Equal(got, []string{"192.0.2.10/24", "2001:db8::10/64"}) {
				t.Errorf("the VLAN has %q", got)
			}
			if got := of(t, b.sys, "lan0"); len(got) > 0 {
				t.Errorf("the port has still %q", got)
			}
			if s := c.Status(); s.Interface != "lan0.100" || len(s.Gateways) != 2 || len(s.Problems) > 0 {
				t.Errorf("status is %+v", s)
			}
			c = b.conf(t) // the engine starts anew
			must(t, c.Set(inVLAN()))
		}
		other := inVLAN()
		other.VLAN = 200
		must(t, c.Set(other))
		if got := of(t, b.sys, "lan0.200"); len(got) != 2 {
			t.Errorf("the other VLAN has %q", got)
		}
		must(t, c.Set(wantedStatic())) // as a commit that is taken back
		check(t, c, "192.0.2.10/24", "2001:db8::10/64")
		s, err := b.sys.Read()
		must(t, err)
		for name, l := range s.Interfaces {
			if l.VLAN > 0 {
				t.Errorf("%s is left", name)
			}
		}
		if len(c.record.VLANs) > 0 {
			t.Errorf("the record has still %v", c.record.VLANs)
		}
	})
}

// vlans is a simulated machine with lan0 and its VLAN 100.
func vlans(t *testing.T, path string) (*shaky, *Conf) {
	t.Helper()
	s := &shaky{Sim: NewSim([]string{"lan0", "lan1"}, nil)}
	c := New(s, s, Config{Record: path}, slog.New(slog.DiscardHandler))
	must(t, c.Set(inVLAN()))
	return s, c
}

// rename calls an interface differently, as udev does.
func (s *shaky) rename(was, is string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Interfaces[is] = s.state.Interfaces[was]
	delete(s.state.Interfaces, was)
}

func TestVLANOfAPortThatIsRenamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "network.json")
	s, c := vlans(t, path)
	s.rename("lan0", "mgmt0")
	var steps []string
	s.fail = func(x Step) error { steps = append(steps, x.String()); return nil }
	d := inVLAN()
	d.Interface = "mgmt0"
	must(t, c.Set(d))
	must(t, New(s, s, Config{Record: path}, slog.New(slog.DiscardHandler)).Set(d)) // and after a restart
	if len(steps) > 0 {
		t.Errorf("it does %q, where nothing is to be done", steps)
	}
	check(t, c, "192.0.2.10/24", "2001:db8::10/64")
	s.rename("lan0.100", "vlan-mgmt")
	must(t, c.Set(d))
	if len(steps) > 0 || c.Status().Interface != "vlan-mgmt" {
		t.Errorf("with another name of the VLAN it does %q, status %+v", steps, c.Status())
	}
	// Another port is called lan0 now, and has the VLAN's usual name taken.
	s.rename("vlan-mgmt", "lan0.100")
	s.rename("lan1", "lan0")
	must(t, c.Set(inVLAN()))
	if got := c.Status().Interface; got != "vlan100" {
		t.Errorf("the VLAN of the other port is %q", got)
	}
	check(t, c, "192.0.2.10/24", "2001:db8::10/64")
	must(t, c.Set(Desired{Method: None}))
	if st, err := s.Read(); err != nil || len(st.Interfaces) != 2 || len(st.Addresses) > 0 {
		t.Errorf("left are %+v, %v", st, err)
	}
}

func TestVLANOfSomebodyElseStays(t *testing.T) {
	s := &shaky{Sim: NewSim([]string{"lan0"}, nil)}
	must(t, s.Do(Step{Kind: AddVLAN, Interface: "lan0", Index: 1, Name: "theirs", VLAN: 100}))
	c := New(s, s, Config{}, slog.New(slog.DiscardHandler))
	must(t, c.Set(inVLAN()))
	if got := of(t, s, "theirs"); len(got) != 2 {
		t.Errorf("it has %q, and status %+v", got, c.Status())
	}
	must(t, c.Set(Desired{Method: None}))
	if st, _ := s.Read(); st.Interfaces["theirs"].VLAN != 100 || len(st.Addresses) > 0 {
		t.Errorf("left is %+v", st)
	}
}

func TestWithoutVLANsNobodyIsCutOff(t *testing.T) {
	s := &shaky{Sim: NewSim([]string{"lan0"}, nil)}
	c := New(s, s, Config{}, slog.New(slog.DiscardHandler))
	must(t, c.Set(wantedStatic()))
	s.fail = func(x Step) error {
		if x.Kind == AddVLAN {
			return errors.New("this kernel has no VLANs")
		}
		return nil
	}
	if err := c.Set(inVLAN()); err == nil {
		t.Error("it is no error")
	}
	st := c.Status()
	if got := strings.Join(st.Problems, "; "); !strings.Contains(got, "port mgmt has no VLAN 100 yet") || !strings.Contains(got, "link add link lan0 name lan0.100 type vlan id 100: this kernel has no VLANs") {
		t.Errorf("problems are %q", got)
	}
	if got := of(t, s, "lan0"); len(got) != 2 || len(st.Gateways) != 2 {
		t.Errorf("lan0 has %q and gateways %v: they must stay", got, st.Gateways)
	}
	must(t, c.Set(wantedStatic()))
	check(t, c, "192.0.2.10/24", "2001:db8::10/64")
}

func TestVLANCrashAfterEachStep(t *testing.T) {
	crash := errors.New("crash")
	for n := 1; ; n++ {
		path := filepath.Join(t.TempDir(), "network.json")
		s, _ := vlans(t, path)
		left := n
		s.fail = func(Step) error {
			if left--; left <= 0 {
				return crash
			}
			return nil
		}
		_ = New(s, s, Config{Record: path}, slog.New(slog.DiscardHandler)).Set(wantedStatic())
		s.fail = nil
		must(t, New(s, s, Config{Record: path}, slog.New(slog.DiscardHandler)).Set(Desired{Method: None}))
		if st, _ := s.Read(); len(st.Interfaces) != 2 || len(st.Addresses) > 0 || len(st.Routes) > 0 {
			t.Errorf("after a crash at step %d there is left %+v", n, st)
		}
		if left > 0 {
			return
		}
	}
}

func TestLeaseInAVLAN(t *testing.T) {
	lab(t, time.Hour, func(t *testing.T, c *Conf, sim *Sim, s *server) {
		heard(t, s, "obtain 0s")
		must(t, c.Set(Desired{Port: "mgmt", Interface: "lan0", Method: DHCP, VLAN: 7}))
		pass(0)
		heard(t, s, "obtain 0s")
		if got := of(t, sim, "lan0.7"); !slices.Equal(got, []string{"192.0.2.100/24"}) {
			t.Errorf("the VLAN has %q", got)
		}
		if got := of(t, sim, "lan0"); len(got) > 0 {
			t.Errorf("the port has still %q", got)
		}
		sim.Plug("lan0", false)
		c.LinkChanged()
		pass(time.Second)
		problem(t, c, "port mgmt has no link")
		must(t, c.Set(Desired{Port: "mgmt", Interface: "lan0", Method: Static, Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.9/24")}}))
		pass(time.Second)
		check(t, c, "192.0.2.9/24")
	})
}

func TestVLANNames(t *testing.T) {
	s := State{Interfaces: map[string]Link{"vlan7": {}}}
	for _, c := range []struct{ port, want string }{{"eth0", "eth0.7"}, {"enp130s0f1np13", "v3.7"}, {"enp13s0f1np1", "enp13s0f1np1.7"}} {
		if got := s.vlanName(c.port, tagged{3, 7}); got != c.want || len(got) > nameSize {
			t.Errorf("vlanName(%q) = %q, want %q", c.port, got, c.want)
		}
	}
}
