// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/event"
	"evener/firmware/netconf"
)

// A rack is a row of ports that a test changes.
type rack struct {
	mu    sync.Mutex // guards what follows
	list  []Port
	lamp  time.Duration
	fails error
}

func (r *rack) List() ([]Port, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list), r.fails
}

func (r *rack) Identify(port string, d time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if port == "2" {
		return fmt.Errorf("port 2 cannot blink: %w", errors.ErrUnsupported)
	}
	r.lamp = d
	r.list[0].Identify = d > 0
	return nil
}

// be changes the ports.
func (r *rack) be(f func(list []Port)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r.list)
}

// networkDesk is a box with three ports on which a management network can be set.
func networkDesk(t *testing.T, text string) (*desk, *rack, *netconf.Sim) {
	d := newDesk(t, text)
	r := &rack{list: []Port{
		{Name: "mgmt", Interface: "lan0", State: "up", Up: true, Carrier: true, Management: true, Speed: 1000, Counters: PortCounters{RXBytes: 7}},
		{Name: "1", Interface: "lan1", State: "up", Up: true, Carrier: true}, {Name: "2", Interface: "lan2", State: "down"}}}
	sim := netconf.NewSim([]string{"lan0", "lan1", "lan2"}, nil)
	d.cfg.Ports = r
	d.cfg.Network = netconf.New(sim, sim, netconf.Config{}, slog.New(slog.DiscardHandler))
	j, err := event.Open(t.TempDir(), event.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	d.cfg.Events = j
	d.Box.mu.Lock()
	d.serveRunning()
	d.Box.mu.Unlock()
	return d, r, sim
}

const managed = deskText + `
management {
  method  = "static"
  address = ["192.0.2.10/24"]
  gateway = ["192.0.2.1"]
}
`

// commit commits text and returns what the network is then.
func commitNetwork(d *desk, text string, confirm int) NetworkInfo {
	d.t.Helper()
	ann := by("ann")
	must[Draft](d, ann, "config.set", args{"text": text})
	must[Committed](d, ann, "config.commit", args{"confirm_s": confirm, "force": confirm == 0})
	return must[NetworkInfo](d, ann, "network.show", args{})
}

func TestCommitChangesTheAddressAndRevertBringsItBack(t *testing.T) {
	d, _, _ := networkDesk(t, managed)
	ann := by("ann")
	n := must[NetworkInfo](d, ann, "network.show", args{})
	if !n.Managed || n.Port != "mgmt" || n.Interface != "lan0" || !slices.Equal(n.Addresses, []string{"192.0.2.10/24"}) || n.Gateway != "192.0.2.1" {
		t.Errorf("at the start the network is %+v", n)
	}
	n = commitNetwork(d, strings.ReplaceAll(managed, "192.0.2.10/", "192.0.2.20/"), 60)
	if !slices.Equal(n.Addresses, []string{"192.0.2.20/24"}) {
		t.Errorf("after the commit the network is %+v", n)
	}
	must[Committed](d, ann, "config.revert", args{})
	if n = must[NetworkInfo](d, ann, "network.show", args{}); !slices.Equal(n.Addresses, []string{"192.0.2.10/24"}) {
		t.Errorf("after the revert the network is %+v", n)
	}
	n = commitNetwork(d, deskText, 0)
	if n.Managed || n.Why == "" || n.Method != "none" || len(n.Addresses) > 0 {
		t.Errorf("without the block the network is %+v", n)
	}
}

func TestTroubleWithTheNetworkIsAProblemAndNoMore(t *testing.T) {
	d, r, _ := networkDesk(t, managed)
	find := func(kind string) *Problem {
		list := d.problems()
		if i := slices.IndexFunc(list, func(p Problem) bool { return p.Kind == kind }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	if p := find("network.problem"); p != nil {
		t.Fatalf("there is the problem %+v", p)
	}
	r.be(func(list []Port) {
		list[0].Interface, list[0].State, list[0].Problem = "", "missing", "its interface lan0 is gone"
	})
	d.PortChanged(PortEvent{Name: "mgmt", State: "missing", Was: "up", Management: true})
	if p := find("network.problem"); p == nil || !strings.Contains(p.Text, "port mgmt is not there") {
		t.Errorf("the problem is %+v", p)
	}
	if p := find("port.problem"); p == nil || p.Object != "port/mgmt" || !strings.Contains(p.Text, "port mgmt: its interface lan0 is gone") {
		t.Errorf("the problem of the port is %+v", p)
	}
	if err := d.unserved.get(); err != nil {
		t.Errorf("traffic is not served: %v", err)
	}
	r.be(func(list []Port) { list[0].Interface, list[0].State, list[0].Problem = "lan2", "up", "" })
	d.PortChanged(PortEvent{Name: "mgmt", Interface: "lan2", State: "up", Was: "missing", Management: true})
	n := must[NetworkInfo](d, by("ann"), "network.show", args{})
	if n.Interface != "lan2" || !slices.Equal(n.Addresses, []string{"192.0.2.10/24"}) || find("network.problem") != nil {
		t.Errorf("after the port came back under another name the network is %+v, %v", n, d.problems())
	}
	r.mu.Lock()
	r.fails = errors.New("netlink is broken")
	r.mu.Unlock()
	d.ports.forget()
	if p := find("ports.unknown"); p == nil || !strings.Contains(p.Text, "netlink is broken") {
		t.Errorf("the problem is %+v", p)
	}
}

func TestLinksThatChangeAreEvents(t *testing.T) {
	d, _, _ := networkDesk(t, managed)
	for _, e := range []PortEvent{
		{Name: "1", State: "no-carrier", Was: "up"}, {Name: "1", State: "down", Was: "no-carrier"}, {Name: "1", State: "up", Was: "down"}, {Name: "2", State: "missing", Was: "up"},
	} {
		d.PortChanged(e)
	}
	var got []string
	for _, e := range d.cfg.Events.Query(event.Filter{Kinds: []string{"port.*"}}, 10, 0) {
		got = append(got, e.Object+": "+e.Text)
	}
	want := []string{"port/2: port 2 has no link any more: its interface is gone", "port/1: port 1 has a link",
		"port/1: port 1 has no link any more: nothing answers at the other end"}
	if !slices.Equal(got, want) {
		t.Errorf("events are %q, want %q", got, want)
	}
}

func TestIdentifyAPort(t *testing.T) {
	d, r, _ := networkDesk(t, managed)
	ann := by("ann")
	list := must[PortList](d, ann, "port.identify", args{"port": "mgmt", "on": true, "seconds": 5})
	if !list.Ports[0].Identify || r.lamp != 5*time.Second {
		t.Errorf("ports are %+v, the lamp blinks for %v", list.Ports[0], r.lamp)
	}
	for i, p := range list.Ports {
		if p.Position != i {
			t.Errorf("port %s is at %d, want %d", p.Name, p.Position, i)
		}
	}
	list = must[PortList](d, ann, "port.identify", args{"port": "mgmt", "on": false})
	if list.Ports[0].Identify {
		t.Error("the lamp blinks still")
	}
	refused(d, ann, "port.identify", args{"port": "2", "on": true}, "port.unsupported")
	refused(d, ann, "port.identify", args{"port": "mgmt", "on": true, "seconds": 601}, "params.seconds")
	if e := refused(d, ann, "port.identify", args{"port": "7", "on": true}, "not_found"); !strings.Contains(e.Message, "there are mgmt, 1, 2") {
		t.Errorf("the error is %v", e)
	}
}

func TestCablesOfRealPortsAreForHands(t *testing.T) {
	d, _, _ := networkDesk(t, managed)
	refused(d, by("ann"), "port.plug", args{"port": "1", "in": false}, "port.real")
	refused(d, by("ann"), "port.plug", args{"port": "7", "in": false}, "not_found")
}

func TestPortsAreInTheMetrics(t *testing.T) {
	d, _, _ := networkDesk(t, managed)
	text := must[MetricsText](d, by("ann"), "sys.metrics", args{}).Text
	for _, want := range []string{`evener_port_up{port="mgmt"} 1`, `evener_port_up{port="2"} 0`, `evener_port_bytes_total{port="mgmt",direction="in"} 7`,
		`evener_port_speed_bits_per_second{port="mgmt"} 1e+09`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestReviewWarnsWhoComesByAnAddress(t *testing.T) {
	const moved = `method  = "static"
  address = ["198.51.100.1/24"]`
	for _, c := range []struct {
		name, block string
		want        []string // kinds and severities
		why         []string
	}{
		{"another address", `method = "static"` + "\n address = [\"192.0.2.20/24\"]\n gateway = [\"192.0.2.1\"]", []string{"lockout.management_address error"}, []string{"management_address"}},
		{"one more", `method = "static"` + "\n address = [\"192.0.2.10/24\", \"192.0.2.20/24\"]\n gateway = [\"192.0.2.1\"]", nil, nil},
		{"another VLAN", `vlan = 7` + "\nmethod = \"static\"\n address = [\"192.0.2.10/24\"]\n gateway = [\"192.0.2.1\"]", []string{"lockout.management_vlan warning"}, []string{"management_address"}},
		{"another network", moved, []string{"lockout.management_address error"}, []string{"management_address"}},
		{"by DHCP", `method = "dhcp"`, []string{"lockout.management_address error"}, []string{"management_address"}},
		{"none", `method = "none"`, []string{"lockout.management_address error"}, []string{"management_address"}},
		{"a port that is not there", `port = "9"` + "\n" + `method = "static"` + "\n address = [\"192.0.2.10/24\"]\n gateway = [\"192.0.2.1\"]",
			[]string{"lockout.management_port warning", "lockout.management_address error"}, []string{"management_address", "management_port"}},
		{"another gateway", `method = "static"` + "\n address = [\"192.0.2.10/24\"]", nil, []string{"management_address"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _, _ := networkDesk(t, managed)
			ann := by("ann")
			must[Draft](d, ann, "config.set", args{"text": deskText + "\nmanagement {\n" + c.block + "\n}\n"})
			r := must[Review](d, ann, "config.review", args{})
			var got []string
			for _, w := range r.Warnings {
				if strings.HasPrefix(w.Kind, "lockout.management") {
					got = append(got, w.Kind+" "+w.Severity)
				}
			}
			if !slices.Equal(got, c.want) || !slices.Equal(r.Confirm.Why, append([]string{}, c.why...)) || r.Confirm.Advised != (len(c.why) > 0) {
				t.Errorf("warnings are %q with %+v, want %q with %q", got, r.Confirm, c.want, c.why)
			}
		})
	}
}

func TestHostNameAndZoneAreSetWithoutManagement(t *testing.T) {
	d, _, sim := networkDesk(t, deskText+"\nsystem {\n host_name = \"lb9\"\n time_zone = \"Asia/Shanghai\"\n}\n")
	s, err := sim.Read()
	if err != nil || s.HostName != "lb9" || s.Zone.Link != "/usr/share/zoneinfo/Asia/Shanghai" || len(s.Addresses) > 0 {
		t.Errorf("state is %+v, %v", s, err)
	}
	if n := must[NetworkInfo](d, by("ann"), "network.show", args{}); n.HostName != "lb9" || n.TimeZone != "Asia/Shanghai" || n.Managed {
		t.Errorf("network is %+v", n)
	}
}

func TestLeaseIsShown(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	n := networkInfo(netconf.Status{Lease: &netconf.Lease{Address: netip.MustParsePrefix("192.0.2.100/24"), Server: netip.MustParseAddr("192.0.2.1"),
		Routes: []netconf.Route{{To: netip.MustParsePrefix("10.0.0.0/8"), Gateway: netip.MustParseAddr("192.0.2.2")},
			{To: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.0.2.1")}},
		DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")}, Obtained: at, Expires: at.Add(time.Hour)}, Problems: []string{"one", "two"}}, nil)
	if l := n.Lease; l == nil || l.Address != "192.0.2.100/24" || !slices.Equal(l.Routers, []string{"192.0.2.1"}) || !l.Expires.Equal(at.Add(time.Hour)) || n.Problem != "one; two" {
		t.Errorf("network is %+v with the lease %+v", n, n.Lease)
	}
}
