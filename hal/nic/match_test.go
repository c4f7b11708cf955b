// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"fmt"
	"strings"
	"testing"
)

// hardware is what a box with three controllers has, and what else is there.
func hardware() []link {
	return []link{
		{index: 1, name: "lo", loopback: true},
		{index: 4, name: "enp2s0", device: "/devices/pci0000:00/0000:00:1c.1/0000:02:00.0", driver: "igb", ethernet: true, up: true},
		{index: 2, name: "enp1s0", device: "/devices/pci0000:00/0000:00:1c.0/0000:01:00.0", driver: "igb", ethernet: true, up: true, carrier: true},
		{index: 3, name: "ens3", device: "/devices/pci0000:00/0000:00:03.0/virtio0", driver: "virtio_net", ethernet: true},
		{index: 5, name: "end0", device: "/devices/platform/fe2a0000.ethernet", driver: "rk_gmac-dwmac", ethernet: true},
		{index: 6, name: "br0", up: true},
		{index: 7, name: "veth0", ethernet: true},
	}
}

// show writes rows as a table.
func show(rows []row) string {
	var b strings.Builder
	for _, r := range rows {
		name, state := "-", Missing
		if r.link != nil {
			name, state = r.link.name, r.link.state()
		}
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.match.Label, name, state, r.problem)))
	}
	return b.String()
}

func TestMatchesFindTheirLinks(t *testing.T) {
	for _, c := range []struct {
		name    string
		matches []Match
		want    string
	}{
		{"by everything", []Match{
			{Label: "mgmt", PCI: "0000:02:00.0"}, {Label: "1", PCI: "0000:01:00.0", Interface: "eth7"}, {Label: "2", PCI: "0000:00:03.0"}, {Label: "wan", Bus: "fe2a0000.ethernet"},
		}, "mgmt enp2s0 down\n1 enp1s0 up\n2 ens3 down\nwan end0 down\n"},
		{"by driver, in the order of the kernel", []Match{{Label: "a", Driver: "igb"}, {Label: "b", Driver: "igb"}, {Label: "c", Driver: "igb"}},
			"a enp1s0 up\nb enp2s0 no-carrier\nc - missing no interface is this port: driver igb is looked for\nend0 end0 down\nens3 ens3 down\n"},
		{"the second of a driver, though the first is somebody's", []Match{{Label: "a", PCI: "0000:01:00.0"}, {Label: "b", Driver: "igb", Order: 2}, {Label: "c", Driver: "igb", Order: 3}},
			"a enp1s0 up\nb enp2s0 no-carrier\nc - missing no interface is this port: driver igb is looked for\nend0 end0 down\nens3 ens3 down\n"},
		{"an optional one", []Match{{Label: "a", Driver: "igb"}, {Label: "b", Driver: "e1000", Optional: true}, {Label: "c", Driver: "igb", Order: 2, Optional: true}},
			"a enp1s0 up\nc enp2s0 no-carrier\nend0 end0 down\nens3 ens3 down\n"},
		{"a name with another driver", []Match{{Label: "1", Interface: "enp1s0", Driver: "e1000"}},
			"1 - missing no interface is this port: interface enp1s0, driver e1000 is looked for\nend0 end0 down\nens3 ens3 down\nenp1s0 enp1s0 up\nenp2s0 enp2s0 no-carrier\n"},
		{"a label that is another's name", []Match{{Label: "enp1s0", PCI: "0000:02:00.0"}},
			"enp1s0 enp2s0 no-carrier\nend0 end0 down\nens3 ens3 down\nif-enp1s0 enp1s0 up\n"},
		{"none: the hardware", nil, "end0 end0 down\nens3 ens3 down\nenp1s0 enp1s0 up\nenp2s0 enp2s0 no-carrier\n"},
		{"two for one", []Match{{Label: "1", Interface: "veth0"}, {Label: "2", Interface: "veth0"}},
			"1 veth0 down\n2 - missing no interface is this port: interface veth0 is looked for\nend0 end0 down\nens3 ens3 down\nenp1s0 enp1s0 up\nenp2s0 enp2s0 no-carrier\n"},
		{"nothing to look for", []Match{{Label: "1"}},
			"1 - missing no interface is this port: nothing that the board tells is looked for\nend0 end0 down\nens3 ens3 down\nenp1s0 enp1s0 up\nenp2s0 enp2s0 no-carrier\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := show(make(memory).rows(c.matches, hardware()))
			want := strings.ReplaceAll(c.want, "enp2s0 down", "enp2s0 no-carrier")
			if got != want {
				t.Errorf("rows:\n%swant:\n%s", got, want)
			}
		})
	}
}

func TestLoopbackIsNoPort(t *testing.T) {
	rows := make(memory).rows([]Match{{Label: "1", Interface: "lo"}}, []link{{index: 1, name: "lo", loopback: true}})
	if rows[0].link != nil {
		t.Error("the loopback is a port")
	}
}

func TestPortsAreBounded(t *testing.T) {
	var links []link
	for i := range 1000 {
		links = append(links, link{index: i + 1, name: fmt.Sprintf("eth%d", i), device: "/devices/x", ethernet: true})
	}
	if n := len(make(memory).rows(nil, links)); n != maxPorts {
		t.Errorf("there are %d ports, want %d", n, maxPorts)
	}
}

func TestCountersAreBounded(t *testing.T) {
	all := make(map[string]uint64)
	for i := range 2000 {
		all[fmt.Sprintf("q%04d", i)] = uint64(i % 2)
	}
	got := fewer(all)
	if len(got) != maxDriverCounters {
		t.Errorf("%d counters are told of, want %d", len(got), maxDriverCounters)
	}
	for n, v := range got {
		if v == 0 {
			t.Errorf("%s is told of, which is 0, before others that are not", n)
		}
	}
	if got := fewer(map[string]uint64{"a": 0}); len(got) != 1 {
		t.Errorf("few counters become %v", got)
	}
}
