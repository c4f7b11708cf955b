// SPDX-License-Identifier: Apache-2.0

package board

// An Assigned is a port of a board with the controller that it is. The zero NIC
// means that the machine has none for it.
type Assigned struct {
	Port Port
	NIC  NIC
}

// Found reports whether there is a controller for the port.
func (a Assigned) Found() bool { return a.NIC.Interface != "" }

// Assign tells which of the machine's network controllers each port of the board
// is, and which of them belong to no port. nics are in the order of their addresses,
// as [Identify] has them. An optional port without one is left out. A board that names no ports gets one for each controller.
func (b Board) Assign(nics []NIC) (ports []Assigned, rest []NIC) {
	taken := make([]bool, len(nics))
	for _, p := range b.Ports {
		a := Assigned{Port: p}
		if i := p.find(nics); i >= 0 && !taken[i] {
			a.NIC, taken[i] = nics[i], true
		}
		if p.Optional && !a.Found() {
			continue
		}
		ports = append(ports, a)
	}
	for i, n := range nics {
		switch {
		case taken[i]:
		case len(b.Ports) == 0:
			ports = append(ports, Assigned{Port{Name: n.Interface, Interface: n.Interface, PCI: n.Address, Driver: n.Driver}, n})
		default:
			rest = append(rest, n)
		}
	}
	return ports, rest
}

// find returns the index of the controller that p is, -1 if there is none.
func (p Port) find(nics []NIC) int {
	nth := 0
	for i, n := range nics {
		switch {
		case p.PCI != "":
			if n.Address == p.PCI {
				return i
			}
		case p.Bus != "":
			if n.Address == p.Bus {
				return i
			}
		case p.Interface != "":
			if n.Interface == p.Interface {
				return i
			}
		case p.Order > 0 && n.Driver == p.Driver:
			if nth++; nth == p.Order {
				return i
			}
		}
	}
	return -1
}
