// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"fmt"
	"slices"
)

// A tagged is a VLAN on a port. The kernel has one interface at most for each.
type tagged struct {
	Parent int `json:"parent"` // index of the port's interface
	ID     int `json:"id"`
}

// nameSize is how long a name of an interface may be: IFNAMSIZ, without the zero
// behind it.
const nameSize = 15

// seat returns the interface that has the addresses of a port: the port's own, or
// that of a VLAN on it.
func (s State) seat(port string, vlan int) (string, Link, bool) {
	link, there := s.Interfaces[port]
	switch {
	case vlan == 0:
		return port, link, there
	case !there:
		return "", Link{}, false
	}
	return s.vlan(tagged{link.Index, vlan})
}

// seatName is what people call a VLAN on a port.
func seatName(port string, vlan int) string { return fmt.Sprintf("%s.%d", port, vlan) }

// seat is the name of the interface that has the addresses, "" for a VLAN that is
// not there. The caller holds c.mu.
func (c *Conf) seat() string {
	name, _, _ := c.state.seat(c.desired.Interface, c.desired.VLAN)
	return name
}

// vlan returns the interface of a VLAN, whatever it is called.
func (s State) vlan(t tagged) (string, Link, bool) {
	for name, l := range s.Interfaces {
		if l.Parent == t.Parent && l.VLAN == t.ID {
			return name, l, true
		}
	}
	return "", Link{}, false
}

// vlanName returns a name for a new VLAN that no interface has. The usual one may be
// too long, or that of another port's VLAN which was called like this one once.
func (s State) vlanName(port string, t tagged) string {
	list := []string{fmt.Sprintf("%s.%d", port, t.ID), fmt.Sprintf("vlan%d", t.ID), fmt.Sprintf("v%d.%d", t.Parent, t.ID)}
	i := slices.IndexFunc(list, func(name string) bool {
		_, taken := s.Interfaces[name]
		return !taken && len(name) <= nameSize
	})
	return list[max(0, i)] // where all are taken, the kernel says so
}

// dropVLANs returns the steps that remove the VLANs of ours that are not wanted any
// more, and forgets those that are gone.
func (g goal) dropVLANs(s State, r *record) (steps []Step) {
	wanted := g.tagged(s)
	r.VLANs = slices.DeleteFunc(slices.Clone(r.VLANs), func(t tagged) bool {
		if slices.Contains(wanted, t) {
			return false
		}
		name, link, made := s.vlan(t)
		if made {
			steps = append(steps, Step{Kind: RemoveVLAN, Interface: s.name(t.Parent), Index: link.Index, Name: name, VLAN: t.ID})
		}
		return !made // else until it is gone
	})
	return steps
}
